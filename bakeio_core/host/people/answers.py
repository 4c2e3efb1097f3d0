"""What a program needs that asks people itself: candidates, and typed texts as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakeio_core.catalog.entities.model import RowValues
from bakeio_core.catalog.exchange import Candidate, Decision, Question
from bakeio_core.errors import UsageError
from bakeio_core.host.installed import Installed
from bakeio_core.values.wording import BadValue


class Answers(Installed):
    """Read what people type about a question of a plan; no database is needed any more.

    What ranks candidates is imported when it is first asked to: most imports ask nothing.
    """

    def candidates(
        self,
        question: Question,
        text: str = "",
        limit: int = 9,
        *,
        answers: Mapping[Question, Decision] | None = None,
    ) -> list[Candidate]:
        """Return the rows that may be meant, the most likely first.

        Args:
            question: A question of a plan about a reference. The database is not needed any more.
            text: What somebody typed; if it is empty, the text of the question is used.
            limit: How many at most.
            answers: The decisions so far. Rows that they create or choose are offered too, and
                `Decision.existing(**candidate.key)` can name them.
        """
        from bakeio_core.resolving.offers import Offers

        offers = Offers(self.catalog, answers or {})
        return offers.found(question, text, limit) if text else offers.of(question, limit)

    def same_answer(
        self, question: Question, decision: Decision, answers: Mapping[Question, Decision]
    ) -> Decision | None:
        """Return the answer to a similar question (`Question.is_like`) as an answer to this one.

        Args:
            question: One of a plan.
            decision: The answer to the other question.
            answers: The decisions so far, with that answer.

        Returns:
            None if the answer cannot be the same: it names one row or one value, the file lacks
            what a new row needs, or the new row may exist already or be one that `answers` create.
        """
        from bakeio_core.resolving.offers import Offers

        return Offers(self.catalog, answers).same(question, decision)

    def typed_value(self, question: Question, text: str) -> Any:
        """Return the value that a typed text means, for a question that needs a value.

        Raises:
            UsageError: The text is no such value; the error says how to write one.
        """
        from bakeio_core.resolving.typed import typed_value

        try:
            return typed_value(question, text, self.catalog)
        except BadValue as error:
            raise UsageError(str(error)) from None

    def new_row(self, question: Question, texts: Mapping[str, str]) -> RowValues:
        """Return the values of a filled-in form, for a decision to create a row.

        Args:
            question: One of a plan, about a reference; its `form` has the fields.
            texts: {name of a field: what stands in it}; an empty text leaves a field out.

        Raises:
            FormRefused: Something is missing, or cannot be read; `fields` says what.
        """
        from bakeio_core.resolving.typed import new_row

        return new_row(question, texts, self.catalog)
