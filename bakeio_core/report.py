"""What an import did or would do, as data and as text for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bakeio_core.changes import COUNTS, Change
from bakeio_core.errors import Problem, counted
from bakeio_core.plan import Planner
from bakeio_core.resolve import ALIAS
from bakeio_core.values import printable, shown

__all__ = ["Report", "problem_lines"]

SHOWN = 50


@dataclass
class Report:
    """The outcome of one import, the same for a dry run and the real one but for `run`, `dry_run` and times.

    summary: {processed, created, updated, unchanged, skipped, conflicts, errors, nulls_kept}; entities: the same per entity;
    refused: why nothing was written, empty where it was (or would be).
    """

    run: int | None
    dry_run: bool
    mode: str
    source: str
    summary: dict[str, int]
    entities: dict[str, dict[str, int]]
    created_entities: dict[str, list[Any]] = field(default_factory=dict)
    resolved: list[dict[str, Any]] = field(default_factory=list)
    skipped_log: str | None = None
    problems: list[Problem] = field(default_factory=list)
    refused: str = ""
    dropped: int = 0
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def of(cls, planner: Planner, *, dry_run: bool, refused: str = "", run: int | None = None) -> Report:
        """Read the report off a planner that has planned everything."""
        entities = {name: {count: counts[count] for count in COUNTS} for name, counts in planner.counts.items()}
        problems = [*planner.source.problems, *planner.problems]
        summary = {count: planner.summary[count] for count in COUNTS}
        return cls(
            run, dry_run, planner.options.mode, planner.source.name, summary, entities, planner.created, resolved(planner), None, problems, refused,
            planner.problems.dropped, planner.shown,
        )  # fmt: skip

    @property
    def exit_code(self) -> int:
        """0 done, 1 refused with nothing written, 3 done with some records skipped for a problem or by decision."""
        if self.refused:
            return 1
        by_mode = self.mode in ("skip-existing", "update-only")
        return 3 if self.summary["errors"] or (self.summary["skipped"] and not by_mode) else 0

    def as_dict(self) -> dict[str, Any]:
        """Return the object `--json` prints."""
        names = ("run", "dry_run", "mode", "source", "summary", "entities", "created_entities", "resolved", "skipped_log")
        return {name: getattr(self, name) for name in names} | {"problems": [msgspec.to_builtins(problem) for problem in self.problems]}

    def text(self) -> str:
        """Return the report for a terminal: one line per entity, then the problems, then what it comes to."""
        lines = []
        for name, counts in self.entities.items():
            said = [_said(what, counts[what]) for what in COUNTS[1:] if counts[what]]
            lines.append(f"  {name:<20} {counts['processed']:>9,} records: {', '.join(said) or 'nothing to do'}")
        lines += [_resolved_line(entry) for entry in self.resolved[:SHOWN]]
        lines += problem_lines(self.problems, self.dropped)
        total = ", ".join(_said(what, self.summary[what]) for what in ("created", "updated", "unchanged", "skipped", "conflicts", "errors")
                          if self.summary[what] or what in ("created", "updated"))  # fmt: skip
        if self.skipped_log:
            lines.append(f"Skipped records are in {self.skipped_log}: mend them there, then: bakeio import {self.skipped_log}")
        if self.refused:
            lines.append(f"Refused: {self.refused}. ({total})")
        else:
            lines.append(f"{'Dry run, nothing was written' if self.dry_run else 'Imported'}: {total}.")
        return "\n".join(lines)


def resolved(planner: Planner) -> list[dict[str, Any]]:
    """Return the decisions that were carried out: the key asked about, what became of it, by whom, and for how many records.

    A row that was to be created and that no record needed after all is left out.
    """
    found = []
    for used in planner.used.values():
        decision = used.decision
        what: dict[str, Any] = {"entity": used.missing.entity, "key": dict(used.missing.key), "action": decision.action}
        made = planner.parents.get((used.missing.entity, used.id or 0))
        if decision.action in ("existing", "create"):
            # what was created is no row any more when a dry run has taken it back
            what["target"] = made.key if made else planner.linker.key_of(planner.catalog.entities[used.missing.entity], used.id)
        if decision.action != "create" or what["target"] is not None:
            found.append(what | {"by": decision.by, "records": made.uses if made and decision.action == "create" else used.count})
    return found


def _resolved_line(entry: dict[str, Any]) -> str:
    """Return one line on a decision: `ovens: name "Dek" is slug "deck" (3 records)`."""

    def key(values: dict[str, Any]) -> str:
        return ", ".join(f"{column} {shown(value)}" for column, value in values.items())

    ways = {"existing": "is", "create": "was created as", "empty": "was left empty", "skip": "was skipped"}
    target = f" {key(entry['target'])}" if entry.get("target") else ""
    learned = ", as learned in an earlier import" if entry["by"] == ALIAS else ""
    return f"  {entry['entity']}: {key(entry['key'])} {ways[entry['action']]}{target}{learned} ({counted(entry['records'], 'record')})"


def _said(what: str, count: int) -> str:
    return f"{count:,} {'nulls kept' if what == 'nulls_kept' else what[:-1] if count == 1 and what in ('errors', 'conflicts') else what}"


def problem_lines(problems: Iterable[Problem], dropped: int = 0) -> list[str]:
    """Return one line for each problem, errors first, at most fifty of them."""
    order = {"error": 0, "warning": 1, "note": 2}
    ranked = sorted(problems, key=lambda problem: order[problem.severity])
    lines = []
    for problem in ranked[:SHOWN]:
        lines.append(f"{problem.severity}: {printable(str(problem))} [{problem.code}]")
        if problem.candidates:
            near = ", ".join(f"{shown(c['label'])} ({c['score']:.2f})" for c in problem.candidates)
            lines.append(f"    {'one of' if problem.code == 'ambiguous-key' else 'like it'}: {near}")
    left = len(ranked) - SHOWN + dropped
    if left > 0:
        lines.append(f"... and {left} more problems; all of them with --json")
    return lines
