"""The way in: plan, apply, import, load a sample and refresh a view's file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import (
    REFERENCE,
    Decision,
    Missing,
    Progress,
    Question,
)
from bakeio_core.database.connect import ensure_begun, streaming, translated
from bakeio_core.database.stored.tables import hidden_entities
from bakeio_core.errors import BakeioError, UsageError, unknown
from bakeio_core.files.output import refuse_file
from bakeio_core.history.learned.aliases import learned
from bakeio_core.history.reports.report import ImportRefused, Report
from bakeio_core.history.tables import will_write
from bakeio_core.host.batches import BatchWriter
from bakeio_core.host.installed import Installed
from bakeio_core.importing.options import ImportChoices, ImportOptions, options_of
from bakeio_core.resolving.decisions import Decisions, Resolver, auto_create, checked_answers
from bakeio_core.values.wording import kind_of_thing, may_hide

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from typing_extensions import Unpack

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.catalog.plugins.loading import Plugins
    from bakeio_core.importing.reading.sources import Source
    from bakeio_core.importing.run import Plan


class Imports(Installed):
    """Bring a source into a database, and a view's file up to date after it."""

    def plan(
        self,
        db: Connection,
        source: str | Path | Source,
        *,
        options: ImportOptions | None = None,
        resolve: Resolver | None = None,
        decisions: Mapping[Missing, Decision] | None = None,
        progress: Progress | None = None,
        **how: Unpack[ImportChoices],
    ) -> Plan:
        """Find out what an import would do. It only reads.

        Args:
            db: A connection inside the caller's transaction.
            source: A set's folder, zip or manifest, a view's file, or what `open` returned.
            options: How to import.
            resolve: A function that gets the questions nobody has answered, and returns the
                decisions it knows; plugins are asked first.
            decisions: Answers known already.
            progress: Called with (entity, records looked at); what it raises ends the planning.
            how: Options by name, such as `mode="update-only"`; see `ImportOptions`.

        Returns:
            The plan, with the report a real import would give.

        Raises:
            DocumentError: The source cannot be read.
            UsageError: An option makes no sense.
            BakeioError: Rows are to be replaced, and the source does not have all there are.
        """
        from bakeio_core.importing.run import plan_import

        chosen = options_of(options, how)
        opened = self._opened(source, chosen)
        with translated():
            known = self._known(db, opened, decisions)
        self._refuse_replacing(db, opened, chosen)
        resolvers = [resolve] if resolve is not None else []
        resolvers += [auto_create(self.catalog, chosen.create)] if chosen.create else []

        def answer(questions: Sequence[Question]) -> Iterator[Mapping[Question, Decision]]:
            missing = [item for item in questions if item.kind == REFERENCE]
            hooks = list(self.hook.bakeio_answer(db=db, questions=questions))
            if missing:
                hooks += self.hook.bakeio_resolve_references(db=db, missing=missing)
            for answers in hooks:
                yield checked_answers(answers or {})
            for resolver in resolvers:
                left = [item for item in questions if known.get(item) is None]
                yield checked_answers(resolver(left) or {}) if left else {}

        return plan_import(db, self.catalog, opened, chosen, known, answer, progress)

    def _opened(self, source: str | Path | Source, options: ImportOptions) -> Source:
        from bakeio_core.importing.reading.sources import Source

        _refuse_unknown_checks(self.catalog, options.allow)
        if not isinstance(source, Source):
            return self.open(source, accept_edits=options.accept_edits, without=options.without)
        if options.without:
            raise UsageError(f"{source.name} is open already: give without to open()")
        return source

    def _known(
        self, db: Connection, source: Source, decisions: Mapping[Missing, Decision] | None
    ) -> Decisions:
        ensure_begun(db)
        return Decisions({**source.decisions, **(decisions or {})}, learned(db))

    def apply(
        self,
        db: Connection,
        plan: Plan,
        *,
        skip_errors: bool | None = None,
        dry_run: bool = False,
        journal: bool = True,
        skipped_log: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Carry out a plan inside the caller's transaction: all of it, or nothing.

        Args:
            db: A connection inside the caller's transaction.
            plan: What `plan` returned.
            skip_errors: Import the good records and leave the bad ones, whatever was planned.
            dry_run: Write everything, report it, and roll back.
            journal: Record the run.
            skipped_log: The file for the records that are left out, written before this returns;
                remove it if you roll back. The extension of a sheet makes it a sheet, if the
                records are of one view.
            progress: Called with (entity, records written); what it raises ends the import, and
                nothing is written.

        Raises:
            ImportRefused: The import is refused, or the file or the database is no longer as
                planned (`changed-meanwhile`). Nothing was written. The error has `report` and
                `problems`.
        """
        from bakeio_core.importing.run import Plan

        if not isinstance(plan, Plan):
            raise UsageError(f"a plan is expected, not {kind_of_thing(plan)}: what `plan` returned")
        options = plan.options
        if skip_errors is not None:
            options = replace(options, skip_errors=skip_errors)
        if plan.source.fingerprint() != plan.sha256:
            message = "the file changed after the import was planned: plan it again"
            raise ImportRefused(message, code="changed-meanwhile")
        ensure_begun(db)
        return self._carry_out(
            db,
            plan.source,
            options,
            plan.decisions,
            progress,
            dry_run=dry_run,
            is_journaled=journal,
            expected=plan.digest,
            skipped_log=skipped_log,
        )

    def import_(
        self,
        db: Connection,
        source: str | Path | Source,
        *,
        options: ImportOptions | None = None,
        resolve: Resolver | None = None,
        decisions: Mapping[Missing, Decision] | None = None,
        dry_run: bool = False,
        journal: bool = True,
        skipped_log: str | Path | None = None,
        progress: Progress | None = None,
        **how: Unpack[ImportChoices],
    ) -> Report:
        """Import a file or a set in one pass: plan and write in the caller's transaction.

        Args:
            db: A connection inside the caller's transaction.
            source: As for `plan`.
            options: How to import.
            resolve: As for `plan`.
            decisions: As for `plan`.
            dry_run: Write everything, report it, and roll back.
            journal: Record the run.
            skipped_log: As for `apply`.
            progress: As for `apply`.
            how: Options by name, such as `mode="update-only"`; see `ImportOptions`.

        Raises:
            ImportRefused: Nothing was written; the error has `report`.
            DocumentError: The source cannot be read.
            UsageError: An option makes no sense.
            BakeioError: Rows are to be replaced, and the source does not have all there are.
        """
        chosen = options_of(options, how)
        opened = self._opened(source, chosen)
        with translated():
            ensure_begun(db)
            will_write(db, self.catalog)
            known = self._known(db, opened, decisions)
        # somebody besides the core may know answers
        hooks = (self.hook.bakeio_resolve_references, self.hook.bakeio_answer)
        has_plugins = any(len(hook.get_hookimpls()) > 1 for hook in hooks)
        if resolve or chosen.create or has_plugins:
            asked = self.plan(db, opened, options=chosen, resolve=resolve, decisions=decisions)
            known = asked.decisions
        return self._carry_out(
            db,
            opened,
            chosen,
            known,
            progress,
            dry_run=dry_run,
            is_journaled=journal,
            skipped_log=skipped_log,
        )

    def import_complete(
        self,
        db: Connection,
        source: str | Path | Source,
        *,
        dry_run: bool = False,
        journal: bool = True,
        **how: Unpack[ImportArguments],
    ) -> Report:
        """Import a normalized set. If the database has no table of any entity, create all tables.

        The arguments are those of `import_`. A dry run creates no tables; if they are missing, it
        is refused.
        """
        from bakeio_core.database.dialects import columns_there
        from bakeio_core.history.tables import make_tables

        ensure_begun(db)
        with translated():
            if not dry_run and not columns_there(db, self.catalog.tables.values()):
                make_tables(db, self.catalog, own=journal)
        return self.import_(db, source, dry_run=dry_run, journal=journal, **how)

    def _carry_out(
        self,
        db: Connection,
        source: Source,
        options: ImportOptions,
        decisions: Decisions,
        progress: Progress | None,
        **how: Any,
    ) -> Report:
        from bakeio_core.importing.run import carry_out

        if options.skip_errors and how.get("skipped_log") is not None:
            from bakeio_core.importing.applying.left_out.sheet import LogFile

            how["skipped_log"] = LogFile.of(Path(how["skipped_log"]), source, self.formats)
        self._refuse_replacing(db, source, options)
        write = BatchWriter(self.plugins, progress)
        return carry_out(db, self.catalog, source, options, decisions, write, **how)

    def _refuse_replacing(self, db: Connection, source: Source, options: ImportOptions) -> None:
        """Raise where rows are to be replaced by a source, and must not be."""
        if options.mode != "replace":
            return
        _refuse_part(source, options)
        _refuse_hidden(db, self.catalog)
        self._refuse_broken("rows cannot be replaced without it")

    def load_sample(self, db: Connection) -> Report:
        """Load the sample records of the plugins into an empty database.

        Raises:
            UsageError: Rows exist, or no plugin gives records.
            ImportRefused: A sample is wrong.
        """
        from bakeio_core.importing.reading.building import sample_source

        dialect = ensure_begun(db)
        for entity in self.catalog.entities.values():
            if not dialect.is_empty(db, entity.table):
                raise UsageError(
                    f"the sample goes into an empty database only; {entity.name} has rows already"
                )
        records = _sample_records(self.plugins)
        if not records:
            raise UsageError("no plugin gives sample records: is one of them blocked?")
        is_whole = all(plugin.status == "active" for plugin in self.plugins.all.values())
        source = sample_source(records, self.catalog, strict=is_whole)
        common = (db, source, ImportOptions(), Decisions(), None)
        return self._carry_out(*common, dry_run=False, is_journaled=True)

    def refresh_view(
        self,
        db: Connection,
        path: str | Path,
        *,
        decisions: Mapping[Missing, Decision] | None = None,
    ) -> int:
        """Bring a view's file up to date after its import, with ids and `_rev` of new records.

        Records that were not imported stay as they are. So do fields that the view does not have
        and, in a JSON file, the layout.

        Args:
            db: A connection.
            path: The file.
            decisions: The answers it was imported with.

        Returns:
            How many records now have the values of their rows.

        Raises:
            UsageError: The file is not a view.
            DocumentError: The file cannot be read.
        """
        from bakeio_core.exporting.views.refresh import refresh_file
        from bakeio_core.importing.planning.import_plan import ImportPlan

        source = self.open(path)
        if source.kind != "view":
            raise UsageError(
                f"only a view's file can be refreshed; {source.name} is a {source.kind}"
            )
        if source.format is not None and len(source.parts) > 1:
            raise UsageError(f"{source.name} holds several views: only one of them is refreshed")
        refuse_file(Path(path), self.not_as_view)
        ensure_begun(db)
        with translated(), streaming():
            # a record of which something was left out still differs, and stays as it is
            made = (decisions or {}).items()
            kept = {q: d for q, d in made if q.kind == REFERENCE and d.action != "skip"}
            known = Decisions(kept, learned(db))
            plan = ImportPlan(db, self.catalog, source, ImportOptions(), known)
            where = (source.parts[0], plan.imported(), Path(path), self.not_as_view, source.format)
            return refresh_file(self.hook, db, self.catalog, *where)


class ImportArguments(ImportChoices, total=False):
    """The arguments of an import by name, but for the two that say whether it is for good."""

    options: ImportOptions | None
    resolve: Resolver | None
    decisions: Mapping[Missing, Decision] | None
    skipped_log: str | Path | None
    progress: Progress | None


def _sample_records(plugins: Plugins) -> dict[str, list[Mapping[str, Any]]]:
    """Return the samples of all plugins as {entity: records}."""
    records: dict[str, list[Mapping[str, Any]]] = {}
    for _, results in plugins.call_each("bakeio_sample"):
        for result in results:
            for entity, items in result.items() if isinstance(result, Mapping) else ():
                records.setdefault(entity, []).extend(items)
    return records


def _refuse_unknown_checks(catalog: Catalog, allow: Iterable[str]) -> None:
    """Raise where a check is to be lifted that nothing has; a range of days is meant for a set."""
    checks = dict.fromkeys(column for e in catalog.entities.values() for column in e.all_checks)
    for name in allow:
        if name not in checks and ".." not in name:
            said = f'there is no check of "{name}" to lift'
            raise UsageError(unknown(said, name, checks, which="checked"))


def _refuse_part(source: Source, options: ImportOptions) -> None:
    """Raise where a source has not all rows there were, and so must not replace them."""
    if source.kind != "set":
        message = f"only a set can replace what is there; {source.name} is a {source.kind}"
        raise UsageError(message)
    if source.days is not None and source.days not in options.allow:
        raise BakeioError(
            f"{source.name} has only the days {source.days}: every other row of its entities "
            "would be deleted. Import it with --mode merge, or name the range to mean that: "
            f"--allow {source.days}",
            code="blocked",
        )
    if source.is_visible_only:
        raise BakeioError(
            f"{source.name} has only the rows its exporter could see (visible_only): every "
            "other row of its entities would be deleted. Import it with --mode merge",
            code="blocked",
        )


def _refuse_hidden(db: Connection, catalog: Catalog) -> None:
    """Raise where a policy hides rows from this user, which nobody could replace then."""
    hidden = hidden_entities(db, catalog)
    if hidden:
        raise BakeioError(
            f"{may_hide(hidden)}, and what is not seen cannot be replaced: nothing was written. "
            "Import as a role that sees all rows (ALTER ROLE ... BYPASSRLS), or with --mode merge",
            code="blocked",
        )
