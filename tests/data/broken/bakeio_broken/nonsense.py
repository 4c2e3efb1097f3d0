"""Return what is not an entity."""

from typing import Any

from sqlalchemy import MetaData

from bakeio_core import hookimpl


@hookimpl
def bakeio_entities(metadata: MetaData) -> Any:
    """Return a number."""
    return 42
