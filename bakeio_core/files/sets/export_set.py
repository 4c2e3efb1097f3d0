"""A normalized set: manifest and one file per entity, as a folder or a zip.

It is opened without a database. `verify` checks it, `replaceable` tells it from a stranger's files.
"""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bakeio_core.errors import DocumentError, Problem
from bakeio_core.files.documents.composed.parted import PartedDocument
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.documents.scanner import DECODER, Duplicated, explain_json
from bakeio_core.files.documents.streams import is_stream
from bakeio_core.files.leftovers import settle_missing
from bakeio_core.files.sets.archive import Archive, Folder, Store
from bakeio_core.files.sets.manifest import ENTRY, MANIFEST, PARTED, Listed
from bakeio_core.files.sets.origin import GAP
from bakeio_core.values.wording import shown

_OF_THE_RUN = (b'  "export_id"', b'  "exported_at"', b'  "database_id"')
"""How the lines begin that differ in two exports of the same data."""


def differences(one: Path, other: Path) -> Iterator[str]:
    """Yield what is not the same in two sets' folders, their export ids and times aside.

    Returns:
        One line for each file that only one of them has, and for the first other line of each file.
    """
    ours, theirs = (
        {path.name for path in folder.iterdir() if path.name != MANIFEST} for folder in (one, other)
    )
    for name in sorted(ours ^ theirs):
        yield f"{name} is in one of them only"
    for name in sorted(ours & theirs):
        with open(one / name, "rb") as first, open(other / name, "rb") as second:
            for line, (before, after) in enumerate(zip_longest(first, second, fillvalue=b""), 1):
                of_the_run = before.startswith(_OF_THE_RUN) and after.startswith(_OF_THE_RUN)
                if before != after and not of_the_run:
                    was, became = shown(before.decode()), shown(after.decode())
                    yield f"{name}, line {line}: {was} became {became}"
                    break


