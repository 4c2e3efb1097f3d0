"""What is answered for a view's file: only its editable fields are written, and only as edits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bakeio_core.catalog.fields import CLEAR, REV
from bakeio_core.database.rows import Row
from bakeio_core.errors import Problem, counted
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.linking.link import Names
from bakeio_core.importing.planning.merge import EditRules
from bakeio_core.importing.planning.plan import PartPlan
from bakeio_core.importing.reading.reader import Reader
from bakeio_core.values.wording import shown


class ViewPart:
    """The answers of a view's file; see `PartKind`."""

    typed_mostly_known = True

    def __init__(self, plan: PartPlan) -> None:
        self.plan, self.state, self.part = plan, plan.state, plan.part
        self.rules = EditRules(plan.state, plan.part, plan.outcome)
        self.fields = plan.part.fields.of_role("editable")
        self.present: list[int] = []
        self.two_way = 0

    def fits(self, draft: Draft, row: Row, names: Names) -> bool:
        """Refuse a record in which what names the row, or what it refers to, was changed."""
        plan = self.plan
        if draft.base is None:
            self.two_way += 1
        context = plan.matcher.context
        if draft.base is None and draft.key is not None:
            context = context if any(item.target is not None for item in context) else []
        field = plan.merge.tampered(draft, row, names, context)
        if field is None:
            return True
        now = plan.linker.current(self.part.fields.by_name[field], row, names, plan.rows)
        message = (
            "says which row this is or refers to, and was changed "
            f"(the row has {shown(now)}): restore it, or edit another field"
        )
        plan.outcome.error(draft, "tampered-context", field, draft.values[field], message)
        return False

    def accepted(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Check the values of new records; those refused also say what they refer to in vain."""
        written = self.part.fields.of_role("editable", "key")
        id_field = self.part.fields.own.get(self.part.entity.primary, "")
        accepted = []
        for draft in drafts:
            for name in (REV, CLEAR, id_field):
                draft.values.pop(name, None)
            for column, name in self.part.fields.own.items():
                if draft.values.get(name) == "" and self.part.entity.nullable(column):
                    draft.values[name] = None
            if self.rules.accepts_new(draft, written):
                accepted.append(draft)
            else:
                self.plan.references.name(draft)
                self.plan.references.report_links(draft)
        return accepted

    def is_present(self, draft: Draft) -> bool:
        """Rows known by their content alone: nothing is left that a record could change."""
        is_there = draft.key == self.plan.matcher.content
        if is_there:
            self.present.append(draft.number)
        return is_there

    def moved(self, draft: Draft, row: Row) -> None:
        """A view's records are referred to by no other record of the file."""

    def notes(self, reader: Reader) -> Iterator[Problem]:
        """Say what was noticed of the whole file."""
        common: dict[str, Any] = {"file": self.part.file, "entity": self.part.entity.name}
        declared, total = self.state.source.declared, reader.total
        if declared is not None and declared != total:
            more = "" if total > declared else "; rows of records left out are left alone"
            message = f"holds {counted(total, 'record')}, its header says {declared}{more}"
            yield Problem(code="count-mismatch", severity="note", message=message, **common)
        if self.two_way:
            verb, them = ("has", "it") if self.two_way == 1 else ("have", "them")
            message = (
                f"{counted(self.two_way, 'record')} {verb} no usable _rev: what changed in the "
                f"database since the export cannot be told for {them}"
            )
            yield Problem(code="bad-document", severity="note", message=message, **common)
        if self.present:
            message = (
                "equal rows are there already, so these are taken as present "
                "(--allow-duplicates adds them)"
            )
            common |= {"records": self.present[:20], "count": len(self.present)}
            yield Problem(code="duplicate-key", severity="note", message=message, **common)
