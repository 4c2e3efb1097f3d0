"""Whether edits arrive: all of them, nothing else, and back again."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, exc

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.fields import CLEAR, REV, FileField
from bakeio_core.catalog.views.view import View
from bakeio_core.database.connect import savepoint
from bakeio_core.errors import BakeioError, Problem
from bakeio_core.history.reports.report import ImportRefused, Report
from bakeio_core.testing.faults import Fault
from bakeio_core.testing.trial import Trial, differences, said

MOST_EDITS = 4
TRIED = 12
"""How many values are tried for one edit: constraints over several columns refuse some."""
APART = ("run", "dry_run", "skipped_log", "source")
"""What differs in the reports of a dry run and of the real one."""
UNKNOWN = "no such row 7f3a"


@dataclass
class Edit:
    """An edit that the database takes.

    Args:
        place: The index of its record.
        field: The field that is edited.
        value: The new one, as the file says it.
        id: The row it is about.
        column, wire: What it sets there.
    """

    place: int
    field: FileField
    value: Any
    id: Any
    wire: Any


def edits_of(
    trial: Trial, db: Connection, view: View, document: Mapping[str, Any]
) -> Iterator[Edit]:
    """Yield edits of different records, in different fields, that the database takes."""
    fields = trial.fields(view)
    if not fields or not view.names("editable"):
        return
    for place, record in enumerate(document["records"]):
        turned = [*fields[place % len(fields) :], *fields[: place % len(fields)]]
        found = (edit for field in turned for edit in _tried(trial, db, document, place, field))
        edit = next(found, None)
        if edit is not None and record:
            yield edit


def _tried(
    trial: Trial, db: Connection, document: Mapping[str, Any], place: int, field: FileField
) -> Iterator[Edit]:
    if not field.exported or field.column is None:
        return
    record = document["records"][place]
    for value in islice(_values(trial, db, document, field), TRIED):
        if value == record.get(field.name):
            continue
        edited = with_records(document, {**record, field.name: value})
        try:
            report = trial.core.import_(db, trial.opened(edited), dry_run=True)
        except ImportRefused:
            continue
        changes = [change for change in report.changes if change.action == "update"]
        if report.summary["updated"] == 1 and field.column in changes[0].new:
            yield Edit(place, field, value, changes[0].id, changes[0].new[field.column])


def _values(
    trial: Trial, db: Connection, document: Mapping[str, Any], field: FileField
) -> Iterator[Any]:
    """Yield values for a field: those that fit its column, or the keys of rows it may refer to."""
    view = trial.core.view(document["view_name"])
    entity = trial.core.catalog.entities[view.entity]
    reference = entity.references.get(str(field.column))
    if field.target is None or reference is None:
        yield from trial.values.of(entity, str(field.column), begin=500)
        return
    target = trial.core.catalog.entities[reference.target]
    keys = [row[0] for row in trial.rows.wires(db, target, (field.target,))]
    yield from (key for key in keys if key is not None and keys.count(key) == 1)


def with_records(document: Mapping[str, Any], *records: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file with other records."""
    return {**document, "record_count": len(records), "records": list(records)}


def edited(document: Mapping[str, Any], edits: list[Edit]) -> dict[str, Any]:
    """Return a file with some edits, and only the records that have one."""
    records = []
    for edit in edits:
        records.append({**document["records"][edit.place], edit.field.name: edit.value})
    return with_records(document, *records)


def _some(trial: Trial, db: Connection, view: View) -> tuple[dict[str, Any], list[Edit]]:
    """Return the file of a view and edits that the database takes together.

    They are looked for once: every check begins with the same rows.
    """
    if view.name not in trial.edits:
        trial.edits[view.name] = _found(trial, db, view)
    return trial.edits[view.name]


def _found(trial: Trial, db: Connection, view: View) -> tuple[dict[str, Any], list[Edit]]:
    document, found = trial.document(db, view), list[Edit]()
    for edit in islice(edits_of(trial, db, view, document), MOST_EDITS):
        with contextlib.suppress(ImportRefused):  # each alone is taken, together they may clash
            trial.core.import_(db, trial.opened(edited(document, [*found, edit])), dry_run=True)
            found.append(edit)
    return document, found


def _imported(trial: Trial, db: Connection, document: Mapping[str, Any], **how: Any) -> Report:
    try:
        return trial.core.import_(db, trial.opened(document), **how)
    except BakeioError as error:
        raise Fault(
            f"edits of {document['view_name']} that a dry run took are refused: {said(error)}"
        ) from None


def dry_runs_tell_the_truth(trial: Trial) -> None:
    """A dry run reports what the import does, and does nothing itself."""
    for entity in trial.entities:
        _checks_forget(trial, entity)
    for view in trial.views:
        with trial.filled() as db:
            document, edits = _some(trial, db, view)
            changed = edited(document, edits)
            before = trial.state(db)
            dry = _imported(trial, db, changed, dry_run=True).as_dict()
            wrong = differences(before, trial.state(db), trial)
            if wrong:
                raise Fault(f"a dry run of {view.name} changes the database: {wrong}")
            real = _imported(trial, db, changed).as_dict()
            for name in real:
                if name not in APART and _untimed(dry[name]) != _untimed(real[name]):
                    raise Fault(
                        f"a dry run of {view.name} reports another {name} than the import: "
                        f"{dry[name]!r:.200} and {real[name]!r:.200}"
                    )


