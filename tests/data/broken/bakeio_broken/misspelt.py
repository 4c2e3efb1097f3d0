"""Misspell the hook."""

from sqlalchemy import MetaData

from bakeio_core import Entity, hookimpl


@hookimpl
def bakeio_entitites(metadata: MetaData) -> list[Entity]:
    """Never be called."""
    return []
