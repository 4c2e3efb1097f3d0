"""A document of another program, read by the step of a plugin: records of today, spooled."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import entity_fields
from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.loading import Plugin
from bakeio_core.catalog.plugins.upgrades import DocumentUpgrade, upgrade_of
from bakeio_core.errors import BakeioError, DocumentError, PluginError, Problem, Problems, describe
from bakeio_core.errors import counted as _counted
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.encoding import encode_as_read
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.importing.reading.building import of_view
from bakeio_core.importing.reading.sources import Part, Source


class Foreign:
    """A file as a plugin's step reads it; see `ForeignDocument`.

    Args:
        document: The file.
        problems: Where is told what cannot be read of it.
    """

    files: Mapping[str, Foreign]

    def __init__(self, document: Document, catalog: Catalog, problems: Problems) -> None:
        self.document, self.catalog, self.problems = document, catalog, problems
        self.name, self.files = document.name, {}
        self.left_out, self.notes = Counter[str](), Counter[str]()

    @property
    def header(self) -> dict[str, Any]:
        return self.document.header

    def records(self) -> Iterator[dict[str, Any]]:
        for block in self.document.blocks() if self.document.has_records else ():
            for _, item in block.as_dicts(self.document.name):
                if isinstance(item, Problem):
                    self.problems.add(item)
                else:
                    yield item

    def has(self, entity: str, column: str) -> bool:
        known = self.catalog.entities.get(entity)
        return known is not None and column in known.columns

    def leave_out(self, field: str, why: str = "") -> None:
        self.left_out[f"{field} ({why})" if why else field] += 1

    def note(self, text: str) -> None:
        self.notes[text] += 1


class ForeignSet(Foreign):
    """A folder or a zip as a plugin's step reads it."""

    def __init__(self, opened: ExportSet, catalog: Catalog, problems: Problems) -> None:
        self.opened, self.catalog, self.problems = opened, catalog, problems
        self.name = opened.name
        self.left_out, self.notes = Counter[str](), Counter[str]()

    @property
    def header(self) -> dict[str, Any]:
        return self.opened.manifest

    @cached_property
    def files(self) -> dict[str, Foreign]:  # type: ignore[override]
        return {
            name: Foreign(self.opened.file(name), self.catalog, self.problems)
            for name in self.opened.store.names()
            if name.endswith(".json") and "/" not in name
        }

    def records(self) -> Iterator[dict[str, Any]]:
        return iter(())


def upgraded(document: Document, catalog: Catalog) -> Source | None:
    """Return a file that a plugin's step reads as a source, None where no step knows it.

    Raises:
        DocumentError: A step knows it and cannot read it.
        PluginError: Two steps would read it, or the one that does fails.
    """
    found = _step_of(document.name, document.header, catalog)
    if found is None:
        return None
    return _source(Foreign(document, catalog, Problems()), *found, catalog)


def upgraded_set(opened: ExportSet, catalog: Catalog) -> Source | None:
    """Return a folder or a zip that a plugin's step reads as a source; see `upgraded`."""
    found = _step_of(opened.name, opened.manifest, catalog)
    if found is None:
        return None
    problems = Problems()
    for problem in opened.store.problems():
        problems.add(problem)
    return _source(ForeignSet(opened, catalog, problems), *found, catalog)


def foreign_set(opened: ExportSet, catalog: Catalog) -> Problems | None:
    """Return what is said of another program's folder or zip instead of checking it as a set.

    None where it is a set of bakeio, or no step knows it.
    """
    if "manifest_version" in opened.manifest:
        return None
    found = _step_of(opened.name, opened.manifest, catalog)
    if found is None:
        return None
    problems, (_, upgrade) = Problems(), found
    message = (
        f"is {upgrade.name}, which has nothing that a set of bakeio is checked by. Import it as it "
        "is (bakeio import), or write the set it amounts to (bakeio convert) and check that"
    )
    problems.add(Problem(code="bad-manifest", file=opened.name, message=message))
    return problems


