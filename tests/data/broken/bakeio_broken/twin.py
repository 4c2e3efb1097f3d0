"""Declare an entity that exists already, as a plugin of the bakery would."""

from sqlalchemy import Column, Integer, MetaData, String, Table

from bakeio_core import Entity, hookimpl


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `suppliers` once more, on the tables of all plugins."""
    suppliers = Table(
        "suppliers",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("slug", String(50), unique=True),
    )
    return Entity(suppliers, keys=["slug"])
