"""What a report says, in the few words a test compares."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.commands import Ran, Run
from support.databases import rows_of

PARTS = ("created", "updated", "unchanged", "skipped", "conflicts", "errors")
"""What becomes of a record: exactly one of these."""


def counts(done: Ran) -> dict[str, int]:
    """Return the counts of a report that are not zero."""
    return {name: number for name, number in done.json["summary"].items() if number}


def codes_of(problems: Iterable[dict[str, Any]]) -> set[str]:
    """Return the codes of problems."""
    return {problem["code"] for problem in problems}


def codes(answer: dict[str, Any]) -> set[str]:
    """Return the codes of all an answer complains of, that for which nothing could be done
    included.
    """
    return codes_of(
        [*answer.get("problems", ()), *([answer["error"]] if "error" in answer else ())]
    )


def found(done: Ran, severity: str = "error") -> list[tuple[str, str | None, int]]:
    """Return (code, field, count) of the problems of a report."""
    return [
        (p["code"], p["field"], p["count"])
        for p in done.json["problems"]
        if p["severity"] == severity
    ]


def refused(
    run: Run, url: str | Path, path: Path, *words: object
) -> list[tuple[str, str | None, int]]:
    """Import a file that must be refused; return why. No row of any table may have changed."""
    before = rows_of(url)
    done = run("-d", url, "import-view", path, "--json", *words)
    assert rows_of(url) == before
    assert done.code == 1, done.out
    summary = done.json["summary"]
    assert summary["processed"] == sum(summary[part] for part in PARTS), summary
    assert min(summary.values()) >= 0, summary
    return found(done)
