"""Where the files of a set lie: a folder or a zip, neither of them trusted."""

from __future__ import annotations

import os
import posixpath
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from bakeio_core.errors import DocumentError, Problem
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.sets.manifest import MANIFEST

_LITTER = {
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin"),
    *("system volume information", "lost+found", "@eadir"),
}


def is_litter(name: str) -> bool:
    """Tell whether a file is what a file system or its browser leaves beside those of people.

    It is none of a set, is not read, and does no harm. So is what is hidden, as in a folder, and
    what office programs lay beside an open file; a name that leads elsewhere is none of them.
    """
    parts = re.split(r"[/\\]", name)
    if ".." in parts:
        return False
    return any(part.lower() in _LITTER or part.startswith((".", "~$")) for part in parts)


class Store(Protocol):
    """Where the files of a set lie."""

    name: str

    def names(self) -> list[str]: ...
    def open(self, name: str) -> IO[bytes]: ...
    def problems(self) -> Iterator[Problem]: ...


class Folder:
    """A folder; only the files at its top are of the set.

    Where there is no manifest, and one folder is all there is, as archives unpack, it is that.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name or str(path)
        names = self.names()
        if len(names) == 1 and names != [MANIFEST]:
            inside = path / names[0]
            if not inside.is_symlink() and (inside / MANIFEST).is_file():
                self.path = inside

    def names(self) -> list[str]:
        return sorted(
            entry.name
            for entry in os.scandir(self.path)
            if not entry.name.startswith(".") and not is_litter(entry.name)
        )

    def open(self, name: str) -> IO[bytes]:
        return open(self.path / name, "rb")

    def problems(self) -> Iterator[Problem]:
        for entry in os.scandir(self.path):
            if entry.is_symlink() and not is_litter(entry.name):
                yield Problem(
                    code="symlink",
                    file=entry.name,
                    message="is a symbolic link: put the file itself there",
                )


class Archive:
    """A zip; the manifest stands at its top or in its only folder."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.name, self.limits = path.name, limits
        try:
            self.zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise DocumentError(
                f"{path.name}: is not a readable zip archive ({error}): get a complete copy of it"
            ) from None
        members = [info for info in self.zip.infolist() if not info.is_dir()]
        tops = {
            info.filename.split("/")[0]
            for info in members
            if posixpath.basename(info.filename) == MANIFEST and not is_litter(info.filename)
        }
        at_top = any(info.filename == MANIFEST for info in members)
        self.prefix = "" if at_top or len(tops) != 1 else f"{tops.pop()}/"
        self.members = members
        self._by_name = {
            info.filename.removeprefix(self.prefix): info
            for info in members
            if not is_litter(info.filename)
        }

    def names(self) -> list[str]:
        return sorted(
            info.filename.removeprefix(self.prefix)
            for info in self.members
            if not is_litter(info.filename)
        )

    def open(self, name: str) -> IO[bytes]:
        info = self._by_name[name]
        if info.flag_bits & 1:
            raise DocumentError(f"{name}: is encrypted: make the archive without a password")
        try:
            return _Bounded(self.zip.open(info), info.file_size, name)  # type: ignore[return-value]
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            ValueError,
            RuntimeError,
            struct.error,
        ) as error:
            raise damaged(name, error) from None

    def problems(self) -> Iterator[Problem]:
        if len(self.members) > self.limits.members:
            yield Problem(
                code="too-large",
                file=self.name,
                message=f"holds {len(self.members)} files: at most {self.limits.members} are taken",
            )
        total = sum(info.file_size for info in self.members)
        if total > self.limits.unpacked:
            yield Problem(
                code="too-large",
                file=self.name,
                message=f"unpacks to {total >> 20} MiB: "
                f"at most {self.limits.unpacked >> 20} are taken",
            )
        seen: set[str] = set()
        for info in self.members:
            name = info.filename
            if not is_safe(name):
                yield Problem(
                    code="unsafe-path",
                    file=self.name,
                    message=f'holds "{in_ascii(name)}", a name that leads out of the archive: '
                    "take it out of there",
                )
            if stat.S_ISLNK(info.external_attr >> 16):
                yield Problem(
                    code="symlink",
                    file=in_ascii(name),
                    message="is a symbolic link: put the file itself into the archive",
                )
            if info.file_size > (1 << 20) and info.file_size > self.limits.ratio * max(
                1, info.compress_size
            ):
                ratio = info.file_size // max(1, info.compress_size)
                yield Problem(
                    code="too-large",
                    file=in_ascii(name),
                    message=f"unpacks to {ratio} times its size, as a zip bomb does",
                )
            if name in seen:
                yield Problem(
                    code="unexpected-file",
                    file=in_ascii(name),
                    message="appears twice in the archive: leave one there",
                )
            seen.add(name)


class _Bounded:
    """A zip member that never gives more than the archive's directory says."""

    def __init__(self, file: IO[bytes], size: int, name: str) -> None:
        self.file, self.left, self.name = file, size, name

    def read(self, size: int = -1) -> bytes:
        try:
            data = self.file.read(size)
        except Exception as error:  # zlib.error and lzma.LZMAError share no base class
            raise damaged(self.name, error) from None
        self.left -= len(data)
        if self.left < 0:
            raise DocumentError(
                f"{self.name}: unpacks to more than the archive says", code="too-large"
            )
        return data

    def __enter__(self) -> _Bounded:
        return self

    def __exit__(self, *unused: object) -> None:
        self.file.close()


def damaged(name: str, error: Exception) -> DocumentError:
    """Return the error of a member that cannot be unpacked."""
    return DocumentError(
        f"{name}: is damaged in the archive ({error}): get a complete copy of it", code="truncated"
    )


def is_safe(name: str) -> bool:
    """Tell whether the name of a file stays inside the folder it is joined to."""
    parts = re.split(r"[/\\]", name)
    return not (
        name.startswith(("/", "\\"))
        or ".." in parts
        or re.match(r"[A-Za-z]:", name)
        or "\0" in name
        or not name
    )


def in_ascii(name: str) -> str:
    """Return a stranger's file name as a message can show it."""
    return name.encode("unicode_escape").decode("ascii")
