"""Imports without the bulk step, to hold it against."""

from __future__ import annotations

import pytest

from bakeio_core.importing.bulk.part import Decided
from bakeio_core.importing.bulk.step import Bulk


def with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every record to care."""
    monkeypatch.setattr(Bulk, "load", lambda self, block, records: None)
    monkeypatch.setattr(
        Bulk,
        "decide",
        lambda self, block, records, apart=(): Decided(rest=list(enumerate(records, block.first))),
    )
