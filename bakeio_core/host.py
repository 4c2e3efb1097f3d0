"""The public face: find plugins, export, validate, plan and import. Whoever passes a connection owns the transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core.catalog import hookspecs
from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import Candidate, Decision, Format, Missing
from bakeio_core.catalog.model import View
from bakeio_core.catalog.plugins import Plugins, describe
from bakeio_core.database import writing
from bakeio_core.database.connect import (
    ensure_begun,
    streaming,
    translated,
)
from bakeio_core.database.rows import Tables
from bakeio_core.errors import (
    BakeioError,
    ImportRefused,
    PluginError,
    Problems,
    UsageError,
)
from bakeio_core.exporting import pages, records
from bakeio_core.exporting.documents import Progress, Sink
from bakeio_core.exporting.proof import prove_set
from bakeio_core.exporting.write_set import Exported, write_set
from bakeio_core.exporting.write_view import (
    not_a_view,
    not_in_format,
    rewrite_view,
    write_view,
    write_view_as,
)
from bakeio_core.files.documents.limits import Limits
from bakeio_core.files.output import Foreign, refuse_file
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.verify import verify
from bakeio_core.history.aliases import all_aliases, forget_alias
from bakeio_core.history.tables import all_runs, make_tables, will_write
from bakeio_core.history.undo import run_to_undo, undo_run
from bakeio_core.history.upgrade import refuse_writing, upgrade_tables
from bakeio_core.history.why import history_of
from bakeio_core.importing.options import ImportOptions, options_of
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.reading.opening import not_as_view, open_source
from bakeio_core.importing.reading.sources import Source
from bakeio_core.importing.run import Plan, carry_out, learned, plan_import
from bakeio_core.report import Report
from bakeio_core.resolving import decisions
from bakeio_core.resolving.candidates import Candidates
from bakeio_core.resolving.decisions import Decisions, Resolver, auto_create, now

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Bakeio:
    """Everything bakeio can do, for a program.

    plugins: what was found; catalog: entities and views; hook: call a hook yourself; limits: how large a stranger's file may be.
    """

    def __init__(self, plugins: Plugins, limits: Limits | None = None) -> None:
        self.plugins, self.limits = plugins, limits or Limits()
        self.catalog = Catalog.assemble(plugins)
        self.hook = plugins.hook

    @classmethod
    def discover(
        cls,
        *,
        block: Collection[str] = (),
        plugins: Iterable[Any] = (),
        limits: Limits | None = None,
    ) -> Bakeio:
        """Load the installed plugins (entry points of the group `bakeio`) but those in `block`, then `plugins`, objects of this process.

        Raises UsageError for a name in `block` that is not installed, PluginError for an object with an unknown hook.
        """
        found = Plugins(hookspecs, block)
        for module in (records, pages, writing, decisions):
            found.manager.register(module)
        found.discover()
        for plugin in plugins:
            found.register(plugin)
        return cls(found, limits)

    def broken(self, *, views: bool = True) -> list[str]:
        """Return one line for each plugin that failed and each entity disabled by anything but a plugin blocked by name.

        views: with the views disabled in the same way.
        """
        failed = [
            f"{plugin}: {plugin.reason}"
            for plugin in self.plugins.all.values()
            if plugin.status == "failed"
        ]
        owners, excused = self.catalog.provider, self.catalog.excused
        disabled = [
            (f"{owners[name]}: " if name in owners else "") + f"{name} is disabled: {reason}"
            for name, reason in self.catalog.disabled.items()
            if name not in excused
        ]
        disabled_views = [
            f"view {name} is disabled: {reason}"
            for name, reason in self.catalog.disabled_views.items()
            if name not in self.catalog.excused_views
        ]
        return failed + disabled + (disabled_views if views else [])

    # -- the database
    def create_tables(self, db: Connection) -> list[str]:
        """Create the tables that are missing and return their names; twice is harmless. Raises DatabaseError on a newer database."""
        ensure_begun(db)
        with translated():
            made = make_tables(db, self.catalog)
            refuse_writing(db, self.catalog)
            return made

    def upgrade(self, db: Connection) -> list[str]:
        """Bring an older database's tables up to this version inside the caller's transaction; return what was added."""
        ensure_begun(db)
        with translated():
            return upgrade_tables(db, self.catalog)

    def load_sample(self, db: Connection) -> Report:
        """Load the sample records plugins give into an empty database. Raises UsageError where rows exist, ImportRefused for bad samples."""
        from bakeio_core.importing.reading.samples import sample_source

        dialect = ensure_begun(db)
        filled = [
            entity.name
            for entity in self.catalog.entities.values()
            if not dialect.is_empty(db, entity.table)
        ]
        if filled:
            raise UsageError(
                f"the sample goes into an empty database only; {filled[0]} has rows already"
            )
        records: dict[str, list[Mapping[str, Any]]] = {}
        for _, results in self.plugins.call_each("bakeio_sample"):
            for result in results:
                for entity, items in result.items() if isinstance(result, Mapping) else ():
                    records.setdefault(entity, []).extend(items)
        if not records:
            raise UsageError("no plugin gives sample records: is one of them blocked?")
        is_whole = all(p.status == "active" for p in self.plugins.all.values())
        source = sample_source(records, self.catalog, strict=is_whole)
        how = {"dry_run": False, "is_journaled": True}
        return self._carry_out(db, source, ImportOptions(), Decisions(), None, **how)

    # -- out
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
        prove: bool = False,
        progress: Progress | None = None,
    ) -> Exported:
        """Write a normalized set that rebuilds the database anywhere: one file per entity and a manifest.

        folder: a new folder (default `docs/exports/<time>_<6 hex>`); zip: also `archives/<name>.zip` beside it; force: replace what an
        earlier export wrote there; transactional: with entities that have a date; since, until: only their rows of these days, and what
        those refer to; prove: restore the set into a scratch database, export that and compare, before it appears; the manifest then
        says so (`proof`).
        Returns what was written. Raises UsageError where anything else is in the way, PluginError while a plugin is broken and not blocked.
        """
        broken = self.broken(views=False)
        if broken:
            raise PluginError(
                f"an export without it would not be complete. {broken[0]}. Mend it, or leave it out with --block NAME"
            )
        path = Path(folder) if folder is not None else None
        with translated():
            return write_set(
                self.hook,
                db,
                self.catalog,
                path,
                zip_too=zip,
                force=force,
                transactional=transactional,
                since=since,
                until=until,
                prove=partial(self._prove, transactional=transactional) if prove else None,
                progress=progress,
            )

    def _prove(self, folder: Path, *, transactional: bool) -> dict[str, Any]:
        """Restore a set into a scratch database, export it again and compare."""

        def restore(db: Connection, set_: Path) -> Report:
            self.create_tables(db)
            return self.import_complete(db, set_, journal=False)

        def export(db: Connection, again: Path) -> None:
            write_set(self.hook, db, self.catalog, again, transactional=transactional)

        return prove_set(folder, restore, export)

    def view(self, name: str) -> View:
        """Return an installed view by name. Raises UsageError where there is none, saying which there are."""
        plain = name.replace("-", "_").removesuffix("_complete")
        if plain not in self.catalog.views:
            reason = self.catalog.disabled_views.get(plain)
            known = (
                f"disabled: {reason}"
                if reason
                else f"not installed; installed are {', '.join(self.catalog.views) or 'none'}"
            )
            raise UsageError(f'the view "{name}" is {known}')
        return self.catalog.views[plain]

    def export_view(
        self,
        db: Connection,
        view: str | View,
        target: str | Path | Sink,
        *,
        format: str | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> int:
        """Write a view as a file people and assistants edit; return the number of its records.

        view: its name, or a view narrowed by `bakeio.view(name).narrow(...)`; target: a path or a binary stream; format: one of
        `formats`, for a path, instead of JSON; force: overwrite a view that holds edits not imported yet. Raises BakeioError (`blocked`)
        where such a view would be overwritten, UsageError where it would be any other file.
        """
        chosen = self.view(view) if isinstance(view, str) else view
        with translated():
            if isinstance(target, (str, Path)):
                target = Path(target)
                known = self.formats.get(format or "")
                refuse_file(target, not_in_format(known, self.catalog) if known else not_a_view)
                if target.exists() and not force:
                    self._refuse_unsent(db, target)
            if format is not None:
                if format not in self.formats or not isinstance(target, Path):
                    raise UsageError(
                        f'there is no format "{format}" for a file; installed: {", ".join(self.formats) or "none besides JSON"}'
                    )
                return write_view_as(
                    self.formats[format], self.hook, db, self.catalog, chosen, target
                )
            return write_view(self.hook, db, self.catalog, chosen, target, progress)

    def _refuse_unsent(self, db: Connection, path: Path) -> None:
        """Raise where importing the file that stands there would still change or refuse something."""
        hint = f"{path} would be overwritten: import it first, or lose what is in it with --force"
        try:
            plan = self.plan(db, path)
        except BakeioError as error:
            raise BakeioError(
                f"{hint} (it cannot be imported as it stands: {error})", code="blocked"
            ) from error
        summary = plan.report.summary
        if plan.report.refused or summary["created"] or summary["updated"]:
            edits = summary["created"] + summary["updated"]
            raise BakeioError(
                f"{hint} ({edits} edits are not imported yet)" if not plan.report.refused else hint,
                code="blocked",
            )

    # -- in
    def validate(self, path: str | Path) -> Problems:
        """Check a set (folder, zip or manifest) without a database: every problem of it at once."""
        with streaming():
            return verify(ExportSet.open(Path(path), self.limits), self.catalog)

    def open(self, path: str | Path | IO[bytes], *, accept_edits: bool = False) -> Source:
        """Open what a path holds (a set's folder, zip or manifest, a view's file, an entity's file), or a binary stream, for `plan` or `import_`.

        accept_edits: changed checksums and counts of a set are warnings. Raises DocumentError where it cannot be read.
        """
        source = Path(path) if isinstance(path, str) else path
        return open_source(
            source,
            self.catalog,
            self.limits,
            accept_edits=accept_edits,
            formats=self.formats.values(),
        )

    @cached_property
    def formats(self) -> dict[str, Format]:
        """The document formats plugins bring besides JSON: {name: `Format`}."""
        return {
            known.name: known
            for _, found in self.plugins.call_each("bakeio_formats")
            for known in found
        }

    def plan(
        self,
        db: Connection,
        source: str | Path | Source,
        *,
        options: ImportOptions | None = None,
        resolve: Resolver | None = None,
        decisions: Mapping[Missing, Decision] | None = None,
        **how: Any,
    ) -> Plan:
        """Find out what an import would do; only SELECTs are made.

        Args:
            db: A connection inside the caller's transaction.
            source: A set's folder, zip or manifest, a view's file, or what `open` returned.
            options: How to import.
            resolve: Called with what is missing, returns the decisions it knows; plugins are asked
                first.
            decisions: Answers known already.
            how: Options by name, such as `mode="update-only"`; see `ImportOptions`.

        Returns:
            The plan, with the report a real import would give.

        Raises:
            DocumentError: The source cannot be read.
            UsageError: An option makes no sense.
        """
        chosen = options_of(options, how)
        opened = self._opened(source, chosen)
        with translated():
            known = self._known(db, opened, decisions)
        resolvers = [resolve] if resolve is not None else []
        resolvers += [auto_create(self.catalog, chosen.create)] if chosen.create else []

        def answer(missing: Sequence[Missing]) -> Iterator[Mapping[Missing, Decision]]:
            for answers in self.hook.bakeio_resolve_references(db=db, missing=missing):
                yield answers or {}
            for resolver in resolvers:
                left = [item for item in missing if known.get(item) is None]
                yield (resolver(left) or {}) if left else {}

        return plan_import(db, self.catalog, opened, chosen, known, answer)

    def _opened(self, source: str | Path | Source, options: ImportOptions) -> Source:
        if isinstance(source, Source):
            return source
        return self.open(source, accept_edits=options.accept_edits)

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
        skipped_log: Path | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Carry out a plan inside the caller's transaction: all of it, or nothing.

        Args:
            db: A connection inside the caller's transaction.
            plan: What `plan` returned.
            skip_errors: Import the good records and leave the bad ones, whatever was planned.
            dry_run: Write, look, and take everything back.
            journal: Record the run.
            skipped_log: Where the records left out are written before this returns; remove it if
                you roll back.
            progress: Called with (entity, records written).

        Raises:
            ImportRefused: It must not be done, or (`changed-meanwhile`) file or database are no
                longer as planned; nothing was written. It comes with `report` and `problems`.
        """
        options = plan.options
        if skip_errors is not None:
            options = replace(options, skip_errors=skip_errors)
        if plan.source.fingerprint() != plan.sha256:
            message = "the file changed after the import was planned: plan it again"
            raise ImportRefused(message, code="changed-meanwhile")
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
        skipped_log: Path | None = None,
        progress: Progress | None = None,
        **how: Any,
    ) -> Report:
        """Import a file or a set in one pass: plan and write in the caller's transaction.

        Args:
            db: A connection inside the caller's transaction.
            source: As for `plan`.
            options: How to import.
            resolve: As for `plan`.
            decisions: As for `plan`.
            dry_run: Write, look, and take everything back.
            journal: Record the run.
            skipped_log: As for `apply`.
            progress: Called with (entity, records written).
            how: Options by name, such as `mode="update-only"`; see `ImportOptions`.

        Raises:
            ImportRefused: Nothing was written; it comes with `report`.
            DocumentError: The source cannot be read.
            UsageError: An option makes no sense.
        """
        chosen = options_of(options, how)
        opened = self._opened(source, chosen)
        with translated():
            ensure_begun(db)
            will_write(db)
            known = self._known(db, opened, decisions)
        # somebody besides the core may know answers
        has_plugins = len(self.hook.bakeio_resolve_references.get_hookimpls()) > 1
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

    def _carry_out(
        self,
        db: Connection,
        source: Source,
        options: ImportOptions,
        decisions: Decisions,
        progress: Progress | None,
        **how: Any,
    ) -> Report:
        if options.mode == "replace":
            self._refuse_replacing(source)
        write = self._watched(progress)
        return carry_out(db, self.catalog, source, options, decisions, write, **how)

    def _refuse_replacing(self, source: Source) -> None:
        """Raise where rows must not be replaced by a source."""
        if source.kind != "set":
            message = f"only a set can replace what is there; {source.name} is a {source.kind}"
            raise UsageError(message)
        broken = self.broken(views=False)
        if broken:
            raise PluginError(
                f"rows cannot be replaced without it. {broken[0]}. Mend it, or leave it out with "
                "--block NAME"
            )

    def import_complete(
        self, db: Connection, source: str | Path | Source, **options: Any
    ) -> Report:
        """Import a normalized set; `import_` says what the options are."""
        return self.import_(db, source, **options)

    def refresh_view(self, db: Connection, path: str | Path) -> int:
        """Bring a view's file up to date after its import, ids and `_rev` of new records included; return how many records have a row.

        Records that were not imported stay as they are. Raises UsageError where the file is no view, DocumentError where it cannot be read.
        """
        source = self.open(path)
        if source.kind != "view":
            raise UsageError(
                f"only a view's file can be refreshed; {source.name} is a {source.kind}"
            )
        refuse_file(Path(path), self.not_as_view)
        ensure_begun(db)
        with translated(), streaming():
            known = Decisions(None, learned(db))
            plan = ImportPlan(db, self.catalog, source, ImportOptions(), known)
            part = plan.part(source.parts[0])
            for _ in part.changes():
                pass
            ids = {number: row for row, number in part.claims.record_of.items()}
            foreign = self.not_as_view
            where = (source.parts[0], ids, Path(path), foreign)
            return rewrite_view(self.hook, db, self.catalog, *where)

    @property
    def not_as_view(self) -> Foreign:
        """What says of a path why `refresh_view` must not write there."""
        return partial(
            not_as_view, catalog=self.catalog, limits=self.limits, formats=self.formats.values()
        )

    def suggest(self, db: Connection, entity: str, text: str, limit: int = 5) -> list[Candidate]:
        """Return the rows of an entity a text may mean, the best first. Raises UsageError for an entity that is not installed."""
        name = entity.replace("-", "_")
        if name not in self.catalog.entities:
            raise UsageError(
                f'there is no entity "{entity}"; installed are {", ".join(self.catalog.entities)}'
            )
        ensure_begun(db)
        with translated(), streaming():
            return Candidates(db, self.catalog, learned(db)).of_text(name, text, limit)

    def aliases(self, db: Connection) -> list[dict[str, Any]]:
        """Return what was learned in earlier imports: entity, key, the label of the row it means now (None where it is gone), at and run."""
        ensure_begun(db)
        with translated():
            rows = Candidates(db, self.catalog, {})
            return [
                {
                    "entity": alias.entity,
                    "key": dict(alias.key),
                    "row": rows.label(alias.entity, alias.row),
                    "at": alias.at,
                    "run": alias.run,
                }
                for alias in all_aliases(db)
                if alias.entity in self.catalog.entities
            ]

    def forget_alias(self, db: Connection, entity: str, value: str) -> int:
        """Forget what was learned of a name; return how many keys that were."""
        ensure_begun(db)
        with translated():
            return forget_alias(db, entity.replace("-", "_"), value)

    def runs(self, db: Connection) -> list[dict[str, Any]]:
        """Return what was imported into this database, the latest run first: id, at, source, mode, export_id and counts."""
        with translated():
            return all_runs(db)

    def undo(self, db: Connection, run: int | None = None, *, dry_run: bool = False) -> Report:
        """Take back one import inside the caller's transaction: what is still as it left it goes back, the rest is kept and named.

        run: its number (see `runs`), else the latest import not taken back yet. An undo is a run of its own, which can be undone.
        Raises BakeioError, with nothing written, where there is nothing to take back.
        """
        ensure_begun(db)
        with translated():
            will_write(db)
            refuse_writing(db, self.catalog)
            entry = run_to_undo(db, run)
        return undo_run(db, self.catalog, self._watched(None), entry, now(), dry_run=dry_run)

    def why(
        self, db: Connection, entity: str, key: str, field: str | None = None
    ) -> list[dict[str, Any]]:
        """Return which runs created a row or set its fields, the latest first: {run, at, source, file, record, action, field, old, new, decision}.

        key: its slug, uuid, id or another natural key, or what people call it. Raises UsageError where that is no one row, or no field.
        """
        name = entity.replace("-", "_")
        if name not in self.catalog.entities:
            raise UsageError(
                f'there is no entity "{entity}"; installed are {", ".join(self.catalog.entities)}'
            )
        known = self.catalog.entities[name]
        if field is not None and field not in known.columns:
            raise UsageError(
                f'{name} have no field "{field}"; they have {", ".join(known.columns)}'
            )
        ensure_begun(db)
        with translated():
            ids = Tables(db, self.catalog).named(known, key)
            if len(ids) != 1:
                found = "no row" if not ids else f"{len(ids)} rows"
                raise UsageError(
                    f'{found} of {name} {"is" if not ids else "are"} called "{key}"; see: bakeio suggest {name} "{key}"'
                )
            return history_of(db, known, ids[0], field)

    def _watched(self, progress: Progress | None) -> Callable[..., Any]:
        """Return what writes a batch through the hook, and names the plugin that fails.

        `progress` is told of what was written: of each row once, however often it was tried.
        """
        done: Counter[str] = Counter()

        def call(**arguments: Any) -> Any:
            changes = arguments["changes"]
            name = changes.entity.name
            try:
                written = self.hook.bakeio_import_records(**arguments)
            except (exc.SQLAlchemyError, BakeioError):
                raise
            except Exception as error:
                culprit = self.plugins.culprit(error)
                if culprit is None:
                    raise
                message = f"{culprit} failed while {name} were written: {describe(error)}"
                raise PluginError(f"{message}; nothing was written") from error
            done[name] += len(changes.rows) + len(changes.updates)
            if progress:
                progress(name, done[name])
            return written

        return call
