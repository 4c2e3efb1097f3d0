"""What a document without header or without records may mean, and the shape that is wanted."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.fields import REV, FieldMap, alone_fields, plain_name, view_fields
from bakeio_core.catalog.views.view import plain_view_name
from bakeio_core.errors import DocumentError, Problem, Problems, counted
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.files.documents.document import RECORDS, Document
from bakeio_core.files.documents.encoding import encode_as_read
from bakeio_core.files.documents.scanner import as_record
from bakeio_core.importing.reading.answers.unwrapping import Nested, Unwrapping
from bakeio_core.values.wording import listed, shown

MEANT = "write"
TICKET = "ticket"
"""The field of an answer to rows that were given out by number."""
ANSWERS = "answers"
"""Where several such answers stand together, each under its ticket."""
HEADS = ("view_name", "entity_type")
"""The fields of a header that say what its records are."""
_VIEW = frozenset(["viewname", "view"])
_MOST_NAMES = 8
_MOST_VIEWS = 3
_LOOKED_AT = 100
"""Records whose field names tell of which view a document is."""
_NOT_OURS = ": is it a file bakeio wrote?"
_EXPLAINS = frozenset(["documentation", "schema"])
"""Objects of a header that tell about the records."""
Items = list[tuple[int, dict[str, Any] | Problem]]


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
    known = _fields_known(document, catalog)
    if document.has_records:
        _refuse_other_records(document, known)
        if is_named:
            return document
        items = _items(document)
        records = [item for _, item in items if isinstance(item, dict)]
        found = Unwrapping(known).of_records(records)
        if found is not None:
            return _supplied(document, found, catalog, problems)
        return _with_header(document, document.header, items, catalog, problems)
    nested = Unwrapping(known).of_document(document.header)
    if len(nested) > 1:
        places = listed([shown(one.place) for one in nested[:_MOST_NAMES]])
        raise DocumentError(
            f'{document.name}: has no list "records", and records in {places}: put all that are '
            f"meant into one list{_shape(document, catalog)}"
        )
    if not nested:
        raise _without_records(document, catalog)
    return _supplied(document, nested[0], catalog, problems)


def numbered(document: Document, values: Iterable[Any]) -> Items:
    """Return values as the numbered records of a document; what is none is a problem."""
    depth = document.limits.depth
    return [
        (number, as_record(value, number, document.name, depth, encode_as_read(value).decode()))
        for number, value in enumerate(values, 1)
    ]


def wanted_shape(catalog: Catalog, view: str, names: Collection[str] = ()) -> str:
    """Return how a file of a view is written, in one line.

    Args:
        catalog: What is installed.
        view: The view.
        names: Fields that somebody gave: those the view has are shown.
    """
    fields = view_fields(catalog.views[view], catalog)
    named = (fields.named(name) for name in names)
    known = list(dict.fromkeys(item.name for item in named if item is not None))
    installed = catalog.views[view]
    keys = [*(installed.names("key") or installed.names("readonly")[:1])]
    if not known:
        known = [*keys, *installed.names("editable")[:2]]
    elif not set(keys) & set(known):
        known = [*keys, *known]
    record = ", ".join(f'"{name}": ...' for name in known[:_MOST_NAMES])
    return f'{{"view_name": "{view}", "records": [{{{record}}}, ...]}}'


def best_view(catalog: Catalog, names: Collection[str]) -> str | None:
    """Return the view that knows most of some names, None where none knows half of them."""
    scores = {view: len(_known(catalog, view, names)) for view in catalog.views}
    exact = {
        view: sum(name in item.fields for name in names) for view, item in catalog.views.items()
    }
    best = max(scores, key=lambda view: (exact[view], scores[view]), default=None)
    is_known = best is not None and scores[best] > 0 and 2 * scores[best] >= len(names)
    return best if is_known else None


# -- records
def _items(document: Document) -> Items:
    return [item for block in document.blocks() for item in block.as_dicts(document.name)]


def _supplied(document: Document, nested: Nested, catalog: Catalog, problems: Problems) -> Document:
    """Return the document whose records stood within something else."""
    rest = {name: value for name, value in document.header.items() if name != nested.top}
    header = {**rest, **nested.header}
    items = numbered(document, nested.records)
    for said in nested.done:
        _tell(problems, document, said)
    found = InMemoryDocument(document, header, items)
    if found.kind != "unknown":
        return found
    return _with_header(document, header, items, catalog, problems)


def _refuse_other_records(document: Document, known: list[FieldMap]) -> None:
    """Raise where records stand beside the list "records": nobody would read them."""
    for name, value in document.header.items():
        if name in _EXPLAINS or not isinstance(value, (list, dict)):
            continue
        if Unwrapping(known).of_document({name: value}):
            raise DocumentError(
                f'{document.name}: has records in "records" and in {shown(name)}: put all that are '
                'meant into "records"'
            )


def _fields_known(document: Document, catalog: Catalog) -> list[FieldMap]:
    """Return the fields a document's records may have: of what it names, else of any view."""
    named = _fields_of(document.header, catalog)
    if named is not None:
        return [named]
    return [view_fields(view, catalog) for view in catalog.views.values()]


def _fields_of(header: Mapping[str, Any], catalog: Catalog) -> FieldMap | None:
    """Return the fields of what a header names, None where that is not installed."""
    view = plain_view_name(str(header.get("view_name") or ""))
    if view in catalog.views:
        return view_fields(catalog.views[view], catalog)
    entity = header.get("entity_type")
    known = catalog.entities.get(entity) if isinstance(entity, str) else None
    return None if known is None else alone_fields(known, catalog)


