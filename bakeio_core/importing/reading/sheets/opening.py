"""Read the sheets of a file into documents, one for each view."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import FieldMap, view_fields
from bakeio_core.catalog.plugins.formats import Format, blamed
from bakeio_core.catalog.views.lists import list_views
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import DocumentError, Problem, Problems
from bakeio_core.files.documents.limits import Limits
from bakeio_core.importing.reading.sheets.document import SheetDocument
from bakeio_core.importing.reading.sheets.headings import (
    LOOKED_AT,
    Row,
    find_headings,
)
from bakeio_core.importing.reading.sheets.records import ViewSheets
from bakeio_core.importing.reading.sheets.strange import StrangeSheet, headings_of
from bakeio_core.values.wording import shown


def read_sheets(
    known: Format,
    open_: Callable[[], IO[bytes]],
    name: str,
    catalog: Catalog,
    limits: Limits,
    problems: Problems,
) -> dict[str, SheetDocument] | StrangeSheet:
    """Read the sheets of a file; return {view: its records}, or what has other headings.

    Args:
        known: The format of the file.
        open_: Returns the file as a binary stream.
        name: How messages call it.
        catalog: What is installed.
        limits: How much is taken.
        problems: Where is told what was left out.

    Raises:
        DocumentError: No sheet can be read as a view.
        PluginError: The format's plugin failed.
    """
    views = _all_views(catalog)
    fields = {name_: view_fields(view, catalog) for name_, view in views.items()}
    found: dict[str, ViewSheets] = {}
    others: list[str] = []
    strange: list[Row] | None = None
    try:
        with open_() as file:
            for table in known.read(file):
                rows = iter(table.rows)
                top = list(itertools.islice(rows, LOOKED_AT))
                headings = find_headings(top, fields, [table.name, name], catalog)
                if headings is None:
                    others += [table.name] if top else []
                    strange = strange or (top if headings_of(top) else None)
                    continue
                sheets = found.get(headings.view)
                if sheets is None:
                    sheets = ViewSheets(views[headings.view], catalog, name, problems)
                    found[headings.view] = sheets
                below = (row for row in top if row[0] > headings.row)
                sheets.read(table, headings, itertools.chain(below, rows))
    except DocumentError as error:
        raise DocumentError(f"{name}: {error}", code=error.code) from None
    except Exception as error:
        raise blamed(known, f"read {name}", error) from error
    if not found and strange is not None:
        return StrangeSheet(known, open_, name, catalog, limits, strange)
    if not found:
        raise _without_views(name, fields, catalog)
    for other in others:
        message = f'the sheet "{other}" has no headings of a view and is ignored'
        problems.add(Problem(code="bad-document", severity="note", file=name, message=message))
    return {view: sheets.document(open_, limits) for view, sheets in found.items()}


def _all_views(catalog: Catalog) -> dict[str, View]:
    """Return {name: view} of all views and of the lists within them."""
    found = dict(catalog.readable)
    for view in catalog.readable.values():
        found |= {listed.name: listed for listed in list_views(view, catalog.entities).values()}
    return found


def foreign_sheet(known: Format, path: Path, catalog: Catalog) -> str | None:
    """Say why a file in a format must not be replaced by views; None where it holds nothing else.

    Args:
        known: The format.
        path: The file.
        catalog: What is installed.
    """
    fields = {name: view_fields(view, catalog) for name, view in _all_views(catalog).items()}
    is_view = False
    try:
        with open(path, "rb") as file:
            for table in known.read(file):
                top = list(itertools.islice(table.rows, LOOKED_AT))
                if not any(cell not in (None, "") for _, cells in top for cell in cells):
                    continue
                if find_headings(top, fields, [table.name, path.name], catalog) is None:
                    sheet = f'holds the sheet "{table.name}", which bakeio did not write'
                    return sheet if table.name else f"is not a view in the format {known.name}"
                is_view = True
    except Exception:  # whatever a reader says of what it was not made for
        return f"is not a view in the format {known.name}"
    return None if is_view else f"is not a view in the format {known.name}"


def _without_views(name: str, fields: dict[str, FieldMap], catalog: Catalog) -> DocumentError:
    """Return what a file lacks to be read as a view."""
    view = next((v for v in catalog.views if catalog.views[v].names("key")), "")
    view = view or next(iter(catalog.views), "")
    wanted = ", ".join(shown(item.name) for item in list(fields[view])[:4]) if view else ""
    message = "no row of it has the headings of a view"
    return DocumentError(f"{name}: {message}" + (f", such as {wanted}" if wanted else ""))
