"""What a conversation is made of: prompts, and texts in lines of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakeio_core.catalog.exchange import Candidate, Decision
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
TABLE: Any = object()
"""The answer of who wants to see all questions."""
ALL = "all"
"""Typed behind an answer: the same for all questions like it."""


@dataclass(frozen=True)
class Reply:
    """An answer to a question, and whether it is that to all questions like it."""

    decision: Decision
    for_all: bool = False


@dataclass(frozen=True)
class Place:
    """Where a question stands in its conversation.

    Attributes:
        title: Which it is, and of how many.
        can_go_back: Whether one was answered before it.
        has_table: Whether there are so many that a table of them is of use.
        alike: How many open ones are like it.
    """

    title: str
    can_go_back: bool = False
    has_table: bool = False
    alike: int = 0

    def ways(self, typed_for_all: Sequence[str]) -> dict[str, str]:
        """Return what can be typed at every question: {what is typed: what it does}.

        Args:
            typed_for_all: The answers that can be given to all like it.
        """
        ways = {}
        if self.alike and typed_for_all:
            others = "the other" if self.alike == 1 else f"the {self.alike:,} others"
            ways[ALL] = f"behind {_or(typed_for_all)}: the same for {others} like it"
        ways |= {"t": "a table of all questions"} if self.has_table else {}
        ways |= {"b": "back to the question before"} if self.can_go_back else {}
        return {**ways, "q": "stop: write nothing"}

    def elsewhere(self, typed: str) -> Any:
        """Return where a person wants to go instead of answering, None where they answer.

        Raises:
            Stopped: They want no more.
        """
        if typed == "q":
            raise Stopped
        if typed == "b" and self.can_go_back:
            return WENT_BACK
        return TABLE if typed == "t" and self.has_table else None


def parted(answer: str) -> tuple[str, bool]:
    """Return what was typed without the `all` behind it, and whether that was there."""
    typed, _, last = answer.strip().lower().rpartition(" ")
    return (typed.strip(), True) if typed and last == ALL else (answer.strip().lower(), False)


def choices(ways: Mapping[str, str]) -> list[str]:
    """Return what can be typed as lines, an empty one first."""
    return ["", *[f"    {typed:<7} {does}" for typed, does in ways.items()]]


def complaint(ways: Mapping[str, str], typed: str, *, for_all: bool) -> list[str]:
    """Return what to type instead of what cannot be taken."""
    if typed == ALL and ALL in ways:
        return wrapped("Type it behind an answer, as in: s all")
    if for_all and typed in ways:
        return wrapped(f"{typed} answers this question alone.")
    return wrapped(f"Answer with one of these: {', '.join(ways)}.")


def _or(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


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