def _step_of(
    name: str, header: Mapping[str, Any], catalog: Catalog
) -> tuple[Plugin, DocumentUpgrade] | None:
    try:
        return upgrade_of(catalog.upgrades, header)
    except PluginError as error:
        raise PluginError(f"{name}: {error}") from error


def _source(foreign: Foreign, plugin: Plugin, upgrade: DocumentUpgrade, catalog: Catalog) -> Source:
    spool = _Spool()
    try:
        for target, record in upgrade.records(foreign):
            spool.write(upgrade.view or target, record)
    except BakeioError:
        raise
    except Exception as error:  # a stranger's function, and a document nobody promised anything of
        raise DocumentError(
            f"{foreign.name}: looks like {upgrade.name}, but cannot be read as that "
            f"({plugin}: {describe(error)})"
        ) from error
    for problem in _told(foreign, spool.counts, upgrade, catalog):
        foreign.problems.add(problem)
    if upgrade.view:
        if upgrade.view not in catalog.views:
            hint = packages.for_view(upgrade.view)
            raise DocumentError(
                f'{foreign.name}: is {upgrade.name}, for the view "{upgrade.view}", which is not '
                f"installed{hint}",
                code="unknown-view",
            )
        header = {"view_name": f"{upgrade.view}_complete"}
        document = spool.document(foreign.name, upgrade.view, header)
        source = of_view(document, catalog.views[upgrade.view], catalog, foreign.problems)
        source.read_as = upgrade.name
        return source
    parts = []
    for name, entity in catalog.entities.items():
        if name in spool.counts:
            document = spool.document(f"{foreign.name}: {name}", name, {"entity_type": name})
            parts.append(Part(entity, document, entity_fields(entity, catalog)))
    problems, name = foreign.problems, upgrade.name
    return Source(foreign.name, "entity", parts, problems=problems, read_as=name)


def _told(
    foreign: Foreign, counts: Mapping[str, int], upgrade: DocumentUpgrade, catalog: Catalog
) -> Iterator[Problem]:
    """Yield what is to be said of a document: how it is read, and what of it has no place here."""
    common: dict[str, Any] = {"code": "unknown-field", "file": foreign.name}
    read_as = f"is read as {upgrade.name}"
    yield Problem(**common | {"code": "bad-document"}, severity="note", message=read_as)
    for name, count in counts.items() if not upgrade.view else ():
        if name not in catalog.entities:
            verb = "has" if count == 1 else "have"
            message = f"{_counted(count, 'record')} of {name} {verb} no place here"
            message += packages.for_entity(name) or ": no such entity is installed"
            yield Problem(
                **common | {"code": "unknown-entity"}, severity="warning", message=message
            )
    for text, count in foreign.notes.items():
        message = f"{text}, in {_counted(count, 'record')}"
        yield Problem(**common | {"code": "bad-document"}, severity="note", message=message)
    for field, count in foreign.left_out.items():
        message = f"{field} has no place here: left out of {_counted(count, 'record')}"
        yield Problem(**common, severity="warning", message=message)


class _Spool:
    """Records by their entity or view, each in a temporary file that goes with its document."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._folder = tempfile.TemporaryDirectory(prefix="bakeio-")
        self._files: dict[str, IO[bytes]] = {}

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        joint = b",\n" if self.counts[name] else b""
        self._file(name).write(joint + encode_as_read(dict(record)))
        self.counts[name] += 1

    def _file(self, name: str) -> IO[bytes]:
        if name not in self._files:
            path = Path(self._folder.name, f"{len(self._files)}.json")
            self._files[name] = open(path, "wb")
            self._files[name].write(b'{"records": [\n')
        return self._files[name]

    def document(self, name: str, spooled: str, header: dict[str, Any]) -> Document:
        """Return what was written of one name as a document with a header."""
        file = self._file(spooled)
        close = json.dumps(header).encode().removeprefix(b"{")
        file.write(b"\n  ],\n  " + close)
        file.close()
        return Document(name, partial(_open, self._folder, Path(file.name)))


def _open(folder: tempfile.TemporaryDirectory[str], path: Path) -> IO[bytes]:
    """Open a file of a folder that stays as long as somebody may read from it."""
    return open(path, "rb")
