"""A set without some of its entities, and without what cannot do without those."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.keys.omitting import references_into, with_dependents
from bakeio_core.errors import Problem, UsageError
from bakeio_core.files.sets.archive import in_ascii
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.manifest import Listed
from bakeio_core.values.wording import listed as listed_in_words


def narrowed(opened: ExportSet, names: Collection[str], catalog: Catalog) -> ExportSet:
    """Return a set without some entities; its `notes` say what else that leaves out.

    Args:
        opened: The set.
        names: Those entities.
        catalog: What is installed.

    Raises:
        UsageError: The set has no such entity.
    """
    asked = {name.replace("-", "_") for name in names}
    there = {item.entity: item for item in opened.files}
    for name in sorted(asked - there.keys()):
        has = ", ".join(map(in_ascii, there)) or "none"
        raise UsageError(f'{opened.name} has no entity "{name}" to leave out; it has {has}')
    gone = _with_strangers(with_dependents(asked, catalog.entities), there, catalog)
    rest = opened.without(gone)
    rest.notes = [*_dependents(asked, gone, there), *_references(rest, gone, catalog)]
    return rest


def _with_strangers(gone: set[str], there: Mapping[str, Listed], catalog: Catalog) -> set[str]:
    """Add the entities that are not installed and depend on one that is left out."""
    strangers = [item for name, item in there.items() if name not in catalog.entities]
    while more := {item.entity for item in strangers if {*item.dependencies} & gone} - gone:
        gone = with_dependents(gone | more, catalog.entities)
    return gone


def _dependents(asked: set[str], gone: set[str], there: Mapping[str, Listed]) -> Iterator[Problem]:
    also = [in_ascii(name) for name in there if name in gone - asked]
    if also:
        verb = "is" if len(also) == 1 else "are"
        message = (
            f"{listed_in_words(also)} {verb} left out as well: without "
            f"{listed_in_words(sorted(asked))} there is nothing that the rows could refer to"
        )
        yield Problem(code="missing-reference", severity="note", message=message)


def _references(rest: ExportSet, gone: set[str], catalog: Catalog) -> Iterator[Problem]:
    for item, *_ in rest.by_entity.values():
        entity = catalog.entities.get(item.entity)
        found = references_into(entity, gone) if entity is not None else {}
        for column, target in found.items():
            message = (
                f"is left out with {in_ascii(target)}: rows that are there keep what they have, "
                "new ones get none"
            )
            yield Problem(
                code="missing-reference",
                severity="note",
                file=in_ascii(item.filename),
                entity=item.entity,
                field=column,
                message=message,
            )
