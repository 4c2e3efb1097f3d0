"""Write the records of an entity as one file, or as parts where that would be too large."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeio_core.catalog.exchange import EncodedBatch, Progress
from bakeio_core.errors import UsageError
from bakeio_core.files.documents.blocks import pieces
from bakeio_core.files.documents.encoding import CLOSE, encode_lines, opened_document
from bakeio_core.files.documents.limits import PART_SIZE, Limits
from bakeio_core.files.output import HashedFile

_JOINT = b",\n"


@dataclass(frozen=True)
class WrittenFile:
    """A file of a set.

    Attributes:
        path: Where it is.
        count: How many records it has.
        sha256: Of its bytes, in hexadecimal.
        part: Its number, where the entity has several; else 0.
    """

    path: Path
    count: int
    sha256: str
    part: int = 0


def write_documents(
    name_of: Callable[[int], Path],
    header: Mapping[str, Any],
    batches: Iterable[Any],
    size: int | None = PART_SIZE,
    progress: Progress | None = None,
) -> list[WrittenFile]:
    """Write documents whose headers tell the number of their records.

    Nothing of the parts stays where it fails.

    Args:
        name_of: Gives the path of a part, and of the only file for 0.
        header: Their fields before `records`; `record_count` is what is expected of all together.
        batches: The records, as the hooks give them.
        size: How many bytes a file has at most, None for any number. A record is never cut.
        progress: Called after each batch with (entity, records written).

    Returns:
        The files, one where that is not too large.

    Raises:
        UsageError: It would be more files than an import takes.
    """
    writing = _Cutting(name_of, header, size)
    written = 0
    try:
        for batch in batches:
            if not len(batch):
                continue
            writing.add(batch)
            written += len(batch)
            if progress is not None:
                progress(header["entity_type"], written)
        return writing.finish()
    except BaseException:
        writing.file.file.close()
        for file in writing.done:
            file.path.unlink(missing_ok=True)
        raise


class _Cutting:
    """Write one file after another: `file` is the one that grows.

    How many records are in a file is known once it is full, and its header comes first. So it
    grows under the name it has as the only one; where it is not, or where its header must say
    another number, it is copied behind its own header.
    """

    def __init__(
        self, name_of: Callable[[int], Path], header: Mapping[str, Any], size: int | None
    ) -> None:
        self.name_of, self.header, self.size = name_of, header, size
        self.file = HashedFile(name_of(0))
        self.done: list[WrittenFile] = []
        self._begin()

    def _begin(self) -> None:
        self.count, self.start = 0, opened_document(dict(self.header))
        self.file.write(self.start)

    def add(self, batch: Any) -> None:
        """Write a batch, with cuts where it does not fit."""
        data = batch.data if isinstance(batch, EncodedBatch) else encode_lines(list(batch))
        room = self._room()
        if room is None or len(data) + len(_JOINT) <= room:
            self._write(data, len(batch))
            return
        texts, first = [bytes(text) for text in pieces(b"[" + data + b"]")], 0
        for place, text in enumerate(texts):
            room -= len(text) + len(_JOINT)
            # one record at least, be it as large as it may
            if room < 0 and self.count + place - first:
                self._write(_JOINT.join(texts[first:place]), place - first)
                self._end_part()
                first, room = place, (self._room() or 0) - len(text) - len(_JOINT)
        self._write(_JOINT.join(texts[first:]), len(texts) - first)

    def _room(self) -> int | None:
        """Return how many bytes more fit before the end of the file; None for any number."""
        if self.size is None:
            return None
        longest = len(opened_document(self._header_of(Limits.members, self.header["record_count"])))
        return self.size - longest - (self.file.size - len(self.start)) - len(CLOSE)

    def _write(self, data: bytes, count: int) -> None:
        if count:
            self.file.write(_JOINT + data if self.count else data)
            self.count += count

    def _header_of(self, part: int, count: int) -> dict[str, Any]:
        found = dict[str, Any]()
        for name, value in self.header.items():
            found[name] = count if name == "record_count" else value
            if name == "record_count" and part:
                found["part"] = part
        return found

    def _end_part(self) -> None:
        number = len(self.done) + 1
        if number >= Limits.members:
            raise UsageError(
                f"the records of {self.header['entity_type']} would be more than {number:,} files: "
                "choose a larger size for them"
            )
        self.file.write(CLOSE if self.count else CLOSE[1:])
        self._copy(self.name_of(number), number)
        self.file.restart()
        self._begin()

    def finish(self) -> list[WrittenFile]:
        """End the last file; return all of them."""
        only = self.name_of(0)
        if self.done:
            self._end_part()
            self.file.file.close()
            only.unlink()
            return self.done
        self.file.write(CLOSE if self.count else CLOSE[1:])
        if self.count == self.header["record_count"]:
            return [WrittenFile(only, self.count, self.file.close())]
        again = only.with_name(f"{only.stem}.000{only.suffix}")  # known as one of a set
        self._copy(again, 0)
        self.file.file.close()
        os.replace(again, only)
        return [WrittenFile(only, self.count, self.done[0].sha256)]

    def _copy(self, path: Path, part: int) -> None:
        """Copy what was written, behind the header that fits it."""
        copy = HashedFile(path)
        try:
            copy.write(opened_document(self._header_of(part, self.count)))
            with open(self.name_of(0), "rb") as written:
                written.seek(len(self.start))
                while data := written.read(1 << 20):
                    copy.write(data)
            sha256 = copy.close()
        except BaseException:
            copy.file.close()
            raise
        self.done.append(WrittenFile(path, self.count, sha256, part))
