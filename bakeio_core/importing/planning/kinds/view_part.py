"""What is answered for a view's file: only its editable fields are written, and only as edits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from bakeio_core.catalog.fields import REV, FileField
from bakeio_core.database.stored.rows import Row
from bakeio_core.errors import Advice, Problem, counted
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.linking.link import Names
from bakeio_core.importing.linking.read_only import plain
from bakeio_core.importing.planning.merge import EditRules
from bakeio_core.importing.planning.plan import PartPlan
from bakeio_core.importing.planning.questions import tell_kept_key
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.values.wording import jsonable, shown


class ViewPart:
    """The answers of a view's file; see `PartKind`."""

    typed_mostly_known = True

    def __init__(self, plan: PartPlan) -> None:
        self.plan, self.state, self.part = plan, plan.state, plan.part
        self.rules = EditRules(plan.state, plan.part, plan.outcome)
        self.fields = plan.part.fields.of_role("editable", "parent")
        self.present: list[int] = []
        self.two_way = 0

    def fits(self, draft: Draft, row: Row, names: Names) -> bool:
        """Refuse a record in which what names the row, or what it refers to, was changed."""
        plan = self.plan
        if draft.base is None:
            # neither the lines of a template nor the sheets of others ever have one
            is_ours = self.part.template is None and self.state.source.layout is None
            self.two_way += is_ours
        elif not self._names_its_row(draft):
            message = "names its row only by _rev, which may belong to another record: "
            message += f"give {self._naming()} too"
            plan.outcome.error(draft, "missing-field", REV, None, message)
            return False
        context = plan.matcher.ids.context
        if draft.base is None and draft.key is not None:
            context = context if any(item.target is not None for item in context) else []
        unknown = self._unknown_keys(draft) if draft.base is None else []
        context = [item for item in context if item not in unknown]
        field = plan.merge.tampered(draft, row, names, context)
        strange = [name for name in draft.differing if self._is_naming(draft, name)]
        if field is not None:
            now = plan.linker.current(self.part.fields.by_name[field], row, names, plan.rows)
            self._refuse(draft, field, draft.values[field], now)
        elif strange:
            name = strange[0]
            self._refuse(draft, name, plain(draft.context[name]), draft.differing[name])
        else:
            plan.read_only.note(draft.number, draft.differing)
            for item in unknown:
                tell_kept_key(plan.outcome, draft, item, plan.rows.value(row, str(item.column)))
        return field is None and not strange

    def _unknown_keys(self, draft: Draft) -> list[FileField]:
        """Return the keys a record gives that name no row, where a worse one has found its row."""
        keys = self.part.entity.all_keys
        if draft.key not in keys or not draft.has_unknown_key:
            return []
        better = {column for key in keys[: keys.index(draft.key)] for column in key}
        return [i for i in self.part.fields.of_role("key") if i.column in better]

    def _is_naming(self, draft: Draft, name: str) -> bool:
        is_id = name in self.part.fields.by_name and self.part.fields.by_name[name].column
        is_text = isinstance(plain(draft.context[name]), str)
        return name in self.plan.read_only.naming and bool(is_id or is_text)

    def _refuse(self, draft: Draft, field: str, value: Any, now: Any) -> None:
        """Say that a field names another row than the record's; for the same cause once."""
        by = "of its _rev " if draft.base is not None else ""
        ways = ["Restore it", "leave read-only fields out"]
        ways += ["restore its _rev if it belongs to another record"] if by else []
        remedy = " or ".join([", ".join(ways[:-1]), ways[-1]])
        message = (
            f"was changed: the row {by}has {shown(now)}, the record says {shown(value)}. {remedy}"
        )
        advice = Advice(message, jsonable(now))
        cause = f"another {field} than the row {by}has" if by else ""
        self.plan.outcome.error(draft, "tampered-context", field, value, advice, cause)

    def _names_its_row(self, draft: Draft) -> bool:
        """Tell whether a record says which row it is, besides its `_rev`."""
        said = draft.values.keys() | draft.context.keys()
        return not said.isdisjoint(self._names_of_rows)

    @cached_property
    def _names_of_rows(self) -> set[str]:
        """The id, the keys, and what rows referred to are called."""
        fields = self.part.fields
        named = {item.name for item in fields if item.role == "key" or item.target is not None}
        key = (*self.part.entity.primary_key, "uuid")
        own = {fields.own[column] for column in key if column in fields.own}
        return named | own | self.plan.read_only.naming

    def _naming(self) -> str:
        known = [i.name for i in self.part.fields if i.exported and i.name in self._names_of_rows]
        return " or ".join(known[:2])

    def accepted(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Check the values of new records; those refused also say what they refer to in vain."""
        written = self.part.fields.of_role("editable", "key")
        id_field = self.part.fields.own.get(self.part.entity.primary, "")
        accepted = []
        for draft in drafts:
            for name in (REV, id_field):
                draft.values.pop(name, None)
            for name in self.part.fields.own.values():
                if draft.values.get(name) == "":
                    draft.values[name] = None
            if self.rules.cleared(draft) is not None and self.rules.accepts_new(draft, written):
                accepted.append(draft)
            else:
                self.plan.references.report_links(draft, {})
        return accepted

    def found_equal(self, draft: Draft) -> None:
        """Note what is known by its content alone: it may have been meant as one more."""
        if draft.key == self.plan.matcher.content:
            self.present.append(draft.number)

    def moved(self, draft: Draft, row: Row) -> None:
        """A view's records are referred to by no other record of the file."""

    def _restored(self, reader: Reader) -> Iterator[Problem]:
        """Say what came back from what a spreadsheet did to it, and how cells were read."""
        document, entity = self.part.document, self.part.entity.name
        restored = reader.restored.counts + self.plan.merge.shown.counts + document.restored
        for (name, how), count in restored.items():
            them = "it" if count == 1 else "them"
            yield Problem(
                code="bad-value",
                severity="note",
                file=self.part.file,
                entity=entity,
                field=name,
                count=count,
                message=f"{counted(count, 'value')} came back from what a spreadsheet did to "
                f"{them} ({how})",
            )
        yield from document.notes(entity)

    def notes(self, reader: Reader) -> Iterator[Problem]:
        """Say what was noticed of the whole file."""
        common: dict[str, Any] = {"file": self.part.file, "entity": self.part.entity.name}
        yield from self.plan.list_rows.finish()
        yield from self._restored(reader)
        yield from self.plan.noticed.problems()
        yield from self.plan.read_only.problems()
        if self.two_way:
            verb = "has" if self.two_way == 1 else "have"
            message = (
                f"{counted(self.two_way, 'record')} {verb} no usable _rev, so changes in the "
                "database since the export cannot be detected"
            )
            yield Problem(code="bad-document", severity="note", message=message, **common)
        if self.present:
            message = (
                "equal rows exist already, so these are treated as existing "
                "(--allow-duplicates adds them)"
            )
            common |= {"records": self.present[:20], "count": len(self.present)}
            yield Problem(code="duplicate-key", severity="note", message=message, **common)
