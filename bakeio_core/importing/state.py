"""What the parts of one import share: its database, its counts and problems, its ids."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.columns import MADE, STAMPS
from bakeio_core.catalog.entities.model import ROW_KEY, Entity, Key, Reference, RowId
from bakeio_core.catalog.exchange import (
    MOST_SHOWN,
    Change,
    Changes,
    Decision,
    Identity,
    Missing,
    Question,
)
from bakeio_core.database.dialects import charset_of, dialect_of
from bakeio_core.database.stored.rows import Row
from bakeio_core.database.stored.tables import Tables
from bakeio_core.errors import FIRST_RECORDS, Problems
from bakeio_core.history.reports.report import COUNTS
from bakeio_core.history.tables import database_id
from bakeio_core.history.telling.earlier import EarlierRuns
from bakeio_core.history.telling.marks import Mark
from bakeio_core.history.telling.shown import Shown
from bakeio_core.importing.new_ids import IdMap, NewIds
from bakeio_core.importing.options import ImportOptions
from bakeio_core.importing.reading.derived.lists import RecordRows
from bakeio_core.importing.reading.sources import Part, Source
from bakeio_core.resolving.decisions import Decisions
from bakeio_core.values.folding import fold_parts
from bakeio_core.values.kinds.numbers import as_whole
from bakeio_core.values.kinds.text import Identifier

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

CREATED = "sum of created records"
"""Counts the numbers of the records to create, besides `COUNTS`: another one is another outcome."""


class ImportState:
    """What the parts of one import share.

    `same_database` tells whether the file is of this very database, so that its ids count;
    `earlier` knows what runs of the same file and of the same export did;
    `confirmed` are values an assistant gave before that its file confirms: (entity, what was known,
    what confirms it);
    `now` is the moment of the import (UTC, ISO), the same for every row;
    `is_trial` tells whether nothing of what is written stays: so it is until somebody says
    otherwise.

    Args:
        db: A connection inside the caller's transaction.
        catalog: Every entity and view.
        source: What is imported.
        options: How.
        decisions: The answers known.
        is_planning: Whether nothing is written while the parts are planned.
        is_compared: Whether the outcome is to be compared with another one's (`digest`).
    """

    def __init__(
        self,
        db: Connection,
        catalog: Catalog,
        source: Source,
        options: ImportOptions,
        decisions: Decisions,
        *,
        is_planning: bool,
        is_compared: bool,
    ) -> None:
        self.db, self.catalog, self.source = db, catalog, source
        self.options, self.decisions, self.is_planning = options, decisions, is_planning
        self.tables = Tables(db, catalog, is_planning=is_planning)
        self.charset = charset_of(db)
        source.goes_into(dialect_of(db).name, self.charset)
        own = database_id(db)
        self.same_database = own is not None and source.database_id == own
        self.earlier = EarlierRuns(db, source.export_id, source.path, source.log_of)
        self.outcome = Outcome(source, options.most_changes, is_compared=is_compared)
        self.problems = self.outcome.problems
        self.problems.where = source.where
        self.id_maps = {name: IdMap() for name in catalog.entities}
        self.fully_imported: set[str] = set()
        self.confirmed: list[tuple[Entity, Mark, str]] = []
        self._record_rows: dict[Part, RecordRows] = {}
        self.now = datetime.now(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
        self.is_trial = True
        self._new_ids: dict[str, NewIds] = {}

    def content_of(self, part: Part) -> Key:
        """Return the columns by whose values rows of a part are known that nothing else names."""
        entity = part.entity
        # of the state of this very database the ids count
        is_by_id = entity.may_lack_keys and self.same_database and part.view is None
        return () if is_by_id else entity.known_by

    def set_on_update(self, entity: Entity) -> list[tuple[str, Any]]:
        """Return what an update sets besides what the file gives: (column, value)."""
        made = [(column, MADE) for column in entity.filled.set_on_update]
        return [*made, ("updated_at", self.now)] if "updated_at" in entity.filled.stamps else made

    def rows_of_records(self, part: Part) -> RecordRows:
        """Return where the records of a part ended up, for the rows of their lists."""
        return self._record_rows.setdefault(part, RecordRows())

    def new_ids(self, entity: Entity) -> NewIds:
        """Return what gives the new rows of an entity their ids.

        Raises:
            DatabaseError: This user may not make any.
        """
        known = self._new_ids.get(entity.name)
        if known is None:
            known = NewIds(
                self.db, entity, is_trial=self.is_trial, same_database=self.same_database
            )
            self._new_ids[entity.name] = known
        return known

    def without_foreign_ids(self, entity: Entity, ids: set[RowId]) -> set[RowId]:
        """Return ids without those that mean nothing in the file: this import gave them anew."""
        given = self._new_ids.get(entity.name)
        if given is None or given.keeps_all:
            return ids
        return {i for i in ids if not isinstance(i, int) or given.place(i) is None}

    @property
    def records_kind(self) -> str:
        """Whose rules its records go by: those of a set, a view or an entity; in a log, too."""
        if self.source.kind != "skipped":
            return self.source.kind
        return "view" if any(part.view is not None for part in self.source.parts) else "entity"

    @property
    def is_of_nobody(self) -> bool:
        """Whether it is one entity's file that does not say of which database it is."""
        return self.records_kind == "entity" and self.source.database_id is None

    def id_here(self, reference: Reference, file_id: RowId) -> RowId | None:
        """Return what a row is here that a reference of the file names by id, None where the
        file does not tell which row that is.
        """
        found = self.id_maps[reference.target].of_id(reference.to, file_id)
        if len(found) == 1:
            return found[0]
        counts = self.same_database or reference.target in self.fully_imported
        return file_id if counts else None

    def is_contrary(self, reference: Reference, file_id: RowId | None, link: RowId | None) -> bool:
        """Tell whether an id beside a name may say otherwise than it: then it is told.

        The ids of another database say nothing where the file has no records of what they name.
        """
        if file_id is None or file_id == link:
            return False
        here = self.id_here(reference, file_id)
        if here is not None:
            return here != link
        brought = {part.entity.name for part in self.source.parts}
        return self.source.database_id is None or reference.target in brought

    @property
    def has_moved_ids(self) -> bool:
        """Whether a row has another id here than in the file."""
        return any(
            self.id_maps[part.entity.name].has_moved(part.entity.primary)
            for part in self.source.parts
        )

    def as_compared(self, entity: Entity, rows: Sequence[Row]) -> Iterable[Row]:
        """Return rows to be created without what is made anew by each plan.

        That is their ids, uuids and stamps, and what functions of the application make. A row they
        refer to goes by its id; one that this import creates with a new id by its place among
        these.
        """
        supplied = {entity.surrogate, ROW_KEY, "uuid", *STAMPS}
        supplied |= {column for column, default in entity.filled.defaults.items() if default.make}
        supplied |= {c for c, kind in entity.kinds.items() if isinstance(kind, Identifier)}
        columns = [
            self._places(entity, name, [row[place] for row in rows])
            for place, name in enumerate(entity.columns)
            if name not in supplied
        ]
        return zip(*columns, strict=True)

    def _places(self, entity: Entity, column: str, values: list[Any]) -> list[Any]:
        reference = entity.references.get(column)
        given = None if reference is None else self._new_ids.get(reference.target)
        if reference is None or given is None:
            return values
        if reference.to != self.catalog.entities[reference.target].surrogate:
            return values
        places = [(i, None if i is None else given.place(i)) for i in values]
        return [i if place is None else ("new", place) for i, place in places]


