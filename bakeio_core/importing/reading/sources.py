"""What an import reads: a set, one entity file or a view, each as parts bound to columns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import ROW_KEY, Entity, Key, RowId
from bakeio_core.catalog.fields import (
    FieldMap,
)
from bakeio_core.catalog.keys.row_ids import joined
from bakeio_core.catalog.plugins.formats import Format
from bakeio_core.catalog.plugins.templates import Template
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import Problem, Problems, Where
from bakeio_core.errors import counted as in_words
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.documents.document import Document
from bakeio_core.files.revision import Revision
from bakeio_core.files.sets.manifest import (
    Listed,
    checksum_problem,
    counted,
)
from bakeio_core.files.sets.origin import is_count
from bakeio_core.importing.reading.derived.lists import RecordsAlone
from bakeio_core.values.kinds.text import Charset
from bakeio_core.values.wording import BadValue, TwoReadings

if TYPE_CHECKING:
    from bakeio_core.history.learned.layouts import Layout
    from bakeio_core.importing.reading.sheets.strange import StrangeSheet


@dataclass(eq=False)
class Part:
    """The records of one entity within a source, in one document.

    Attributes:
        keeps_stored: Whether it goes into the same kind of database it is from: then what only
            breaks a column's declaration is taken as it was stored.
        listed: What the manifest says of its files, in order; nothing where there is none.
        charset: The characters the database has a place for, None for all there are.
        gaps: (field, id) of what is null in it only because no file can hold it.
        holder: Of the rows of a list the part of the records they stand in.
        key: Of the rows of a list what tells those of one record apart, where that was declared.
        template: That of its records, where they are the lines of one.
        rows: {number: id of the row} of records that were made of rows.
    """

    entity: Entity
    document: Document
    fields: FieldMap
    listed: Sequence[Listed] = ()
    view: View | None = None
    revision: Revision | None = None
    keeps_stored: bool = False
    charset: Charset | None = None
    gaps: frozenset[tuple[str, RowId]] = frozenset()
    holder: Part | None = None
    key: Key = ()
    template: Template | None = None
    rows: Mapping[int, RowId] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return self.document.name

    def takes_null(self, column: str) -> bool:
        """Tell whether a new row has null in a column where its record gives null.

        A null in an entity's file says that the row has none. In a view it says so only where the
        row can do without: an empty cell of a column that must hold something is left out, and so
        is one of what bakeio makes.
        """
        filled = self.entity.filled
        is_slug = column == "slug" and bool(self.entity.slug_from)
        is_made = is_slug or column in (*filled.stamps, *filled.uuids)
        may = (self.view is None, self.entity.nullable(column))
        return all(may) if is_made else any(may)

    @property
    def whole(self) -> Document:
        """The document with the records as they stand in the file."""
        document = self.document
        return document.whole if isinstance(document, RecordsAlone) else document

    @property
    def declared(self) -> int | None:
        """How many records its header says it has, None where it does not say."""
        count = None if self.holder is not None else self.document.header.get("record_count")
        return count if is_count(count) else None

    def takes_whole(self, block: Block) -> bool:
        """Tell whether the records of a block may be decoded at once, none of them looked at."""
        is_placed = self.charset is None or block.data is None or self.charset.has_all(block.data)
        return is_placed and not self.gaps

    def is_gap(self, name: str, record: Mapping[str, Any]) -> bool:
        """Tell whether a field of a record is null only because no file can hold what is stored."""
        if not self.gaps:
            return False
        key = [record.get(column) for column in self.entity.primary_key]
        row = joined(key) if self.entity.primary == ROW_KEY else key[0]
        return isinstance(row, (int, str)) and (name, row) in self.gaps

    def placed(self, value: Any) -> Any:
        """Return a wire value for which the database has a place.

        Raises:
            BadValue: It has none for a character.
        """
        if self.charset is not None:
            self.charset.check(value)
        return value

    @property
    def is_empty(self) -> bool:
        """Whether it holds no record, and should not."""
        if not self.listed or any(file.count > 0 for file in self.listed):
            return False
        return next(iter(self.document.blocks()), None) is None

    def records(self, numbers: Collection[int]) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
        """Yield those of the records as they are read, without their lists, in order."""
        return self._records(self.document, numbers)

    def whole_records(
        self, numbers: Collection[int]
    ) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
        """Yield those of the records as they stand in the file, in order."""
        return self._records(self.whole, numbers)

    @property
    def context(self) -> Sequence[str]:
        """The fields that are only compared."""
        return () if self.revision is None else self.revision.context

    def compared(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a record says in fields that are only compared.

        Of a cell that may show several values it returns them all, as a tuple; what is not a value
        of the field at all is told as it stands.
        """
        found = dict[str, Any]()
        for name in self.context:
            if name in told:
                try:
                    found[name] = self.document.settled(name, told[name])
                except TwoReadings as doubt:
                    found[name] = doubt.values
                except BadValue:
                    found[name] = told[name]
        return found

    def _records(
        self, document: Document, numbers: Collection[int]
    ) -> Iterator[tuple[int, dict[str, Any] | Problem]]:
        wanted = sorted(numbers, reverse=True)
        blocks = iter(document.blocks())
        block = next(blocks, None)
        while wanted and block is not None:
            after = next(blocks, None)
            if after is None or wanted[-1] < after.first:
                here = {number for number in wanted if after is None or number < after.first}
                yield from block.as_dicts(self.file, here)
                wanted = [number for number in wanted if number not in here]
            block = after


