"""All questions of a conversation in a table, to begin with and to jump from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bakeio_core.catalog.exchange import EXISTING, HEADING, REFERENCE, Decision, Question
from bakeio_core.errors import counted
from bakeio_core.resolving.asking.prompts import (
    WIDTH,
    Prompt,
    Stopped,
    Talk,
    choices,
    complaint,
    short,
)
from bakeio_core.resolving.offers import Offers
from bakeio_core.values.wording import shown

NAMED = 33
"""How many columns the name of a question has."""
SAID = WIDTH - NAMED - 16
DONE = {
    "create": "create it",
    "empty": "leave it empty",
    "skip": "skip",
    "take-file": "take the file's",
    "keep-database": "keep the database's",
    "leave-field": "leave the field out",
    "leave-record": "leave the record out",
}


class QuestionTable:
    """The questions with what may be answered, or was.

    Args:
        questions: All of them, in order.
        answers: Those that are answered.
        offers: What may be meant.
        new: Those of which can be created what they are about, as the file tells it.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        answers: Mapping[Question, Decision],
        offers: Offers,
        new: Mapping[Question, Decision],
    ) -> None:
        self.questions, self.answers, self.offers, self.new = questions, answers, offers, new

    def ask(self) -> Talk:
        """Show the table; return a question to go to, or None for all that are new.

        Raises:
            Stopped: The person wants no more.
        """
        ways, left = self._ways(), [q for q in self.questions if q not in self.answers]
        lines = [*self._lines(len(left)), *choices(ways)]
        while True:
            typed = (yield Prompt(lines, "Your answer: ")).strip().lower()
            if not typed and left:
                return left[0]
            if typed.isdecimal() and 1 <= int(typed[:9]) <= len(self.questions):
                return self.questions[int(typed) - 1]
            if typed == "n" and self.new:
                return None
            if typed == "q":
                raise Stopped
            lines = complaint(ways, typed, for_all=False)

    def _ways(self) -> dict[str, str]:
        ways = {"Enter": "go to the first that is open", f"1-{len(self.questions)}": "go to it"}
        if self.new:
            what = (
                "the one that is new"
                if len(self.new) == 1
                else f"all {len(self.new):,} that are new"
            )
            ways["n"] = f"create {what}, with what the file tells"
        return {**ways, "q": "stop: write nothing"}

    def _lines(self, left: int) -> list[str]:
        head = f"{counted(len(self.questions), 'question')}, {left:,} open"
        lines = ["", head, "", f"{'':6}{'about':<{NAMED}}records  "]
        lines[-1] += "answer, or what may be meant"
        for number, question in enumerate(self.questions, 1):
            named = short(self._named(question), NAMED - 1)
            said = short(self._said(question), SAID)
            lines.append(f"{number:>4}  {named:<{NAMED}}{question.count:>7,}  {said}".rstrip())
        return lines

    @staticmethod
    def _named(question: Question) -> str:
        values = ", ".join(shown(value) for value in question.key.values())
        if question.kind == REFERENCE:
            return f"{question.entity} {values}"
        if question.kind == HEADING:
            return f"heading {values}"
        named = shown(question.label) if question.label else values
        return " ".join(filter(None, (question.entity, question.field, named)))

    def _said(self, question: Question) -> str:
        """Return what is answered, or what may be."""
        decision = self.answers.get(question)
        if decision is not None:
            return f"= {self._decided(decision)}"
        if question in self.new:
            return "new"
        if question.kind != REFERENCE:
            return question.message
        found = self.offers.of(question)
        if question.ambiguous_ids:
            return f"one of {len(question.ambiguous_ids)} rows"
        if found:
            return f"{found[0].score:.2f} {found[0].label}"
        lacking = self.offers.lacking(question)
        return f"new, but tell its {', '.join(lacking)}" if lacking else "no row like it"

    @staticmethod
    def _decided(decision: Decision) -> str:
        if decision.action == EXISTING:
            return ", ".join(map(str, decision.target.values()))
        if decision.action == "value":
            return shown(decision.values.get("value"))
        return DONE.get(decision.action, decision.action)
