"""Ask a person about missing references, as a conversation without a terminal.

`Dialogue.ask` is a generator: it yields a `Prompt` (what to show, and the question) and is sent the
line that was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import EXISTING, REFERENCE, Candidate, Decision, Missing
from bakeio_core.errors import counted
from bakeio_core.resolving.decisions import now
from bakeio_core.resolving.form import SLUG, FormField, blanks, needs_slug
from bakeio_core.resolving.prompts import (
    BY,
    WENT_BACK,
    Prompt,
    Stopped,
    Talk,
    listed,
    picked,
    short,
    wrapped,
)
from bakeio_core.resolving.record_dialogue import RecordDialogue
from bakeio_core.resolving.typed import NO_SLUG, rows_like, typed_field
from bakeio_core.values.wording import BadValue, printable, shown

BACK = "<"
CLOSE = 0.85
"""From this score on a person is asked once more before a row is created beside the candidate."""


class Dialogue:
    """One conversation over as many plans as it takes.

    Attributes:
        answers: The decisions; they grow.
        history: What was answered in it, in order.
    """

    def __init__(self, catalog: Catalog, answers: dict[Missing, Decision]) -> None:
        self.catalog, self.answers = catalog, answers
        self.history: list[Missing] = []

    def ask(self, missing: Sequence[Missing]) -> Talk:
        """Ask about every missing key.

        It ends early where an answer may change what is missing, so that it is planned again.

        Raises:
            Stopped: The person wants no more.
        """
        waiting, again = list(missing), False
        while waiting:
            item = waiting[0]
            self.answers.pop(item, None)
            if item in self.history:  # asked again, because its answer could not be carried out
                self.history.remove(item)
            title = f"Question {len(self.history) + 1} of {len(self.history) + len(waiting)}"
            answer = yield from self._question(item, title)
            if answer is WENT_BACK:
                waiting.insert(0, self.history.pop())
                again = True
                continue
            self.answers[item] = answer
            self.history.append(waiting.pop(0))
            if again or (
                answer.action == "create" and self.catalog.entities[item.entity].references
            ):
                return

    # -- one question
    def _question(self, item: Missing, title: str) -> Talk:
        if item.kind != REFERENCE:
            about = RecordDialogue(self.catalog, can_go_back=bool(self.history))
            return (yield from about.ask(item, title))
        like = found = item.candidates()
        head = self._head(item, title)
        lines = [*head, *listed(found), *self._choices(item, len(found))]
        while True:
            answer = (yield Prompt(lines, "Your answer: ")).strip()
            reply = ""
            if chosen := picked(answer, found):
                return Decision(EXISTING, target=chosen.key, by=BY, at=now())
            choice = answer.lower()
            if choice == "c" and not item.among:
                made = yield from self._create(item, like)
                if made is not WENT_BACK:
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
                return WENT_BACK
            elif choice == "b":
                reply = "This is the first question."
            elif choice.startswith("f ") and item.search:
                text = answer[2:].strip()
                others = rows_like(item, text, self.catalog, 9)
                reply = "" if others else f"Nothing is like {shown(text)}."
                found = others or found
                lines = [*listed(found), *self._choices(item, len(found))]
            else:
                reply = f"Answer with one of these: {', '.join(self._ways(item, len(found)))}."
            lines = wrapped(reply) or lines

    def _head(self, item: Missing, title: str) -> list[str]:
        what = " and ".join(f"{column} {shown(value)}" for column, value in item.key.items())
        first = (
            f"{counted(len(item.among), 'row')} of {item.entity} have {what}."
            if item.among
            else f"No row of {item.entity} has {what}."
        )
        more = f" and {item.count - 5:,} more" if item.count > 5 else ""
        numbers = ", ".join(item.places[:5] or [str(number) for _, number in item.records[:5]])
        numbers += more
        where = item.field or "a reference"
        file = ", ".join(sorted({file for file, _ in item.records}))
        record = "" if item.places else "record "
        used = f"Used in {where} of {record}{numbers} of {file}."
        if item.count > 1:
            used = f"Used in {where} of {item.count:,} records of {file}: {numbers}."
        known = [
            f"{field_title(path)} {shown(value)}"
            for path, value in item.context.items()
            if value not in (None, "") and path not in item.key
        ]
        sentences = [first, printable(used)]
        if known:
            sentences.append(f"The file says: {', '.join(known)}.")
        if item.why:
            sentences.append(f"The answer given before cannot be used: {item.why}.")
        lines = ["", f"{title}: {item.entity}"]
        for sentence in sentences:
            lines += wrapped(sentence, "  ")
        return lines

    def _choices(self, item: Missing, count: int) -> list[str]:
        return ["", *[f"    {name:<7} {what}" for name, what in self._ways(item, count).items()]]

    def _ways(self, item: Missing, count: int) -> dict[str, str]:
        """Return what can be answered to a question: {what is typed: what it does}."""
        choices = {"1": "use this one"} if count else {}
        if count > 1:
            choices = {f"1-{count}": "use one of these"}
        choices |= {} if item.among else {"c": "create a new one"}
        choices |= {"e": "leave it empty"} if item.nullable else {}
        choices |= {"s": "skip these records", "f TEXT": "find others"}
        choices |= {"b": "back to the question before"} if self.history else {}
        return {**choices, "q": "stop: write nothing"}

    # -- a new row
    def _create(self, item: Missing, found: Sequence[Candidate]) -> Talk:
        """Fill in the form of a new row; a candidate close to it is asked about first."""
        near = next((candidate for candidate in found if candidate.score >= CLOSE), None)
        if near is not None:
            score = f"(score {near.score:.2f})"
            lines = wrapped(
                f"{shown(near.label)} is there already and may be the same {score}.", "  "
            )
            answer = yield Prompt(lines, "  Create a new one all the same? [y/N]: ")
            if answer.strip().lower() not in ("y", "yes"):
                return WENT_BACK
        form = [blank for blank in blanks(item, self.catalog) if blank != SLUG]
        values: dict[str, Any] = {}
        hint = f"Enter takes what stands in brackets, {BACK} goes back."
        head = ["", f"  New row of {item.entity}. {hint}"]
        for blank in form:
            value = yield from self._blank(item, blank, head)
            if value is WENT_BACK:
                return WENT_BACK
            values |= value
            head = []
        if needs_slug(self.catalog.entities[item.entity], values):
            value = yield from self._blank(item, SLUG, wrapped(NO_SLUG, "    "))
            if value is WENT_BACK:
                return WENT_BACK
            values |= value
        return Decision("create", values=values, by=BY, at=now())

    def _blank(self, item: Missing, blank: FormField, head: Sequence[str]) -> Talk:
        lines = list(head)
        known = "" if blank.value is None else f" [{short(str(blank.value), 36)}]"
        for number, choice in enumerate(blank.choices, 1):
            lines.append(f"    {number:>2}  {choice}")
        lines += ["        a number, or a text of your own"] if blank.choices else []
        needed = "" if blank.required or blank.value is not None else " (may be empty)"
        while True:
            text = (yield Prompt(lines, f"  {field_title(blank.name)}{known}{needed}: ")).strip()
            if text == BACK:
                return WENT_BACK
            if not text and blank.value is not None:
                return {blank.name: blank.value}
            if not text and not blank.required:
                return {}
            if chosen := picked(text, blank.choices):
                return {blank.name: chosen}
            value, lines = self._read(item, blank, text)
            if not lines:
                return value

    def _read(self, item: Missing, blank: FormField, text: str) -> tuple[dict[str, Any], list[str]]:
        """Return what a text in the form comes to, or what is wrong with it."""
        if not text:
            return {}, [f"    {field_title(blank.name)} is needed."]
        if blank.choices and text.isdecimal():
            return {}, [f"    The numbers go from 1 to {len(blank.choices)}."]
        try:
            return typed_field(item, blank, text, self.catalog), []
        except BadValue as error:
            return {}, wrapped(f"{error}.", "    ")


def field_title(path: str) -> str:
    """Return a field of a form as a person reads it: `oven_id.slug` is the oven's slug."""
    column, _, wanted = path.partition(".")
    return f"{column.removesuffix('_id')} {wanted}" if wanted else column
