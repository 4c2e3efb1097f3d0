"""The log of skipped records as a sheet: the records, each with why it was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bakeio_core.catalog.fields import CLEAR, FieldMap
from bakeio_core.catalog.plugins.formats import Format, Formats, Sheet, SheetColumn
from bakeio_core.errors import UsageError
from bakeio_core.files.output import Sink
from bakeio_core.files.sheets.cells import about, flat, guarded
from bakeio_core.files.sheets.readings import form_of
from bakeio_core.files.sheets.writing import write_sheets
from bakeio_core.importing.reading.sheets.headings import is_id
from bakeio_core.importing.reading.sheets.logged import INDEX, LOG_OF, REASON
from bakeio_core.importing.reading.sources import Source

WIDEST = 60
_NUMBERS = (int, float, Decimal)
NOTES = (
    "Correct what skip_reason names, then import this file as it is: bakeio import FILE.",
    "An empty cell says nothing. To empty fields, write their names into _clear.",
)


@dataclass(frozen=True)
class LogFile:
    """Where the records that an import leaves out are written.

    Attributes:
        path: The file.
        format: That of its sheet, None for JSON.
    """

    path: Path
    format: Format | None = None

    @classmethod
    def of(cls, path: Path, source: Source, formats: Formats) -> LogFile:
        """Return the log of a source by the ending of its file.

        Raises:
            UsageError: Its records do not go into a sheet, or nothing installed writes such files.
        """
        known = formats.to_write(path)
        if known is None:
            return cls(path)
        views = [part.view for part in source.parts]
        is_one = len(views) == 1 and views[0] is not None and not views[0].lists
        if source.strange is None and not is_one:
            raise UsageError(
                f"{path}: only records of one view without lists are logged in a sheet; "
                "name a log that ends in .json"
            )
        if source.origins:
            raise UsageError(
                f"{path}: what an assistant answered is logged with what it gave itself, and that "
                "goes into no sheet; name a log that ends in .json"
            )
        return cls(path, known)


def write_log_sheet(
    known: Format,
    file: Sink,
    header: Mapping[str, Any],
    fields: FieldMap,
    entries: Sequence[Mapping[str, Any]],
) -> None:
    """Write the entries of a log as a sheet.

    Args:
        known: The format.
        file: The file.
        header: That of the log as JSON, with `view_name`.
        fields: Those of the view.
        entries: The entries as JSON has them.

    Raises:
        PluginError: The format's plugin failed.
    """
    records = [_record(entry, fields) for entry in entries]
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = [SheetColumn(REASON, "readonly", width=WIDEST)]
    columns += [_column(name, fields, [r.get(name) for r in records]) for name in names]
    told = {**header, LOG_OF: header["source_sha256"]}
    columns += [SheetColumn(INDEX, "hidden", "whole"), SheetColumn(about(told), "hidden")]
    cells = [guarded([str(entry["skip_reason"]) for entry in entries])]
    cells += [guarded([flat(record.get(name)) for record in records]) for name in names]
    cells += [[entry["record_index"] for entry in entries], [None] * len(entries)]
    sheet = Sheet(
        str(header["view_name"]).removesuffix("_complete"),
        columns,
        zip(*cells, strict=True),
        "Records that were left out",
        NOTES,
    )
    write_sheets(known, file, [sheet], "the log of skipped records")


def _record(entry: Mapping[str, Any], fields: FieldMap) -> dict[str, Any]:
    """Return the cells of a record by name; what was to be emptied is named in `_clear`."""
    record = dict(entry["record_data"] or {"record_text": entry.get("record_text")})
    emptied = [name for name, value in record.items() if value == ""]
    asked = record.get(CLEAR)
    asked = asked.split(", ") if isinstance(asked, str) and asked else asked or []
    editable = {item.name for item in fields.of_role("editable")}
    named = [item.name for name in emptied if (item := fields.named(name)) is not None]
    cleared = list(dict.fromkeys([*asked, *(name for name in named if name in editable)]))
    return {**record, CLEAR: ", ".join(map(str, cleared)) or None}


def _column(name: str, fields: FieldMap, values: Sequence[Any]) -> SheetColumn:
    item = fields.named(name)
    is_number = all(v is None or (isinstance(v, _NUMBERS) and type(v) is not bool) for v in values)
    form = "text" if item is None else form_of(item.kind)
    kind = form if is_number and form in ("number", "whole") else "text"
    role = "editable"
    if item is not None and (item.role == "context" or is_id(fields, name)):
        role = "hidden" if is_id(fields, name) else "readonly"
    return SheetColumn(name, role, kind)
