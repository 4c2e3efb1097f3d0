"""Find the row of headings in a sheet, and which view its records are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import REV, FieldMap
from bakeio_core.catalog.plugins.formats import CellError
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import DocumentError
from bakeio_core.files.sheets.cells import ABOUT, told_of
from bakeio_core.importing.reading.sheets.needed import lacking

LOOKED_AT = 50
"""Rows at the top of a sheet among which its headings are looked for."""
FEWEST = 2
"""So many headings must name fields of a view; one in a sheet called after a template."""
Row = tuple[int, Sequence[Any]]
"""The number of a row, and its cells."""


@dataclass
class Headings:
    """The headings of a sheet.

    Attributes:
        view: The view its records are of.
        row: The number of the row they stand in.
        names: The heading of each column by its index, as it stands there.
        header: What the sheet says of itself, as the header of a document does.
        about: The index of the column that says it, None where there is none.
        above: The rows above that are not empty.
    """

    view: str
    row: int
    names: dict[int, str]
    header: dict[str, Any] = field(default_factory=dict)
    about: int | None = None
    above: list[int] = field(default_factory=list)


def find_headings(
    rows: Sequence[Row],
    fields: Mapping[str, FieldMap],
    called: Sequence[str],
    catalog: Catalog,
) -> Headings | None:
    """Return the headings among the first rows of a sheet, None where there are none of a view.

    Args:
        rows: The first rows.
        fields: The fields of every view.
        called: What sheet and file are called: of two views that fit, the one that is named there.
        catalog: What is installed.

    Raises:
        DocumentError: It cannot be told of which of several views they are, or two columns have
            one heading.
    """
    best: tuple[int, Row, dict[int, str]] | None = None
    fewest = 1 if _named_templates(called, catalog) else FEWEST
    for row in rows:
        names = _names(row[1])
        plain = [name for name in names.values() if not name.startswith(ABOUT)]
        score = max((_known(of, plain) for of in fields.values()), default=0)
        score += 100 * (len(plain) < len(names))  # no other row says what the sheet is of
        if score >= fewest and (best is None or score > best[0]):
            best = score, row, names
    if best is None:
        return None
    _, (number, _), names = best
    about = [index for index, name in names.items() if name.split()[:1] == [ABOUT]]
    header = told_of(names[about[0]]) if about else {}
    if header.get("for_reading"):
        raise DocumentError(
            f"is {header['for_reading']} for reading, as export-complete --format writes it: no "
            "backup, and nothing of it is imported. Import a set (bakeio import-complete), or a "
            "view that was exported to be edited (bakeio export-view)"
        )
    for index in about:
        del names[index]
    plain = list(names.values())
    if not header and _are_strange(plain, _fitting(plain, fields, called, catalog), catalog):
        return None
    view = _view(header, plain, fields, called, catalog)
    above = [other for other, cells in rows if other < number and any(_is_said(c) for c in cells)]
    _refuse_twice(names, fields[view], number)
    return Headings(view, number, names, header, about[0] if about else None, above)


def letters(index: int) -> str:
    """Return what spreadsheets call a column, `A` for the first (0), `AA` behind `Z`."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _names(cells: Sequence[Any]) -> dict[int, str]:
    return {
        index: cell.strip()
        for index, cell in enumerate(cells)
        if isinstance(cell, str) and cell.strip()
    }


def _known(fields: FieldMap, names: Sequence[str]) -> int:
    """Return how many fields of a view some headings name."""
    named = (fields.named(name) for name in names)
    return len({item.name for item in named if item is not None})


def _fit(fields: FieldMap, names: Sequence[str]) -> tuple[int, int]:
    """Return how many fields of a view headings name, and how many by its own name."""
    return _known(fields, names), sum(name in fields.by_name for name in names)


def _view(
    header: Mapping[str, Any],
    names: Sequence[str],
    fields: Mapping[str, FieldMap],
    called: Sequence[str],
    catalog: Catalog,
) -> str:
    """Return the view that headings are of: the one the sheet says, else the one that fits best."""
    said = str(header.get("view_name", "")).removesuffix("_complete")
    if said in fields:
        return said
    if said:
        why = catalog.disabled_views.get(said, "not installed")
        message = f'is of the view "{said}", which is {why}'
        raise DocumentError(message, code="unknown-view")
    filled_in = _named_templates(called, catalog)
    fitting = [*_fitting(names, fields, called, catalog)]
    named = [v for v in fitting if v in filled_in or any(v in name.lower() for name in called)]
    chosen = named if len(named) == 1 else fitting
    if len(chosen) > 1:
        views = " and ".join(fitting)
        message = f"its headings fit the views {views}: call the sheet or the file after one"
        raise DocumentError(message)
    return chosen[0]


def _fitting(
    names: Sequence[str], fields: Mapping[str, FieldMap], called: Sequence[str], catalog: Catalog
) -> dict[str, FieldMap]:
    """Return the views that headings fit best."""
    # a list within a view and a template say which one it is, by the name of the sheet at least
    filled_in = _named_templates(called, catalog)
    scores = {
        view: _fit(of, names)
        for view, of in fields.items()
        if (view in called if "." in view else view in filled_in or view not in catalog.templates)
    }
    most = max(scores.values())
    return {view: fields[view] for view, score in scores.items() if score == most}


def _are_strange(names: Sequence[str], fitting: Mapping[str, FieldMap], catalog: Catalog) -> bool:
    """Tell whether headings are those of somebody else, though some of them are fields.

    Some are no fields, none says which row a record is, and no new one can be made of the others.
    """
    return all(_lack(names, catalog.readable.get(view), of) for view, of in fitting.items())


def _lack(names: Sequence[str], view: View | None, fields: FieldMap) -> bool:
    known = [item for item in map(fields.named, names) if item is not None]
    if view is None or len(known) == len(names):
        return False
    if any(item.role == "key" or is_id(fields, item.name) for item in known):
        return False
    return any(lacking(view, fields, {item.name for item in known}))


def _named_templates(called: Sequence[str], catalog: Catalog) -> list[str]:
    """Return the templates that a sheet or its file is called after."""
    plain = [name.lower().replace("-", "_").replace(" ", "_") for name in called]
    return [name for name in catalog.templates if any(name in one for one in plain)]


def _refuse_twice(names: Mapping[int, str], fields: FieldMap, row: int) -> None:
    seen: dict[str, int] = {}
    for index, name in names.items():
        item = fields.named(name)
        field_name = name if item is None else item.name
        if field_name in seen:
            columns = f"{letters(seen[field_name])}{row} and {letters(index)}{row}"
            raise DocumentError(f'two columns have the heading "{name}" ({columns}): keep one')
        seen[field_name] = index


def _is_said(cell: Any) -> bool:
    return cell is not None and (isinstance(cell, CellError) or str(cell).strip() != "")


def is_id(fields: FieldMap, name: str) -> bool:
    """Tell whether a field says by itself which row a record is: `_rev`, an id, a uuid."""
    own = fields.own
    return name in (REV, own.get(fields.entity.primary), own.get("uuid"))
