"""Write what an undo gives back, and name what it keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.catalog.keys.rings import links_back
from bakeio_core.database.connect import savepoint
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.called import CalledChanges
from bakeio_core.database.stored.referrers import Referrers
from bakeio_core.database.stored.tables import Tables
from bakeio_core.database.systems.columns.unknown_columns import unknown_cells
from bakeio_core.database.writing import NotTaken, halved
from bakeio_core.errors import Problem, Problems
from bakeio_core.history.telling.shown import Shown
from bakeio_core.history.telling.stored import Triggers, tell_stored
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.catalog.entities.model import Entity
    from bakeio_core.history.journal.journal import Journal

Row = tuple[Any, ...]
ById = Mapping[Any, Row]
"""{id: row}; of an id that is an `int | None` to the type checker."""


@dataclass(frozen=True)
class Waiting:
    """An update that the database refused alone.

    Args:
        file: Where the import had it from.
        update: The update.
        row: The row as it is.
        why: Why it was refused, in words.
    """

    file: str
    update: Change
    row: Row
    why: str


class Rewrite:
    """The writing side of one undo.

    Attributes:
        counts: {entity: what was created, updated, deleted, skipped, unchanged and processed}.
        problems: What is kept, and why.
        shown: The changes that were made, as many as a report shows.
        recreated: {entity: ids of its rows that are there again}; they are to be counted on.
        in_use: How many rows are kept as they are because others refer to them.
        refused: Why something cannot be given back, of the first; empty where nothing hinders it.
        waiting: Updates the database refused alone; a value that changed hands may be free when all
            others have gone back.
        unlinked: {(entity, id): the update} of rows whose references were taken back. Where the run
            created the row and it stays, they stay as well: in which order the file had the rows
            makes no difference.
    """

    def __init__(
        self, db: Connection, catalog: Catalog, hook: Any, journal: Journal, now: str
    ) -> None:
        self.db, self.catalog, self.hook, self.journal, self.now = db, catalog, hook, journal, now
        self.tables, self.referrers = Tables(db, catalog), Referrers(db, catalog)
        self._called, self._triggers = CalledChanges(self.tables), Triggers(db)
        self.counts: dict[str, Counter[str]] = {}
        self.problems = Problems()
        self.shown: list[Change] = []
        self._chosen = Shown()
        self.recreated: dict[str, set[Any]] = {}
        self.in_use = 0
        self.refused = ""
        self._late: list[Changes] = []
        self.waiting: list[Waiting] = []
        self.unlinked: dict[tuple[str, Any], Change] = {}

    def count(self, entity: Entity, what: str, number: int = 1) -> None:
        """Count records of an entity as created, updated, deleted, skipped or unchanged."""
        counts = self.counts.setdefault(entity.name, Counter())
        counts[what] += number
        counts["processed"] += number

    def keep(
        self,
        entity: Entity,
        row: Row | str,
        why: str,
        file: str | None = None,
        record: int | None = None,
        *,
        field: str | None = None,
        value: Any = None,
    ) -> None:
        """Name what is kept.

        Args:
            entity: Whose row it is.
            row: The row as it is now, or what to call one that is not known.
            why: What keeps it.
            file: Where the import had it from.
            record: The number of the record in it.
            field: The field, where the row is not kept as a whole.
            value: The field's value now.
        """
        name = row if isinstance(row, str) else f"{self._named(entity, row)}:"
        self.problems.add(
            Problem(
                code="conflict",
                severity="warning",
                message=f"{name} {why}: kept",
                file=file or None,
                record=record or None,
                entity=entity.name,
                field=field,
                value=value,
            )
        )

    def skip(
        self,
        entity: Entity,
        row: Row | str,
        why: str,
        file: str | None = None,
        record: int | None = None,
    ) -> None:
        """Leave a whole row as it is, and name it; the arguments are those of `keep`."""
        self.count(entity, "skipped")
        self.keep(entity, row, why, file, record)

    def write(
        self,
        changes: Changes,
        rows: ById,
        file: str = "",
        turns: Sequence[Changes] = (),
    ) -> None:
        """Write a batch; of what the database refuses, each record is kept and named.

        A refused update waits in `waiting` instead.

        Args:
            changes: What to write.
            rows: {id: the row as it is} of what is updated or deleted.
            file: Where the import had it from.
            turns: The same in batches to write one after the other; what they do besides is
                nobody's edit.
        """
        self._keep_known(changes, rows, file)
        size = len(changes.rows) + len(changes.updates) + len(changes.deletes)
        if not size:
            return
        entity = changes.entity
        unknown = unknown_cells(
            dialect_of(self.db), self.db, entity, [change.known_id for change in changes.deletes]
        )
        try:
            with savepoint(self.db):
                as_they_are = self._triggers.before(changes)
                for batch in turns:
                    self._call(batch)
                if not turns:
                    self._insert(changes)
                stored, others = self._triggers.stored(changes, as_they_are)
                self.journal.created(entity, file, stored.rows, stored.numbers)
                self.journal.updated(entity, file, stored.updates)
                gone = [rows[change.id] for change in changes.deletes]
                self.journal.deleted(entity, gone, unknown)
        except (exc.DBAPIError, NotTaken) as error:
            if not self._is_refusal(error):
                raise
            if size > 1:
                for half in halved(changes):
                    self.write(half, rows, file)
            else:
                self._refused(changes, rows, file, error)
            return
        tell_stored(self.problems, entity, others, file or None, {})
        self._note_written(changes)

    def _note_written(self, changes: Changes) -> None:
        """Count and show what was written, and note which rows are there again."""
        entity = changes.entity
        for what, done in (
            ("created", changes.rows),
            ("updated", changes.updates),
            ("deleted", changes.deletes),
        ):
            if done:
                self.count(entity, what, len(done))
        if changes.rows:
            primary = changes.columns.index(entity.primary)
            ids = self.recreated.setdefault(entity.name, set())
            ids.update(row[primary] for row in changes.rows)
            links = self._links(changes, is_own=False)
            self._late += [links] if links.updates else []
        self.shown += self._chosen.of(changes)

    def _keep_known(self, changes: Changes, rows: ById, file: str) -> None:
        """Leave out updates of what others know a row by who would lose it."""
        entity = changes.entity
        lost = self.referrers.losing(entity, changes.updates)
        for change in [change for change in changes.updates if change.id in lost]:
            why = f"is referred to by {lost[change.id]}, which would lose it"
            self.skip(entity, rows[change.id], why, file, change.record)
            self.in_use += 1
        if lost:
            changes.updates = [change for change in changes.updates if change.id not in lost]

    def _refused(
        self,
        changes: Changes,
        rows: ById,
        file: str,
        error: exc.DBAPIError | NotTaken,
    ) -> None:
        """Let one record wait, or keep it."""
        said = str(error if isinstance(error, NotTaken) else error.orig)
        reason = " ".join(said.split("\n")[0].split())
        why = f"the database refuses the undo ({reason})"
        if changes.updates:
            update = changes.updates[0]
            self.waiting.append(Waiting(file, update, rows[update.id], why))
            return
        self.refused = self.refused or why
        gone = changes.rows[0] if changes.rows else rows[changes.deletes[0].id]
        record = None if changes.rows else changes.deletes[0].record
        self.skip(changes.entity, gone, why, file, record)

    def _is_refusal(self, error: exc.DBAPIError | NotTaken) -> bool:
        return isinstance(error, NotTaken) or dialect_of(self.db).is_refusal(error)

    def _insert(self, changes: Changes) -> None:
        """Write a batch; new rows that refer to each other are written first and linked then."""
        late = links_back(self.catalog.entities, changes.entity) if changes.rows else []
        if not late:
            self._call(changes)
            return
        empty = {changes.columns.index(column) for column in late}
        bare = [
            tuple([None if index in empty else cell for index, cell in enumerate(row)])
            for row in changes.rows
        ]
        self._call(Changes(changes.entity, changes.columns, bare, changes.numbers))
        self._call(self._links(changes, is_own=True))

    def _links(self, changes: Changes, *, is_own: bool) -> Changes:
        """Return what sets the references of new rows to rows of their own entity, or of others."""
        entity, columns = changes.entity, changes.columns
        own = {c for f in entity.foreign_keys if f.target == entity.name for c in f.columns}
        late = [c for c in links_back(self.catalog.entities, entity) if (c in own) == is_own]
        named = (dict(zip(columns, row, strict=True)) for row in changes.rows)
        sets = ((row[entity.primary], {column: row[column] for column in late}) for row in named)
        updates = [
            Change("update", entity.name, 0, identity, new)
            for identity, new in sets
            if any(value is not None for value in new.values())
        ]
        return Changes(entity, columns, updates=updates)

    def link_again(self, entity: Entity, rows: ById, file: str) -> bool:
        """Set the references of rows that stay, which were taken back; tell whether there were any.

        Nothing is counted: the rows are as they were.

        Args:
            entity: Whose rows.
            rows: {id: the row as it is}.
            file: Where the import had them from.
        """
        known = [self.unlinked.pop((entity.name, identity), None) for identity in rows]
        undone = [change for change in known if change is not None]
        links = [replace(change, new=change.old, old=change.new) for change in undone]
        self.shown = [change for change in self.shown if change not in undone]
        as_they_were, shown = self.counts.get(entity.name, Counter()).copy(), self.shown
        self.write(Changes(entity, entity.columns, updates=links), rows, file)
        self.counts[entity.name], self.shown = as_they_were, shown
        self.count(entity, "updated", -len(links))
        return bool(links)

    def link_late(self) -> None:
        """Set the references of rows created anew to rows of entities that came after theirs."""
        late, self._late = self._late, []
        for changes in late:
            self._link(changes)

    def _link(self, changes: Changes) -> None:
        try:
            with savepoint(self.db):
                self._call(changes)
        except (exc.DBAPIError, NotTaken) as error:
            if not self._is_refusal(error):
                raise
            if len(changes.updates) > 1:
                for half in halved(changes):
                    self._link(half)
                return
            entity, change = changes.entity, changes.updates[0]
            row = self.tables.rows(entity).by_id([change.known_id])[change.known_id]
            for column in change.new:
                why = "is there again, but the row it referred to is not; without it, it is"
                self.keep(entity, row, why, field=column)

    def _call(self, changes: Changes) -> None:
        self.hook(db=self.db, entity=changes.entity, changes=changes)

    def _named(self, entity: Entity, row: Row) -> str:
        """Return a row by its first key a person may know, and what people call it."""
        key = entity.readable_key
        cells = [f"{column} {shown(row[entity.columns.index(column)])}" for column in key]
        label = self._called.label(entity, row) if key == (entity.primary,) else ""
        return f"{entity.name} {', '.join(cells)}" + (f" ({shown(label)})" if label else "")
