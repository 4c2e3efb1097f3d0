"""What an import or an undo came to, as data and as text for a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from bakeio_core.catalog.entities.model import RowValues
from bakeio_core.catalog.exchange import ALIAS, Change, Missing, Question
from bakeio_core.errors import BakeioError, MeantRow, Problem, counted
from bakeio_core.history.reports.told import Resolved, RunMode, what_candidates_are
from bakeio_core.values.wording import printable, shown

COUNTS = (
    "processed",
    "created",
    "updated",
    "unchanged",
    "skipped",
    "conflicts",
    "errors",
    "nulls_kept",
    "rejected",
)
SHOWN = 50
QUIET = {"uuid", "created_at", "updated_at"}
CHANGING = ("created", "updated", "deleted", "conflicts")
"""The counts of records that have a change."""
VALUES = ("base", "database", "file")
UNDO: Literal["undo"] = "undo"
MOST_FOR_ASSISTANT = 200
BY_MODE = ("skip-existing", "update-only")
"""The modes that skip records for no problem of theirs."""
TOTALS = ("created", "updated", "deleted", *COUNTS[3:])
BLAMED = ("errors", "conflicts")
"""What a refusal counts: nothing else of it came about."""


@dataclass
class Report:
    """The outcome of one import or undo.

    A dry run and the real import give the same report, except `run`, `dry_run` and times.

    Attributes:
        run: The number of the run in the journal, or None.
        summary: {processed, created, updated, unchanged, skipped, conflicts, errors, nulls_kept,
            rejected}.
        entities: The same for each entity.
        created_entities: {entity: keys} of the rows that were created for references.
        resolved: The decisions that were applied.
        skipped_log: The file the skipped records were logged to.
        problems: What is wrong with the records; equal problems are one, with a count.
        refused: Why nothing was written; empty if it was written (or would be).
        dropped: How many more problems there are than `problems` holds.
        changes: What was created, updated or deleted: the first 10,000, and the first 8 of each
            entity and action.
        questions: The questions about records; `Plan.questions` also has those about references.
        refused_decisions: The keys whose decisions the database refused; each has `why`.
    """

    run: int | None
    dry_run: bool
    mode: RunMode
    source: str
    summary: dict[str, int]
    entities: dict[str, dict[str, int]]
    created_entities: dict[str, list[RowValues]] = field(default_factory=dict)
    resolved: list[Resolved] = field(default_factory=list)
    skipped_log: str | None = None
    problems: list[Problem] = field(default_factory=list)
    refused: str = ""
    dropped: int = 0
    changes: list[Change] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    refused_decisions: list[Missing] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The exit code of the command line.

        0: done; 1: refused, nothing written; 3: done, with some records skipped for a problem or
        by decision, or kept by an undo.
        """
        if self.refused:
            return 1
        if self.mode == UNDO:
            return 3 if any(problem.severity == "warning" for problem in self.problems) else 0
        by_mode = self.mode in BY_MODE
        by_decision = self.summary.get("rejected", 0)
        left_out = self.summary["errors"] or (self.summary["skipped"] and not by_mode)
        return 3 if left_out or by_decision else 0

    def as_dict(self, most_changes: int | None = None) -> dict[str, Any]:
        """Return the object `--json` prints.

        Args:
            most_changes: How many changes and questions it holds at most; None for all there are.
        """
        names = (
            "run",
            "dry_run",
            "mode",
            "source",
            "summary",
            "entities",
            "created_entities",
            "resolved",
            "skipped_log",
            "refused",
        )
        return {
            **{name: getattr(self, name) for name in names},
            "problems": [msgspec.to_builtins(problem) for problem in self.problems],
            "questions": list(map(question_as_dict, self.questions[:most_changes])),
            "changes": list(map(change_as_dict, self.changes[:most_changes])),
            "more_changes": self.count_changes() - len(self.changes[:most_changes]),
        }

    def for_assistant(self, most_changes: int = MOST_FOR_ASSISTANT) -> dict[str, Any]:
        """Return what an assistant needs to correct its answer, without commands and their options.

        Args:
            most_changes: How many changes it holds at most.

        Returns:
            {"refused", "summary", "problems", "changes", "more_changes"}; a problem has what there
            is of "record", "records", "key", "label", "field", "value", "message", "allowed", "fix"
            and "candidates".
        """
        changes = [change_as_dict(change) for change in self.changes[:most_changes]]
        told = ("action", "key", "label", "record", "fields")
        return {
            "refused": without_options(self.refused),
            "summary": {name: count for name, count in self.summary.items() if count},
            "problems": [problem_for_assistant(problem) for problem in self.problems],
            "changes": [{n: v for n, v in one.items() if n in told and v} for one in changes],
            "more_changes": self.count_changes() - len(changes),
        }

    def as_lines(self) -> Iterator[dict[str, Any]]:
        """Yield what `--json-lines` prints: first the report, then each item in it."""
        parts = {"problems": "problem", "questions": "question", "changes": "change"}
        whole = self.as_dict()
        yield {"type": "report"} | {n: value for n, value in whole.items() if n not in parts}
        for name, kind in parts.items():
            yield from ({"type": kind, **one} for one in whole[name])

    def count_changes(self) -> int:
        """Return how many rows are created, updated, deleted or in conflict."""
        by_decision = sum(map(len, self.created_entities.values()))
        return by_decision + sum(self.summary.get(what, 0) for what in CHANGING)

    def text(self) -> str:
        """Return the report for a terminal: a line for each entity, problems, totals."""
        lines, told = [], BLAMED if self.refused else TOTALS
        for name, counts in self._telling().items():
            did = [counted_outcome(what, counts[what]) for what in told if counts.get(what)]
            done = ", ".join(did) or "nothing to do"
            noun = "record" if counts["processed"] == 1 else "records"
            lines.append(f"  {name:<20} {counts['processed']:>9,} {noun}: {done}")
        # a refusal made and left out nothing
        stands = ("existing",) if self.refused else _WAYS
        carried_out = [entry for entry in self.resolved if entry["action"] in stands]
        lines += map(_resolved_line, carried_out[:SHOWN])
        lines += problem_lines(self.problems, self.dropped)
        always = () if self.mode == UNDO else ("created", "updated")
        total = ", ".join(
            counted_outcome(what, self.summary.get(what, 0))
            for what in TOTALS
            if what != "nulls_kept" and (self.summary.get(what) or what in always)
        )
        if self.skipped_log:
            lines.append(
                f"Skipped records are in {self.skipped_log}: correct them there, "
                f"then: bakeio import {self.skipped_log}"
            )
        outcome = "Imported"
        if self.mode == UNDO:
            is_undone = any(self.summary[what] for what in TOTALS[:3])
            outcome = "Undone" if is_undone else "Nothing was undone"
        if self.dry_run:
            outcome = "Dry run, nothing was written"
        if self.refused:
            lines.append(self._refusal())
        elif self.summary.get("errors"):
            before = f"{outcome}. " if self.dry_run else ""
            lines.append(f"{before}{self._imported_and_skipped()}: {total}.")
        else:
            lines.append(f"{outcome}: {total}.")
        return "\n".join(lines)

    def _telling(self) -> dict[str, dict[str, int]]:
        """Return the counts of the entities of which there is something to say.

        Of what is refused those are the ones to blame.
        """
        return {
            name: counts
            for name, counts in self.entities.items()
            if any(counts[what] for what in (BLAMED if self.refused else counts))
        }

    def _refusal(self) -> str:
        """Return why nothing was written, and what of how many records is to blame for that."""
        blame = [
            counted_outcome(what, self.summary[what]) for what in BLAMED if self.summary.get(what)
        ]
        of_all = f" ({', '.join(blame)} in {counted(self.summary['processed'], 'record')})"
        return f"Refused: {printable(self.refused)}.{of_all if blame else ''}"

    def _imported_and_skipped(self) -> str:
        """Return how many records were imported, and how many were left out and logged."""
        done = self.summary["created"] + self.summary["updated"]
        by_mode = self.mode in BY_MODE
        skipped = self.summary["errors"] + (0 if by_mode else self.summary["skipped"])
        return f"{done:,} imported, {skipped:,} skipped"


