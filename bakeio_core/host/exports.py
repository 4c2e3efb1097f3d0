"""The way out: a set that rebuilds the database, and views as files to edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.formats import Format
from bakeio_core.catalog.views.view import View
from bakeio_core.database.connect import ensure_begun, translated
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.stored.tables import hidden_entities
from bakeio_core.errors import BakeioError, ExportRefused, UsageError, counted
from bakeio_core.files.documents.limits import PART_SIZE
from bakeio_core.files.output import refuse_file
from bakeio_core.history.reports.report import Report
from bakeio_core.history.upgrade import refuse_strangers
from bakeio_core.host.imports import Imports
from bakeio_core.host.people.answers import Answers
from bakeio_core.host.people.confirming import Confirming
from bakeio_core.values.wording import may_hide

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.exchange import Progress
    from bakeio_core.exporting.assistant.lean import LeanFile
    from bakeio_core.exporting.write_set import Exported
    from bakeio_core.files.output import Sink


class Exports(Imports, Answers, Confirming):
    """Write a database as files.

    It stands on the way in: a proof restores what was written, and a view's file is overwritten
    only where a plan finds nothing in it to import. What writes files is imported when it is first
    asked to: who imports one waits for none of that.
    """

    def count_records(self, db: Connection, views: Sequence[View] | None = None) -> dict[str, int]:
        """Count the records that an export would write now, to show its progress.

        Args:
            db: A connection.
            views: Those to be exported, narrowed or not; left out, the whole database.

        Returns:
            {name of an entity or view: records}.
        """
        from bakeio_core.database.dialects import columns_there
        from bakeio_core.database.view_query import count_records
        from bakeio_core.exporting.records import count_rows

        ensure_begun(db)
        with translated():
            if views is not None:
                return {view.name: count_records(db, view, self.catalog) for view in views}
            there = columns_there(db, self.catalog.tables.values())
            known = self.catalog.entities.items()
            return {name: count_rows(db, each) for name, each in known if each.table in there}

    def export_complete(
        self,
        db: Connection,
        folder: str | Path | None = None,
        *,
        zip: bool = False,
        force: bool = False,
        transactional: bool = True,
        since: date | None = None,
        until: date | None = None,
        as_stored: bool = False,
        visible_only: bool = False,
        prove: bool = False,
        jobs: int = 1,
        part_size: int | None = PART_SIZE,
        progress: Progress | None = None,
    ) -> Exported:
        """Write a normalized set that rebuilds the database anywhere.

        It is one file per entity and a manifest.

        Args:
            db: A connection.
            folder: A new folder; by default `docs/exports/<time>_<6 hex>`.
            zip: Also write `archives/<name>.zip` beside it.
            force: Replace what an earlier export wrote there.
            transactional: Also write the entities that have a date, and those that need them.
            since, until: Only their rows of these days, and the rows that these refer to. Rows
                without a date are included if there is no `since`.
            as_stored: Write null for each value that no file can hold, such as infinity or bytes in
                a text; the manifest then lists the stored values (`gaps`).
            visible_only: Write what this user sees, where policies of the database (row-level
                security) may hide rows; the manifest then says so (`visible_only`), and no such set
                replaces what is there.
            prove: Restore the set into a temporary database, export that database and compare,
                before the set appears; the manifest then says so (`proof`).
            jobs: How many files are written at the same time, each over its own connection of the
                engine. If several connections cannot see one snapshot, the files are written one
                after another.
            part_size: The largest size of a file in bytes, None for no limit. An entity that needs
                more is written into several files, its parts. Each part can be read alone, and no
                record is cut.
            progress: Called with (entity, records written).

        Returns:
            What was written.

        Raises:
            UsageError: Anything else is in the way, the first day comes after the last, or it
                would be more files than an import takes.
            PluginError: A plugin is broken and not blocked.
            ExportRefused: The database holds values no file can hold; it names each. Or policies
                of it may hide rows.
        """
        from bakeio_core.exporting.parts.options import ExportOptions
        from bakeio_core.exporting.write_set import write_set

        self._refuse_broken("an export without it would not be complete")
        options = ExportOptions(transactional, since, until, as_stored, jobs, part_size)
        # of the restored part all is wanted
        whole = ExportOptions(transactional=transactional, part_size=part_size)
        again = partial(write_set, options=whole)
        with translated(), self._whole(db, visible_only=visible_only) as hidden:
            return write_set(
                self.hook,
                db,
                self.catalog,
                Path(folder) if folder is not None else None,
                options,
                zip_too=zip,
                force=force,
                hidden=hidden,
                prove=partial(self._prove, again=again) if prove else None,
                progress=progress,
            )

    @contextmanager
    def _whole(self, db: Connection, *, visible_only: bool) -> Iterator[Sequence[str]]:
        """Make sure that all rows are seen inside the block.

        Yields the entities of which policies may hide rows, where that is agreed to.
        """
        ensure_begun(db)
        refuse_strangers(db, self.catalog)
        hidden = hidden_entities(db, self.catalog)
        if visible_only:
            yield hidden
            return
        if hidden:
            raise ExportRefused(
                f"{may_hide(hidden)}, so the set would not be complete: nothing was written. "
                "Export as a role that sees all rows (ALTER ROLE ... BYPASSRLS), or write what "
                "this user sees with --visible-only: no such set can replace what is there"
            )
        with dialect_of(db).seeing_all(db):
            yield ()

    def _prove(self, folder: Path, *, again: Callable[..., object]) -> dict[str, Any]:
        """Restore a set into a scratch database, export it again and compare."""
        from bakeio_core.exporting.proving.proof import prove_set

        def restore(db: Connection, set_: Path) -> Report:
            return self.import_complete(db, set_, journal=False)

        def export(db: Connection, target: Path) -> None:
            again(self.hook, db, self.catalog, target)

        return prove_set(folder, self.catalog, restore, export)

    def export_view(
        self,
        db: Connection,
        view: str | View | Sequence[str | View],
        target: str | Path | Sink,
        *,
        format: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Write a view as a file for people and assistants to edit; or several as one workbook.

        Args:
            db: A connection.
            view: Its name, or a view narrowed by `bakeio.view(name).narrow(...)`; several of them
                where the format has sheets.
            target: A path or a binary stream.
            format: One of `formats`, or `json`; by default that of the extension, else JSON.
            force: Overwrite a view that holds edits not imported yet.
            progress: Called with (view, records written).

        Returns:
            The number of their records.

        Raises:
            BakeioError: `blocked`, a view with such edits would be overwritten.
            UsageError: Any other file would be overwritten, there is no such view or format, or the
                format does not go with the views.
            ExportRefused: The database holds values no file can hold; it names each.
        """
        from bakeio_core.exporting.sheets.write_views import write_views
        from bakeio_core.exporting.views.write_view import write_view

        several = [view] if isinstance(view, (str, View)) else view
        chosen = [self.view(one) if isinstance(one, str) else one for one in several]
        target = Path(target) if isinstance(target, (str, Path)) else target
        ensure_begun(db)
        known = self._format_for(target, format)
        if known is None and len(chosen) != 1:
            raise UsageError("a JSON file has one view: write several files, or a workbook (.xlsx)")
        with translated():
            if isinstance(target, Path):
                self._refuse_overwriting(db, target, known, force=force)
            if known is None:
                return write_view(self.hook, db, self.catalog, chosen[0], target, progress)
            return write_views(known, self.hook, db, self.catalog, chosen, target, progress)

    def _format_for(self, target: Path | Sink, format: str | None) -> Format | None:
        """Return the format of a file that is to be written, None for JSON.

        Raises:
            UsageError: Nothing that is installed writes it.
        """
        if format is not None:
            return self.formats.named(format, packages.for_format(format))
        if not isinstance(target, Path):
            return None
        return self.formats.to_write(target, "JSON under that name: --format json")

    def export_for_assistant(
        self,
        db: Connection,
        view: str | View,
        target: str | Path | Sink,
        *,
        shown: Sequence[str] | None = None,
        fill: Sequence[str] = (),
        only_fill: bool = False,
        max_tokens: int | None = None,
    ) -> list[LeanFile]:
        """Write numbered rows of a view for an assistant, with only what its task needs.

        Keys, ids and `_rev` are kept under a ticket, which the answer names. It expires after 30
        days.

        Args:
            db: A connection.
            view: Its name, or a view narrowed by `bakeio.view(name).narrow(...)`.
            target: A path or a binary stream. Several files are told apart by `.part2of3`.
            shown: The fields that the assistant sees; by default the label of the row.
            fill: The fields it is asked for; by default those of `missing`, else all editable
                fields.
            only_fill: The answer never overwrites an existing value.
            max_tokens: How many tokens a file has at most, by the tables `o200k_base`.

        Returns:
            The files, each with its `ticket`, `text` and the path it was written to.

        Raises:
            UsageError: A field is none of the view, or another file stands at the target.
        """
        from bakeio_core.exporting.assistant.lean import lean_files, task_of, write_lean

        chosen = self.view(view) if isinstance(view, str) else view
        task = task_of(
            chosen,
            self.catalog,
            shown=shown,
            fill=fill,
            only_fill=only_fill,
            max_tokens=max_tokens,
        )
        ensure_begun(db)
        with translated():
            files = lean_files(self.hook, db, self.catalog, task)
        write_lean(files, Path(target) if isinstance(target, str) else target)
        return files

    def _refuse_overwriting(
        self, db: Connection, path: Path, known: Format | None, *, force: bool
    ) -> None:
        """Raise where a file that stands there must not be overwritten by a view."""
        from bakeio_core.exporting.sheets.write_views import not_in_format
        from bakeio_core.exporting.views.write_view import not_a_view

        refuse_file(path, not_in_format(known, self.catalog) if known else not_a_view)
        if path.exists() and not force:
            self._refuse_unsent(db, path, known)

    def _refuse_unsent(self, db: Connection, path: Path, known: Format | None) -> None:
        """Raise where importing the file that stands there would still change or refuse a thing."""
        hint = f"{path} would be overwritten: import it first, or lose what is in it with --force"
        try:
            source = self.open(path, format=known.name if known else "json")
            report = self.plan(db, source).report
        except BakeioError as error:
            reason = f"it cannot be imported: {error}"
            raise BakeioError(f"{hint} ({reason})", code="blocked") from error
        if report.refused:
            raise BakeioError(hint, code="blocked")
        edits = report.summary["created"] + report.summary["updated"]
        if edits:
            told = f"{counted(edits, 'edit')} {'is' if edits == 1 else 'are'} not imported yet"
            raise BakeioError(f"{hint} ({told})", code="blocked")
