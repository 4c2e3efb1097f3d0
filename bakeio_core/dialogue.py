"""Ask a person about missing references: what to show and what the answers mean, as a conversation without a terminal.

`Dialogue.ask` is a generator: it yields a `Prompt` (what to show, and the question) and is sent the line that was answered.
"""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from bakeio_core.candidates import Candidate
from bakeio_core.catalog import Catalog
from bakeio_core.errors import counted
from bakeio_core.resolve import EXISTING, Blank, Decision, Missing, blanks, now
from bakeio_core.values import BadValue, printable, shown

__all__ = ["Dialogue", "Prompt", "Stopped", "listed"]

WIDTH = 80
BACK = "<"
CLOSE = 0.85
"""From this score on a person is asked once more before a row is created beside the candidate."""
BY = "--interactive"


class Stopped(Exception):
    """The person wants to stop: nothing is to be written."""


@dataclass(frozen=True)
class Prompt:
    """Lines to show, each at most 80 columns, and the question at whose end the answer is typed."""

    lines: Sequence[str]
    question: str


Talk = Generator[Prompt, str, Any]
_BACK: Any = object()


class Dialogue:
    """One conversation over as many plans as it takes: `answers` grows; `history` is what was answered in it, in order."""

    def __init__(self, catalog: Catalog, answers: dict[Missing, Decision]) -> None:
        self.catalog, self.answers = catalog, answers
        self.history: list[Missing] = []

    def ask(self, missing: Sequence[Missing]) -> Talk:
        """Ask about every missing key; ends early where an answer may change what is missing, so that it is planned again.

        Raises Stopped where the person wants no more.
        """
        waiting, again = list(missing), False
        while waiting:
            item = waiting[0]
            self.answers.pop(item, None)
            place = f"Question {len(self.history) + 1} of {len(self.history) + len(waiting)}"
            answer = yield from self._question(item, place)
            if answer is _BACK:
                waiting.insert(0, self.history.pop())
                again = True
                continue
            self.answers[item] = answer
            self.history.append(waiting.pop(0))
            if again or (answer.action == "create" and self.catalog.entities[item.entity].references):
                return

    # -- one question
    def _question(self, item: Missing, place: str) -> Talk:
        found = item.candidates()
        head = self._head(item, place)
        lines = [*head, *listed(found), *self._choices(item, len(found))]
        while True:
            answer = (yield Prompt(lines, "Your answer: ")).strip()
            said = ""
            if answer.isdigit() and 1 <= int(answer) <= len(found):
                return Decision(EXISTING, target=found[int(answer) - 1].key, by=BY, at=now())
            choice = answer.lower()
            if choice == "c" and not item.among:
                made = yield from self._create(item, found)
                if made is not _BACK:
                    return made
                lines = [*head, *listed(found), *self._choices(item, len(found))]
                continue
            elif choice == "e" and item.nullable:
                return Decision("empty", by=BY, at=now())
            elif choice == "s":
                return Decision("skip", by=BY, at=now())
            elif choice == "q":
                raise Stopped
            elif choice == "b" and self.history:
                return _BACK
            elif choice == "b":
                said = "This is the first question."
            elif choice.startswith("f ") and item.search:
                found = item.search(Missing(item.entity, {self._label(item.entity): answer[2:].strip()}), 9)
                said = "" if found else f"Nothing is like {shown(answer[2:].strip())}."
                lines = [*listed(found), *self._choices(item, len(found))]
            else:
                said = f"{shown(answer)} is none of the choices."
            lines = wrapped(said) or lines

    def _head(self, item: Missing, place: str) -> list[str]:
        what = " and ".join(f"{column} {shown(value)}" for column, value in item.key.items())
        first = f"{counted(len(item.among), 'row')} of {item.entity} have {what}." if item.among else f"No row of {item.entity} has {what}."
        files = {file for file, _ in item.records}
        numbers = ", ".join(str(number) for _, number in item.records[:5]) + (", ..." if item.count > 5 else "")
        used = f"Used by {counted(item.count, 'record')} of {', '.join(sorted(files))} ({item.field or 'reference'}; number {numbers})."
        context = {path: value for path, value in item.context.items() if value not in (None, "") and path not in item.key}
        told = [f"{called(path)} {shown(value)}" for path, value in context.items()]
        lines = ["", f"{place}: {item.entity}", *wrapped(first, "  "), *wrapped(printable(used), "  ")]
        lines += wrapped(f"The file says: {', '.join(told)}.", "  ") if told else []
        return lines + (wrapped(f"The answer given before cannot be used: {item.why}.", "  ") if item.why else [])

    def _choices(self, item: Missing, count: int) -> list[str]:
        choices = {f"1-{count}" if count > 1 else "1": "use this one"} if count else {}
        choices |= {} if item.among else {"c": "create a new one"}
        choices |= {"e": "leave it empty"} if item.nullable else {}
        choices |= {"s": "skip these records", "f TEXT": "find others"}
        choices |= {"b": "back to the question before"} if self.history else {}
        return ["", *[f"    {name:<7} {what}" for name, what in {**choices, "q": "stop: write nothing"}.items()]]

    def _label(self, entity: str) -> str:
        found = self.catalog.entities[entity]
        return (*found.labels, *(key[0] for key in found.all_keys if len(key) == 1 and key[0] != "uuid"), found.primary)[0]

    # -- a new row
    def _create(self, item: Missing, found: Sequence[Candidate]) -> Talk:
        """Fill in the form of a new row; what is equal to a close candidate is asked about first."""
        near = next((candidate for candidate in found if candidate.score >= CLOSE), None)
        if near is not None:
            lines = wrapped(f"{shown(near.label)} is there already and may be the same (score {near.score:.2f}).", "  ")
            answer = yield Prompt(lines, "  Create a new one all the same? [y/N]: ")
            if answer.strip().lower() not in ("y", "yes"):
                return _BACK
        form, values = blanks(item, self.catalog), dict[str, Any]()
        head = ["", f"  New row of {item.entity}. Enter takes what stands in brackets, {BACK} goes back."]
        for blank in form:
            value = yield from self._blank(item, blank, head)
            if value is _BACK:
                return _BACK
            values |= value
            head = []
        return Decision("create", values=values, by=BY, at=now())

    def _blank(self, item: Missing, blank: Blank, head: Sequence[str]) -> Talk:
        lines, known = list(head), "" if blank.value is None else f" [{printable(str(blank.value))}]"
        for number, choice in enumerate(blank.choices, 1):
            lines.append(f"    {number:>2}  {choice}")
        lines += ["        a number, or a text of your own"] if blank.choices else []
        needed = "" if blank.required or blank.value is not None else " (may be empty)"
        while True:
            text = (yield Prompt(lines, f"  {called(blank.name)}{known}{needed}: ")).strip()
            if text == BACK:
                return _BACK
            if not text and blank.value is not None:
                return {blank.name: blank.value}
            if not text and not blank.required:
                return {}
            if blank.choices and text.isdigit() and 1 <= int(text) <= len(blank.choices):
                return {blank.name: blank.choices[int(text) - 1]}
            lines = self._fault(item, blank, text)
            if not lines:
                return self._named(item, blank, text) if blank.target else {blank.name: text}

    def _fault(self, item: Missing, blank: Blank, text: str) -> list[str]:
        if not text:
            return [f"    {called(blank.name)} is needed."]
        if blank.target is None:
            try:
                self.catalog.entities[item.entity].kinds[blank.name].read(text, lambda note: None)
            except BadValue as error:
                return wrapped(f"{error}.", "    ")
        return []

    def _named(self, item: Missing, blank: Blank, text: str) -> dict[str, Any]:
        """Return how a decision names the row of a reference: by its key where the text is that of a row, else by what people call it."""
        target, references = str(blank.target), self.catalog.entities[item.entity].references
        column = next((c for c, r in references.items() if blank.name in r.lookups), blank.name.split(".", maxsplit=1)[0])
        found = item.search(Missing(target, {self._label(target): text}), 1) if item.search else []
        if found and found[0].automatic:
            return {f"{column}.{name}": value for name, value in found[0].key.items()}
        return {f"{column}.{self._label(target)}": text}


def listed(found: Sequence[Candidate]) -> list[str]:
    """Return candidates as numbered lines with scores, reasons and warnings, an empty line first."""
    lines = [""] if found else []
    for number, candidate in enumerate(found, 1):
        label = printable(candidate.label)
        lines.append(f"    {number}  {label if len(label) <= 62 else label[:61] + '…':<62} {candidate.score:.2f}")
        lines += wrapped("; ".join(candidate.reasons), "         ")
        lines += wrapped(f"careful: {candidate.warning}", "         ") if candidate.warning else []
    return lines


def called(path: str) -> str:
    """Return a field of a form as a person reads it: `oven_id.slug` is the oven's slug."""
    column, _, wanted = path.partition(".")
    return f"{column.removesuffix('_id')} {wanted}" if wanted else column


def wrapped(text: str, indent: str = "") -> list[str]:
    """Return the text in lines of at most 80 columns."""
    return textwrap.wrap(text, WIDTH - 1, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
