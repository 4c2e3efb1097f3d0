"""What a program needs that asks people itself: candidates, and typed texts as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bakeio_core.catalog.exchange import Candidate, Decision, Question
from bakeio_core.catalog.model import RowValues
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
        """Return the rows that may be meant, the best first.

        Args:
            question: One of a plan, that waits for a row; no database is needed any more.
            text: What somebody typed; where it is empty, what the question itself says counts.
            limit: How many at most.
            answers: What was decided so far. Rows that it creates or chose are offered too;
                `Decision.existing(**candidate.key)` means those as well.
        """
        from bakeio_core.resolving.offers import Offers

        offers = Offers(self.catalog, answers or {})
        return offers.found(question, text, limit) if text else offers.of(question, limit)

    def same_answer(
        self, question: Question, decision: Decision, answers: Mapping[Question, Decision]
    ) -> Decision | None:
        """Return an answer to a question like this one (`Question.is_like`) as the one to this.

        Args:
            question: One of a plan.
            decision: What was answered to the other.
            answers: What was decided so far, that answer among it.

        Returns:
            None where it cannot be the same: it means one row or one value, the file does not tell
            what a new row needs, or the new row may be one that is there or that `answers` create.
        """
        from bakeio_core.resolving.offers import Offers

        return Offers(self.catalog, answers).same(question, decision)

    def typed_value(self, question: Question, text: str) -> Any:
        """Return what a typed text stands for, where a question waits for a value.

        Raises:
            UsageError: It stands for none; it says how to write one.
        """
        from bakeio_core.resolving.typed import typed_value

        try:
            return typed_value(question, text, self.catalog)
        except BadValue as error:
            raise UsageError(str(error)) from None

    def new_row(self, question: Question, texts: Mapping[str, str]) -> RowValues:
        """Return what a filled in form stands for, as `values` of a decision to create a row.

        Args:
            question: One of a plan, about a reference; its `form` has the fields.
            texts: {name of a field: what stands in it}; an empty text leaves a field out.

        Raises:
            FormRefused: Something is missing, or cannot be read; `fields` says what.
        """
        from bakeio_core.resolving.typed import new_row

        return new_row(question, texts, self.catalog)
