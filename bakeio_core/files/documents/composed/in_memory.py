"""Records that were read already, as a document."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from bakeio_core.errors import Problem
from bakeio_core.files.documents.blocks import Block, in_blocks
from bakeio_core.files.documents.document import Document, ReadFile


class InMemoryDocument(Document):
    """Records of a document that were read already, under a header of their own.

    They keep the numbers they have in that document.
    """

    def __init__(
        self,
        document: Document,
        header: dict[str, Any],
        items: list[tuple[int, dict[str, Any] | Problem]],
    ) -> None:
        super().__init__(document.name, document.open, document.limits)
        self._header, self._items, self._has_records = header, items, True
        self._document, self.has_cells = document, document.has_cells

    def place(self, number: int, field: str = "") -> str:
        return self._document.place(number, field)

    def said(self, value: Any) -> Any:
        return self._document.said(value)

    def settled(self, name: str, value: Any) -> Any:
        return self._document.settled(name, value)

    def files_read(self, count: int, sha256: str) -> list[ReadFile]:
        """Return what the file holds that its records stand in; its own bytes are what counts."""
        found = hashlib.sha256()
        with self.open() as file:
            while data := file.read(1 << 20):
                found.update(data)
        return super().files_read(count, found.hexdigest())

    def blocks(self, seen: Callable[[bytes], object] | None = None) -> Iterator[Block]:
        """Yield the records in blocks; no bytes are theirs, so `seen` is given nothing."""
        return in_blocks(self._items)