class Outcome:
    """What an import comes to: counts, problems, what is missing, and the changes to be shown.

    `counts` is {entity: Counter of `COUNTS`}; `missing` {identity: Missing}; `questions` the same
    of those about records, 10,000 at most; `applied` what was decided about records and carried
    out, {identity: (question, decision)}; `used` the identities of all that found a record;
    `duplicate_keys` the
    (entity, id) of rows that different records of the file mean; `claimed` {entity: ids of the
    rows its records mean}, filled part by part.
    """

    def __init__(self, source: Source, most_changes: int, *, is_compared: bool) -> None:
        self.source, self.is_compared = source, is_compared
        self.problems = Problems()
        self.counts: dict[str, Counter[str]] = {
            part.entity.name: Counter() for part in source.parts
        }
        self.missing: dict[Any, Missing] = {}
        self.questions: dict[Identity, Question] = {}
        self.applied: dict[Identity, tuple[Question, Decision]] = {}
        self.used: set[Identity] = set()
        self.duplicate_keys: set[tuple[str, RowId]] = set()
        self.claimed: dict[str, set[RowId]] = {}
        self._kept: list[Change | Changes] = []
        self._shown = Shown(most_changes)
        self._hidden: set[tuple[str, RowId]] = set()
        self._digest = hashlib.blake2b(digest_size=16)
        self._created: dict[str, int] = {}
        self._failed: dict[str, set[tuple[str, Any]]] = {}

    @property
    def summary(self) -> Counter[str]:
        """The counts of all entities together."""
        return Counter({name: sum(c[name] for c in self.counts.values()) for name in COUNTS})

    # -- what is shown
    def show(self, changes: Sequence[Change]) -> None:
        """Keep changes of one entity and one action for the preview."""
        if changes:
            first = changes[0]
            self._kept += changes[: self._shown.take(first.entity, first.action, len(changes))]

    def show_rows(self, created: Changes) -> None:
        """Keep rows to be created for the preview."""
        some = self._shown.of(created)
        self._kept += [some] if some.rows else []

    def hide(self, entity: Entity, identity: RowId) -> None:
        """Leave what was kept of a row out of the preview."""
        self._hidden.add((entity.name, identity))

    @property
    def shown(self) -> list[Change]:
        """The changes kept for the preview."""
        each = (kept if isinstance(kept, Changes) else [kept] for kept in self._kept)
        shown = [change for some in each for change in some]
        for change in shown:
            # what is still to be made is another one when it is
            change.new = _as_shown({c: v for c, v in change.new.items() if v is not MADE})
            change.old, change.base = _as_shown(change.old), _as_shown(change.base)
        return [change for change in shown if (change.entity, change.id) not in self._hidden]

    # -- what is compared
    def enter(self, changes: Iterable[Change]) -> None:
        """Add changes to what is compared; when they happen is no part of that."""
        if not self.is_compared:
            return
        for change in changes:
            made = {name for name, value in change.new.items() if value is MADE or name in STAMPS}
            new = [(name, value) for name, value in change.new.items() if name not in made]
            old = [value for name, value in change.old.items() if name not in made]
            text = f"{change.action}|{change.entity}|{change.id}|{new!r}|{old!r}"
            self._digest.update(text.encode("utf-8", "surrogatepass"))

    def enter_created(self, entity: Entity, rows: Iterable[Row]) -> None:
        """Add rows to be created to what is compared, in whatever order they come."""
        self._created[entity.name] = self._created.get(entity.name, 0) + sum(map(_hash_of, rows))

    def digest(self) -> bytes:
        """Return what tells this outcome from another, within this process.

        Rows updated and how, the contents of rows created, which records they come from, and what
        was decided about records.
        """
        whole = self._digest.copy()
        whole.update(repr(sorted(self._created.items())).encode())
        decided = [(i, d.action, d.values, d.target) for i, (_, d) in self.applied.items()]
        whole.update(repr(decided).encode("utf-8", "surrogatepass"))
        for name, counts in self.counts.items():
            whole.update(f"|{name} {counts[CREATED]}".encode())
        return whole.digest()

    # -- what is asked and decided about records
    def ask(self, question: Question, where: tuple[str, int]) -> None:
        """Note a question about a record, (file, number), while there is room."""
        known = self.questions.get(question.identity)
        if known is None and len(self.questions) < MOST_SHOWN:
            known = self.questions[question.identity] = question
        if known is not None:
            known.count += 1
            known.records.append(self.source.position(*where))
            self._note_place(known, where, question.field)

    def _note_place(self, known: Question, where: tuple[str, int], field: str) -> None:
        place = self.source.place(*where, field) if len(known.places) < FIRST_RECORDS else ""
        known.places += [place] if place else []

    @property
    def asked(self) -> list[Question]:
        """The questions about records, in the order of these, entity by entity."""
        order = {name: place for place, name in enumerate(self.counts)}
        return sorted(self.questions.values(), key=lambda q: (order[q.entity], q.records[0]))

    def apply(self, question: Question, decision: Decision, where: tuple[str, int]) -> None:
        """Note that a decision about a record, (file, number), was carried out."""
        known = self.applied.get(question.identity)
        if known is None:
            known = (replace(question, count=0, records=[]), decision)
            self.applied[question.identity] = known
        where = self.source.position(*where)
        if where not in known[0].records[-1:]:
            known[0].count += 1
            known[0].records = [*known[0].records[-20:], where]

    # -- what is missing
    def note_missing(self, missing: Missing, file: str, number: int, field: str) -> None:
        """Count one more record that uses a key which names no row."""
        known = self.missing.setdefault(missing.identity, missing)
        known.field = known.field or field
        known.nullable = known.nullable and missing.nullable
        known.why = known.why or missing.why
        known.count += 1
        if len(known.records) < 20:
            known.records.append(self.source.position(file, number))
            self._note_place(known, (file, number), field)

    def note_failed(self, entity: Entity, values: Mapping[str, Any]) -> None:
        """Remember what a record that cannot be imported is called by.

        So those which refer to it are no questions of their own.
        """
        names = self._failed.setdefault(entity.name, set())
        keys = {key[0] for key in entity.all_keys if len(key) == 1}
        for column in {entity.primary, *keys, *entity.codes}:
            if isinstance(value := values.get(column), (str, int)):
                names.add((column, *fold_parts((column,), (value,), entity.codes)))

    def has_failed(self, entity: Entity, key: Mapping[str, Any]) -> bool:
        """Tell whether a key is that of a record of this import that cannot be imported."""
        names = self._failed.get(entity.name, ())
        folded = fold_parts(key, key.values(), entity.codes)
        return any(pair in names for pair in zip(key, folded, strict=True))


def _hash_of(row: Row) -> int:
    try:
        return hash(row)
    except TypeError:  # JSON in a cell
        return hash(repr(row))


def _as_shown(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return {column: value}, whole numbers as such: 5, where reading gave 5.0."""
    return {column: as_whole(cell) for column, cell in cells.items()}
