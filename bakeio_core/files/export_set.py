"""A normalized set: manifest and one file per entity, as a folder or a zip. Open it, check it, without a database."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.errors import DocumentError, Problem, Problems
from bakeio_core.files.archive import Archive, Folder, Store, in_ascii, is_safe
from bakeio_core.files.closure import Closure
from bakeio_core.files.documents import Document
from bakeio_core.files.limits import Limits
from bakeio_core.files.manifest import (
    APPLICATION,
    ENTRY,
    MANIFEST,
    Listed,
    checksum_problem,
    counted,
    version_problem,
)
from bakeio_core.files.output import Foreign, named, settle_missing
from bakeio_core.files.scanner import DECODER, Duplicated, explain_json
from bakeio_core.values.wording import shown


def differences(one: Path, other: Path) -> Iterator[str]:
    """Yield what is not the same in two sets' folders, their export ids and times aside: the files, and the first other line of each."""
    names = [
        {path.name for path in folder.iterdir() if path.name != MANIFEST} for folder in (one, other)
    ]
    for name in sorted(names[0] ^ names[1]):
        yield f"{name} is in one of them only"
    for name in sorted(names[0] & names[1]):
        with open(one / name, "rb") as first, open(other / name, "rb") as second:
            for line, (ours, theirs) in enumerate(zip_longest(first, second), 1):
                own = (b'  "export_id"', b'  "exported_at"')
                if ours != theirs and not (
                    ours and theirs and ours.startswith(own) and theirs.startswith(own)
                ):
                    yield f"{name}, line {line}: {shown((ours or b'').decode())} became {shown((theirs or b'').decode())}"
                    break


