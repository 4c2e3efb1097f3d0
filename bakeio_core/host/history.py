"""What stays in a database besides its rows: bakeio's tables, its journal and what it learned."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from bakeio_core.catalog.exchange import Candidate, Progress
from bakeio_core.database.connect import ensure_begun, streaming, translated
from bakeio_core.database.stored.tables import Tables
from bakeio_core.errors import UsageError
from bakeio_core.history.journal.journal import all_runs
from bakeio_core.history.learned.aliases import learned
from bakeio_core.history.reports.told import RowEvent, Run, ValueMark
from bakeio_core.history.tables import database_id, make_tables, will_write
from bakeio_core.history.telling.marks import Mark, all_marks
from bakeio_core.history.telling.why import history_of
from bakeio_core.history.upgrade import refuse_strangers, refuse_writing, upgrade_tables
from bakeio_core.host.batches import BatchWriter
from bakeio_core.host.installed import Installed
from bakeio_core.resolving.decisions import now
from bakeio_core.values.wording import kind_of_thing

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.entities.model import Entity, RowId
    from bakeio_core.history.journal.prune import JournalSize, Pruned
    from bakeio_core.history.reports.report import Report


class History(Installed):
    """Make the tables, and say, take back and forget what imports left in them."""

    def create_tables(self, db: Connection, *, journal: bool = True) -> list[str]:
        """Create the missing tables. You can call it again; existing tables stay.

        Args:
            db: A connection inside the caller's transaction.
            journal: Also create bakeio's own tables, which record the imports; without this, the
                first recorded import creates them.

        Returns:
            Their names.

        Raises:
            DatabaseError: A newer bakeio made the database.
        """
        ensure_begun(db)
        with translated():
            refuse_strangers(db, self.catalog)
            made = make_tables(db, self.catalog, own=journal)
            refuse_writing(db, self.catalog)
            return made

    def upgrade(self, db: Connection) -> list[str]:
        """Bring an older database's tables up to this version inside the caller's transaction.

        Returns:
            What was added.
        """
        ensure_begun(db)
        with translated():
            return upgrade_tables(db, self.catalog)

    def database_id(self, db: Connection) -> str | None:
        """Return the UUID of the database in files; None if it has no tables of bakeio.

        It is the `database_id` of a file that was exported from it.
        """
        ensure_begun(db)
        with translated():
            return database_id(db)

    def runs(self, db: Connection) -> list[Run]:
        """Return what was imported into this database, the latest run first."""
        ensure_begun(db)
        with translated():
            return all_runs(db)

    def journal(self, db: Connection) -> JournalSize:
        """Return the size of the journal, with which imports can be undone and explained."""
        from bakeio_core.history.journal.prune import size_of

        ensure_begun(db)
        with translated():
            return size_of(db)

    def prune_journal(
        self, db: Connection, *, keep_days: int | None = None, keep_runs: int | None = None
    ) -> Pruned:
        """Remove the details of old runs from the journal, in the caller's transaction.

        `runs` still lists these runs; they can no longer be undone or explained.

        Args:
            db: A connection inside the caller's transaction.
            keep_days: Keep the runs of the last N days.
            keep_runs: Keep the latest N runs. If both are given, a run stays if one of them keeps
                it.

        Raises:
            UsageError: Neither is given.
        """
        from bakeio_core.history.journal.prune import prune

        ensure_begun(db)
        with translated():
            will_write(db, self.catalog)
            refuse_writing(db, self.catalog)
            return prune(db, keep_days=keep_days, keep_runs=keep_runs)

    def run_to_undo(self, db: Connection, run: int | None = None) -> Run:
        """Return the run that `undo` would undo, to show it to somebody first.

        Args:
            db: A connection.
            run: Its number, else the latest import that changed something and was not undone.

        Returns:
            Its entry, as `runs` has it.

        Raises:
            BakeioError: There is none, or it was undone already.
        """
        from bakeio_core.history.undoing.undo import run_to_undo

        ensure_begun(db)
        with translated():
            return run_to_undo(db, run)

    def undo(
        self,
        db: Connection,
        run: int | None = None,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Undo one import inside the caller's transaction.

        What nobody changed after the import is restored; the rest is kept and named. An undo is a
        run too, and can be undone.

        Args:
            db: A connection inside the caller's transaction.
            run: Its number (see `runs`), else that of `run_to_undo`.
            dry_run: Write everything, report it, and roll back.
            progress: Called with (entity, rows written so far).

        Raises:
            BakeioError: There is nothing to undo; nothing was written.
        """
        from bakeio_core.history.undoing.undo import run_to_undo, undo_run

        ensure_begun(db)
        with translated():
            will_write(db, self.catalog)
            refuse_writing(db, self.catalog)
            entry = run_to_undo(db, run)
        write = BatchWriter(self.plugins, progress)
        return undo_run(db, self.catalog, write, entry, now(), dry_run=dry_run)

    def why(
        self, db: Connection, entity: str, key: str, field: str | None = None
    ) -> list[RowEvent]:
        """Return which runs created a row or set its fields, the latest first.

        Args:
            db: A connection.
            entity: The name of its entity.
            key: Its slug, uuid, id or another natural key, or what people call it.
            field: Only what set this one.

        Raises:
            UsageError: The key is that of no row or of several, or there is no such field.
        """
        known = self._entity(entity)
        if field is not None and field not in known.columns:
            columns = ", ".join(known.columns)
            raise UsageError(f'{known.name} have no field "{field}"; they have {columns}')
        ensure_begun(db)
        with translated():
            identity = self._row_called(db, known, key)
            events = history_of(db, known, identity, field)
            for mark in all_marks(db, known, identity):
                of_run = [e for e in events if e["run"] == mark.run]
                of_field = [e for e in of_run if e.get("field", mark.column) == mark.column]
                for event in of_field if field in (None, mark.column) else ():
                    event.setdefault("marks", []).append(_told(mark))
            return events

    def _row_called(self, db: Connection, entity: Entity, key: str) -> RowId:
        """Return the id of the one row a key or a name means; raise where it is not one."""
        ids = Tables(db, self.catalog).named(entity, _text(key))
        if len(ids) != 1:
            found, verb = (f"{len(ids)} rows", "are") if ids else ("no row", "is")
            raise UsageError(
                f'{found} of {entity.name} {verb} called "{key}"; '
                f'see: bakeio suggest {entity.name} "{key}"'
            )
        return ids[0]

    def suggest(
        self,
        db: Connection,
        entity: str,
        text: str,
        limit: int = 5,
        *,
        progress: Progress | None = None,
    ) -> list[Candidate]:
        """Return the rows of an entity that a text may mean, the most likely first.

        Args:
            db: A connection.
            entity: Whose rows.
            text: What somebody calls the row.
            limit: How many at most.
            progress: Called with (entity, rows looked through).

        Raises:
            UsageError: The entity is not installed.
        """
        from bakeio_core.resolving.candidates import Candidates

        name = self._entity(entity).name
        ensure_begun(db)
        with translated(), streaming():
            rows = Candidates(db, self.catalog, learned(db), progress=progress)
            return rows.of_text(name, _text(text), limit)


def _text(called: object) -> str:
    """Return what a program calls a row by, as a person would type it."""
    if not isinstance(called, (str, int, uuid.UUID)):
        kind = kind_of_thing(called)
        raise UsageError(f"a text is expected, not {kind}: the slug, uuid, id or name of a row")
    return str(called)


def _told(mark: Mark) -> ValueMark:
    return ValueMark(
        field=mark.column,
        source=mark.source,
        unverified=mark.is_unverified,
        confirmed_by=mark.confirmed_by or None,
    )
