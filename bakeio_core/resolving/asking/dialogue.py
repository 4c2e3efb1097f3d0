"""Ask a person what an import has to know, as a conversation without a terminal.

`Dialogue.ask` is a generator: it yields a `Prompt` (what to show, and the question) and is sent the
line that was answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import REFERENCE, Decision, Question
from bakeio_core.errors import counted
from bakeio_core.resolving.asking.about_record import RecordDialogue
from bakeio_core.resolving.asking.about_reference import ReferenceDialogue
from bakeio_core.resolving.asking.agenda import Agenda
from bakeio_core.resolving.asking.prompts import (
    BY,
    TABLE,
    WENT_BACK,
    Place,
    Reply,
    Talk,
    wrapped,
)
from bakeio_core.resolving.asking.table import QuestionTable
from bakeio_core.resolving.decisions import now
from bakeio_core.resolving.offers import CREATE, Offers

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

FEW = 5
"""Of more questions than this all are shown before the first is asked."""


class Dialogue:
    """One conversation over as many plans as it takes.

    Attributes:
        answers: The decisions; they grow.

    Args:
        catalog: The entities that are installed.
        answers: The decisions so far.
    """

    def __init__(self, catalog: Catalog, answers: dict[Question, Decision]) -> None:
        self.catalog, self.answers = catalog, answers
        self._agenda, self._offers = Agenda(), Offers(catalog, answers)
        self._typed: dict[Question, dict[str, str]] = {}
        self._told: list[str] = []
        self._is_stale = False

    def ask(self, questions: Sequence[Question]) -> Talk:
        """Ask about everything that is open.

        It ends early where an answer may change what is asked, so that it is planned again.

        Args:
            questions: What a plan that knows `answers` still asks.

        Returns:
            What is still to be told, as lines.

        Raises:
            Stopped: The person wants no more.
        """
        is_first = not self._agenda.questions
        self._agenda.take(questions)
        self._offers, self._is_stale = Offers(self.catalog, self.answers), False
        item = self._agenda.next
        if is_first and len(questions) > FEW:
            item = yield from self._table()
        while item is not None:
            item = yield from self._about(item)
        return self._said()

    def _about(self, item: Question) -> Talk:
        """Ask one question; return the next, None where it is to be planned again."""
        earlier = self.answers.pop(item, None)
        if earlier is not None and earlier.action == CREATE:
            given = {name: str(value) for name, value in earlier.values.items()}
            self._typed.setdefault(item, given)
        reply = yield from self._question(item)
        if reply is TABLE:
            return (yield from self._table())
        if reply is WENT_BACK:
            before = self._agenda.answered[-1]
            self._reopen(before)
            return before
        more = self._answered(item, reply)
        return None if self._is_stale or more else self._agenda.next

    def _question(self, item: Question) -> Talk:
        agenda = self._agenda
        place = Place(
            f"Question {agenda.number(item)} of {len(agenda.questions)}",
            can_go_back=bool(agenda.answered),
            has_table=len(agenda.questions) > FEW,
            alike=len(self._alike(item)),
        )
        if item.kind == REFERENCE:
            typed = self._typed.setdefault(item, {})
            talk = ReferenceDialogue(self.catalog, self._offers, place, typed).ask(item)
        else:
            talk = RecordDialogue(self.catalog, place).ask(item)
        return (yield from self._telling(talk))

    def _table(self) -> Talk:
        """Show all questions; return the one to ask, None where it is to be planned again."""
        agenda = self._agenda
        new = self._offers.new_rows(agenda.open, BY, now())
        # as if those were created: a name that may be one of theirs is told by it
        offers = Offers(self.catalog, {**self.answers, **new})
        table = QuestionTable(agenda.questions, self.answers, offers, new)
        item = yield from self._telling(table.ask())
        if item is not None:
            if item in agenda.answered:
                self._reopen(item)
            return item
        more = self._take(new)
        self._told = wrapped(f"{counted(len(new), 'row')} to be created.")
        return None if self._is_stale or more else next(iter(agenda.open), None)

    def _telling(self, talk: Talk) -> Talk:
        """Carry on a conversation, with what is still to be told before its first prompt."""
        answer: Any = None  # a generator is begun by sending it nothing
        while True:
            try:
                prompt = talk.send(answer)
            except StopIteration as ended:
                return ended.value
            answer = yield replace(prompt, lines=[*self._said(), *prompt.lines])

    def _said(self) -> list[str]:
        told, self._told = self._told, []
        return told

    # -- answers
    def _answered(self, item: Question, reply: Reply) -> bool:
        """Take an answer, for all questions like it where that is wanted; see `_take`."""
        more = self._take({item: reply.decision})
        others = self._alike(item) if reply.for_all else []
        if not others:
            return more
        taken = 0
        for other in others:  # one after the other: a row to be created is there for the next
            same = self._offers.same(other, reply.decision)
            if same is not None:
                taken += 1
                more = self._take({other: same}) or more
        left = len(others) - taken
        why = f"; {left:,} cannot be, or need a look, and stay open" if left else ""
        self._told = wrapped(f"{counted(taken, 'other')} answered the same{why}.")
        return more

    def _alike(self, item: Question) -> list[Question]:
        return [one for one in self._agenda.open if one != item and one.is_like(item)]

    def _take(self, decisions: dict[Question, Decision]) -> bool:
        """Take answers; tell whether other questions may come up through them."""
        for question, decision in decisions.items():
            self.answers[question] = decision
            self._agenda.close(question)
        return any(
            decision.action == CREATE and self.catalog.entities[question.entity].references
            for question, decision in decisions.items()
        )

    def _reopen(self, question: Question) -> None:
        """Ask again what was answered: what came of the answer may be asked no more."""
        self._agenda.reopen(question)
        self._is_stale = True


def created_unasked(
    catalog: Catalog, questions: Iterable[Question], entities: Iterable[str]
) -> dict[Question, Decision]:
    """Return the decisions to create what is new beyond doubt, of the entities `--auto-create` has.

    Where a row reads like one that is there, or something is lacking, somebody is asked.
    """
    names = {name.replace("-", "_") for name in entities}
    wanted = [question for question in questions if question.entity in names]
    return Offers(catalog, {}).new_rows(wanted, "--auto-create", now())