class ExportSet:
    """A normalized set opened for reading: `manifest`, `files` in import order, `document(listed)`.

    Raises DocumentError with the code of the contract where there is no manifest to go by; every other fault is a `Problem`
    of `structure()`.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self.limits = store, limits
        self.manifest = self._read_manifest()
        self.faults: list[Problem] = []
        self._refused: set[str] = set()
        self.files = sorted(self._read_files(), key=lambda listed: listed.order)

    @classmethod
    def open(cls, path: Path, limits: Limits | None = None) -> ExportSet:
        """Open a folder, a zip, or the manifest of a set."""
        limits = limits or Limits()
        settle_missing(path)
        if not path.exists():
            raise DocumentError(f"{path}: there is no such file or folder", code="missing-file")
        if path.is_dir():
            return cls(Folder(path), limits)
        if zipfile.is_zipfile(path) or path.suffix.lower() == ".zip":
            return cls(Archive(path, limits), limits)
        if path.name != MANIFEST:
            hint = f"name the set's folder, zip or {MANIFEST}; a single file is for: bakeio import {path}"
            raise DocumentError(f"{path}: is no set: {hint}", code="bad-document")
        return cls(Folder(path.parent), limits)

    @property
    def name(self) -> str:
        return self.store.name

    @property
    def aliases(self) -> list[dict[str, Any]]:
        """What was learned of names in the database the set is of: entity, key, and target by uuid or key; what makes no sense is left out."""
        found = self.manifest.get("aliases")
        good = {"entity": str, "key": dict, "target": dict}
        return [
            item for item in (found if isinstance(found, list) else ()) if isinstance(item, dict)
            and all(isinstance(item.get(name), kind) and item[name] for name, kind in good.items())
            and not any(isinstance(value, (list, dict)) for value in item["key"].values())
        ]  # fmt: skip

    def _read_manifest(self) -> dict[str, Any]:
        if MANIFEST not in self.store.names():
            raise DocumentError(
                f"{self.store.name}: has no {MANIFEST}: is it the folder or zip that export-complete wrote?",
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
        if not isinstance(manifest, dict) or isinstance(manifest, Duplicated):
            what = (
                f'the field "{manifest.name}" stands twice'
                if isinstance(manifest, Duplicated)
                else "is not an object {...}"
            )
            raise DocumentError(f"{MANIFEST}: {what}", code="bad-manifest")
        if not isinstance(manifest.get("files"), list):
            raise DocumentError(f'{MANIFEST}: has no list "files"', code="bad-manifest")
        if len(manifest["files"]) > self.limits.members:
            raise DocumentError(
                f"{MANIFEST}: lists {len(manifest['files'])} files: at most {self.limits.members} are taken",
                code="too-large",
            )
        return manifest

    def _read_files(self) -> Iterator[Listed]:
        for place, item in enumerate(self.manifest["files"], 1):
            try:
                if not isinstance(item, dict) or isinstance(item, Duplicated):
                    raise TypeError("to be an object {...}")
                for name, (kind, noun) in ENTRY.items():
                    if not isinstance(item.get(name), kind) or isinstance(item.get(name), bool):
                        raise TypeError(f'"{name}", {noun}')
                dependencies = tuple(str(name) for name in item["dependencies"])
                yield Listed(
                    item["filename"],
                    item["entity_type"],
                    item["record_count"],
                    item["checksum_sha256"],
                    item["import_order"],
                    dependencies,
                )
            except TypeError as error:
                self.faults.append(
                    Problem(
                        code="bad-manifest",
                        file=MANIFEST,
                        message=f"entry {place} of files must have {error}",
                    )
                )

    def document(self, listed: Listed) -> Document:
        return Document(listed.filename, lambda: self.store.open(listed.filename), self.limits)

    def structure(self, catalog: Catalog) -> Problems:
        """Check everything but the contents of the files: names, links, sizes, versions, order, what is missing or too much."""
        problems = Problems()
        refused = list(self.store.problems())
        prefix = getattr(self.store, "prefix", "")
        self._refused = {
            (problem.file or "").removeprefix(prefix)
            for problem in refused
            if problem.code in ("symlink", "too-large")
        }
        for problem in [*self.faults, *refused, *self._versions(self.manifest, MANIFEST)]:
            problems.add(problem)
        there, listed_names = set(self.store.names()), [listed.filename for listed in self.files]
        for listed in self.files:
            for problem in self._file_problems(listed, there, catalog):
                problems.add(problem)
        for name in sorted(name for name, times in Counter(listed_names).items() if times > 1):
            problems.add(
                Problem(code="bad-manifest", file=MANIFEST, message=f"lists {in_ascii(name)} twice")
            )
        for name in sorted(there - set(listed_names) - {MANIFEST}):
            if is_safe(name):
                message = "is in the set but not in its manifest: move it elsewhere"
                problems.add(Problem(code="unexpected-file", file=in_ascii(name), message=message))
        self._check_order(problems, catalog)
        return problems

    def _file_problems(
        self, listed: Listed, there: set[str], catalog: Catalog
    ) -> Iterator[Problem]:
        name = listed.filename
        if not is_safe(name) or "/" in name or "\\" in name:
            yield Problem(
                code="unsafe-path",
                file=MANIFEST,
                value=name,
                message=f'lists "{in_ascii(name)}": only names of files beside it are read',
            )
        elif name not in there:
            yield Problem(
                code="missing-file",
                file=name,
                message="is listed in the manifest but not there: get a complete copy of the set",
            )
        elif name not in self._refused:
            yield from self._header_problems(listed)
        if listed.entity not in catalog.entities:
            why = catalog.disabled.get(listed.entity) or (
                "its plugin is blocked" if listed.entity in catalog.blocked else None
            )
            message = f'"{in_ascii(listed.entity)}" is {"disabled: " + why if why else "no installed entity: install its plugin, or remove the file"}'
            yield Problem(
                code="blocked" if why else "unknown-entity",
                file=in_ascii(name),
                entity=listed.entity,
                message=message,
            )

    def _header_problems(self, listed: Listed) -> Iterator[Problem]:
        try:
            header = self.document(listed).header
        except DocumentError as error:
            yield Problem(
                code=error.code or "bad-document",
                file=listed.filename,
                message=_after_name(error, listed.filename),
            )
            return
        except OSError as error:
            yield Problem(
                code="io-error", file=listed.filename, message=f"cannot be read: {error.strerror}"
            )
            return
        if header.get("entity_type") != listed.entity:
            message = (
                f'holds "{header.get("entity_type")}", while the manifest says "{listed.entity}"'
            )
            yield Problem(code="bad-manifest", file=listed.filename, message=message)
        yield from self._versions(header, listed.filename)

    def _versions(self, header: dict[str, Any], file: str) -> Iterator[Problem]:
        ours = self.manifest.get("application") == APPLICATION
        for field in ("manifest_version", "file_version", "schema_version"):
            if field in header and (field != "schema_version" or ours):
                problem = version_problem(header, field, file)
                if problem:
                    yield problem

    def _check_order(self, problems: Problems, catalog: Catalog) -> None:
        """The files of a set are read in the order of `import_order`; what an entity refers to must come before it."""
        place = {listed.entity: listed.order for listed in self.files}
        if len(place) < len(self.files):
            problems.add(Problem(code="bad-order", file=MANIFEST, message="lists an entity twice"))
        orders = [listed.order for listed in self.files]
        if len(set(orders)) < len(orders):
            problems.add(
                Problem(
                    code="bad-order", file=MANIFEST, message="gives two files the same import_order"
                )
            )
        for listed in self.files:
            known = catalog.entities.get(listed.entity)
            needs = set(listed.dependencies) | set(catalog.dependencies(known) if known else ())
            for name in sorted(needs):
                if name in place and name != listed.entity and place[name] >= listed.order:
                    message = f"puts {listed.entity} (import_order {listed.order}) before {name} ({place[name]}), which it depends on"
                    problems.add(
                        Problem(
                            code="bad-order", file=MANIFEST, entity=listed.entity, message=message
                        )
                    )

    def verify(self, catalog: Catalog) -> Problems:
        """Check the whole set: `structure`, then every byte and record of its files, and that every reference finds its row in it."""
        problems = self.structure(catalog)
        closure = Closure(catalog, {listed.entity for listed in self.files})
        broken = {
            problem.file for problem in problems if problem.code in ("missing-file", "unsafe-path")
        } | self._refused
        there = set(self.store.names())
        for listed in reversed(
            {listed.filename: listed for listed in reversed(self.files)}.values()
        ):
            if listed.filename not in broken and listed.filename in there:
                self._verify_file(listed, problems, closure)
        unread = {
            p.file
            for p in problems
            if p.severity == "error"
            and p.code not in ("checksum-mismatch", "count-mismatch", "version-too-new")
        }
        unknown = {
            listed.entity
            for listed in self.files
            if listed.filename in unread or not is_safe(listed.filename)
        }
        for problem in closure.problems(unknown):
            problems.add(problem)
        return problems

    def _verify_file(self, listed: Listed, problems: Problems, closure: Closure) -> None:
        sha, count, document = hashlib.sha256(), 0, self.document(listed)
        known = {
            problem.file
            for problem in problems
            if problem.code in ("bad-document", "truncated", "bad-json", "io-error")
        }
        try:
            for block in document.blocks(sha.update):
                records = closure.read(listed, block)
                for item in records:
                    if isinstance(item, Problem):
                        problems.add(item)
                count += len(records)
        except DocumentError as error:
            if listed.filename not in known:
                problems.add(
                    Problem(
                        code=error.code or "bad-document",
                        file=listed.filename,
                        message=_after_name(error, listed.filename),
                    )
                )
            return  # its checksum would only say the same again
        except OSError as error:
            problems.add(
                Problem(
                    code="io-error",
                    file=listed.filename,
                    message=f"cannot be read: {error.strerror}",
                )
            )
            return
        for problem in counted(document.header, listed, count):
            problems.add(problem)
        if sha.hexdigest() != listed.sha256.lower():
            problems.add(checksum_problem(listed.filename))


# -- what an export may replace
def not_a_set(folder: Path) -> str | None:
    """Say why a folder must not be replaced: None where it is empty, or holds a manifest of bakeio, files it lists and nothing else."""
    entries = list(os.scandir(folder))
    odd = [entry.name for entry in entries if not entry.is_file(follow_symlinks=False)]
    return _not_of_a_set(
        Folder(folder), odd or [entry.name for entry in entries], certain=bool(odd)
    )


def not_an_archive(file: Path) -> str | None:
    """Say why a file must not be replaced: None where it is a zip of such a set and of nothing else."""
    with open(file, "rb") as begin:
        if (
            begin.read(4) != b"PK\3\4"
        ):  # an archive that begins later is somebody's program or database with one behind it
            return "is no archive that bakeio wrote"
    try:
        archive = Archive(file, Limits())
    except DocumentError:
        return "is no archive that bakeio wrote"
    with archive.zip:
        odd = [problem.file or "" for problem in archive.problems()]
        names = [
            info.filename.removeprefix(archive.prefix) or info.filename
            for info in archive.zip.infolist()
        ]
        return _not_of_a_set(
            archive, odd or [name for name in names if name != archive.prefix], certain=bool(odd)
        )


def unforced(foreign: Foreign) -> Foreign:
    """Without `--force` nothing that is there is replaced; what it would replace is told."""
    return lambda path: foreign(path) or "exists already (--force replaces it)"


def _not_of_a_set(store: Store, names: list[str], *, certain: bool) -> str | None:
    """Name those of the names that are not of the set in a store; certain: they cannot be."""
    others = names if certain else sorted(set(names) - _written(store)) if names else []
    return f"holds {named(others)}, which no export of bakeio wrote" if others else None


def _written(store: Store) -> set[str]:
    """Return the names of the files of a set as bakeio writes it; none where there is no such set."""
    try:
        opened = ExportSet(store, Limits())
    except DocumentError:
        return set()
    if opened.manifest.get("application") != APPLICATION:
        return set()
    plain = [listed for listed in opened.files if re.fullmatch(r"\w+", listed.entity)]
    return {
        MANIFEST,
        *(
            listed.filename
            for listed in plain
            if listed.filename == f"{listed.order:02d}_{listed.entity}.json"
        ),
    }


def _after_name(error: DocumentError, name: str) -> str:
    return str(error).removeprefix(f"{name}: ")
