"""What a set, an entity's file or a view says of itself, and what is lost where it says nonsense.

Nothing of it is needed to read the records: what cannot be used is left out of account, and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeGuard

from bakeio_core.errors import Problem
from bakeio_core.files.sets.manifest import MANIFEST
from bakeio_core.values.kinds.times import DateTime
from bakeio_core.values.wording import BadValue, shown

_SKEW = timedelta(days=1)
"""So far the clocks of two machines may be apart."""
_LOST = "what changed in the database since cannot be told by it"
_LONGEST = 40
"""So many characters has an id or a moment that a header says at most."""


def is_kept(said: Any) -> TypeGuard[str]:
    """Tell whether what a header says is a short plain text.

    The journal keeps such texts, and databases can store neither NUL characters nor halves of
    surrogate pairs.
    """
    return isinstance(said, str) and said.isprintable() and len(said) <= _LONGEST


def is_count(said: Any) -> TypeGuard[int]:
    """Tell whether what a header says is a number of records."""
    return isinstance(said, int) and not isinstance(said, bool) and said >= 0


def _is_list_of(kind: type) -> Callable[[Any], bool]:
    return lambda said: isinstance(said, list) and all(isinstance(one, kind) for one in said)


def _are_options(said: Any) -> bool:
    days = said.get("date_range") if isinstance(said, dict) else 0
    return days is None or (
        isinstance(days, dict)
        and all(isinstance(days.get(name), (str, type(None))) for name in ("since", "until"))
    )


def _are_gaps(said: Any) -> bool:
    return _is_list_of(dict)(said) and all(
        isinstance(gap.get(name), kind) for gap in said for name, kind in GAP.items()
    )


GAP: dict[str, Any] = {"entity": str, "field": str, "id": (int, str)}
"""What a manifest says of a value that no file can hold."""
_ID_LOST = "ids of rows are not counted on"
_EXPORT_LOST = "what earlier imports of this export did is not known by it"
_COUNT_LOST = "whether records are missing cannot be told by it"
_HEADER: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "database_id": (is_kept, "is not the id of a database", _ID_LOST),
    "export_id": (is_kept, "is not the id of an export", _EXPORT_LOST),
    "source_sha256": (lambda said: isinstance(said, str), "is not a SHA-256", _EXPORT_LOST),
    "record_count": (is_count, "is not a number of records", _COUNT_LOST),
}
"""{field of a header: (whether it can be used, what it is otherwise, what is lost then)}."""
_MANIFEST: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "database_kind": (
        is_kept,
        "is not the name of a kind of database",
        "what it stored against a column's declaration is not taken as it was",
    ),
    "export_options": (
        _are_options,
        'has no days such as "date_range": {"since": "2026-01-31", "until": null}',
        "a set of some days is not known by it",
    ),
    "visible_only": (
        lambda said: isinstance(said, bool),
        "is not true or false",
        "it is read as true",
    ),
    "omitted_entities": (
        _is_list_of(str),
        "is not a list of entities",
        "what was left out is not known by it",
    ),
    "gaps": (
        _are_gaps,
        "is not a list of objects with entity, field and id",
        "which nulls stand for what no file can hold is not known by it",
    ),
    "aliases": (
        _is_list_of(dict),
        "is not a list of objects with entity, key and target",
        "names that were learned are not taken over",
    ),
    "layouts": (
        _is_list_of(dict),
        "is not a list of objects",
        "what was learned of other people's sheets is not taken over",
    ),
}
"""The same of fields that only a manifest has."""
_NEEDED = ("gaps", "export_options")
"""Without these an import might empty or delete what the set does not tell of."""


def origin_problems(header: Mapping[str, Any], file: str) -> Iterator[Problem]:
    """Yield a problem for each thing a header says of its file that says nothing.

    Args:
        header: The header, or the manifest.
        file: Where it stands.
    """
    is_manifest = file == MANIFEST
    for field, message in _unusable(header, is_manifest=is_manifest):
        code = "bad-manifest" if is_manifest else "bad-document"
        severity = "error" if is_manifest and field in _NEEDED else "warning"
        told = {"code": code, "severity": severity, "file": file, "field": field}
        yield Problem(**told, message=message)  # type: ignore[arg-type]


def _unusable(header: Mapping[str, Any], *, is_manifest: bool) -> Iterator[tuple[str, str]]:
    known = {**_HEADER, **_MANIFEST} if is_manifest else _HEADER
    for name, (fits, wanted, lost) in known.items():
        said = header.get(name)
        if said is not None and not fits(said):
            yield name, f"{shown(said)} {wanted}: {lost}"
    yield from _odd_type(header)
    exported = header.get("exported_at")
    if exported is None:
        return
    try:
        moment = DateTime().read(exported, lambda note: None)
    except BadValue:
        wanted = 'no moment such as "2026-01-31T12:00:00Z"'
        yield "exported_at", f"{shown(exported)} is {wanted}: {_LOST}"
        return
    latest = (datetime.now(timezone.utc) + _SKEW).strftime("%Y-%m-%dT%H:%M:%SZ")
    if moment > latest:
        yield "exported_at", f"{shown(exported)} lies in the future: {_LOST}"


VIEW_TYPE = "denormalized_view"
"""The `export_type` of a view's file."""


def _odd_type(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say where a file says of itself what its other fields do not say."""
    said = header.get("export_type")
    if said is not None and "view_name" in header and said != VIEW_TYPE:
        message = f'{shown(said)} is not "{VIEW_TYPE}": it is read as the view that it names'
        yield "export_type", message
    elif said is not None and "entity_type" in header and "view_name" not in header:
        yield "export_type", f"{shown(said)} is said of views: it is read as an entity's file"
