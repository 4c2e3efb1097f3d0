"""What a set or a view says of where it is from, and since when it may be out of date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from bakeio_core.errors import Problem
from bakeio_core.files.sets.manifest import MANIFEST
from bakeio_core.values.times import DateTime
from bakeio_core.values.wording import BadValue, shown

_SKEW = timedelta(days=1)
"""So far the clocks of two machines may be apart."""
_LOST = "what changed in the database since cannot be told by it"


def origin_problems(header: Mapping[str, Any], file: str) -> Iterator[Problem]:
    """Yield a warning for each thing a header says of its origin that says nothing.

    Args:
        header: The header, or the manifest.
        file: Where it stands.
    """
    for field, message in _unusable(header):
        code = "bad-manifest" if file == MANIFEST else "bad-document"
        told = {"code": code, "severity": "warning", "file": file, "field": field}
        yield Problem(**told, message=message)  # type: ignore[arg-type]


def _unusable(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    identity, exported = header.get("database_id"), header.get("exported_at")
    if identity is not None and not isinstance(identity, str):
        message = f"{shown(identity)} is not the id of a database: ids of rows are not counted on"
        yield "database_id", message
    if exported is None:
        return
    try:
        moment = DateTime().read(exported, lambda note: None)
    except BadValue:
        yield (
            "exported_at",
            f'{shown(exported)} is no moment such as "2026-01-31T12:00:00Z": {_LOST}',
        )
        return
    latest = (datetime.now(timezone.utc) + _SKEW).strftime("%Y-%m-%dT%H:%M:%SZ")
    if moment > latest:
        yield "exported_at", f"{shown(exported)} lies in the future: {_LOST}"