class ExportSet:
    """A normalized set opened for reading.

    Every fault beside that of a missing manifest is a `Problem` of `verify.structure`.

    Attributes:
        manifest: what `manifest.json` holds.
        files: what it lists, in import order.
        faults: what is wrong with its list of files.
        left_out: what it lists besides and is not read, see `without`.
        notes: what is told of that.

    Raises:
        DocumentError: with the code of the contract where there is no manifest to go by.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self.limits = store, limits
        self.manifest = self._read_manifest()
        self.faults: list[Problem] = []
        self.files = sorted(self._read_files(), key=lambda listed: listed.order)
        self.left_out: list[Listed] = []
        self.notes: list[Problem] = []

    @classmethod
    def open(cls, path: Path, limits: Limits | None = None) -> ExportSet:
        """Open a folder, a zip, or the manifest of a set."""
        limits = limits or Limits()
        settle_missing(path)
        if not path.exists():
            raise DocumentError(f"{path}: there is no such file or folder", code="missing-file")
        if is_stream(path):
            said = "is a pipe or a device: name the folder, the zip or the manifest of a set"
            raise DocumentError(f"{path}: {said}", code="bad-document")
        if path.is_dir():
            return cls(Folder(path), limits)
        if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
            return cls(Archive(path, limits), limits)
        if path.name != MANIFEST:
            raise DocumentError(
                f"{path}: is not a set: name the set's folder, zip or {MANIFEST}; "
                f"a single file is for: bakeio import {path}",
                code="bad-document",
            )
        return cls(Folder(path.parent), limits)

    def without(self, entities: Collection[str]) -> ExportSet:
        """Return the set without the files of some entities."""
        rest = copy.copy(self)
        rest.files = [listed for listed in self.files if listed.entity not in entities]
        gone = [listed for listed in self.files if listed.entity in entities]
        rest.left_out = [*self.left_out, *gone]
        return rest

    @property
    def by_entity(self) -> dict[str, list[Listed]]:
        """What it lists, by entity: one file of each, or its parts in order."""
        found = dict[str, list[Listed]]()
        for listed in sorted(self.files, key=lambda listed: (listed.order, listed.part)):
            found.setdefault(listed.entity, []).append(listed)
        return found

    @property
    def name(self) -> str:
        """The name of the folder or zip."""
        return self.store.name

    @property
    def aliases(self) -> list[dict[str, Any]]:
        """What was learned of names in the database the set is of.

        Each has `entity`, `key`, and `target` by uuid or key; what makes no sense is left out.
        """
        found = self.manifest.get("aliases")
        return [item for item in found if _is_alias(item)] if isinstance(found, list) else []

    @property
    def layouts(self) -> list[Any]:
        """What was learned of the headings of other people's sheets, as it stands there."""
        found = self.manifest.get("layouts")
        return found if isinstance(found, list) else []

    @property
    def database_kind(self) -> str | None:
        """The kind of database the set is of, such as `sqlite`; None where it does not say."""
        said = self.manifest.get("database_kind")
        return said if isinstance(said, str) else None

    @property
    def days(self) -> str | None:
        """The range of days the set is limited to, such as `2025-01-01..`; None for all."""
        options = self.manifest.get("export_options")
        limits = options.get("date_range") if isinstance(options, dict) else None
        if not isinstance(limits, dict):
            return None
        since, until = limits.get("since"), limits.get("until")
        return f"{since or ''}..{until or ''}" if since or until else None

    @property
    def is_visible_only(self) -> bool:
        """Whether policies of the database may have hidden rows from who exported the set."""
        return bool(self.manifest.get("visible_only"))

    @property
    def gaps(self) -> list[dict[str, Any]]:
        """The cells that are null in the set because no file can hold what is stored in them.

        Each has `entity`, `field` and the `id` of the row; what makes no sense is left out.
        """
        found = self.manifest.get("gaps")
        return [
            item
            for item in (found if isinstance(found, list) else [])
            if isinstance(item, dict)
            and all(isinstance(item.get(name), kind) for name, kind in GAP.items())
            and item["entity"] not in {listed.entity for listed in self.left_out}
        ]

    def _read_manifest(self) -> dict[str, Any]:
        if MANIFEST not in self.store.names():
            raise DocumentError(
                f"{self.store.name}: has no {MANIFEST}: "
                "is it the folder or zip that export-complete wrote?",
                code="missing-file",
            )
        with self.store.open(MANIFEST) as file:
            data = file.read(self.limits.manifest + 1)
        if len(data) > self.limits.manifest:
            raise DocumentError(
                f"{MANIFEST}: is larger than {self.limits.manifest >> 20} MiB", code="too-large"
            )
        try:
            manifest = DECODER.decode(data.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"{MANIFEST}: {explain_json(error)}", code="bad-manifest") from None
        wrong = None
        if isinstance(manifest, Duplicated):
            wrong = f'the field "{manifest.name}" appears twice'
        elif not isinstance(manifest, dict):
            wrong = "is not an object {...}"
        elif not isinstance(manifest.get("files"), list):
            wrong = 'has no list "files": is it the one that export-complete wrote?'
        if wrong:
            raise DocumentError(f"{MANIFEST}: {wrong}", code="bad-manifest")
        count, most = len(manifest["files"]), self.limits.members
        if count > most:
            message = f"{MANIFEST}: lists {count} files: at most {most} are taken"
            raise DocumentError(message, code="too-large")
        return manifest  # type: ignore[no-any-return]

    def _read_files(self) -> Iterator[Listed]:
        for place, item in enumerate(self.manifest["files"], 1):
            try:
                yield _listed(item)
            except TypeError as error:
                message = f"entry {place} of files must have {error}"
                self.faults.append(Problem(code="bad-manifest", file=MANIFEST, message=message))

    def document(self, listed: Listed) -> Document:
        """Return one of its files, to be read."""
        return self.file(listed.filename)

    def whole(self, several: Sequence[Listed]) -> Document:
        """Return the files of one entity, to be read as one document."""
        files = [self.document(listed) for listed in several]
        return files[0] if len(files) == 1 else PartedDocument(files)

    def file(self, name: str) -> Document:
        """Return a file in it, whether it is listed or not, to be read."""
        return Document(name, lambda: self.store.open(name), self.limits)


def _is_alias(item: Any) -> bool:
    types = {"entity": str, "key": dict, "target": dict}
    return (
        isinstance(item, dict)
        and all(isinstance(item.get(name), kind) and item[name] for name, kind in types.items())
        and not any(isinstance(value, (list, dict)) for value in item["key"].values())
    )


def _listed(item: Any) -> Listed:
    """Return an entry of the manifest's files. Raises TypeError saying what it must have."""
    if not isinstance(item, dict) or isinstance(item, Duplicated):
        raise TypeError("to be an object {...}")
    wanted = {**ENTRY, **{name: kind for name, kind in PARTED.items() if name in item}}
    for name, (kind, noun) in wanted.items():
        if not isinstance(item.get(name), kind) or isinstance(item.get(name), bool):
            raise TypeError(f'"{name}", {noun}')
    return Listed(
        item["filename"],
        item["entity_type"],
        item["record_count"],
        item["checksum_sha256"],
        item["import_order"],
        tuple(map(str, item["dependencies"])),
        _text(item.get("distribution")),
        _text(item.get("distribution_version")),
        item.get("part", 0),
        item.get("parts", 0),
    )


def _text(said: Any) -> str:
    return said if isinstance(said, str) else ""
