"""Which field a name in a file means: the field, another name of it, a typing error, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from bakeio_core.catalog.fields import FileField, plain_name
from bakeio_core.errors import Advice, Problem, counted
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values import Json
from bakeio_core.values.wording import jsonable, listed, shown

MOST_NAMES = 1000
"""How many different unknown field names are looked at and told; more are no misspellings."""
OTHERS = "(other names)"
MOST_TOLD = 8
"""Names of fields shown of a record that has none of those there are."""
VALUE = ("value", "newvalue", "new")
"""What the new value of a field is called, in plain form, where it stands among remarks on it."""
Report = Callable[[str, Any, str], None]
"""Is given a field, its value and what is wrong with it."""


class FieldNames:
    """Tell which fields the names in the records of one part mean.

    `unknown` counts names nobody knows, `renamed` (name in the file, field) of other names,
    `remarked` (field, name of its value, names beside that) of values among remarks.

    Args:
        part: The part.
    """

    def __init__(self, part: Part) -> None:
        self.part, self.fields = part, part.fields
        self.unknown: Counter[str] = Counter()
        self.renamed: Counter[tuple[str, str]] = Counter()
        self.remarked: Counter[tuple[str, str, str]] = Counter()
        self._near: dict[str, str | None] = {}

    def told(self, raw: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Return what a record says by field, what stands in inner objects of it too.

        Args:
            raw: The record as it was decoded.
            report: Is told of names that cannot be taken.
        """
        told, said = dict[str, Any](), dict[str, str]()
        is_strange = False
        for name, value in raw.items():
            item = self.fields.named(name)
            if item is not None:
                cell = self._cell(item, value) if isinstance(value, dict) else value
                self._tell(told, said, item.name, name, cell, report)
            elif isinstance(value, dict) and value and all(map(self.fields.named, value)):
                for inner, cell in value.items():
                    known = self.fields.named(inner)
                    field = inner if known is None else known.name
                    self._tell(told, said, field, f"{name}.{inner}", cell, report)
            elif self.is_typo(name, raw) and self._may_be(self._near[name], value):
                is_strange = True
                near = self._near[name]
                message = f'is not a field of {self.part.entity.name}: did you mean "{near}"?'
                report(name, value, Advice(message, jsonable(value), field=near))
            else:
                is_counted = name in self.unknown or len(self.unknown) < MOST_NAMES
                self.unknown[name if is_counted else OTHERS] += 1
        self.renamed.update((name, field) for field, name in said.items() if field != name)
        if not told and not is_strange:
            report("", None, self._without_fields(raw))
        return told

    def _cell(self, item: FileField, value: dict[str, Any]) -> Any:
        """Return the value of a field that was written as an object with it and remarks on it."""
        given = [name for name in value if plain_name(name) in VALUE]
        if len(given) != 1 or isinstance(item.kind, Json):
            return value
        self.remarked[item.name, given[0], listed([n for n in value if n != given[0]])] += 1
        return value[given[0]]

    @staticmethod
    def _tell(
        told: dict[str, Any],
        said: dict[str, str],
        field: str,
        name: str,
        value: Any,
        report: Report,
    ) -> None:
        """Note what a record says of a field; what it says in two ways must be one value."""
        if field in told and told[field] != value:
            strange, other = (name, said[field]) if name != field else (said[field], name)
            message = f'is {field}, and the record says it in "{other}" too: keep one of the two'
            report(strange, value, message)
        elif field not in told or name == field:
            told[field], said[field] = value, name

    def _without_fields(self, raw: Mapping[str, Any]) -> str:
        names = list(map(str, raw))[:MOST_TOLD]
        has = f"no field of {self.part.entity.name}, only {', '.join(map(shown, names))}"
        exported = (item.name for item in self.fields if item.exported)
        known = ", ".join(name for name in exported if name[0] != "_")
        return f"has {has if names else 'no field at all'}; its fields are {known}"

    def _may_be(self, near: str | None, value: Any) -> bool:
        """Tell whether a value may be meant for a field: an id is no text that names something."""
        entity = self.part.entity
        is_id = near is not None and near == self.fields.own.get(entity.surrogate or "")
        return not is_id or not isinstance(value, str) or value.strip().isdecimal()

    def is_typo(self, name: str, record: Mapping[str, Any]) -> bool:
        """Tell whether a name is a typing error of a field that the record lacks."""
        if self.fields.named(name) is not None:
            return False
        if name not in self._near:
            if len(self._near) >= MOST_NAMES:
                return False  # no typing errors any more: guessing takes its time
            exported = {plain_name(item.name): item.name for item in self.fields if item.exported}
            import difflib

            near = difflib.get_close_matches(plain_name(name), exported, 1, 0.85)
            self._near[name] = exported[near[0]] if near else None
        return self._near[name] is not None and self._near[name] not in record

    def problems(self) -> list[Problem]:
        """Return what is to be said of names: those read as another, and those nobody knows."""
        entity = self.part.entity.name
        found = [
            self._problem(name, count, "note", f"is read as {field}")
            for (name, field), count in self.renamed.items()
        ]
        for (name, given, others), count in self.remarked.items():
            beside = f", and what stands beside it ({others}) is not" if others else ""
            found.append(self._problem(name, count, "note", f'"{given}" is read{beside}'))
        return found + [
            self._problem(name, count, "warning", f"is not a field of {entity} and is ignored")
            for name, count in self.unknown.items()
        ]

    def _problem(self, name: str, count: int, severity: str, message: str) -> Problem:
        return Problem(
            code="unknown-field",
            severity=severity,
            file=self.part.file,
            entity=self.part.entity.name,
            field=jsonable(name),
            count=count,
            message=f"{message} in {counted(count, 'record')}",
        )