class ImportRefused(BakeioError):
    """Look at the problems: the import was refused, and nothing was written.

    `problems` has them; `report` is the report, if the import came that far.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        problems: Sequence[Problem] = (),
        report: Report | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.problems = list(problems)
        self.report = report


def question_as_dict(question: Question) -> dict[str, Any]:
    """Return a question as JSON has it, with what can be answered and candidates."""
    return {
        "kind": question.kind,
        "entity": question.entity,
        "key": dict(question.key),
        "label": question.label,
        "field": question.field,
        "question": question.message,
        "why": question.why,
        "count": question.count,
        "records": [{"file": file, "record": number} for file, number in question.records[:20]],
        **({"places": question.places} if question.places else {}),
        **{name: question.values[name] for name in VALUES if name in question.values},
        "answers": list(question.answers),
        "default": question.default or None,
        "form": [dict(blank) for blank in question.form],
        "candidates": [candidate.as_dict() for candidate in question.candidates()],
    }


def differing(change: Change) -> Iterator[tuple[str, Any, Any]]:
    """Yield (column, before, after) of what a change sets, identity and stamps left out."""
    shown_values = change.old if change.action == "delete" else change.new
    for column, value in shown_values.items():
        says_nothing = value is None or (column == "id" and value == change.id)
        whole = change.action in ("create", "delete")
        if column not in QUIET and not (whole and says_nothing):
            yield column, change.old.get(column), value


def change_as_dict(change: Change) -> dict[str, Any]:
    """Return a change as JSON has it: the row by key and label, and its fields old and new."""
    fields = []
    for column, before, after in differing(change):
        entry: dict[str, Any] = {"field": change.fields.get(column, column)}
        entry |= {"base": change.base[column]} if column in change.base else {}
        entry |= {} if change.action == "create" else {"old": before}
        entry |= {} if change.action == "delete" else {"new": after}
        links = change.links.get(column, {})
        entry |= {f"{side}_row": links[side] for side in ("old", "new") if side in links}
        entry |= change.origins.get(column, {})
        fields.append(entry)
    return {
        "action": change.action,
        "entity": change.entity,
        "key": dict(change.key),
        "label": change.label,
        "id": change.id,
        "record": change.record or None,
        "about": dict(change.about),
        "fields": fields,
    }


_WAYS = {
    "existing": "is",
    "create": "was created as",
    "empty": "was left empty",
    "skip": "was skipped",
    "take-file": "was taken from the file",
    "keep-database": "was kept as the database has it",
    "value": "was set to",
    "accept": "was accepted",
    "leave-field": "was left out",
    "leave-record": "was left out",
}


def _resolved_line(entry: Resolved) -> str:
    """Return one line on a decision: `ovens: name "Dek" is slug "deck" (3 records)`."""

    def key(values: Mapping[str, Any]) -> str:
        return ", ".join(f"{column} {shown(value)}" for column, value in values.items())

    there = entry.get("target")
    target = f" {key(there)}" if there else ""
    target = f" {shown(entry['value'])}" if "value" in entry else target
    field = f", {entry['field']}" if entry.get("field") else ""
    learned = ", as learned in an earlier import" if entry["by"] == ALIAS else ""
    became = f"{_WAYS[entry['action']]}{target}{learned}"
    records = counted(entry["records"], "record")
    return f"  {entry['entity']}: {key(entry['key'])}{field} {became} ({records})"


def problem_for_assistant(problem: Problem) -> dict[str, Any]:
    """Return a problem as an assistant needs it, with what there is of its parts."""
    names = ("code", "severity", "record", "key", "label", "field", "value", "allowed", "fix")
    told = {name: getattr(problem, name) for name in names}
    told["message"] = without_options(problem.message)
    if problem.code in ("missing-reference", "ambiguous-key") and problem.severity == "error":
        told["message"] += " Write a row that is there, or leave the record out."
    told["records"] = problem.records if problem.count > 1 else []
    told["candidates"] = [
        {"label": found["label"], "write": found.get("write", {})} for found in problem.candidates
    ]
    has_value = problem.field is not None and problem.severity == "error"
    return {
        name: value
        for name, value in told.items()
        if value not in (None, "", [], {}) or (name == "value" and has_value)
    }


_OPTION = re.compile(r"(?<![\w-])--[a-z]")
_CLAUSES = re.compile(r"(.*?) ?\(([^()]*)\)\.?", re.DOTALL)


def without_options(message: str) -> str:
    """Return a message without the options of commands it ends with; those are for people.

    They stand in brackets at its end, or in its last sentence.
    """
    while _OPTION.search(message):
        before, _, last = message.rpartition(". ")
        found = _CLAUSES.fullmatch(last)
        if found is None or _OPTION.search(found[1]):
            if not before:
                return message[: _OPTION.search(message).start()].rstrip(" (")  # type: ignore[union-attr]
            message = f"{before}."
            continue
        kept = "; ".join(part for part in found[2].split("; ") if not _OPTION.search(part))
        last = f"{found[1]} ({kept})" if kept else found[1]
        message = f"{before}. {last}" if before else last
    return message


def counted_outcome(what: str, count: int) -> str:
    """Return how often an outcome of `COUNTS` came about: `1 error`, `2 nulls ignored`."""
    if what in ("errors", "conflicts"):
        return counted(count, what[:-1])
    if what == "nulls_kept":
        return f"{counted(count, 'null')} ignored"
    return f"{count:,} {what.replace('_', ' ')}"


def _candidate(found: MeantRow) -> str:
    """Return a candidate with what is to be written for it: `"Wegmans" (0.90): slug "wegmans"`."""
    write = " ".join(f"{field} {shown(value)}" for field, value in found.get("write", {}).items())
    label = f"{shown(found['label'])} ({found['score']:.2f})"
    return f"{label}: write {write}" if write else label


def problem_lines(problems: Iterable[Problem], dropped: int = 0) -> list[str]:
    """Return one line for each problem, errors first, at most fifty of them."""
    order = {"error": 0, "warning": 1, "note": 2}
    ranked = sorted(problems, key=lambda problem: order[problem.severity])
    lines = []
    for problem in ranked[:SHOWN]:
        lines.append(f"{problem.severity}: {printable(str(problem))} [{problem.code}]")
        if problem.candidates:
            near = ", ".join(map(_candidate, problem.candidates))
            lines.append(f"    {what_candidates_are(problem)}: {near}")
    left = len(ranked) - SHOWN + dropped
    if left > 0:
        lines.append(f"... and {counted(left, 'more problem')}; all of them with --json")
    return lines