def _checks_forget(trial: Trial, entity: Entity) -> None:
    """A check says the same of a value each time: it is asked for dry runs and previews too."""
    for column, check in entity.all_checks.items():
        for value in islice(trial.values.of(entity, column, begin=900), MOST_EDITS):
            # it took the value a moment ago, or that would not be among those that fit
            first, second = check(None, value), check(None, value)
            if first != second or isinstance(first, Problem):
                raise Fault(
                    f"the check of {column} of {entity.name} took {value!r:.60}, and asked again "
                    f"it says {str(first)!r:.100} and {str(second)!r:.100}: it must not remember "
                    "what it was asked, for that may never be written"
                )


def edits_arrive(trial: Trial) -> None:
    """Every edit stands in the database afterwards, and nothing else has changed."""
    for view in trial.views:
        with trial.filled() as db:
            document, edits = _some(trial, db, view)
            report = _imported(trial, db, edited(document, edits))
            if report.summary["updated"] != len(edits):
                raise Fault(f"{len(edits)} edits of {view.name} are {report.summary}")
            entity = trial.core.catalog.entities[view.entity]
            for edit in edits:
                column = str(edit.field.column)
                rows = trial.rows.wires(db, entity, (entity.primary_key[0], column))
                there = [row[1] for row in rows if row[0] == edit.id]
                if len(entity.primary_key) == 1 and there != [edit.wire]:
                    raise Fault(
                        f"the report says that {edit.field.name} of {view.name} is {edit.wire!r} "
                        f"now, and the database has {there}: bakeio_import_records must write all "
                        "it is given, or return None"
                    )
            again = _imported(trial, db, edited(document, edits))
            if again.summary["updated"]:
                first = again.changes[0]
                raise Fault(
                    f"the same edits of {view.name}, imported a second time, change "
                    f"{again.summary['updated']} rows: {dict(first.new)}. A check must return "
                    "what it returned once as it is"
                )


def file_and_database_are_merged(trial: Trial) -> None:
    """Edits of a file and of the database both count; one field changed twice is a conflict."""
    for view in trial.views:
        with trial.filled() as db:
            document, edits = _some(trial, db, view)
            for edit in edits[:2]:
                if edit.field.target is None and len(_entity(trial, view).primary_key) == 1:
                    _merge(trial, db, view, document, edit)


def _merge(
    trial: Trial, db: Connection, view: View, document: Mapping[str, Any], edit: Edit
) -> None:
    entity, column = _entity(trial, view), str(edit.field.column)
    other = _written_meanwhile(trial, db, view, edit)
    if other is None:
        return
    unedited = _imported(trial, db, with_records(document, document["records"][edit.place]))
    if unedited.summary["updated"]:
        raise Fault(f"an unedited record of {view.name} takes back a newer {edit.field.name}")
    source = trial.opened(edited(document, [edit]))
    plan = trial.core.plan(db, source)
    if plan.report.summary["conflicts"] != 1:
        raise Fault(
            f"{edit.field.name} of {view.name} was changed in the file and in the database, and "
            f"that is no conflict but {plan.report.summary}: a plugin must not answer what only "
            "people can know"
        )
    taken = trial.core.import_(db, source, on_conflict="take-file")
    there = dict(trial.rows.wires(db, entity, (entity.primary, column)))
    if taken.summary["updated"] != 1 or there[edit.id] != edit.wire:
        raise Fault(f"take-file leaves {there[edit.id]!r} in {edit.field.name} of {view.name}")


def _written_meanwhile(trial: Trial, db: Connection, view: View, edit: Edit) -> Any:
    """Write another value as other programs do; None where the database takes none."""
    entity, column = _entity(trial, view), str(edit.field.column)
    kind, id_ = entity.kinds[column], entity.column(entity.primary)
    for wire in islice(trial.values.of(entity, column, begin=700), TRIED):
        if wire == edit.wire or _shown(trial, db, view, edit) == wire:
            continue
        values = {entity.column(column): kind.to_python(wire)}
        key = entity.kinds[entity.primary].to_python(edit.id)
        try:
            with savepoint(db):
                db.execute(entity.table.update().where(id_ == key).values(values))
            return wire
        except exc.DBAPIError:
            continue
    return None


def _shown(trial: Trial, db: Connection, view: View, edit: Edit) -> Any:
    entity, column = _entity(trial, view), str(edit.field.column)
    return dict(trial.rows.wires(db, entity, (entity.primary, column))).get(edit.id)


def _entity(trial: Trial, view: View) -> Any:
    return trial.core.catalog.entities[view.entity]


