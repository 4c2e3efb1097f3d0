"""Declare an entity that refers to a table nobody declares."""

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from bakeio_core import Entity, hookimpl


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `trays`."""
    trays = Table(
        "trays",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("slug", String(50), unique=True),
        Column("rack_id", Integer, ForeignKey("racks.id")),
    )
    return Entity(trays, keys=["slug"])
