"""Write views as sheets of one file, in a format of a plugin."""

from __future__ import annotations

import itertools
import operator
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import EncodedBatch, Progress
from bakeio_core.catalog.fields import REV, FileField, view_fields
from bakeio_core.catalog.plugins.formats import Cell, Format, Sheet, SheetColumn
from bakeio_core.catalog.views.lists import list_views, named_by
from bakeio_core.catalog.views.view import View
from bakeio_core.database.connect import streaming
from bakeio_core.database.dialects import dialect_of
from bakeio_core.database.view_query import count_records, kind_of_source
from bakeio_core.errors import UsageError
from bakeio_core.exporting.views.write_view import view_header
from bakeio_core.files.output import Foreign, Sink, atomic_file
from bakeio_core.files.sheets.cells import about, flat, guarded
from bakeio_core.files.sheets.readings import form_of
from bakeio_core.files.sheets.writing import write_sheets
from bakeio_core.importing.reading.sheets.opening import foreign_sheet
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.wording import listed

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_CHOICES = 1000
"""Rows a reference may mean, to be chosen from by name; of more a person does not choose."""
NARROWEST, WIDEST = 8, 42
NOTES = (
    "White cells may be changed. Shaded ones are shown to help you; what is written there is not "
    "taken.",
    "Leave a cell as it is where you do not know better. An emptied cell empties the field.",
    "Rows may be sorted whole, filtered and left out: what is left out stays as it is.",
    "A new row needs no entry in the hidden columns. A copied row is a new one once its hidden "
    "cells are emptied.",
)


class _Rows:
    """The rows of a list of a view, kept until the sheet of the view is written.

    Args:
        view: That of the list.
        called: The field of the view that names the record a row belongs to.
        fields: The columns of the sheet, the one that names the record in front.
    """

    def __init__(self, view: View, called: str, fields: list[SheetColumn]) -> None:
        self.view, self.called, self.fields = view, called, fields
        self.name = view.name.rpartition(".")[2]
        self._file = tempfile.TemporaryFile()

    def keep(self, records: Sequence[Any]) -> None:
        """Keep the rows that belong to some records."""
        for record in records:
            for row in record[self.name] or ():
                line = _ENCODER.encode({**row, self.fields[0].name: record[self.called]})
                self._file.write(line + b"\n")

    def batches(self) -> Iterator[Any]:
        """Yield the rows as records of the list's own view."""
        self._file.seek(0)
        decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
        while lines := list(itertools.islice(self._file, 500)):
            yield list(map(decode, lines))
        self._file.close()


