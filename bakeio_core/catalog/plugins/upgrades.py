"""How plugins read documents of other programs, or of an older time, as records of today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bakeio_core.catalog.entities.arguments import refuse_arguments
from bakeio_core.catalog.plugins.loading import Plugin, Plugins
from bakeio_core.errors import PluginError, describe

HOOK = "bakeio_document_upgrades"
Told = Mapping[str, Any]


class ForeignDocument(Protocol):
    """A document that bakeio itself does not read.

    Attributes:
        name: what messages call it.
        header: everything of a file but the list `records`, other lists too; of a folder or a zip
            its manifest.
        files: of a folder or a zip {name: document} of the JSON files in it; of a file nothing.
    """

    @property
    def name(self) -> str: ...
    @property
    def header(self) -> Told: ...
    @property
    def files(self) -> Mapping[str, ForeignDocument]: ...

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield what stands in its list `records`, in order, numbers as `Decimal` or int."""
        ...

    def has(self, entity: str, column: str) -> bool:
        """Tell whether an entity is installed, and has a column."""
        ...

    def leave_out(self, field: str, why: str = "") -> None:
        """Report that something of a record is left out: once for each field, with a count.

        Args:
            field: such as `ovens: wheels`.
            why: the reason, if it is not clear.
        """
        ...

    def note(self, text: str) -> None:
        """Report how something of a record was read: once, with a count.

        Args:
            text: such as `an empty weight is read as 0`.
        """
        ...


@dataclass(frozen=True)
class DocumentUpgrade:
    """Read a document of another program, or of an older time, as records of today.

    Args:
        name: what it reads, in words, such as "a backup of the till".
        recognises: function(header) that tells by what stands in it whether it is one.
        records: function(document) that yields (entity, record), a record as in that entity's
            file. What it says in fields the entity has not, and records of entities that are not
            installed, are told with their number. `id` and references to it count within the
            document alone.
        view: where the document is somebody's edits of rows that are there: the view they are of;
            then each record is one of that view, and the entity beside it says nothing.

    >>> from bakeio_core import DocumentUpgrade
    >>> def heats(document):
    ...     for heat in document.header["heats"]:
    ...         yield "ovens", {"slug": heat["oven"], "title": heat["name"]}
    >>> log = DocumentUpgrade("an oven log", lambda header: "heats" in header, heats)
    """

    name: str
    recognises: Callable[[Told], bool]
    records: Callable[[ForeignDocument], Iterable[tuple[str, Told]]]
    view: str = ""

    def __post_init__(self) -> None:
        refuse_arguments(self, f'DocumentUpgrade "{self.name}"')


def declared_upgrades(plugins: Plugins) -> list[tuple[Plugin, DocumentUpgrade]]:
    """Ask every plugin which documents it reads; one that raises is failed with its reason."""
    found: list[tuple[Plugin, DocumentUpgrade]] = []
    for plugin in plugins.implementing(HOOK):
        try:
            declared = plugins.call(plugin, HOOK)
            wrong = next((d for d in declared if not isinstance(d, DocumentUpgrade)), None)
            if wrong is not None:
                raise PluginError(f"{HOOK} returned {type(wrong).__name__}, not a DocumentUpgrade")
        except Exception as error:  # a stranger's function
            plugins.fail(plugin, describe(error), error)
        else:
            found += [(plugin, upgrade) for upgrade in declared]
    return found


def upgrade_of(
    upgrades: Iterable[tuple[Plugin, DocumentUpgrade]], header: Told
) -> tuple[Plugin, DocumentUpgrade] | None:
    """Return what reads a document with a header, None where nothing does.

    Raises:
        PluginError: More than one would, or one fails.
    """
    found = []
    for plugin, upgrade in upgrades:
        try:
            if upgrade.recognises(header):
                found.append((plugin, upgrade))
        except Exception as error:  # a stranger's function
            raise PluginError(f"{plugin}: {upgrade.name}: {describe(error)}") from error
    if len(found) > 1:
        whose = " and ".join(f"{upgrade.name} ({plugin})" for plugin, upgrade in found)
        raise PluginError(f"may be {whose}: leave one of the plugins out with --block NAME")
    return found[0] if found else None