def undo_brings_everything_back(trial: Trial) -> None:
    """After an import and its undo every row is as it was."""
    for view in trial.views:
        with trial.filled() as db:
            document, edits = _some(trial, db, view)
            if not edits:
                continue
            before = trial.state(db)
            _imported(trial, db, edited(document, edits))
            try:
                trial.core.undo(db)
            except BakeioError as error:
                raise Fault(f"an import of {view.name} cannot be undone: {said(error)}") from None
            wrong = differences(before, trial.state(db), trial)
            if wrong:
                raise Fault(f"an undo of an import of {view.name} leaves a trace: {wrong}")


def nulls_keep_and_gaps_too(trial: Trial) -> None:
    """Null and a field that is missing keep a value; `_clear` empties it where that is allowed."""
    for view in trial.views:
        with trial.filled() as db:
            document = trial.document(db, view)
            names = [field.name for field in trial.fields(view) if field.exported]
            silent = [
                {name: None if name in names else value for name, value in record.items()}
                for record in document["records"]
            ]
            absent = [
                {name: value for name, value in record.items() if name not in names}
                for record in document["records"]
            ]
            for what, records in (("null", silent), ("a field that is missing", absent)):
                report = _imported(trial, db, with_records(document, *records))
                if report.summary["updated"] or report.summary["errors"]:
                    raise Fault(f"{what} changes a value of {view.name}: {report.problems[:1]}")
            _cleared(trial, db, view, document)


def _cleared(trial: Trial, db: Connection, view: View, document: Mapping[str, Any]) -> None:
    entity = _entity(trial, view)
    for field in trial.fields(view):
        column = str(field.column)
        record = next((r for r in document["records"] if r.get(field.name) is not None), None)
        if record is None or not field.exported or not entity.nullable(column):
            continue
        asked = {**record, field.name: None, CLEAR: [field.name]}
        try:
            with savepoint(db):
                report = trial.core.import_(db, trial.opened(with_records(document, asked)))
        except ImportRefused as error:
            if any(problem.code == "plugin-error" for problem in error.problems):
                raise Fault(f"{field.name} of {view.name} cannot be cleared: {error}") from None
            continue  # a constraint wants a value
        except BakeioError as error:
            raise Fault(f"{field.name} of {view.name} cannot be cleared: {said(error)}") from None
        if report.summary["updated"] != 1:
            raise Fault(f"_clear does not empty {field.name} of {view.name}: {report.summary}")
        id_ = report.changes[0].id
        there = dict(trial.rows.wires(db, entity, (entity.primary_key[0], column)))
        if len(entity.primary_key) == 1 and there[id_] is not None:
            raise Fault(
                f"the report says that {field.name} of {view.name} is empty now, and the database "
                f"has {there[id_]!r}: bakeio_import_records must write a null as well"
            )


def unknown_references_are_questions(trial: Trial) -> None:
    """A key that names no row is asked about; nobody guesses."""
    for view, document, place, field in _references(trial):
        entity = _entity(trial, view)
        with trial.filled() as db:
            record = {**document["records"][place], field.name: UNKNOWN}
            plan = trial.core.plan(db, trial.opened(with_records(document, record)))
            named = [m.entity for m in plan.missing]
            if named != [entity.references[field.column].target] or not plan.report.refused:
                told: list[Any] = [*plan.report.resolved[:1], plan.report.summary]
                raise Fault(
                    f'{field.name} "{UNKNOWN}" of {view.name} names no row, and that is no '
                    f"question but {told[0]}: a resolver answers only what it knows, and leaves "
                    "the rest out of what it returns"
                )


def bad_records_leave_the_good_ones(trial: Trial) -> None:
    """With `--skip-on-error` good records are imported, and of a bad one nothing is."""
    for view in trial.views:
        with trial.filled() as db:
            document, edits = _some(trial, db, view)
            if not edits or len(document["records"]) < 2:
                continue
            good = edits[0]
            place = next(p for p in range(len(document["records"])) if p != good.place)
            bad = dict(document["records"][place])
            scalar = next((f for f in trial.fields(view) if f.exported and f.kind.is_scalar), None)
            if scalar is None:
                continue
            bad[scalar.name] = {"this": "is not a value"}
            both = edited(document, [good])
            both = with_records(both, *both["records"], bad)
            report = _imported(trial, db, both, skip_errors=True)
            if (report.summary["updated"], report.exit_code) != (1, 3):
                raise Fault(
                    f"beside a bad record of {view.name} a good one is not imported alone: "
                    f"{report.summary}"
                )
            if report.changes and report.changes[0].id != good.id:
                raise Fault(f"of a bad record of {view.name} something was imported")


def _references(trial: Trial) -> Iterator[tuple[View, dict[str, Any], int, FileField]]:
    """Yield a record and a field of each reference by text that a view lets people edit."""
    for view in trial.views:
        with trial.filled() as db:
            document = trial.document(db, view)
        for place, field in enumerate(trial.fields(view)):
            is_text = field.kind.schema().get("type") == "string"
            if field.target and field.exported and is_text and document["records"]:
                yield view, copy.copy(document), place % len(document["records"]), field


def _untimed(value: Any) -> Any:
    """Return a part of a report without the moments in it."""
    if isinstance(value, Mapping):
        return {n: _untimed(v) for n, v in value.items() if n not in ("at", "updated_at", REV)}
    if isinstance(value, list):
        return [_untimed(item) for item in value]
    return value
