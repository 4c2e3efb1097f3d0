"""Which field of a view a column of a stranger's sheet may be: by its heading and its cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz
from sqlalchemy import func, select

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import FieldMap, FileField, plain_name, view_fields
from bakeio_core.catalog.views.view import View
from bakeio_core.files.sheets.readings import form_of, readings
from bakeio_core.importing.reading.sheets.needed import offered

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CODE = re.compile(r"\d{8}|\d{11,14}", re.ASCII)
_NOUNS = {"day": "dates", "number": "numbers", "whole": "numbers"}
ALIKE = 60
"""Of 100, from which on a heading reads like a name."""


@dataclass(frozen=True)
class Fit:
    """How well a column fits a field, from 0 to 1, and why in words."""

    field: str
    score: float
    reasons: tuple[str, ...]


class Meanings:
    """Rank the fields of views for the columns of sheets.

    Args:
        db: The database, whose rows cells may name.
        catalog: What is installed.
    """

    def __init__(self, db: Connection, catalog: Catalog) -> None:
        self.db, self.catalog = db, catalog
        self._named: dict[tuple[str, str, tuple[str, ...]], int] = {}

    def of_view(self, view: View, samples: Mapping[str, Sequence[Any]]) -> float:
        """Return how well the columns of a sheet fit a view, all together."""
        taken, total = set[str](), 0.0
        fits = [
            (fit.score, h, fit.field) for h in samples for fit in self.fits(view, h, samples[h])
        ]
        headings = set[str]()
        for score, heading, name in sorted(fits, reverse=True):
            if heading not in headings and name not in taken and score >= 0.5:
                headings.add(heading)
                taken.add(name)
                total += score
        return total

    def fits(self, view: View, heading: str, cells: Sequence[Any]) -> list[Fit]:
        """Return the fields of a view a column may be, the best first."""
        fields = view_fields(view, self.catalog)
        found = []
        for item in offered(view, self.catalog):
            names = {item.name, *view.headings.get(item.name, ()), *_other_names(fields, item)}
            by_name, reasons = _like(heading, names)
            by_value, why = self._values(item, fields, [str(cell) for cell in cells])
            reasons += [why] if why else []
            score = 0.0 if by_value < 0 else min(1.0, 0.7 * by_name + 0.3 * by_value)
            found.append(Fit(item.name, round(score, 2), tuple(reasons)))
        return sorted(found, key=lambda fit: -fit.score)

    def _values(self, item: FileField, fields: FieldMap, texts: list[str]) -> tuple[float, str]:
        """Return how well cells fit a field, below 0 where they cannot be it, and why."""
        if not texts:
            return 0.0, ""
        entity, column = fields.entity, str(item.column)
        if item.target is not None:
            entity = self.catalog.entities[entity.references[column].target]
            column = item.target
        if column in entity.codes:
            plain = [text.split(".")[0] for text in texts]
            count = sum(_CODE.fullmatch(text) is not None for text in plain)
            known = self._count_rows(entity.name, column, [t.lstrip("0") for t in plain])
            here = f", {known} of them known here" if known else ""
            return (
                (count / len(texts), f"{count} of {len(texts)} are codes{here}")
                if count
                else (
                    -1,
                    "",
                )
            )
        form = form_of(entity.kinds[column])
        if form in ("number", "whole", "day", "truth", "moment"):
            kind = entity.kinds[column]
            count = sum(any(True for _ in readings(kind, text)) for text in texts)
            noun = {"day": "dates", "number": "numbers", "whole": "numbers"}.get(
                form, "such values"
            )
            if 2 * count < len(texts):
                return -1, ""
            return count / len(texts) * 0.7, f"{count} of {len(texts)} are {noun}"
        if item.target is None:
            is_number = all(re.fullmatch(r"[\d.,\s]+", text) for text in texts)
            return (0.0, "") if is_number else (0.3, "")
        count = self._count_rows(entity.name, column, [text.lower() for text in texts])
        return (1.0, f"names {count} rows of {entity.name}") if count else (0.1, "")

    def _count_rows(self, entity: str, column: str, texts: list[str]) -> int:
        key = (entity, column, tuple(sorted(set(texts))))
        if key not in self._named:
            cell = self.catalog.entities[entity].table.c[column]
            is_code = column in self.catalog.entities[entity].codes
            form = func.ltrim(cell, "0") if is_code else func.lower(cell)
            count = select(func.count()).where(form.in_(key[2]))
            self._named[key] = self.db.execute(count).scalar_one()
        return self._named[key]


def _other_names(fields: FieldMap, item: FileField) -> Iterator[str]:
    entity, column = fields.entity, str(item.column)
    if item.target is not None:
        target = fields.catalog.entities[entity.references[column].target]
        yield from target.field_names.get(item.target, ())
        if item.target in target.codes:
            yield item.target
    else:
        yield column
        yield from entity.field_names.get(column, ())


def _like(heading: str, names: Iterable[str]) -> tuple[float, list[str]]:
    said, best, best_name = plain_name(heading), 0.0, ""
    for name in names:
        one = plain_name(name)
        score = fuzz.ratio(said, one)
        words = " ".join(heading.casefold().replace("_", " ").split())
        parts = name.casefold().replace("_", " ")
        score = max(score, 0.9 * fuzz.token_set_ratio(words, parts))
        if score > best:
            best, best_name = score, name
    if best < ALIKE:
        return 0.0, []
    return best / 100, [f'reads like "{best_name}"']
