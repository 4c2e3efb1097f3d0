"""The log of skipped records: written before the commit, imported again once it is corrected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.catalog.plugins.formats import Format
from bakeio_core.errors import MeantRow, Problem
from bakeio_core.files.documents.encoding import CLOSE, encode_as_read, opened_document
from bakeio_core.files.documents.scanner import BrokenRecord
from bakeio_core.files.output import atomic_file
from bakeio_core.importing.applying.left_out.sheet import LogFile, write_log_sheet
from bakeio_core.importing.planning.import_plan import ImportPlan
from bakeio_core.importing.reading.derived.lists import ListDocument
from bakeio_core.importing.reading.skipped_log import GIVEN, not_a_log
from bakeio_core.importing.reading.sources import Part
from bakeio_core.resolving.decision_files.file import decision_entries

Rows = list[tuple[Part, set[int]]]
"""Of some lists the numbers of the rows that are left out."""
INSTRUCTIONS = (
    "To retry these records: 1. Edit this file: correct the values named in the reasons, or "
    "create what is missing; where record_data is null, write the record_text there as an object. "
    "2. Import it as it is: bakeio import FILE. The reasons are for you; only record_data and "
    "decisions are read."
)


class Skipped:
    """Remember which records an import leaves out and why, and write them as a log."""

    def __init__(self) -> None:
        self.reasons: dict[tuple[str, int], list[Problem]] = {}
        self.candidates: dict[Any, list[MeantRow]] = {}

    def note(self, problem: Problem) -> None:
        """Take note of a problem that keeps records out."""
        if problem.severity == "error" and problem.file is not None:
            for number in problem.records or (
                [problem.record] if problem.record is not None else []
            ):
                self.reasons.setdefault((problem.file, number), []).append(problem)

    def write(self, plan: ImportPlan, problems: Iterable[Problem], log: LogFile) -> int:
        """Write the log in one step, brought to the disk.

        Args:
            plan: The plan, for the rows its records refer to and what was decided.
            problems: Those of the report, with their candidates.
            log: The log.

        Returns:
            The number of records in it.
        """
        source = plan.source
        self.candidates = {_cause(p): p.candidates for p in problems if p.candidates}
        now = datetime.now(timezone.utc).replace(tzinfo=None)
        wanted = list(self._wanted(plan))
        header: dict[str, Any] = {
            "skipped_at": now.isoformat() + "Z",
            "source_file": source.name,
            "source_sha256": source.log_of if source.kind == "skipped" else source.sha256,
            "total_skipped": sum(len(reasons) for _, _, reasons in wanted),
            "export_id": source.export_id,
            "database_id": source.database_id,
            "exported_at": source.exported_at,
            "resolution_instructions": INSTRUCTIONS,
        }
        decided = decision_entries(plan.state.decisions.made)
        header |= {"decisions": decided} if decided else {}
        count = 0
        if log.format is not None:
            return self._write_sheet(log.format, plan, header, wanted, log.path)
        with atomic_file(log.path, not_a_log) as file:
            file.write(opened_document(header))
            for part, rows, reasons in wanted:
                for entry in self._entries(plan, part, rows, reasons):
                    file.write((b",\n" if count else b"") + encode_as_read(entry))
                    count += 1
            file.write(CLOSE if count else CLOSE[1:])
        return count

    def _write_sheet(
        self,
        known: Format,
        plan: ImportPlan,
        header: Mapping[str, Any],
        wanted: Sequence[tuple[Part, Rows, dict[int, list[Problem]]]],
        path: Path,
    ) -> int:
        """Write the log as a sheet; return the number of records in it."""
        found = [e for part, rows, why in wanted for e in self._entries(plan, part, rows, why)]
        told = {**header, "view_name": found[0]["view_name"]}
        with atomic_file(path, not_a_log) as file:
            write_log_sheet(known, file, told, wanted[0][0].fields, found)
        return len(found)

    def _wanted(self, plan: ImportPlan) -> Iterator[tuple[Part, Rows, dict[int, list[Problem]]]]:
        """Yield (part, rows of its lists, {number of a record: reasons}) of what is left out."""
        lists: dict[Part, Rows] = {}
        numbers: dict[str, dict[int, list[Problem]]] = {}
        for (file, number), reasons in self.reasons.items():
            numbers.setdefault(file, {})[number] = reasons
        for part in plan.source.parts:
            if part.holder is not None and part.file in numbers:
                lists.setdefault(part.holder, []).append((part, set(numbers[part.file])))
        for part in plan.source.parts:
            own = {n: list(reasons) for n, reasons in numbers.get(part.file, {}).items()}
            rows = lists.get(part, [])
            for listed, left_out in rows:
                for number in sorted(left_out):
                    record = _listed(listed).record_of(number)
                    own.setdefault(record, []).extend(self.reasons[listed.file, number])
            if part.holder is None and own:
                yield part, rows, own

    def _entries(
        self, plan: ImportPlan, part: Part, rows: Rows, wanted: Mapping[int, list[Problem]]
    ) -> Iterator[dict[str, Any]]:
        kind = {"entity_type": part.entity.name}
        if part.view is not None:
            kind = {"view_name": f"{part.view.name}_complete"}
        for number, item in part.whole_records(wanted):
            reasons = wanted[number]
            entry = {
                **_place(plan, part, number),
                **kind,
                "skip_reason": reasons[0].message,
                "fk_errors": list(map(self._as_error, reasons)),
                **_given(plan, number),
            }
            if isinstance(item, BrokenRecord):
                yield {**entry, "record_data": None, "record_text": item.text}
            elif isinstance(item, dict):
                if (part.file, number) not in self.reasons:
                    for listed, left_out in rows:
                        item = _listed(listed).only(item, number, left_out)
                item = {name: part.document.said(value) for name, value in item.items()}
                data = item if part.view is not None else _named(plan, part.entity, item)
                yield {**entry, "record_data": data}

    def _as_error(self, problem: Problem) -> dict[str, Any]:
        return {
            "field": problem.field,
            "value": problem.value,
            "error": problem.message,
            "candidates": self.candidates.get(_cause(problem), []),
        }


def _place(plan: ImportPlan, part: Part, number: int) -> dict[str, Any]:
    """Return where a record stands; the file is told where its entity has several."""
    file, index = part.document.position(plan.source.logged_numbers.get(number, number))
    return {"record_index": index} | ({"file": file} if len(part.listed) > 1 else {})


def _given(plan: ImportPlan, number: int) -> dict[str, Any]:
    """Return which values of a record an assistant gave: the log must not hide it."""
    origins = plan.source.origins
    given = {name: source for (record, name), source in origins.items() if record == number}
    return {GIVEN: given} if given else {}


def _listed(part: Part) -> ListDocument:
    if not isinstance(part.document, ListDocument):
        raise TypeError(f"{part.file} is not a list")
    return part.document


def _cause(problem: Problem) -> tuple[str, str | None, str]:
    return problem.code, problem.field, repr(problem.value)


def _named(plan: ImportPlan, entity: Entity, record: dict[str, Any]) -> dict[str, Any]:
    """Return a record that also names the rows which it refers to by id only.

    Ids mean something inside their own set alone.
    """
    named = dict(record)
    for column, reference in entity.references.items():
        identity, fields = record.get(column), reference.lookups
        is_named = any(record.get(name) is not None for name in fields)
        if type(identity) is not int or not fields or is_named:
            continue
        row = plan.linker.link(reference, entity, [(identity,)], {})[(identity,)]
        wanted = tuple(dict.fromkeys(fields.values()))
        is_row = isinstance(row, RowId)
        known = plan.linker.names(reference, [row], wanted).get(row) if is_row else None
        if known is not None:
            named |= {name: known[wanted.index(fields[name])] for name in fields}
    return named
