"""Declare an entity that exists already, as an application with models of its own would."""

from sqlalchemy import Column, Integer, MetaData, String, Table

from bakeio_core import Entity, hookimpl

METADATA = MetaData()
INGREDIENTS = Table(
    "ingredients",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("slug", String(50), unique=True),
)


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `ingredients` once more."""
    return Entity(INGREDIENTS, keys=["slug"])
