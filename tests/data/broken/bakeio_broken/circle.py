"""Declare two entities that refer to each other."""

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from bakeio_core import Entity, hookimpl


@hookimpl
def bakeio_entities(metadata: MetaData) -> list[Entity]:
    """Declare what came first, twice."""
    return [
        Entity(
            Table(
                name,
                metadata,
                Column("id", Integer, primary_key=True),
                Column("slug", String(50), unique=True),
                Column("from_id", Integer, ForeignKey(f"{other}.id"), nullable=False),
            ),
            keys=["slug"],
        )
        for name, other in (("hens", "eggs"), ("eggs", "hens"))
    ]
