"""The questions of a conversation in their order, and which of them wait for an answer."""

from __future__ import annotations

from collections.abc import Sequence

from bakeio_core.catalog.exchange import Question


class Agenda:
    """Know which question comes next, over as many plans as it takes.

    Attributes:
        questions: All of them; one keeps its place when it is asked again.
        answered: Those that were answered, in that order.
    """

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.answered: list[Question] = []

    def take(self, asked: Sequence[Question]) -> None:
        """Take what a plan asks; one that was answered could not be carried out as it was."""
        new = {question: question for question in asked}
        last = self.answered[-1] if self.answered else None
        self.answered = [question for question in self.answered if question not in new]
        kept = {*self.answered, *new}
        come_up = [question for question in asked if question not in self.questions]
        order = list[Question]()
        for question in self.questions:
            order += [question] if question in kept else []
            order += come_up if question == last else []  # what comes of an answer follows it
        order += come_up if last is None else []
        self.questions = [new.get(question, question) for question in order]

    @property
    def next(self) -> Question | None:
        """The one to ask: behind the last that was answered, None where none waits."""
        if self.answered:
            return self.after(self.answered[-1])
        return next(iter(self.open), None)

    @property
    def open(self) -> list[Question]:
        """Those that wait for an answer, in their order."""
        return [question for question in self.questions if question not in self.answered]

    def number(self, question: Question) -> int:
        """Return which question it is, from 1."""
        return self.questions.index(question) + 1

    def after(self, question: Question) -> Question | None:
        """Return the next one that waits behind a question, else the first, None where none does.

        The one itself counts where it waits.
        """
        place = self.questions.index(question)
        return next(
            (one for one in self.questions[place:] + self.questions if one not in self.answered),
            None,
        )

    def close(self, question: Question) -> None:
        """Note that a question is answered."""
        self.answered.append(question)

    def reopen(self, question: Question) -> None:
        """Ask a question again."""
        self.answered.remove(question)
