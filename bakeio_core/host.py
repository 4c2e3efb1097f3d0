"""The public face: find plugins, export, validate, plan and import. Whoever passes a connection owns the transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import exc

from bakeio_core.catalog import hookspecs
from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import Candidate, Change, Decision, Format, Identity, Missing
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
    Problem,
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
from bakeio_core.files.export_set import ExportSet
from bakeio_core.files.limits import Limits
from bakeio_core.files.output import Foreign, refuse_file
from bakeio_core.history.aliases import Alias, all_aliases, forget_alias, learn
from bakeio_core.history.tables import (
    adopt_database_id,
    all_runs,
    has_journal,
    make_tables,
    will_write,
)
from bakeio_core.history.undo import run_to_undo, undo_run
from bakeio_core.history.upgrade import refuse_writing, upgrade_tables
from bakeio_core.history.why import history_of
from bakeio_core.importing.apply import Application, lock_tables, refusal
from bakeio_core.importing.context import tell_context
from bakeio_core.importing.merge import ViewPlanner
from bakeio_core.importing.opening import not_as_view, open_source
from bakeio_core.importing.options import ImportOptions
from bakeio_core.importing.planner import Planner, report_of
from bakeio_core.importing.skipped import Skipped
from bakeio_core.importing.sources import Source
from bakeio_core.report import Report
from bakeio_core.resolving import decisions
from bakeio_core.resolving.candidates import Candidates
from bakeio_core.resolving.decisions import Decisions, Resolver, auto_create, name_candidates, now
from bakeio_core.values.folding import folded_key

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass
class Plan:
    """What an import would do, shown before it is done: `report`, `missing`, and the changes that are not plain creations.

    Pass it to `Bakeio.apply`, which plans again inside its transaction and refuses where the outcome is another one.
    """

    source: Source
    options: ImportOptions
    decisions: Decisions
    report: Report
    missing: list[Missing]
    changes: list[Change] = field(default_factory=list)
    sha256: str = ""
    digest: bytes = b""

    def preview(self) -> str:
        """Return the plan as text for a person."""
        return self.report.text()


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
        owners = {
            **{f"view {n}": p for n, p in self.catalog.view_provider.items()},
            **self.catalog.provider,
        }
        return failed + [
            f"{owners[name]}: {name} is disabled: {reason}"
            if name in owners
            else f"{name} is disabled: {reason}"
            for name, reason in self.catalog.disabled.items()
            if name not in self.catalog.excused and (views or not name.startswith("view "))
        ]

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
        from bakeio_core.importing.samples import sample_source

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
        return self._import(
            db,
            sample_source(
                records,
                self.catalog,
                strict=all(p.status == "active" for p in self.plugins.all.values()),
            ),
            ImportOptions(),
            Decisions(),
            dry_run=False,
        )

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
            reason = self.catalog.disabled.get(f"view {plain}")
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
            return ExportSet.open(Path(path), self.limits).verify(self.catalog)

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
        mode: str = "merge",
        resolve: Resolver | None = None,
        decisions: Mapping[Missing, Decision] | None = None,
        on_conflict: str = "fail",
        skip_errors: bool = False,
        accept_edits: bool = False,
        nulls: str = "keep",
        allow: Collection[str] = (),
        allow_duplicates: bool = False,
        create: Collection[str] = (),
    ) -> Plan:
        """Find out what an import would do; only SELECTs are made.

        source: a set's folder, zip or manifest, a view's file, or what `open` returned. mode: merge, skip-existing, update-only or replace.
        resolve: called with what is missing, returns the decisions it knows; plugins are asked first; decisions: answers known already.
        create: entities whose missing rows are created where the file tells all that is required.
        on_conflict: fail, keep-db or take-file, where file and database both changed. skip_errors: leave bad records out.
        accept_edits: take a set whose files were changed. nulls: what null means in a view, keep or clear. allow: checks to lift.
        allow_duplicates: add new records of a view even where equal rows are there.
        Returns a `Plan` with the report a real import would give. Raises DocumentError where the source cannot be read.
        """
        opened = (
            source if isinstance(source, Source) else self.open(source, accept_edits=accept_edits)
        )
        options = ImportOptions(
            mode, on_conflict, skip_errors, nulls, frozenset(allow), allow_duplicates
        )
        resolvers = [resolve] if resolve is not None else []
        resolvers += [auto_create(self.catalog, create)] if create else []
        ensure_begun(db)
        with translated(), streaming():
            known = Decisions({**opened.decisions, **(decisions or {})}, self._learned(db))
            search = Candidates(db, self.catalog, known.aliases)
            while True:
                planner = Planner(
                    db, self.catalog, opened, options, known, view_planner=ViewPlanner
                )
                for _ in planner.changes():
                    pass
                missing = self._ordered(planner, search)
                if not missing or not self._resolved(db, missing, known, resolvers):
                    break
            search.prepare({item.entity for item in missing})
            report = report_of(planner, dry_run=True, refused=refusal(planner))
            name_candidates(report.problems, missing)
            return Plan(
                opened,
                options,
                known,
                report,
                missing,
                planner.shown,
                opened.fingerprint(),
                planner.outcome(),
            )

    def _learned(self, db: Connection) -> dict[Identity, int]:
        return {(alias.entity, folded_key(alias.key)): alias.row for alias in all_aliases(db)}

    def _ordered(self, planner: Planner, search: Candidates) -> list[Missing]:
        """Return what is missing in import order, each with what its first record tells and a way to find candidates."""
        order = {name: place for place, name in enumerate(self.catalog.entities)}
        found = sorted(planner.missing.values(), key=lambda item: order[item.entity])
        tell_context(planner.source, found, self.catalog)
        for item in found:
            item.search = search.of_missing
        return found

    def _resolved(
        self,
        db: Connection,
        missing: list[Missing],
        known: Decisions,
        resolvers: Iterable[Resolver],
    ) -> int:
        new = 0
        for answers in self.hook.bakeio_resolve_references(db=db, missing=missing):
            new += known.add(answers or {})
        for resolver in resolvers:
            left = [item for item in missing if known.get(item) is None]
            new += known.add(resolver(left) or {}) if left else 0
        return new

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

        skip_errors: import the good records and leave the bad ones. dry_run: write, look, and take everything back.
        journal, skipped_log, progress: as with `import_`.
        Raises ImportRefused (with `report` and `problems`) where it must not be done, or where file or database are no longer as planned
        (`changed-meanwhile`); then nothing was written.
        """
        options = (
            plan.options if skip_errors is None else replace(plan.options, skip_errors=skip_errors)
        )
        if plan.source.fingerprint() != plan.sha256:
            raise ImportRefused(
                "the file changed after the import was planned: plan it again",
                code="changed-meanwhile",
            )
        return self._import(
            db, plan.source, options, plan.decisions, dry_run=dry_run, expected=plan.digest, journal=journal, skipped_log=skipped_log,
            progress=progress,
        )  # fmt: skip

    def import_(
        self,
        db: Connection,
        source: str | Path | Source,
        *,
        mode: str = "merge",
        resolve: Resolver | None = None,
        decisions: Mapping[Missing, Decision] | None = None,
        on_conflict: str = "fail",
        skip_errors: bool = False,
        accept_edits: bool = False,
        nulls: str = "keep",
        allow: Collection[str] = (),
        allow_duplicates: bool = False,
        create: Collection[str] = (),
        dry_run: bool = False,
        journal: bool = True,
        skipped_log: Path | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Import a file or a set in one pass, nothing shown before: plan and write together inside the caller's transaction.

        The parameters are those of `plan` and `apply`; journal: record the run; skipped_log: where the records left out by `skip_errors` are
        written before this returns (remove it if you roll back); progress: called with (entity, records done).
        Raises ImportRefused with `report` where nothing was written.
        """
        opened = (
            source if isinstance(source, Source) else self.open(source, accept_edits=accept_edits)
        )
        options = ImportOptions(
            mode, on_conflict, skip_errors, nulls, frozenset(allow), allow_duplicates
        )
        known = None
        ensure_begun(db)
        with translated():
            will_write(db)
        if (
            resolve or create or len(self.hook.bakeio_resolve_references.get_hookimpls()) > 1
        ):  # somebody besides the core may know answers
            known = self.plan(
                db, opened, mode=mode, resolve=resolve, decisions=decisions, on_conflict=on_conflict, skip_errors=skip_errors, nulls=nulls,
                allow=allow, allow_duplicates=allow_duplicates, create=create,
            ).decisions  # fmt: skip
        with translated():
            known = (
                Decisions({**opened.decisions, **(decisions or {})}, self._learned(db))
                if known is None
                else known
            )
        return self._import(
            db,
            opened,
            options,
            known,
            dry_run=dry_run,
            journal=journal,
            skipped_log=skipped_log,
            progress=progress,
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
            planner = Planner(
                db,
                self.catalog,
                source,
                ImportOptions(),
                Decisions(None, self._learned(db)),
                view_planner=ViewPlanner,
            )
            part = planner.planner_of(source.parts[0])
            for _ in part.changes():
                pass
            ids = {known >> 33: identity for identity, known in part.touched.items()}
            return rewrite_view(
                self.hook, db, self.catalog, source.parts[0], ids, Path(path), self.not_as_view
            )

    @property
    def not_as_view(self) -> Foreign:
        """What says of a path history_of `refresh_view` must not write there."""
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
            return Candidates(db, self.catalog, self._learned(db)).of_text(name, text, limit)

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

    def _import(
        self,
        db: Connection,
        source: Source,
        options: ImportOptions,
        decisions: Decisions,
        *,
        dry_run: bool,
        expected: bytes | None = None,
        journal: bool = True,
        skipped_log: Path | None = None,
        progress: Progress | None = None,
    ) -> Report:
        ensure_begun(db)
        with translated():
            will_write(db)
            refuse_writing(db, self.catalog)
            lock_tables(db, self.catalog, source)
            planner = Planner(
                db,
                self.catalog,
                source,
                options,
                decisions,
                planning=False,
                view_planner=ViewPlanner,
                witness=expected is not None,
            )
            journal = journal and has_journal(db)
            application = Application(
                planner,
                self._watched(progress),
                journal,
                self._kept(planner) if options.mode == "replace" else None,
            )
            adopts = (
                source.kind == "set"
                and source.database_id
                and not planner.own
                and self._untouched(db)
            )
        skipped = Skipped()
        if options.skip_errors:
            planner.problems.listener = skipped.note
        reports: list[Report] = []

        def told() -> None:
            reports.append(report_of(planner, dry_run=dry_run))
            self._name_candidates(planner, reports[0].problems)

        try:
            application.run(dry_run=dry_run, expected=expected, told=told)
        except ImportRefused as refused:
            if refused.code is not None:
                planner.problems.add(
                    Problem(code=refused.code, file=source.name, message=str(refused))
                )
            refused.report = report_of(planner, dry_run=dry_run, refused=str(refused))
            self._name_candidates(planner, refused.report.problems)
            raise
        if adopts and not dry_run:
            adopt_database_id(db, str(source.database_id))
        if source.aliases and journal and not dry_run:
            self._take_over(db, planner)
        report = reports[0]
        report.run = None if dry_run or application.journal is None else application.journal.run
        if skipped_log is not None and skipped.reasons and not dry_run:
            skipped.write(planner, report.problems, skipped_log)
            report.skipped_log = str(skipped_log)
        return report

    def _kept(self, planner: Planner) -> dict[str, set[int]]:
        """Return the rows a set that is to replace what is there means: the others are deleted. Raises where it must not be done."""
        if planner.source.kind != "set":
            raise UsageError(
                f"only a set can replace what is there; {planner.source.name} is a {planner.source.kind}"
            )
        broken = self.broken(views=False)
        if broken:
            raise PluginError(
                f"rows cannot be replaced without it. {broken[0]}. Mend it, or leave it out with --block NAME"
            )
        with streaming():
            before = Planner(
                planner.db, self.catalog, planner.source, planner.options, planner.decisions
            )
            for _ in before.changes():
                pass
        return before.meant

    def _name_candidates(self, planner: Planner, problems: list[Problem]) -> None:
        """Put the rows that may be meant into the problems with references."""
        if planner.missing:
            with translated():
                search = Candidates(planner.db, self.catalog, planner.decisions.aliases)
                name_candidates(problems, self._ordered(planner, search))

    def _take_over(self, db: Connection, planner: Planner) -> None:
        """Learn what a set brings along, where its rows are here and nothing else was learned."""
        known, lessons = self._learned(db), []
        for entry in planner.source.aliases:
            entity = self.catalog.entities.get(entry["entity"])
            if entity is not None and (entity.name, folded_key(entry["key"])) not in known:
                for column, value in entry["target"].items():
                    named = (column,) in entity.all_keys and isinstance(value, str)
                    rows = (
                        planner.linker.rows(entity).by((column,), [(value,)]).get((value,), [])
                        if named
                        else []
                    )
                    if len(rows) == 1:
                        lessons.append(
                            Alias(
                                entity.name,
                                entry["key"],
                                rows[0][planner.linker.rows(entity).id_place],
                            )
                        )
                        break
        learn(db, None, lessons, planner.now)

    def _untouched(self, db: Connection) -> bool:
        dialect = ensure_begun(db)
        return not all_runs(db) and all(
            dialect.is_empty(db, entity.table) for entity in self.catalog.entities.values()
        )

    def _watched(self, progress: Progress | None) -> Callable[..., Any]:
        """Return the caller of the writing hook: it tells `progress`, and names the plugin that fails."""
        done: dict[str, int] = {}

        def call(**arguments: Any) -> Any:
            changes = arguments["changes"]
            name = changes.entity.name
            done[name] = done.get(name, 0) + len(changes.rows) + len(changes.updates)
            if progress:
                progress(name, done[name])
            try:
                return self.hook.bakeio_import_records(**arguments)
            except (exc.SQLAlchemyError, BakeioError):
                raise
            except Exception as error:
                culprit = self.plugins.culprit(error)
                if culprit is None:
                    raise
                raise PluginError(
                    f"{culprit} failed while {name} were written: {describe(error)}; nothing was written"
                ) from error

        return call
