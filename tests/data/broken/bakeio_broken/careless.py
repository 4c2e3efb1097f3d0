"""Raise when asked, after having begun a table another plugin wants to make."""

from sqlalchemy import Column, Integer, MetaData, Table

from bakeio_core import Entity, hookimpl


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Fail half-way."""
    Table("products", metadata, Column("id", Integer, primary_key=True))
    raise RuntimeError("the oven is cold")
