"""Which question comes next, which answers there are; nothing of it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from bakeio_core import Bakeio, Decision, Question

BY = "bakeio desktop"
"""Who decides in a window."""
MOST_NAMED = 60
"""So many characters of a name stand in a heading; the page below has all of it."""
REFERENCE, HEADING, CHANGE = "reference", "heading", "change"
LEAVES = "leave-field", "leave-record"


def decided(question: Question, action: str, **more: Mapping[str, Any]) -> Decision:
    """Return what a person decided now about a question."""
    at = datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return Decision(action, by=BY, at=at, seen=question.seen, **more)


def left_out(answers: Mapping[Question, Decision]) -> list[Question]:
    """Return the changes nobody was asked about that are not to be written."""
    made = answers.items()
    return [q for q, answer in made if q.kind == CHANGE and answer.action in LEAVES]


class Interview:
    """Go through the questions of a plan, and of those that come up through the answers.

    Args:
        bakeio: The library with its plugins.
        kept: Answers that were given earlier. They are offered, not taken; but nobody is asked
            about a change that was left out.

    Attributes:
        answers: What was decided.
        history: What was answered, in order.
        waiting: What is asked, the next question first.
    """

    def __init__(self, bakeio: Bakeio, kept: Mapping[Question, Decision]) -> None:
        self.bakeio, self._offered = bakeio, dict(kept)
        self.answers = {asked: kept[asked] for asked in kept if asked.kind == CHANGE}
        self.history: list[Question] = []
        self.waiting: list[Question] = []

    def ask(self, questions: Sequence[Question]) -> None:
        """Ask these now: what another plan, which knew the answers, still has to know."""
        for question in questions:
            if question in self.history:  # its answer could not be carried out
                self.history.remove(question)
                self._offered[question] = self.answers.pop(question)
        self.waiting = list(questions)

    @property
    def current(self) -> Question | None:
        """The question to ask now, None where all are answered."""
        return self.waiting[0] if self.waiting else None

    @property
    def place(self) -> tuple[int, int]:
        """Which question it is, and of how many: those that come up later are not among them."""
        return len(self.history) + 1, len(self.history) + len(self.waiting)

    def offered(self, question: Question) -> Decision | None:
        """Return the answer that was given to a question before, if it can still be given."""
        known = self._offered.get(question)
        return known if known is not None and known.action in question.answers else None

    def alike(self) -> list[Question]:
        """Return the questions that wait and are of the same kind, about the same field."""
        first, *others = self.waiting
        return [question for question in others if question.is_like(first)]

    def answer(self, decision: Decision, *, for_all_like_it: bool = False) -> bool:
        """Take the answer to the current question.

        Args:
            decision: The answer.
            for_all_like_it: Answer those of `alike` so too, where that can be.

        Returns:
            Whether other questions may come up through it: then it is to be planned again.
        """
        others = self.alike() if for_all_like_it else []
        again = self._take(self.waiting.pop(0), decision)
        for question in others:
            same = self.bakeio.same_answer(question, decision, self.answers)
            if same is not None:
                self.waiting.remove(question)
                again = self._take(question, same) or again
        return again

    def back(self) -> None:
        """Ask the question before again; its answer is offered."""
        question = self.history.pop()
        self._offered[question] = self.answers.pop(question)
        self.waiting.insert(0, question)

    def _take(self, question: Question, decision: Decision) -> bool:
        self.answers[question] = decision
        self.history.append(question)
        if decision.action != "create":
            return False
        return bool(self.bakeio.catalog.entities[question.entity].references)


Planned = Callable[[Mapping[Question, Decision]], None]
"""Plans again with answers, and in the end calls the wizard with what is open then."""


def named(question: Question) -> str:
    """Return what a question is about, as its heading has it: `suppliers "Wilson's Farm"`."""
    if question.kind == HEADING:
        named = {
            "heading": "column “{}”",
            "pattern": "how column “{}” is written",
            "view": "what the rows are",
        }
        ((about, name),) = question.key.items()
        return named.get(about, "{}").format(_short(name))
    if question.kind != REFERENCE and question.label:
        return f"{question.entity} “{_short(question.label)}”"
    values = ", ".join(f"“{_short(v)}”" for v in question.key.values() if v is not None)
    return f"{question.entity} {values}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MOST_NAMED else text[: MOST_NAMED - 1] + "…"


def field_title(name: str) -> str:
    """Return a field of a form as a person reads it: `oven_id.slug` is the oven's slug."""
    column, _, wanted = name.partition(".")
    text = f"{column.removesuffix('_id')} {wanted}" if wanted else column
    text = text.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
