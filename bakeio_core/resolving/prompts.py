"""What a conversation is made of: prompts, and texts in lines of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from bakeio_core.catalog.exchange import Candidate
from bakeio_core.values.wording import printable

WIDTH = 80
BY = "--interactive"
"""Who decides in a conversation."""


class Stopped(Exception):
    """The person wants to stop: nothing is to be written."""


@dataclass(frozen=True)
class Prompt:
    """Lines to show, each at most 80 columns, and the question at whose end the answer is typed."""

    lines: Sequence[str]
    question: str


Talk = Generator[Prompt, str, Any]
WENT_BACK: Any = object()
"""The answer of who wants the question before again."""


def picked(answer: str, choices: Sequence[Any]) -> Any:
    """Return the numbered choice an answer means, None where it is no such number."""
    number = int(answer) if answer.isdecimal() and len(answer) < 4 else 0
    return choices[number - 1] if 1 <= number <= len(choices) else None


def listed(found: Sequence[Candidate]) -> list[str]:
    """Return candidates as numbered lines with scores and reasons, an empty line first."""
    lines = [""] if found else []
    for number, candidate in enumerate(found, 1):
        lines.append(f"    {number}  {short(candidate.label, 62):<62} {candidate.score:.2f}")
        lines += wrapped("; ".join(candidate.reasons), "         ")
        lines += wrapped(f"careful: {candidate.warning}", "         ") if candidate.warning else []
    return lines


def short(text: str, most: int) -> str:
    """Return the text on one line, its end left out where it is too long."""
    plain = printable(text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def wrapped(text: str, indent: str = "") -> list[str]:
    """Return the text in lines of at most 80 columns."""
    return textwrap.wrap(
        text, WIDTH - 1, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
