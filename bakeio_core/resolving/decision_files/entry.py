"""What one entry of a file of decisions says, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.exchange import (
    ACTIONS,
    ANSWERS,
    CHANGE,
    EXISTING,
    HEADING,
    REFERENCE,
    SEEN,
    Decision,
    Missing,
    Question,
)
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

_PLAIN = (str, int, float, Decimal)


class EntryFaults(ValueError):
    """What is wrong with an entry: `faults` has a sentence for each."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_entry(entry: Any, catalog: Catalog) -> tuple[Missing, Decision | None]:
    """Return which question an entry is about and what it decides, None while it is open.

    Raises:
        EntryFaults: It makes no sense.
    """
    if not isinstance(entry, dict):
        raise EntryFaults("is not an object {...}")
    reader = _EntryReader(entry, catalog)
    question, decision = reader.read()
    if reader.faults:
        raise EntryFaults(*reader.faults)
    return question, decision


class _EntryReader:
    """Read an entry; what is wrong is noted, and the rest is looked at all the same."""

    def __init__(self, entry: Mapping[str, Any], catalog: Catalog) -> None:
        self.entry, self.catalog = entry, catalog
        self.faults: list[str] = []
        action = entry.get("action")
        if action is not None and action not in ACTIONS:
            known = f"{', '.join(ACTIONS)}, or null while it is open"
            self.faults.append(f'"action" is one of {known}, not {shown(action)}')
            action = None
        self.action: str | None = action

    def read(self) -> tuple[Missing, Decision | None]:
        """Return the question and the decision; they count where there are no faults."""
        kind = self._kind()
        if kind == HEADING:
            return self._about_headings()
        entity = self.catalog.entities.get(str(self.entry.get("entity")))
        if entity is None:
            known, wrong = ", ".join(self.catalog.entities), shown(self.entry.get("entity"))
            self.faults.append(f'"entity" is one of {known}, not {wrong}')
            return Missing("", {}), None
        creatable = _creatable(entity, self.catalog)
        names = entity.columns if kind == REFERENCE else {*creatable, "record"}
        question = Missing(entity.name, self._fields("key", names), kind=kind)
        if not question.key:
            self._note_without('needs "key": {column: value}, as the question has it', "key")
        if kind != REFERENCE:
            return self._about_record(question, entity)
        target = self._fields("target", entity.columns) if self.action == EXISTING else {}
        values = self._fields("values", creatable) if self.action == "create" else {}
        if self.action == EXISTING and not target:
            self._note_without('"existing" needs "target": {column: value}', "target")
        if self.action == "create" and not values:
            self._note_without('"create" needs "values": {column: value}', "values")
        return question, self._decided(target, values)

    def _decided(
        self,
        target: Mapping[str, Any],
        values: Mapping[str, Any],
        seen: Mapping[str, Any] | None = None,
    ) -> Decision | None:
        if self.action is None:
            return None
        by, at = (
            text if isinstance(text := self.entry.get(name), str) else "" for name in ("by", "at")
        )
        return Decision(self.action, target, values, by or "--decisions", at, seen or {})

    def _kind(self) -> str:
        """Return which kind of question it answers; one written by hand need not say."""
        kind, action = self.entry.get("kind"), self.action
        if kind is None:
            is_reference = action is None or action in ANSWERS[REFERENCE]
            return REFERENCE if is_reference and not self.entry.get("field") else CHANGE
        if kind not in ANSWERS:
            self.faults.append(f'"kind" is one of {", ".join(ANSWERS)}, not {shown(kind)}')
            return CHANGE
        if action is not None and action not in ANSWERS[kind]:
            known = ", ".join(ANSWERS[kind])
            self.faults.append(f'"action" of a {kind} is one of {known}, not {shown(action)}')
            self.action = None
        return str(kind)

    def _about_record(self, question: Question, entity: Entity) -> tuple[Question, Decision | None]:
        """Return what it decides about a record, or a field of it."""
        field = self.entry.get("field") or ""
        if isinstance(field, str):
            question.field = field
        else:
            self.faults.append(f'"field" is the name of a field of the file, not {shown(field)}')
        if self.action is None:
            return question, None
        if not field and self.action not in ("leave-record", EXISTING, "accept"):
            self.faults.append(
                f'"{self.action}" needs "field": the field of the file that is meant'
            )
        values = {"value": self.entry.get("value")} if self.action == "value" else {}
        if values and (
            not isinstance(values["value"], (*_PLAIN, type(None))) or "value" not in self.entry
        ):
            self.faults.append('"value" needs "value": a text, number, true, false or null')
        target = self._fields("target", entity.columns) if self.action == EXISTING else {}
        if self.action == EXISTING and not target:
            self._note_without('"existing" needs "target": {column: value}', "target")
        seen = {name: self.entry[name] for name in SEEN if name in self.entry}
        return question, self._decided(target, values, seen)

    def _about_headings(self) -> tuple[Question, Decision | None]:
        """Return what it decides about the columns of a sheet that is of no view."""
        question = Question(str(self.entry.get("entity") or ""), {}, kind=HEADING)
        question.key = self._fields("key", ("view", "heading", "constant", "pattern"))
        if len(question.key) != 1:
            needed = 'needs "key" with a heading, view, constant or pattern, as the question'
            self._note_without(needed, "key")
        question.field = str(self.entry.get("field") or "")
        if self.action is None:
            return question, None
        is_existing = self.action == EXISTING
        target = self._fields("target", ("view", "field", "is")) if is_existing else {}
        if is_existing and len(target) != 1:
            needed = '"existing" needs "target", as one of the candidates has it'
            self._note_without(needed, "target")
        values = {"value": self.entry.get("value")} if self.action == "value" else {}
        if values and not isinstance(values["value"], _PLAIN):
            self.faults.append('"value" needs "value": a text or a number')
        return question, self._decided(target, values)

    def _note_without(self, fault: str, name: str) -> None:
        """Note that something is missing, unless what is there was found wrong: told once."""
        if not any(known.startswith(f'"{name}"') for known in self.faults):
            self.faults.append(fault)

    def _fields(self, name: str, known: Collection[str]) -> dict[str, Any]:
        """Return the {column: value} of the entry without those that are null, or are wrong."""
        fields = self.entry.get(name)
        if fields is None:
            return {}
        if not isinstance(fields, dict):
            self.faults.append(f'"{name}" is {{column: value}}, not {shown(fields)}')
            return {}
        found = {}
        for column, value in fields.items():
            if column not in known:
                import difflib

                near = difflib.get_close_matches(column, known, 1)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                self.faults.append(f'"{name}": there is no {shown(column)}{hint}')
            elif value is not None and not isinstance(value, _PLAIN):
                self.faults.append(
                    f'"{name}", {column}: {shown(value)} is not a text, number, true, false or null'
                )
            elif value is not None:
                found[column] = value
        return found


def _creatable(entity: Entity, catalog: Catalog) -> set[str]:
    """Return the names of a new row's values: columns, lookup fields and `reference.column`."""
    names = set(entity.columns)
    for column, reference in entity.references.items():
        target = catalog.entities[reference.target]
        names |= {f"{column}.{key[0]}" for key in target.all_keys if len(key) == 1}
        names |= {f"{column}.{wanted}" for wanted in reference.lookups.values()}
        names |= set(reference.lookups)
    return names
