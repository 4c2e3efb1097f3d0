"""What a document without header or without records may mean, and the shape that is wanted."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import REV, FieldMap, entity_fields, view_fields
from bakeio_core.errors import DocumentError, Problem, Problems, counted
from bakeio_core.files.documents.document import RECORDS, Document, InMemoryDocument
from bakeio_core.files.documents.encoding import encode_as_read
from bakeio_core.files.documents.scanner import as_record
from bakeio_core.values.wording import shown

MEANT = "write"
_MOST_NAMES = 8
_LOOKED_AT = 100
"""Records whose field names tell of which view a document is."""


def with_header_and_records(document: Document, catalog: Catalog, problems: Problems) -> Document:
    """Return a document that says what it is, and has a list of records.

    What is missing is supplied where only one thing can be meant, and told.

    Args:
        document: The document.
        catalog: What is installed.
        problems: Where is told what was supplied.

    Raises:
        DocumentError: It cannot be told what is meant; it says what was seen and what is wanted.
    """
    if document.kind in ("manifest", "skipped"):
        return document
    is_named = document.kind != "unknown"
    if document.has_records:
        return document if is_named else _with_header(document, _items(document), catalog, problems)
    header = document.header
    if not is_named and RECORDS not in header:
        items = _record_of(document, catalog)
        if items is not None:
            return _with_header(document, items, catalog, problems)
    lists = {name: value for name, value in header.items() if _is_list_of_objects(value)}
    if len(lists) == 1 and RECORDS not in header:
        name, values = next(iter(lists.items()))
        items = _numbered(document, values)
        rest = {key: value for key, value in header.items() if key != name}
        found: Document = InMemoryDocument(document, rest, items)
        if not is_named:
            found = _with_header(found, items, catalog, problems)
        elif _fields_of(found, catalog) is None or not _knows_any(found, items, catalog):
            raise _without_records(document, catalog)
        _tell(problems, document, f'has no "records"; its list {shown(name)} is read as that')
        return found
    raise _without_records(document, catalog)


def wanted_shape(catalog: Catalog, view: str, names: Collection[str] = ()) -> str:
    """Return how a file of a view is written, in one line.

    Args:
        catalog: What is installed.
        view: The view.
        names: Fields that somebody gave: those the view has are shown.
    """
    fields = catalog.views[view].fields
    known = [name for name in names if name in fields]
    if not known:
        installed = catalog.views[view]
        known = [*(installed.names("key") or installed.names("readonly")[:1])]
        known += installed.names("editable")[:2]
    record = ", ".join(f'"{name}": ...' for name in known[:_MOST_NAMES])
    return f'{{"view_name": "{view}", "records": [{{{record}}}, ...]}}'


def best_view(catalog: Catalog, names: Collection[str]) -> str | None:
    """Return the view that knows most of some names, None where none knows half of them."""
    scores = {view: len(_known(catalog, view, names)) for view in catalog.views}
    best = max(scores, key=lambda view: scores[view], default=None)
    is_known = best is not None and scores[best] > 0 and 2 * scores[best] >= len(names)
    return best if is_known else None


# -- records
def _items(document: Document) -> list[tuple[int, dict[str, Any] | Problem]]:
    return [item for block in document.blocks() for item in block.as_dicts(document.name)]


def _numbered(
    document: Document, values: Iterable[Any]
) -> list[tuple[int, dict[str, Any] | Problem]]:
    depth = document.limits.depth
    return [
        (number, as_record(value, number, document.name, depth, encode_as_read(value).decode()))
        for number, value in enumerate(values, 1)
    ]


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _record_of(
    document: Document, catalog: Catalog
) -> list[tuple[int, dict[str, Any] | Problem]] | None:
    """Return the one record a document without header is, None where it is none."""
    names = [name for name in document.header if not name.startswith("_")]
    is_record = best_view(catalog, names) is not None
    return _numbered(document, [document.header]) if is_record else None


def _fields_of(document: Document, catalog: Catalog) -> FieldMap | None:
    """Return the fields of what a header names, None where that is not installed."""
    view = str(document.header.get("view_name") or "").removesuffix("_complete").replace("-", "_")
    if view in catalog.views:
        return view_fields(catalog.views[view], catalog)
    entity = document.header.get("entity_type")
    known = catalog.entities.get(entity) if isinstance(entity, str) else None
    return None if known is None else entity_fields(known, catalog)


def _knows_any(document: Document, items: Iterable[tuple[int, Any]], catalog: Catalog) -> bool:
    fields = _fields_of(document, catalog)
    used = {name for _, item in items if isinstance(item, dict) for name in item}
    return fields is not None and any(name in fields.by_name for name in used)


# -- header
def _known(catalog: Catalog, view: str, names: Iterable[str]) -> set[str]:
    fields = view_fields(catalog.views[view], catalog)
    return {name for name in names if name in fields.by_name and name != REV}


def _with_header(
    document: Document,
    items: list[tuple[int, dict[str, Any] | Problem]],
    catalog: Catalog,
    problems: Problems,
) -> Document:
    """Return records without a header as those of the one view that has all their fields."""
    records = [item for _, item in items if isinstance(item, dict)]
    used = {n for record in records[:_LOOKED_AT] for n in record if not n.startswith("_")}
    scores = {view: len(_known(catalog, view, used)) for view in catalog.views}
    fitting = [view for view, score in scores.items() if used and score == len(used)]
    named = [view for view in fitting if view in document.name]
    chosen = named if len(named) == 1 else fitting
    if len(chosen) != 1:
        raise _untold(document, used, fitting, scores, catalog)
    said = f"has no header and is read as the view {chosen[0]}"
    _tell(problems, document, said)
    header = {"view_name": f"{chosen[0]}_complete", "record_count": len(items)}
    given = document.header if not isinstance(document, InMemoryDocument) else {}
    whose = {n: v for n, v in given.items() if n in ("database_id", "exported_at", "export_id")}
    return InMemoryDocument(document, {**header, **whose}, items)


def _untold(
    document: Document,
    used: set[str],
    fitting: list[str],
    scores: dict[str, int],
    catalog: Catalog,
) -> DocumentError:
    """Return why it cannot be told of which view records are."""
    if fitting:
        views = " and ".join(fitting)
        said = f'its fields fit the views {views}: add "view_name": "{fitting[0]}" or the other'
        return DocumentError(f'{document.name}: has no "view_name", and {said}')
    names = sorted(used)
    seen = ", ".join(map(shown, names[:_MOST_NAMES])) or "none"
    best = best_view(catalog, used)
    fits = ""
    if best is not None:
        missing = [name for name in names if name not in _known(catalog, best, used)]
        fits = f"; the view {best} has {scores[best]} of them, not {shown(missing[0])}"
    with_key = (name for name, item in catalog.views.items() if item.names("key"))
    view = best or next(with_key, next(iter(catalog.views), None))
    shape = f": {MEANT} {wanted_shape(catalog, view, names)}" if view else ""
    return DocumentError(
        f"{document.name}: is no file of bakeio: it has no header that tells of which view its "
        f"records are, and no view has all their fields ({seen}){fits}{shape}"
    )


def _without_records(document: Document, catalog: Catalog) -> DocumentError:
    """Return what a document has in place of a list of records."""
    header = document.header
    if RECORDS in header:
        seen = f'its "records" is {_noun(header[RECORDS])}, not a list'
    else:
        lists = [name for name, value in header.items() if isinstance(value, list)]
        others = ", ".join(map(shown, lists or list(header)[:_MOST_NAMES])) or "nothing"
        seen = f'it has no list "records"; it has {others}'
    fields = _fields_of(document, catalog)
    names = [] if fields is None else [item.name for item in fields if item.role != "context"]
    record = ", ".join(f"{json.dumps(name)}: ..." for name in names[:3])
    said = f'{MEANT} "records": [{{{record}}}, ...]' if names else "is it a file bakeio wrote?"
    return DocumentError(f"{document.name}: {seen}: {said}")


def _noun(value: Any) -> str:
    if isinstance(value, str):
        return "a text"
    return (
        f"an object with {counted(len(value), 'field')}"
        if isinstance(value, dict)
        else shown(value)
    )


def _tell(problems: Problems, document: Document, message: str) -> None:
    problems.add(
        Problem(code="bad-document", severity="warning", file=document.name, message=message)
    )