@dataclass(eq=False)
class Source:
    """Look at what will be imported: what it contains, from which database it is, and where it is.

    Attributes:
        name: That of the file or folder.
        kind: set, view, entity or skipped (a log of skipped records).
        parts: What it holds, one part for each entity, in import order.
        database_id: The database it was exported from, as `Bakeio.database_id` has it.
        exported_at: When (UTC, ISO 8601).
        export_id: That of the export.
        problems: What is wrong with the file as a whole.
        log_of: Of a log, the SHA-256 of the file its records come from.
        logged_numbers: Of a log, {number in it: number in that file}.
        read_as: Of a document that a plugin's step has read what it is, in words; else empty.
        format: That of its sheets, None for JSON.
        strange: The sheet with headings of no view, until it is known what they mean; then
            `layout` says that, and `parts` has the records. `is_new_layout`: it was not known from
            an earlier file.
        layouts: What a set brings along of such sheets.
        rows: Of an answer under a ticket, {number of a record: what its row is called there}.
        origins: Of such an answer, {(number, field): source} of the values that an assistant gave,
            "" where it named none.
    """

    name: str
    kind: str
    parts: list[Part]
    database_id: str | None = None
    exported_at: str | None = None
    export_id: str | None = None
    problems: Problems = field(default_factory=Problems)
    accept_edits: bool = False
    declared: int | None = None
    aliases: list[dict[str, Any]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    decisions: dict[Any, Any] = field(default_factory=dict)
    path: str | None = None
    log_of: str | None = None
    logged_numbers: dict[int, int] = field(default_factory=dict)
    database_kind: str | None = None
    days: str | None = None
    is_visible_only: bool = False
    read_as: str = ""
    format: Format | None = None
    strange: StrangeSheet | None = None
    layout: Layout | None = None
    is_new_layout: bool = False
    layouts: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[int, str] = field(default_factory=dict)
    origins: dict[tuple[int, str], str] = field(default_factory=dict)

    def where(self, problem: Problem, number: int) -> Where:
        """Return where the record of a problem stands."""
        place = self.place(problem.file, number, problem.field or "", problem.entity)
        if problem.file is None:
            return None, number, place
        return *self.position(problem.file, number), place

    def position(self, file: str, number: int) -> tuple[str, int]:
        """Return in which file a record stands of the part of this name, and its number there."""
        parts = [part for part in self.parts if part.file == file]
        return parts[0].document.position(number) if parts else (file, number)

    def place(self, file: str | None, number: int, field: str, entity: str | None = None) -> str:
        """Return where in a sheet a field of a record stands, empty in other files.

        Args:
            file: What messages call the file.
            number: The number of the record.
            field: The field.
            entity: Whose record it is; of a field that one view alone has it need not be said.
        """
        of_file = [part for part in self.parts if part.file == file]
        for part in of_file:
            if entity == part.entity.name or (entity is None and field in part.fields.by_name):
                return part.document.place(number, field)
        return of_file[0].document.place(number, field) if of_file and entity is None else ""

    def note_assistant(self) -> None:
        """Note that an assistant gave all its values, as is known of answers under a ticket."""
        self.origins |= dict.fromkeys(self._named(), "")

    def _named(self) -> Iterator[tuple[int, str]]:
        for part in self.parts:
            for block in part.document.blocks():
                for number, record in block.as_dicts(part.file):
                    named = map(part.fields.named, record) if isinstance(record, dict) else ()
                    yield from ((number, item.name) for item in named if item)

    @property
    def count(self) -> int | None:
        """How many records it says it has, None where it does not say."""
        listed = [listed.count for part in self.parts for listed in part.listed]
        return sum(listed) if listed else self.declared

    @property
    def totals(self) -> dict[str, int]:
        """How many records it says it has of each entity, as far as it says so."""
        listed = {
            part.entity.name: sum(listed.count for listed in part.listed)
            for part in self.parts
            if part.listed
        }
        if not listed and self.declared is not None and self.parts:
            listed[self.parts[0].entity.name] = self.declared
        return listed

    def goes_into(self, kind: str, charset: Charset | None = None) -> None:
        """Note the kind of database, such as `sqlite`, that it is imported into.

        Args:
            kind: The kind.
            charset: The characters the database has a place for, None for all there are.
        """
        # what somebody edited was never stored
        is_as_exported = kind == self.database_kind and not self.accept_edits
        for part in self.parts:
            part.keeps_stored = part.view is None and is_as_exported
            part.charset = charset

    def finish(self, part: Part, sha256: str, count: int) -> list[Problem]:
        """Compare what was read with what the manifest promised.

        Returns:
            What differs; warnings where edits are accepted.
        """
        read = part.document.files_read(count, sha256)
        if part.holder is None:
            self.hashes |= {file.name: file.sha256 for file in read}
        found = list[Problem]()
        for file, listed in zip(read, part.listed, strict=False):
            found += counted(file.header, listed, file.count)
            if file.sha256 != listed.sha256.lower():
                found.append(checksum_problem(file.name, self.accept_edits))
        for problem in found:
            if self.accept_edits:
                problem.severity = "warning"
        return [*found, *self._other_count(part, count)]

    def _other_count(self, part: Part, total: int) -> Iterator[Problem]:
        """Say where a file that no manifest lists has not as many records as its header says."""
        declared = None if part.listed else part.declared
        if declared and declared != total:  # a file without records was exported to be filled in
            more = "" if total > declared else "; rows of records left out are left alone"
            of = f" of {part.entity.name}" if len(self.parts) > 1 else ""
            message = f"holds {in_words(total, 'record')}{of}, its header says {declared}{more}"
            told: dict[str, Any] = {"file": part.file, "entity": part.entity.name}
            yield Problem(code="count-mismatch", severity="note", message=message, **told)

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of what was read, in hexadecimal.

        It is that of the file; for a set that over the texts of those of its files, in import
        order.
        """
        if len(self.hashes) < 2:
            return next(iter(self.hashes.values()), None)
        return hashlib.sha256("".join(self.hashes.values()).encode()).hexdigest()

    @property
    def fingerprint(self) -> Callable[[], str]:
        """Return a function giving the SHA-256 over all bytes of the source as they are now."""

        def compute() -> str:
            sha = hashlib.sha256()
            for part in self.parts:
                with part.document.open() as file:
                    while data := file.read(1 << 20):
                        sha.update(data)
            return sha.hexdigest()

        return compute
