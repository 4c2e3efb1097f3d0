"""Suppliers: shops, farms and wholesalers a bakery buys from."""

from sqlalchemy import Column, MetaData, String, Table, Text

from bakeio_bakery.supplier_words import ABBREVIATIONS, SYNONYMS
from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `suppliers`. A name alone is not a key: there may be two shops of one chain."""
    suppliers = Table(
        "suppliers",
        metadata,
        *identity_columns(),
        Column("slug", String(200), nullable=False, unique=True, index=True),
        Column("name", String(200), nullable=False, index=True),
        Column("city", String(100)),
        Column("state", String(50)),
        Column("zip", String(20)),
        Column("notes", Text),
        *stamp_columns(),
        sqlite_autoincrement=True,
    )
    return Entity(
        suppliers,
        keys=["slug", ("name", "city", "state")],
        label="name",
        synonyms=SYNONYMS,
        abbreviations=ABBREVIATIONS,
        slug_from=("name", "city", "state"),
    )
