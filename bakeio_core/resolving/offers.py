"""What may be meant by a question, the rows that answers so far lead to among them.

Here is decided too which answer to one question is the same answer to another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import Entity, RowValues
from bakeio_core.catalog.exchange import (
    EXISTING,
    REFERENCE,
    Candidate,
    Decision,
    Missing,
    Question,
)
from bakeio_core.resolving.candidates import Candidates, as_asked
from bakeio_core.resolving.ranking.index import Index, indexed_columns
from bakeio_core.resolving.typed import FormRefused, new_row, rows_like
from bakeio_core.values.wording import said, shown

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

CREATE = "create"
FOR_ONE = (EXISTING, "value")
"""Answers that mean one row or one value, which another question hardly has as well."""
IS_THERE = 0.5
"""Where the rows that are there are together as likely as this, none is created unasked."""
CLOSE = 0.85
"""From this score on a row is so close that one beside it is created only by who says so twice."""


class Offers:
    """What can be answered to the questions of one plan.

    Args:
        catalog: The entities that are installed.
        answers: What was decided so far; it may grow.
    """

    def __init__(self, catalog: Catalog, answers: Mapping[Question, Decision]) -> None:
        self.catalog, self.answers = catalog, answers
        self._there: dict[tuple[Question, int], list[Candidate]] = {}
        self._index: tuple[Any, _DecidedRows] | None = None

    def of(self, question: Question, limit: int = 5) -> list[Candidate]:
        """Return the rows that may be meant, the most likely first.

        One that another answer creates or chose is among them: its `key` names it in a decision.
        """
        if (question, limit) not in self._there:
            self._there[question, limit] = question.candidates(limit)
        there = self._there[question, limit]
        if question.kind != REFERENCE or question.ambiguous_ids:
            return there
        return self._with_decided(question, there, limit)

    def found(self, question: Question, text: str, limit: int = 9) -> list[Candidate]:
        """Return the rows that what somebody typed may mean, the best first, as `of` does."""
        there = rows_like(question, text, self.catalog, limit)
        if question.kind != REFERENCE or question.search is None:
            return there
        typed = as_asked(self.catalog.entities[question.entity], text)
        asked = Missing(question.entity, typed, search=question.search)
        return self._with_decided(asked, there, limit)

    def _with_decided(
        self, question: Question, there: Sequence[Candidate], limit: int
    ) -> list[Candidate]:
        decided = self._decided(question.entity).like(question, limit)
        found: dict[str, Candidate] = {}
        for candidate in sorted([*decided, *there], key=lambda candidate: -candidate.score):
            found.setdefault(repr(sorted(candidate.key.items())), candidate)
        return list(found.values())[:limit]

    def new_row(self, question: Question) -> RowValues:
        """Return the values of a new row as the file tells them.

        Raises:
            FormRefused: It lacks something.
        """
        texts = {
            field["name"]: "" if field["value"] is None else str(field["value"])
            for field in question.form
        }
        return new_row(question, texts, self.catalog)

    def lacking(self, question: Question) -> list[str]:
        """Return the fields of a new row that the file does not tell."""
        try:
            self.new_row(question)
        except FormRefused as refused:
            return list(refused.fields)
        return []

    def new_rows(self, questions: Iterable[Question], by: str, at: str) -> dict[Question, Decision]:
        """Return the decisions to create all that is new; see `created`.

        Of two names that may be one, the first is created and the second is not.
        """
        answers, made = dict(self.answers), {}
        asked = Offers(self.catalog, answers)
        asked._there = self._there
        for question in questions:
            decision = asked.created(question, by, at)
            if decision is not None:
                answers[question] = made[question] = decision
        return made

    def created(self, question: Question, by: str, at: str) -> Decision | None:
        """Return the decision to create what the file tells of.

        Returns:
            None where something is lacking, or where a row that is there, or that another decision
            creates, may be meant: somebody is to look at that.
        """
        is_refused = bool(question.why)  # it was tried before
        if question.kind != REFERENCE or is_refused or CREATE not in question.answers:
            return None
        try:
            values = self.new_row(question)
        except FormRefused:
            return None
        is_new = not self._may_be_there(question)
        return Decision(CREATE, values=values, by=by, at=at) if is_new else None

    def _may_be_there(self, question: Question) -> bool:
        """Tell whether a row that is there may be meant, or one that is sure to be created."""
        numbers = _numbers(question.key.values())
        likely = 0.0
        for found in self.of(question):
            others = _numbers([found.label])
            if numbers and others and not numbers & others:
                continue  # "Shop 2" is not "Shop 1", however alike the two are written
            # two names in one file are more often two things
            if found.id is None and found.score >= CLOSE:
                return True
            likely += found.score if found.id is not None else 0
        return likely >= IS_THERE

    def same(self, question: Question, decision: Decision) -> Decision | None:
        """Return an answer that was given to a question like this one, as the answer to this one.

        Returns:
            None where it cannot be that: it means one row or one value, or `created` says none.
        """
        if decision.action in FOR_ONE or decision.action not in question.answers:
            return None
        if decision.action == CREATE:
            return self.created(question, decision.by, decision.at)
        return replace(decision, seen=question.seen)

    def _decided(self, entity: str) -> _DecidedRows:
        given = [
            (question, decision)
            for question, decision in self.answers.items()
            if question.entity == entity
            and question.kind == REFERENCE
            and decision.action in (CREATE, EXISTING)
        ]
        if self._index is None or self._index[0] != (entity, given):
            self._index = (entity, given), _DecidedRows(self.catalog, entity, given)
        return self._index[1]


class _DecidedRows:
    """The rows that answers lead to, found by what they are to be and by what the file calls them.

    Args:
        catalog: The entities that are installed.
        entity: Whose rows.
        given: The questions and the answers to them.
    """

    def __init__(
        self, catalog: Catalog, entity: str, given: list[tuple[Question, Decision]]
    ) -> None:
        self.entity = catalog.entities[entity]
        self._entries: list[tuple[Mapping[str, Any], Question, Decision]] = []
        for question, decision in given:
            own = {c: v for c, v in decision.values.items() if c in self.entity.columns}
            if own and own != question.key:
                self._entries.append((own, question, decision))
            self._entries.append((question.key, question, decision))
        columns = indexed_columns(self.entity)
        rows = [
            (number, *[values.get(column) for column in columns])
            for number, (values, *_) in enumerate(self._entries)
        ]
        index = Index(catalog, self.entity, rows, {})
        self._search = Candidates(None, catalog, {}, known={entity: index})

    def like(self, question: Question, limit: int) -> list[Candidate]:
        """Return those that a question may mean as candidates, each once."""
        found: list[Candidate] = []
        for candidate in self._search.of_missing(question, limit + 1) if self._entries else ():
            _, asked, decision = self._entries[int(str(candidate.id))]
            if asked == question:
                continue
            offered = self._offered(candidate, question, asked, decision)
            if offered.key and dict(offered.key) not in [dict(one.key) for one in found]:
                found.append(offered)
        return found

    def _offered(
        self, candidate: Candidate, question: Question, asked: Question, decision: Decision
    ) -> Candidate:
        named = " and ".join(shown(value) for value in asked.key.values())
        reasons = (f"was chosen for {named}", *candidate.reasons)
        if decision.action == CREATE:
            reasons = (f"is to be created for {named}", *candidate.reasons)
            key = naming(self.entity, decision.values)
            called = [said(key[column]) for column in self.entity.calling if column in key]
            label = " ".join(called) or candidate.label
            return replace(
                candidate, id=None, key=key, label=label, reasons=reasons, automatic=False
            )
        key = dict(decision.target)
        wanted = Missing(asked.entity, key)
        there = question.search(wanted, 1) if question.search is not None else []
        is_it = bool(there) and there[0].automatic
        return replace(
            candidate,
            id=there[0].id if is_it else None,
            key=key,
            label=there[0].label if is_it else ", ".join(map(str, key.values())),
            reasons=reasons,
            automatic=False,
        )


def _numbers(texts: Iterable[Any]) -> set[str]:
    return {number for text in texts for number in re.findall(r"\d+", str(text))}


def naming(entity: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names a row that is to be created: its name and keys, else all it holds."""
    own = {c: v for c, v in values.items() if c in entity.columns and v is not None}
    named = {*entity.calling, *(column for key in entity.all_keys for column in key)}
    return {c: v for c, v in own.items() if c in named} or own
