"""Find out what the columns of a stranger's sheet mean: remembered, decided, or asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import EXISTING, HEADING, Candidate, Decision, Question
from bakeio_core.catalog.fields import view_fields
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import Problem, Problems
from bakeio_core.files.sheets.readings import form_of
from bakeio_core.history.learned.layouts import Layout, all_layouts, identity, learn_layout
from bakeio_core.importing.reading.building import of_sheets
from bakeio_core.importing.reading.sheets.headings import letters
from bakeio_core.importing.reading.sheets.meaning import Fit, Meanings
from bakeio_core.importing.reading.sheets.needed import lacking, offered
from bakeio_core.importing.reading.sheets.records import ViewSheets
from bakeio_core.importing.reading.sheets.strange import Doubt, StrangeSheet
from bakeio_core.importing.reading.sources import Part, Source
from bakeio_core.resolving.decisions import Decisions
from bakeio_core.values.wording import BadValue, listed, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

LIKELY = 0.2
"""From this score on a field is told as one a column may be."""
SHOWN = 3
"""Cells of a column, and records of a file, that are shown as examples."""


def settle_layout(
    db: Connection, catalog: Catalog, source: Source, decisions: Decisions
) -> list[Question]:
    """Read a stranger's sheet as its headings are known to mean; return what is to be asked yet.

    Other sources stay as they are.

    Args:
        db: The connection.
        catalog: What is installed.
        source: The source; as long as something is to be asked it has no records, and says why.
        decisions: The answers known.
    """
    if source.strange is None:
        return []
    return _Settling(db, catalog, source, source.strange, decisions).settle()


def remember_layout(
    db: Connection, run: int | None, source: Source, catalog: Catalog, at: str
) -> None:
    """Remember what the headings of a stranger's sheet mean, for files with the same ones.

    What is said of all rows of one file and is a day is of that file alone.
    """
    if source.strange is None or source.layout is None:
        return
    view = catalog.readable[source.layout.view]
    fields, layout = view_fields(view, catalog), source.layout
    lasting = {
        name: value
        for name, value in layout.constants.items()
        if form_of(fields.by_name[name].kind) not in ("day", "moment")
    }
    kept = Layout(layout.view, layout.fields, lasting, layout.patterns)
    learn_layout(db, run, source.strange.names, kept, at)


class _Settling:
    """What one file needs to be told."""

    def __init__(
        self,
        db: Connection,
        catalog: Catalog,
        source: Source,
        strange: StrangeSheet,
        decisions: Decisions,
    ) -> None:
        self.db, self.catalog, self.source, self.strange = db, catalog, source, strange
        self.decisions, self.meanings = decisions, Meanings(db, catalog)
        known = all_layouts(db).get(identity(strange.names))
        usable = known is not None and known[1].view in catalog.readable
        self.known = known[1] if known is not None and usable else None

    def settle(self) -> list[Question]:
        """Return the questions left; none where the source has its records."""
        source, problems = self.source, Problems()
        problems.where = source.where
        source.problems, source.parts, source.layout = problems, [], None
        source.is_new_layout = False
        questions = self._questions(problems)
        for question in questions:
            problems.add(self._problem(question))
        return questions

    def _questions(self, problems: Problems) -> list[Question]:
        view = self._view()
        if isinstance(view, Question):
            return [view]
        layout = Layout(view.name)
        asked = [*self._columns(view, layout)]
        if asked:
            return asked
        asked = [*self._constants(view, layout)]
        if asked:
            return asked
        if self.known is not None and self.known.view == view.name:
            layout.patterns = {**self.known.patterns}
        asked = [*self._patterns(view, layout)]
        if asked:
            return asked
        self._read(layout, problems)
        return []

    def _read(self, layout: Layout, problems: Problems) -> None:
        sheets = self.strange.read(layout, problems)
        read = of_sheets({layout.view: self.strange.document(sheets)}, self.catalog, problems)
        self.source.parts, self.source.layout = read.parts, layout
        self._tell(layout, problems, sheets)

    def _tell(self, layout: Layout, problems: Problems, sheets: ViewSheets) -> None:
        """Say how the headings are read, and show the first records."""
        meant = [f"{h} is {field}" for h, field in layout.fields.items() if field]
        ignored = [shown(h) for h, field in layout.fields.items() if not field]
        message = f"is read as {layout.view}: {', '.join(meant)}"
        said = {n: v for n, v in layout.constants.items() if v is not None}
        if said:
            message += f"; {', '.join(f'{n} is {shown(v)}' for n, v in said.items())} in all rows"
        message += f"; ignored: {listed(ignored)}" if ignored else ""
        known = self.known is not None and self.known.fields == layout.fields
        message += " (as an earlier file with these headings)" if known else ""
        common: dict[str, Any] = {"code": "unknown-headings", "severity": "note"}
        problems.add(Problem(**common, file=self.strange.name, message=message))
        if known:
            return
        part = self.source.parts[0]
        self.source.is_new_layout = True
        columns = sheets.columns.values()
        counted = {column: column.read_as.copy() for column in columns}
        for number, record in part.records(range(1, SHOWN + 1)):
            if not isinstance(record, Problem):
                told = ", ".join(self._values(part, record))
                preview = Problem(
                    **common, file=self.strange.name, record=number, message=f"is read as {told}"
                )
                problems.add(preview)
        for column, read_as in counted.items():
            column.read_as = read_as  # what is read for the eye alone is not counted

    @staticmethod
    def _values(part: Part, record: Mapping[str, Any]) -> Iterator[str]:
        for name, value in record.items():
            try:
                read = part.document.settled(name, value)
            except BadValue as error:
                yield f"{name} ({error})"
            else:
                if read is not None:
                    yield f"{name} {_said(read)}"

    # -- which view
    def _view(self) -> View | Question:
        views = self.catalog.readable
        question = self._question({"view": "?"}, "")
        names = ", ".join(shown(name, 30) for name in self.strange.names[:8])
        more = len(self.strange.names) - 8
        names += f" and {more} more" if more > 0 else ""
        question.message = (
            f"the headings match no view ({names}): to which view do the rows belong?"
        )
        decision = self.decisions.get(question)
        if decision is not None and decision.action == EXISTING:
            said = str(decision.target.get("view"))
            if said in views:
                return views[said]
            question.why = f"there is no view {shown(said)}"
        elif self.known is not None:
            return views[self.known.view]
        samples = dict(self.strange.samples)
        scores = {name: self.meanings.of_view(view, samples) for name, view in views.items()}
        most = max(scores.values(), default=0) or 1
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        found = [
            Candidate("", 0, {"view": name}, name, score / most * 0.99, (views[name].purpose,))
            for name, score in ranked
            if score or len(ranked) < SHOWN
        ]
        question.search = lambda _, limit: found[: max(limit, 9)]
        return question

    def _question(self, key: Mapping[str, Any], entity: str, field: str = "") -> Question:
        where = [(self.strange.name, self.strange.row)]
        return Question(
            entity,
            key,
            field,
            count=1,
            records=where,
            places=[f"row {self.strange.row}"],
            kind=HEADING,
            offers=(EXISTING,),
        )

    # -- which field each column is
    def _columns(self, view: View, layout: Layout) -> Iterator[Question]:
        fields = view_fields(view, self.catalog)
        names = {item.name for item in offered(view, self.catalog)}
        learned = self.known.fields if self.known and self.known.view == view.name else {}
        for index, heading in self.strange.headings.items():
            question = self._question({"heading": heading}, view.entity)
            question.offers = (EXISTING, "leave-field")
            question.places = [f"{letters(index)}{self.strange.row}"]
            decision = self.decisions.get(question)
            own = fields.named(heading)
            if decision is not None:
                chosen = str(decision.target.get("field", ""))
            elif heading in learned:
                chosen = learned[heading]
            else:
                chosen = own.name if own is not None and own.name in names else "?"
            taken = [h for h, field in layout.fields.items() if field and field == chosen]
            if (chosen in names and not taken) or chosen == "":
                layout.fields[heading] = chosen
                continue
            if taken:
                question.why = f"{shown(taken[0])} is {chosen} already"
            elif chosen != "?":
                question.why = f"{view.name} has no field {shown(chosen)} that can be written"
            yield self._asked(question, view, heading, index)

    def _asked(self, question: Question, view: View, heading: str, index: int) -> Question:
        cells = self.strange.samples[heading]
        fits = self.meanings.fits(view, heading, cells)
        examples = ", ".join(_said(cell) for cell in cells[:SHOWN]) or "nothing below it"
        column = f"column {letters(index)}, {shown(heading)} ({examples})"
        question.message = f"{column}: which field of {view.name} is it?"
        question.search = lambda _, limit, fits=fits: list(map(_candidate, fits))
        return question

    # -- what no column says
    def _constants(self, view: View, layout: Layout) -> Iterator[Question]:
        learned = self.known.constants if self.known and self.known.view == view.name else {}
        fields = view_fields(view, self.catalog)
        for name in lacking(view, fields, {f for f in layout.fields.values() if f}):
            item = fields.by_name[name]
            question = self._question({"constant": name}, view.entity, name)
            question.offers = ("value", "leave-field")
            if item.column is not None and item.target is None:
                question.fields = {item.column: name}
            needs = f"no column says {name}, which a new row of {view.entity} needs"
            question.message = f"{needs}: is it the same in all rows?"
            decision = self.decisions.get(question)
            if decision is not None and self._takes(item.kind, decision, question):
                layout.constants[name] = decision.values.get("value")
            elif decision is None and name in learned:
                layout.constants[name] = learned[name]
            else:
                yield question

    @staticmethod
    def _takes(kind: Any, decision: Decision, question: Question) -> bool:
        if decision.action != "value":
            return True
        try:
            kind.read(decision.values.get("value"), lambda _: None)
        except BadValue as error:
            question.why = str(error)
            return False
        return True

    # -- how cells are written
    def _patterns(self, view: View, layout: Layout) -> Iterator[Question]:
        sheets = self.strange.read(layout, Problems())
        sheets.spool.finish()
        for doubt in self.strange.doubts(sheets, layout):
            question = self._of_doubt(doubt, view)
            decision = self.decisions.get(question)
            chosen = None if decision is None else doubt.ways.get(str(decision.target.get("is")))
            if chosen is None or chosen.pattern is None:
                yield question
                continue
            group, way = chosen.pattern
            layout.patterns[doubt.field] = {group: way}

    def _of_doubt(self, doubt: Doubt, view: View) -> Question:
        question = self._question({"pattern": doubt.heading}, view.entity)
        what = f"the column {shown(doubt.heading)} can be read in two ways"
        question.message = f"{what}: what is {shown(doubt.cell)}?"
        found = [
            Candidate("", 0, {"is": value}, value, 0.5, (reading.how or "as it stands",))
            for value, reading in doubt.ways.items()
        ]
        question.search = lambda _, limit: found
        return question

    def _problem(self, question: Question) -> Problem:
        message = f"{question.message} Answer with --interactive, or in a file with --no-input"
        near = [found for found in question.candidates()[:SHOWN] if found.score >= LIKELY]
        return Problem(
            code="unknown-headings",
            file=self.strange.name,
            message=message + (f" ({question.why})" if question.why else ""),
            candidates=[found.as_dict() for found in near],
        )


def _candidate(fit: Fit) -> Candidate:
    return Candidate("", 0, {"field": fit.field}, fit.field, fit.score, fit.reasons)


def _said(value: Any) -> str:
    return shown(value, 30) if isinstance(value, str) else str(value)
