"""Whether nothing is lost on the way out and in again."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import msgspec

from bakeio_core.errors import BakeioError
from bakeio_core.history.reports.report import Report
from bakeio_core.testing.faults import Fault
from bakeio_core.testing.trial import Trial, differences, said

LOSSY = "what is exported must restore: look at the hooks and column types of the plugin"


def sets_restore_everything(trial: Trial) -> None:
    """A set imported into empty tables gives the rows it was exported from, to the last value."""
    folder = trial.folder / "set"
    with trial.filled() as db:
        before = trial.state(db)
        _exported(trial, db, folder)
    with trial.empty() as db:
        dry = _imported(trial, db, folder, dry_run=True)
        report = _imported(trial, db, folder)
        if dry.entities != report.entities:
            raise Fault(f"a dry run of a set tells {dry.entities}, and it is {report.entities}")
        wrong = differences(before, trial.state(db), trial)
        if wrong:
            raise Fault(f"a set does not restore what it was exported from: {wrong}; {LOSSY}")
        _refuse_changes(_imported(trial, db, folder), "a set imported a second time")
        if report.summary["errors"]:
            raise Fault(f"a set cannot be imported whole: {report.problems[0]}")


def unedited_files_change_nothing(trial: Trial) -> None:
    """A set or a view that nobody edited changes nothing where it came from."""
    folder = trial.folder / "unedited"
    with trial.filled() as db:
        _exported(trial, db, folder)
        _refuse_changes(_imported(trial, db, folder), "an unedited set")
        for view in trial.views:
            document = trial.document(db, view)
            report = _imported(trial, db, trial.opened(document))
            _refuse_changes(report, f"an unedited file of the view {view.name}")
            read = report.entities.get(view.entity, report.summary)["processed"]
            if read < len(document["records"]):
                raise Fault(f"not every record of the view {view.name} is read again")


def files_are_the_same_each_time(trial: Trial) -> None:
    """The same database gives the same bytes, and an export leaves the database as it is."""
    with trial.filled() as db:
        before, twice = trial.state(db), list[dict[str, bytes]]()
        for number in range(2):
            folder = trial.folder / f"bytes{number}"
            _exported(trial, db, folder)
            files = {path.name: path.read_bytes() for path in folder.glob("[0-9]*.json")}
            for view in trial.views:
                file = io.BytesIO()
                trial.core.export_view(db, view.narrow(everything=True), file)
                files[f"view_{view.name}.json"] = file.getvalue()
            twice.append(files)
        for name, data in twice[0].items():
            other = _records(twice[1][name])
            for number, record in enumerate(_records(data), 1):
                if number > len(other) or record != other[number - 1]:
                    raise Fault(
                        f"{name}, record {number} is another one in the next export of the same "
                        "rows: sort what a set or a dictionary gives, and use neither the clock "
                        "nor random numbers"
                    )
        wrong = differences(before, trial.state(db), trial)
        if wrong:
            raise Fault(f"an export changes the database: {wrong}; hooks that read must not write")


def formats_give_back_what_they_wrote(trial: Trial) -> None:
    """A view written in a format of the plugin and read again changes nothing."""
    owners = trial.implementing("bakeio_formats")
    if not owners:
        return
    formats = {known.name: known for plugin in owners for known in _formats_of(trial, plugin.name)}
    with trial.filled() as db:
        for name, known in sorted(formats.items()):
            views = [  # a file of one sheet has no place for lists, whoever declares them
                view
                for view in dict.fromkeys([*trial.views, *trial.core.catalog.views.values()])
                if known.has_sheets or not view.lists
            ]
            for view in views[:3]:
                file = io.BytesIO()
                try:
                    count = trial.core.export_view(db, view, file, format=name)
                    path = trial.folder / f"sheet_{name}_{view.name}"
                    path.write_bytes(file.getvalue())
                    report = _imported(trial, db, trial.core.open(path, format=name))
                except BakeioError as error:
                    raise Fault(
                        f"the format {name} cannot read the view {view.name} that it wrote: "
                        f"{said(error)}"
                    ) from None
                _refuse_changes(report, f"the view {view.name}, written and read as {name},")
                read = report.entities.get(view.entity, report.summary)["processed"]
                if read != count:
                    raise Fault(
                        f"of {count} records of the view {view.name} the format {name} gives back "
                        f"{read}: read must yield each row that was written"
                    )


def _formats_of(trial: Trial, plugin: str) -> list[Any]:
    known = trial.core.plugins.all[plugin]
    return trial.core.plugins.call(known, "bakeio_formats")


def _exported(trial: Trial, db: Any, folder: Any) -> None:
    try:
        trial.core.export_complete(db, folder)
    except BakeioError as error:
        raise Fault(f"bakeio export-complete fails: {said(error)}") from None
    except Exception as error:
        raise Fault(f"bakeio export-complete fails: {type(error).__name__}: {error}") from error


def _imported(trial: Trial, db: Any, source: Any, **how: Any) -> Report:
    try:
        return trial.core.import_(db, source, **how)
    except BakeioError as error:
        raise Fault(f"what was exported cannot be imported: {said(error)}") from None


def _refuse_changes(report: Report, what: str) -> None:
    changed = report.summary["created"] + report.summary["updated"]
    if not changed and not report.summary["errors"]:
        return
    first = report.changes[0] if report.changes else None
    told = f"{first.action} {first.entity}, {dict(first.new)}" if first else report.problems[0]
    raise Fault(f"{what} changes {changed} rows, and must change none: {told}")


def _records(data: bytes) -> list[Mapping[str, Any]]:
    records: list[Mapping[str, Any]] = msgspec.json.decode(data)["records"]
    return records
