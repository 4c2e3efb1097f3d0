"""What an export may replace: nothing but an earlier export."""

from __future__ import annotations

import os
import re
from pathlib import Path

from bakeio_core.errors import DocumentError
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.leftovers import named
from bakeio_core.files.output import Foreign
from bakeio_core.files.sets.archive import Archive, Folder, Store
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.manifest import APPLICATION, MANIFEST

_NOT_OURS = "is not an archive that bakeio wrote"


def not_a_set(folder: Path) -> str | None:
    """Say why a folder must not be replaced.

    Returns:
        None where it is empty, or holds a manifest of bakeio, files it lists and nothing else.
    """
    entries = list(os.scandir(folder))
    odd = [entry.name for entry in entries if not entry.is_file(follow_symlinks=False)]
    return _not_of_a_set(Folder(folder), odd, [entry.name for entry in entries])


def not_an_archive(file: Path) -> str | None:
    """Say why a file must not be replaced: None where it is a zip of a set and nothing else."""
    with open(file, "rb") as begin:
        # an archive that begins later is somebody's program or database with one behind it
        if begin.read(4) != b"PK\3\4":
            return _NOT_OURS
    try:
        archive = Archive(file, Limits())
    except DocumentError:
        return _NOT_OURS
    with archive.zip:
        odd = [problem.file or "" for problem in archive.problems()]
        prefix = archive.prefix
        names = [info.filename for info in archive.zip.infolist() if info.filename != prefix]
        return _not_of_a_set(archive, odd, [name.removeprefix(prefix) for name in names])


def unforced(foreign: Foreign) -> Foreign:
    """Without `--force` nothing that is there is replaced; what it would replace is told."""
    return lambda path: foreign(path) or "exists already (--force replaces it)"


def _not_of_a_set(store: Store, odd: list[str], names: list[str]) -> str | None:
    """Name what is not of the set in a store: the odd ones, else those of the names it lacks."""
    others = odd or (sorted(set(names) - _written(store)) if names else [])
    return f"holds {named(others)}, which no export of bakeio wrote" if others else None


def _written(store: Store) -> set[str]:
    """Return the names of the files of a set bakeio wrote; none where there is no such set."""
    try:
        opened = ExportSet(store, Limits())
    except DocumentError:
        return set()
    if opened.manifest.get("application") != APPLICATION:
        return set()
    listed = {
        item.filename
        for item in opened.files
        if re.fullmatch(r"\w+", item.entity) and item.filename == item.written_as
    }
    return {MANIFEST, *listed}