# -- header
def _known(catalog: Catalog, view: str, names: Iterable[str]) -> set[str]:
    fields = view_fields(catalog.views[view], catalog)
    return {name for name in names if name != REV and fields.named(name) is not None}


def _with_header(
    document: Document,
    given: Mapping[str, Any],
    items: Items,
    catalog: Catalog,
    problems: Problems,
) -> Document:
    """Return records without a header as those of the one view that has all their fields."""
    whose = {n: v for n, v in given.items() if n in ("database_id", "exported_at", "export_id")}
    meant = [str(value) for name, value in given.items() if plain_name(name) in _VIEW]
    if len(meant) == 1 and plain_view_name(meant[0]) in catalog.views:
        header = {"view_name": f"{plain_view_name(meant[0])}_complete", **whose}
        return InMemoryDocument(document, header, items)
    records = [item for _, item in items if isinstance(item, dict)][:_LOOKED_AT]
    used = {n for record in records for n in record if not n.startswith("_")}
    if not records:
        broken = [f"record {n} {item.message}" for n, item in items if isinstance(item, Problem)]
        seen = broken[0] if broken else "has no record"
        raise DocumentError(f"{document.name}: {seen}{_shape(document, catalog)}")
    for is_exact in (True, False):  # other names of a field count where no view has them as fields
        scores = {view: _score(catalog, view, records, is_exact) for view in catalog.views}
        fitting = [view for view, score in scores.items() if used and score == len(used)]
        if fitting:
            break
    named = [view for view in fitting if view in document.name]
    chosen = named if len(named) == 1 else fitting
    if len(chosen) != 1:
        raise _untold(document, used, fitting, scores, catalog)
    said = f"has no header and is read as the view {chosen[0]}"
    _tell(problems, document, said)
    header = {"view_name": f"{chosen[0]}_complete", "record_count": len(items)}
    return InMemoryDocument(document, {**header, **whose}, items)


def _score(catalog: Catalog, view: str, records: Iterable[dict[str, Any]], is_exact: bool) -> int:
    """Return how many names in records a view knows, objects full of such names too."""
    fields, found = view_fields(catalog.views[view], catalog), set[str]()
    knows = fields.by_name.get if is_exact else fields.named
    for record in records:
        for name, value in record.items():
            inner = value if isinstance(value, dict) else {}
            is_known = knows(name) is not None or (inner and all(map(knows, inner)))
            if name[0:1] != "_" and is_known:
                found.add(name)
    return len(found)


def _untold(
    document: Document,
    used: set[str],
    fitting: list[str],
    scores: dict[str, int],
    catalog: Catalog,
) -> DocumentError:
    """Return why it cannot be told of which view records are."""
    names = sorted(used)
    seen = ", ".join(map(shown, names[:_MOST_NAMES])) or "none"
    keys = list(document.header)[:_MOST_NAMES]
    beside = f". Beside its records it has {listed([*map(shown, keys)])}" if keys else ""
    if fitting:
        more = [f"{len(fitting) - _MOST_VIEWS} others"] if len(fitting) > _MOST_VIEWS + 1 else []
        views = listed([*fitting[: _MOST_VIEWS if more else None], *more])
        said = f'its fields ({seen}) fit the views {views}: add "view_name": "{fitting[0]}" or '
        said += "another of them" if len(fitting) > 2 else "the other"
        return DocumentError(f'{document.name}: has no "view_name", and {said}{beside}')
    best = best_view(catalog, used)
    fits = ""
    if best is not None:
        missing = [name for name in names if name not in _known(catalog, best, used)]
        fits = f"; the view {best} has {scores[best]} of them, not {shown(missing[0])}"
    with_key = (name for name, item in catalog.views.items() if item.names("key"))
    view = best or next(with_key, next(iter(catalog.views), None))
    shape = f": {MEANT} {wanted_shape(catalog, view, names)}" if view else ""
    return DocumentError(
        f"{document.name}: is not a file of bakeio: it has no header that tells of which view its "
        f"records are, and no view has all their fields ({seen}){fits}{shape}{beside}"
    )


def _shape(document: Document, catalog: Catalog) -> str:
    """Return the shape a document should have, as the end of a message."""
    fields = _fields_of(document.header, catalog)
    view = plain_view_name(str(document.header.get("view_name") or ""))
    if fields is None or view in catalog.views:
        with_key = (name for name, item in catalog.views.items() if item.names("key"))
        view = view if view in catalog.views else next(with_key, "")
        return (
            f": {MEANT} {wanted_shape(catalog, view)}" if view else ": is it a file bakeio wrote?"
        )
    names = [item.name for item in fields if item.role != "context"]
    record = ", ".join(f"{json.dumps(name)}: ..." for name in names[:3])
    return f': {MEANT} "records": [{{{record}}}, ...]'


def _without_records(document: Document, catalog: Catalog) -> DocumentError:
    """Return what a document has in place of a list of records."""
    header = document.header
    if RECORDS in header:
        seen = f'its "records" is {_noun(header[RECORDS])}, not a list'
    else:
        lists = [name for name, value in header.items() if isinstance(value, list)]
        names = dict.fromkeys((*lists, *header))  # all it has tells what it looks like
        others = ", ".join(map(shown, list(names)[:_MOST_NAMES])) or "nothing"
        seen = f'it has no list "records"; it has {others}'
    return DocumentError(f"{document.name}: {seen}{_shape(document, catalog)}")


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
