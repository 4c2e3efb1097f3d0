"""Values that fit columns, made of their JSON Schema: the same in every run."""

from __future__ import annotations

import base64
import datetime
import decimal
import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.errors import Problem
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.wording import BadValue

MOST = 400
"""How many values are tried before a column is given up."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TEXTS = ("{} {}", "{}_{}", "Ö{} № {}", 'the "{}" of {}', "{}, {}", "it's {} {}")
_FIRST_DAY = datetime.date(2024, 1, 31)


class Values:
    """Know values that fit the columns of entities.

    Args:
        samples: {entity: records as in its file}, whose values come before those made here.
    """

    def __init__(self, samples: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self._samples = samples

    def of(self, entity: Entity, column: str, begin: int = 0) -> Iterator[Any]:
        """Yield different wire values that fit a column, some hundred at most.

        Args:
            entity: Whose column.
            column: Its name.
            begin: Which of them comes first; those that are given come before those made here.
        """
        kind, seen = entity.kinds[column], list[Any]()
        told = [r.get(column) for r in self._samples.get(entity.name, ())]
        told += entity.choices.get(column, ())
        made = self._made(entity, column, kind, max(begin - len(told), 0))
        for value in itertools.chain(told[begin:], made, told[:begin]):
            fitting = self._fitting(entity, column, kind, value)
            if fitting is not None and fitting not in seen:
                seen.append(fitting)
                yield fitting

    def _made(self, entity: Entity, column: str, kind: Kind, begin: int) -> Iterator[Any]:
        if column in entity.codes:
            yield from (_article_number(begin + number) for number in range(MOST))
        elif len(entity.readable_key) == 1 and column in entity.readable_key:
            # keys are compared without regard to case and signs
            limit = kind.schema().get("maxLength", MOST)
            if "string" in str(kind.schema().get("type")) and "format" not in kind.schema():
                yield from (_short(f"{column}_", begin + n, limit) for n in range(MOST))
        for number in range(begin, begin + MOST):
            yield from made(kind.schema(), column, number)

    def _fitting(self, entity: Entity, column: str, kind: Kind, value: Any) -> Any:
        """Return the wire value of one, None where it does not fit."""
        if value is None:
            return None
        try:
            wire = kind.read(value, lambda note: None)
            kind.check_range(wire)
        except BadValue:
            return None
        check = entity.all_checks.get(column)
        if check is not None:
            try:
                wire = check(None, wire)
            except Exception:  # a stranger's function; the checks of values find it
                return None
        return None if isinstance(wire, Problem) else wire


def made(schema: Mapping[str, Any], name: str, number: int) -> Iterator[Any]:
    """Yield values of a JSON Schema.

    Args:
        schema: Of a column.
        name: That of the column.
        number: Which ones: those of other numbers differ, where there are so many.
    """
    if "enum" in schema:
        yield schema["enum"][number % len(schema["enum"])]
        return
    kind = schema.get("type")
    if kind == "string":
        yield _text(schema, name, number)
    elif kind == "boolean":
        yield number % 2 == 0
    elif kind in ("integer", "number"):
        yield from _numbers(schema, number, is_whole=kind == "integer")
    elif kind == "array":
        yield [next(made(schema.get("items", {}), name, number))] if schema.get("items") else []
    else:  # anything, or a type of the application: what it takes is found by trying
        yield {"number": number, "words": [name, None, True]}
        yield from (f"{name} {number}", number, decimal.Decimal(number) / 4)
        yield (_FIRST_DAY + datetime.timedelta(number)).isoformat()
        yield number % 2 == 0


def _text(schema: Mapping[str, Any], name: str, number: int) -> str:
    day = _FIRST_DAY + datetime.timedelta(number)
    match schema.get("format"):
        case "date":
            return day.isoformat()
        case "date-time":
            return f"{day.isoformat()}T{number % 24:02}:30:{number % 60:02}Z"
        case "time":
            return f"{number % 24:02}:{number % 60:02}:00"
        case "uuid":
            return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {number}"))
    if "contentEncoding" in schema:
        return base64.b64encode(f"{name} {number}".encode()).decode()
    text = _TEXTS[number % len(_TEXTS)].format(name.replace("_", " "), number)
    least, most = schema.get("minLength", 0), schema.get("maxLength", MOST)
    return _short(text, number, most) if len(text) > most else text.ljust(least, "x")


def _short(text: str, number: int, most: int) -> str:
    """Return a text that ends with a number, in as many characters as there may be."""
    written = ""
    rest = number
    while rest or not written:
        written, rest = _DIGITS[rest % len(_DIGITS)] + written, rest // len(_DIGITS)
    return text[: max(most - len(written), 0)] + written[-most:]


def _numbers(schema: Mapping[str, Any], number: int, *, is_whole: bool) -> Iterator[Any]:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    begin = max(int(least), 0)
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    room = max(int(most) - begin, 1) if most is not None else None
    whole = begin + (number % room if room is not None else number)
    if not is_whole:
        yield decimal.Decimal(whole) + decimal.Decimal("0.25")
    yield whole + 1
    yield whole
    if not is_whole:
        yield decimal.Decimal(whole) + decimal.Decimal("0.5")


def _article_number(number: int) -> str:
    """Return a number of 13 digits with its check digit."""
    digits = f"4{number:011}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)
