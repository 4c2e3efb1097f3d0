"""The records of several files as those of one document."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import IO, Any, cast

from bakeio_core.errors import Problem
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.document import Document, ReadFile, T


class PartedDocument(Document):
    """Several files with records of one entity, read as one document.

    Its records are counted on from file to file, so that whoever reads them need not know of
    files; `position` says where one of them stands. It is called as its first file is.

    Args:
        files: The files, in order, one at least.
    """

    def __init__(self, files: Sequence[Document]) -> None:
        super().__init__(files[0].name, self._all_bytes, files[0].limits)
        self._files = files
        self._firsts: list[int] = []
        self._read: list[ReadFile] = []

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield all records in blocks; `seen` is given every byte of each file, in order."""
        self._firsts, self._read, before = [], [], 0
        for file in self._files:
            self._firsts.append(before)
            count, sha = 0, hashlib.sha256()
            for block in file.blocks(_both(sha.update, seen)):
                count += len(block.items) if block.data is None else len(block.texts)
                yield self._counted_on(block, before) if before else block
            self._read.append(ReadFile(file.name, file.header, count, sha.hexdigest()))
            before += count

    def _counted_on(self, block: Block, before: int) -> Block:
        """Return a block with the numbers its records have here."""
        items = [(number + before, item) for number, item in block.items]
        for number, item in items:
            if isinstance(item, Problem):
                item.file, item.record = self.name, number
        return replace(block, first=block.first + before, items=items)

    def position(self, number: int) -> tuple[str, int]:
        """Return in which file a record stands that was read, and its number there."""
        place = bisect_right(self._firsts, number - 1) - 1
        if place < 0:
            return self.name, number
        return self._files[place].name, number - self._firsts[place]

    def by_file(
        self, items: Sequence[T], numbers: Sequence[int]
    ) -> Iterator[tuple[str, Sequence[T], Sequence[int]]]:
        """Yield what belongs to its records by the file they stand in, with the numbers there."""
        found: dict[str, tuple[list[T], list[int]]] = {}
        for item, number in zip(items, numbers, strict=True):
            name, there = self.position(number)
            of_file, places = found.setdefault(name, ([], []))
            of_file.append(item)
            places.append(there)
        for name, (of_file, places) in found.items():
            yield name, of_file, places

    def files_read(self, count: int, sha256: str) -> list[ReadFile]:
        """Return what each of its files was found to hold."""
        return self._read

    def _all_bytes(self) -> IO[bytes]:
        return cast("IO[bytes]", _Chained([file.open for file in self._files]))


def _both(
    first: Callable[[bytes], object], second: Callable[[bytes], object] | None
) -> Callable[[bytes], object]:
    if second is None:
        return first

    def see(data: bytes) -> None:
        first(data)
        second(data)

    return see


class _Chained:
    """The bytes of several files, one after another."""

    def __init__(self, waiting: Sequence[Callable[[], IO[bytes]]]) -> None:
        self._waiting = list(waiting)
        self._file: IO[bytes] = BytesIO()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        while not data and self._waiting:
            self.close()
            self._file = self._waiting.pop(0)()
            data = self._file.read(size)
        return data

    def close(self) -> None:
        self._file.__exit__(None, None, None)

    def __enter__(self) -> _Chained:
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()