@dataclass
class _Written:
    """One view on its way into a sheet; `count` counts its records, `lists` are those it has."""

    view: View
    header: dict[str, Any]
    fields: list[SheetColumn]
    batches: Iterator[Any]
    count: int = 0
    progress: Progress | None = None
    lists: list[_Rows] = field(default_factory=list)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Yield the cells of the records."""
        names = [column.name for column in self.fields]
        cells_of = operator.itemgetter(*names, REV)
        for batch in self.batches:
            records = decoded(batch)
            rows = list(map(cells_of, records))
            yield from self._guarded(rows)
            for rows_of in self.lists:
                rows_of.keep(records)
            self.count += len(rows)
            if self.progress:
                self.progress(self.view.name, self.count)

    def _guarded(self, rows: list[tuple[Cell, ...]]) -> Sequence[Sequence[Cell]]:
        """Return rows in which no cell is a formula, lists and objects as JSON."""
        columns = list(zip(*rows, strict=True))
        texts = [i for i, c in enumerate(self.fields) if c.kind in ("text", "code", "other")]
        for index in [*texts, len(self.fields)] if columns else ():
            columns[index] = tuple(guarded(list(map(flat, columns[index]))))
        return list(zip(*columns, strict=True))


def decoded(batch: Any) -> Sequence[Any]:
    """Return the records of a batch, numbers as they are written."""
    if not isinstance(batch, EncodedBatch):
        return batch  # type: ignore[no-any-return]
    return _DECODER.decode(b"[" + batch.data + b"]")


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)


def write_views(
    known: Format,
    hook: Any,
    db: Connection,
    catalog: Catalog,
    views: Sequence[View],
    target: Path | Sink,
    progress: Progress | None = None,
) -> int:
    """Write views as the sheets of one file.

    Args:
        known: The format of the file.
        hook: Calls the hook that projects views.
        db: The connection, in one consistent view of the database.
        catalog: The entities and views that are installed.
        views: The views, narrowed or not.
        target: A path, whose file appears whole or not at all, or a stream.
        progress: Called with (view, records written so far).

    Returns:
        The number of their records.

    Raises:
        UsageError: The format has no sheets and the views are several.
        PluginError: The format's plugin failed.
    """
    if len(views) > 1 and not known.has_sheets:
        raise UsageError(f"a file in the format {known.name} has one view: write several files")
    with streaming():
        written = [_begun(hook, db, catalog, view, progress) for view in views]
        header = written[0].header
        for other in written[1:]:  # one file is one export
            other.header |= {name: header[name] for name in ("export_id", "exported_at")}
        sheets = [sheet for one in written for sheet in _sheets(one)]
        if len(sheets) > len(written) and not known.has_sheets:
            lists = listed([rows.name for one in written for rows in one.lists])
            raise UsageError(
                f"a file in the format {known.name} has no place for {lists}: leave that out "
                "(--fields), or write a workbook (.xlsx)"
            )
        named = ", ".join(view.name for view in views)
        foreign = not_in_format(known, catalog)
        whole = atomic_file(target, foreign) if isinstance(target, Path) else nullcontext(target)
        with whole as file:
            write_sheets(known, file, sheets, named)
    return sum(one.count for one in written)


def not_in_format(known: Format, catalog: Catalog) -> Foreign:
    """Return what says of a file why it must not be replaced by views in a format."""

    def foreign(path: Path) -> str | None:
        return foreign_sheet(known, path, catalog)

    return foreign


def _begun(
    hook: Any, db: Connection, catalog: Catalog, view: View, progress: Progress | None
) -> _Written:
    header = view_header(db, view, catalog, count_records(db, view, catalog))
    batches = iter(hook.bakeio_project_view(db=db, view=view, catalog=catalog) or ())
    first = next(batches, ())
    sample = list(itertools.islice(decoded(first), 500))
    columns = described(db, catalog, view, sample)
    every = itertools.chain([first] if len(first) else [], batches)
    lists = [
        _Rows(
            of_list,
            called,
            [
                replace(
                    next(c for c in columns if c.name == called),
                    name=f"{view.name}.{called}",
                    role="editable",
                ),
                *described(db, catalog, of_list, [r for one in sample for r in one[name] or ()]),
            ],
        )
        for name, of_list in list_views(view, catalog.entities).items()
        if (called := named_by(view, of_list, catalog.entities))
    ]
    return _Written(view, header, columns, every, progress=progress, lists=lists)


def _sheets(one: _Written) -> Iterator[Sheet]:
    """Yield the sheet of a view, then those of its lists, whose rows are known once it is written.

    Where a row of a list belongs is told by its first column.
    """
    yield _sheet(one, one.view.purpose)
    for rows in one.lists:
        header = {**one.header, "view_name": rows.view.name}
        header.pop("record_count", None)
        inner = _Written(rows.view, header, rows.fields, rows.batches())
        purpose = (
            f"{rows.name} of {one.view.name}: a row belongs to the one its {rows.called} names"
        )
        yield _sheet(inner, purpose)


def _sheet(one: _Written, purpose: str) -> Sheet:
    told = [SheetColumn(REV, "hidden"), SheetColumn(about(one.header), "hidden", nullable=True)]
    rows = ((*row, None) for row in one.rows())
    return Sheet(one.view.name, [*one.fields, *told], rows, purpose, NOTES)


# -- what the columns are
def described(
    db: Connection, catalog: Catalog, view: View, sample: Sequence[Any] = ()
) -> list[SheetColumn]:
    """Return what a person who edits a view should be offered in each of its columns.

    Args:
        db: The connection, for what a reference may be called.
        catalog: The entities and views that are installed.
        view: The view, narrowed or not.
        sample: Some records, by which the widths are chosen.
    """
    entity, fields = catalog.entities[view.entity], view_fields(view, catalog)
    columns = []
    for name, item in view.fields.items():
        if item.role == "parent":
            continue
        kind = kind_of_source(catalog, entity, item.source)
        known = fields.by_name[name]
        is_id = known.column in (entity.primary, "uuid") and known.target is None
        role = "hidden" if is_id and item.role != "editable" else item.role
        choices, is_open = _choices(db, catalog, view, known, kind)
        shown = [len(str(record[name])) for record in sample if record[name] is not None]
        column = known.column if known.target is None else None
        columns.append(
            SheetColumn(
                name,
                role,
                form_of(kind),
                scale=getattr(kind, "scale", None),
                choices=choices,
                is_open=is_open,
                nullable=column is None or entity.nullable(column),
                width=min(max(NARROWEST, len(name) + 3, *shown), WIDEST),
                **_limits(kind),
            )
        )
    return columns


def _limits(kind: Kind) -> dict[str, Any]:
    """Return the length and the range that a kind of values keeps to."""
    schema = kind.schema()
    low, high = schema.get("minimum"), schema.get("maximum")
    return {
        "length": schema.get("maxLength"),
        "low": None if low is None else Decimal(str(low)),
        "high": None if high is None else Decimal(str(high)),
    }


def _choices(
    db: Connection, catalog: Catalog, view: View, item: FileField, kind: Kind
) -> tuple[Sequence[str], bool]:
    """Return the values to choose from in a field, and whether others are right too."""
    entity = catalog.entities[view.entity]
    if item.role not in ("editable", "key") or item.column is None:
        return (), True
    if item.target is not None:
        return _names_of_rows(db, catalog, entity.references[item.column].target, item.target), True
    if kind.choices:
        return kind.choices, False
    return tuple(entity.choices.get(item.column, ())), True


def _names_of_rows(db: Connection, catalog: Catalog, target: str, column: str) -> Sequence[str]:
    """Return what the rows a reference may mean are called, sorted; none where they are many."""
    entity, dialect = catalog.entities[target], dialect_of(db)
    quoted = dialect.quote(column)
    sql = f"SELECT DISTINCT {quoted} FROM {dialect.format_table(entity.table)}"
    sql += f" WHERE {quoted} IS NOT NULL ORDER BY {quoted} LIMIT {MOST_CHOICES + 1}"
    names = [row[0] for row in dialect.fetch(db, sql)]
    return names if len(names) <= MOST_CHOICES and all(isinstance(n, str) for n in names) else ()
