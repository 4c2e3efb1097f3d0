"""The public face: find plugins, export, validate, plan and import. Whoever passes a connection owns the transaction."""

from __future__ import annotations

import secrets
import uuid as uuids
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from sqlalchemy import exc

from bakeio_core import apply as _apply
from bakeio_core import export as _export
from bakeio_core import ledger, output, projection, resolve, sets, sources
from bakeio_core.apply import Application, refusal
from bakeio_core.catalog import Catalog
from bakeio_core.database import ensure_begun, streaming, translated
from bakeio_core.documents import Limits
from bakeio_core.errors import BakeioError, ImportRefused, PluginError, Problems, UsageError
from bakeio_core.plan import Change, Options, Planner
from bakeio_core.plugins import Plugins, describe
from bakeio_core.report import Report
from bakeio_core.resolve import Decision, Decisions, Missing, Resolver
from bakeio_core.version import VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Bakeio", "Exported", "Plan"]

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Exported:
    """What an export wrote: its folder, the zip if one was asked for, and {entity: number of records}."""

    folder: Path
    counts: dict[str, int]
    archive: Path | None = None
    omitted: tuple[str, ...] = ()


@dataclass
class Plan:
    """What an import would do, shown before it is done: `report`, `missing`, and the changes that are not plain creations.

    Pass it to `Bakeio.apply`, which plans again inside its transaction and refuses where the outcome is another one.
    """

    source: sources.Source
    options: Options
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
    def discover(cls, *, block: Collection[str] = (), plugins: Iterable[Any] = (), limits: Limits | None = None) -> Bakeio:
        """Load the installed plugins (entry points of the group `bakeio`) but those in `block`, then `plugins`, objects of this process.

        Raises UsageError for a name in `block` that is not installed, PluginError for an object with an unknown hook.
        """
        found = Plugins(block)
        for module in (_export, projection, _apply, resolve):
            found.manager.register(module)
        found.discover()
        for plugin in plugins:
            found.register(plugin)
        return cls(found, limits)

    def broken(self, *, views: bool = True) -> list[str]:
        """Return one line for each plugin that failed and each entity disabled by anything but a plugin blocked by name.

        views: with the views disabled in the same way.
        """
        failed = [f"{plugin}: {plugin.reason}" for plugin in self.plugins.all.values() if plugin.status == "failed"]
        owners = {**{f"view {n}": p for n, p in self.catalog.view_provider.items()}, **self.catalog.provider}
        return failed + [
            f"{owners[name]}: {name} is disabled: {reason}" if name in owners else f"{name} is disabled: {reason}"
            for name, reason in self.catalog.disabled.items()
            if name not in self.catalog.excused and (views or not name.startswith("view "))
        ]

    # -- the database
    def create_tables(self, db: Connection) -> list[str]:
        """Create the tables that are missing and return their names; twice is harmless. Raises DatabaseError on a newer database."""
        ensure_begun(db)
        with translated():
            made = ledger.make_tables(db, self.catalog)
            ledger.refuse_writing(db, self.catalog)
            return made

    def upgrade(self, db: Connection) -> list[str]:
        """Bring an older database's tables up to this version inside the caller's transaction; return what was added."""
        ensure_begun(db)
        with translated():
            return ledger.upgrade(db, self.catalog)

    def load_sample(self, db: Connection) -> Report:
        """Load the sample records plugins give into an empty database. Raises UsageError where rows exist, ImportRefused for bad samples."""
        from bakeio_core.samples import sample_source

        dialect = ensure_begun(db)
        filled = [entity.name for entity in self.catalog.entities.values() if not dialect.is_empty(db, entity.table)]
        if filled:
            raise UsageError(f"the sample goes into an empty database only; {filled[0]} has rows already")
        records: dict[str, list[Mapping[str, Any]]] = {}
        for _, results in self.plugins.call_each("bakeio_sample"):
            for result in results:
                for entity, items in result.items() if isinstance(result, Mapping) else ():
                    records.setdefault(entity, []).extend(items)
        if not records:
            raise UsageError("no plugin gives sample records: is one of them blocked?")
        return self._import(
            db,
            sample_source(records, self.catalog, strict=all(p.status == "active" for p in self.plugins.all.values())),
            Options(),
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
        progress: Progress | None = None,
    ) -> Exported:
        """Write a normalized set that rebuilds the database anywhere: one file per entity and a manifest.

        folder: a new folder (default `docs/exports/<time>_<6 hex>`); zip: also `archives/<name>.zip` beside it; force: replace an existing
        folder; transactional: with entities that have a date; since, until: only their rows of these days, and what those refer to.
        Returns what was written. Raises UsageError where the folder exists, PluginError while a plugin is broken and not blocked.
        """
        broken = self.broken(views=False)
        if broken:
            raise PluginError(f"an export without it would not be complete. {broken[0]}. Mend it, or leave it out with --block NAME")
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        path = Path(folder) if folder is not None else Path("docs/exports") / f"{now:%Y-%m-%d_%H%M%S}_{secrets.token_hex(3)}"
        header = {"export_id": str(uuids.uuid4()), "exported_at": now.isoformat() + "Z"}
        entities = _export.in_range(self.catalog, since, until)
        undated = [name for name, entity in entities.items() if not transactional and entity.date is not None]
        omitted = (*undated, *(name for name in self.catalog.disabled if not name.startswith("view ")))
        with translated(), streaming(), output.atomic_folder(path, force=force) as part:
            files = []
            chosen = [entity for name, entity in entities.items() if name not in omitted]
            for order, entity in enumerate(chosen, 1):
                files.append(self._export_entity(db, entity, part, order, header, progress, set(omitted)))
            manifest = self._manifest(db, header, files, omitted, transactional, since, until)
            file = output.HashedFile(part / sets.MANIFEST)
            file.write(output.pretty(manifest))
            file.close()
        archive = self._archive(path, now) if zip else None
        return Exported(path, {item["entity_type"]: item["record_count"] for item in files}, archive, omitted)

    def _export_entity(
        self, db: Connection, entity: Any, folder: Path, order: int, common: dict[str, Any], progress: Progress | None, omitted: set[str]
    ) -> dict[str, Any]:
        name = f"{order:02d}_{entity.name}.json"
        expected = _export.count_rows(db, entity)
        batches = self.hook.bakeio_export_records(db=db, entity=entity, catalog=self.catalog)
        count, sha = self._write_records(folder / name, entity, common, expected, batches, progress)
        if count != expected:  # a plugin gives other records than the table has rows
            batches = self.hook.bakeio_export_records(db=db, entity=entity, catalog=self.catalog)
            count, sha = self._write_records(folder / name, entity, common, count, batches, None)
        dependencies = [target for target in self.catalog.dependencies(entity) if target not in omitted]
        return {
            "filename": name, "entity_type": entity.name, "record_count": count, "checksum_sha256": sha, "import_order": order,
            "dependencies": dependencies,
        }  # fmt: skip

    def _write_records(
        self, path: Path, entity: Any, common: dict[str, Any], count: int, batches: Iterable[Any], progress: Progress | None
    ) -> tuple[int, str]:
        file, written, separator = output.HashedFile(path), 0, b""
        try:
            header = {"file_version": "1.0", "entity_type": entity.name, **common, "record_count": count, "schema": schema_block(entity)}
            file.write(output.opened_document(header))
            for batch in batches or ():
                if len(batch):
                    data = batch.data if isinstance(batch, _export.EncodedBatch) else output.encode_lines(list(batch))
                    file.write(separator + data)
                    separator, written = b",\n", written + len(batch)
                    if progress:
                        progress(entity.name, written)
            file.write(output.CLOSE if written else output.CLOSE[1:])
        except BaseException:
            file.file.close()
            raise
        return written, file.close()

    def _manifest(
        self,
        db: Connection,
        header: dict[str, Any],
        files: list[Any],
        omitted: tuple[str, ...],
        transactional: bool,
        since: Any,
        until: Any,
    ) -> dict[str, Any]:
        days = {"since": since.isoformat() if since else None, "until": until.isoformat() if until else None}
        options = {"include_transactional": transactional, "include_events": True, "date_range": days if since or until else None}
        return {
            "manifest_version": "1.0", **header, "database_id": ledger.database_id(db), "application": sets.APPLICATION, "app_version": VERSION,
            "schema_version": "1.0", "files": files, "omitted_entities": list(omitted), "export_options": options,
        }  # fmt: skip

    @staticmethod
    def _archive(folder: Path, now: datetime) -> Path:
        path = folder.parent / "archives" / f"{folder.name}.zip"
        with output.atomic_file(path) as file, zipfile.ZipFile(cast("IO[bytes]", _Stream(file)), "w", zipfile.ZIP_DEFLATED) as archive:
            for member in sorted(folder.iterdir()):
                info = zipfile.ZipInfo(f"{folder.name}/{member.name}", now.timetuple()[:6])
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                with open(member, "rb") as source, archive.open(info, "w", force_zip64=True) as target:
                    while data := source.read(1 << 20):
                        target.write(data)
        return path

    # -- in
    def validate(self, path: str | Path) -> Problems:
        """Check a set (folder, zip or manifest) without a database: every problem of it at once."""
        with streaming():
            return sets.ExportSet.open(Path(path), self.limits).verify(self.catalog)

    def open_set(self, path: str | Path, *, accept_edits: bool = False) -> sources.Source:
        """Open a set for `plan` or `apply`. accept_edits: changed checksums and counts are warnings."""
        return sources.of_set(sets.ExportSet.open(Path(path), self.limits), self.catalog, accept_edits)

    def plan(
        self,
        db: Connection,
        source: str | Path | sources.Source,
        *,
        mode: str = "merge",
        resolve: Resolver | None = None,
        decisions: Mapping[Missing, Decision] | None = None,
        on_conflict: str = "fail",
        skip_errors: bool = False,
        accept_edits: bool = False,
    ) -> Plan:
        """Find out what an import would do; only SELECTs are made.

        source: a set's folder, zip or manifest. mode: merge, skip-existing or update-only. resolve: called with what is missing, returns
        the decisions it knows; plugins are asked first. Returns a `Plan` with the report a real import would give.
        """
        opened = source if isinstance(source, sources.Source) else self.open_set(source, accept_edits=accept_edits)
        options = Options(mode, on_conflict, skip_errors)
        known = Decisions(decisions)
        ensure_begun(db)
        with translated(), streaming():
            while True:
                planner = Planner(db, self.catalog, opened, options, known)
                changes = [change for batch in planner.changes() for change in (*batch.updates, *batch.others)][:10_000]
                missing = list(planner.missing.values())
                if not missing or not self._resolved(db, missing, known, resolve):
                    break
            report = Report.of(planner, dry_run=True, refused=refusal(planner))
            return Plan(opened, options, known, report, missing, changes, opened.fingerprint(), planner.digest.digest())

    def _resolved(self, db: Connection, missing: list[Missing], known: Decisions, resolve: Resolver | None) -> int:
        new = 0
        for answers in self.hook.bakeio_resolve_references(db=db, missing=missing):
            new += known.add(answers or {})
        left = [item for item in missing if known.get(item) is None]
        if resolve is not None and left:
            new += known.add(resolve(left) or {})
        return new

    def apply(self, db: Connection, plan: Plan, *, skip_errors: bool | None = None, dry_run: bool = False) -> Report:
        """Carry out a plan inside the caller's transaction: all of it, or nothing.

        skip_errors: import the good records and leave the bad ones. dry_run: write, look, and take everything back.
        Raises ImportRefused (with `report` and `problems`) where it must not be done, or where file or database are no longer as planned
        (`changed-meanwhile`); then nothing was written.
        """
        options = plan.options if skip_errors is None else Options(plan.options.mode, plan.options.on_conflict, skip_errors)
        if plan.source.fingerprint() != plan.sha256:
            raise ImportRefused("the file changed after the import was planned: plan it again", code="changed-meanwhile")
        return self._import(db, plan.source, options, plan.decisions, dry_run=dry_run, expected=plan.digest)

    def import_complete(
        self,
        db: Connection,
        source: str | Path | sources.Source,
        *,
        mode: str = "merge",
        decisions: Mapping[Missing, Decision] | None = None,
        on_conflict: str = "fail",
        skip_errors: bool = False,
        accept_edits: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Import a set in one pass, nothing shown before: plan and write together inside the caller's transaction.

        The parameters are those of `plan` and `apply`. Raises ImportRefused with `report` where nothing was written.
        """
        opened = source if isinstance(source, sources.Source) else self.open_set(source, accept_edits=accept_edits)
        options, known = Options(mode, on_conflict, skip_errors), Decisions(decisions)
        if len(self.hook.bakeio_resolve_references.get_hookimpls()) > 1:  # somebody besides the core may know answers
            known = self.plan(db, opened, mode=mode, decisions=decisions, on_conflict=on_conflict, skip_errors=skip_errors).decisions
        return self._import(db, opened, options, known, dry_run=dry_run, progress=progress)

    def _import(
        self,
        db: Connection,
        source: sources.Source,
        options: Options,
        decisions: Decisions,
        *,
        dry_run: bool,
        expected: bytes | None = None,
        progress: Progress | None = None,
    ) -> Report:
        ensure_begun(db)
        with translated():
            ledger.refuse_writing(db, self.catalog)
            planner = Planner(db, self.catalog, source, options, decisions, planning=False)
            adopts = source.kind == "set" and source.database_id and not planner.own and self._untouched(db)
        try:
            Application(planner, self._watched(progress)).run(dry_run=dry_run, expected=expected)
        except ImportRefused as refused:
            refused.report = Report.of(planner, dry_run=dry_run, refused=str(refused))
            raise
        if adopts and not dry_run:
            ledger.adopt_database_id(db, str(source.database_id))
        return Report.of(planner, dry_run=dry_run)

    def _untouched(self, db: Connection) -> bool:
        dialect = ensure_begun(db)
        return all(dialect.is_empty(db, entity.table) for entity in self.catalog.entities.values())

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
                raise PluginError(f"{culprit} failed while {name} were written: {describe(error)}; nothing was written") from error

        return call


class _Stream:
    """A hashed file as `zipfile` wants it: written once, never sought."""

    def __init__(self, file: output.HashedFile) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        self.file.write(bytes(data))
        return len(data)

    def tell(self) -> int:
        return self.file.size

    def flush(self) -> None: ...

    def close(self) -> None: ...


def schema_block(entity: Any) -> dict[str, Any]:
    """Return the `schema` of an entity file: primary key, slug field, foreign keys with their lookup fields."""
    keys = {}
    for column, reference in entity.references.items():
        lookups = list(reference.lookups)
        target = f"{reference.target}.id"
        keys[column] = {"references": target, "lookup_field": lookups[-1] if lookups else None, "lookup_fields": lookups}
    return {"primary_key": entity.primary, "slug_field": "slug" if "slug" in entity.columns else None, "foreign_keys": keys}
