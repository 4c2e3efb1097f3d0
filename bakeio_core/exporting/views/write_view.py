"""Write a view's file; it appears whole or not at all."""

from __future__ import annotations

import re
import uuid as uuids
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.exchange import Progress
from bakeio_core.catalog.views.view import View
from bakeio_core.database.connect import streaming
from bakeio_core.database.view_query import count_records
from bakeio_core.errors import DocumentError
from bakeio_core.exporting.documents import moment, write_records
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.scanner import BLOCK
from bakeio_core.files.output import Sink, atomic_file
from bakeio_core.history.tables import database_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

# -- what a view may replace
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:```\w*\s*)?\{")
_RECORDS = re.compile(rb'"records"\s*:')
_NAMED = re.compile(rb'"(?:export_type"\s*:\s*"denormalized_view|view_name"\s*:\s*"\w+_complete)"')


def not_a_view(path: Path) -> str | None:
    """Say why a file must not be replaced by a view.

    Returns:
        None where it is a view, also one that was spoilt behind its head.
    """
    document = Document.at(path)
    try:
        is_view = document.kind == "view" and _is_view(document.header)
    except DocumentError:
        with open(path, "rb") as file:
            head = _RECORDS.split(file.read(BLOCK), 1)[0]
        is_view = bool(_BEGIN.match(head) and _NAMED.search(head))
    return None if is_view else "is not a view that bakeio wrote"


def _is_view(header: Mapping[str, Any]) -> bool:
    name = header.get("view_name")
    return header.get("export_type") == "denormalized_view" or (
        isinstance(name, str) and name.endswith("_complete")
    )


INSTRUCTIONS = (
    "Change only the editable fields, keep every record's _rev with its id or key, and return the "
    "records you changed (or all of them). A null keeps the "
    'value; to empty a field name it in "_clear": ["field"]. '
    "Leave unknown values null: do not invent any."
)


LISTS = 'A row that is left out stays as it is; to delete one give it "_delete": true.'


def view_header(db: Connection, view: View, catalog: Catalog, count: int) -> dict[str, Any]:
    """Return the header of a view's file: whose it is, and what may be edited in it.

    Args:
        db: The connection.
        view: The view, narrowed or not.
        catalog: The views that are installed.
        count: How many records the file is going to have.
    """
    return {
        "export_type": "denormalized_view",
        "view_name": f"{view.name}_complete",
        "view_version": view.version,
        "export_id": str(uuids.uuid4()),
        "database_id": database_id(db),
        "exported_at": moment().isoformat() + "Z",
        "record_count": count,
        **({"missing": list(view.missing)} if view.missing else {}),
        "documentation": {
            "purpose": catalog.views.get(view.name, view).purpose,
            "editable_fields": view.names("editable"),
            "readonly_fields": view.names("key", "readonly"),
            "key_fields": view.names("key"),
            **({"lists": _lists(view)} if view.lists else {}),
            "import_instructions": INSTRUCTIONS,
        },
    }


def _lists(view: View) -> dict[str, Any]:
    """Return what may be edited in the rows of the lists of a view."""
    return {
        name: {
            f"{role}_fields": [n for n, inner in item.fields.items() if inner.role == role]
            for role in ("editable", "readonly", "key")
        }
        | {"delete": LISTS}
        for name, item in view.lists.items()
    }


def write_view(
    hook: Any,
    db: Connection,
    catalog: Catalog,
    view: View,
    target: Path | Sink,
    progress: Progress | None = None,
) -> int:
    """Write a view to a path or a stream.

    Args:
        hook: Calls the hook that projects views.
        db: The connection, in one consistent view of the database.
        catalog: The entities and views that are installed.
        view: The view, narrowed or not.
        target: A path, whose file appears whole or not at all, or a stream.
        progress: Called with (view, records written so far).

    Returns:
        The number of its records.
    """

    def write(file: Sink) -> int:
        batches = hook.bakeio_project_view(db=db, view=view, catalog=catalog) or ()
        return write_records(file, header, batches, view.name, progress)

    with streaming():
        header = view_header(db, view, catalog, count_records(db, view, catalog))
        if not isinstance(target, Path):
            return write(target)
        with atomic_file(target, not_a_view) as file:
            while (written := write(file)) != header["record_count"]:
                # a plugin gave another number of records than the default would
                header["record_count"] = written
                file.restart()
        return written
