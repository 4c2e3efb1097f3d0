"""Finished goods and what they are baked by, packages and what is in them."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns
from bakeio_events.columns import belonging, more_than_none, named_table


def _items(metadata: MetaData) -> Entity:
    table = Table(
        "finished_good_items",
        metadata,
        *identity_columns(),
        belonging("finished_good_id", "finished_goods", first=True),
        belonging("recipe_id", "recipes"),
        Column("quantity", Numeric(12, 6), nullable=False),
        Column("unit", String(50)),
        Column("notes", Text),
        *stamp_columns(),
        UniqueConstraint(
            "finished_good_id", "recipe_id", name="uq_finished_good_items_finished_good_id"
        ),
        more_than_none("finished_good_items"),
        sqlite_autoincrement=True,
    )
    return Entity(
        table,
        keys=[("finished_good_id", "recipe_id")],
        lookups={
            "finished_good_id": {"finished_good_slug": "slug", "finished_good_name": "name"},
            "recipe_id": {"recipe_slug": "slug", "recipe_name": "name"},
        },
    )


def _package_items(metadata: MetaData) -> Entity:
    table = Table(
        "package_items",
        metadata,
        *identity_columns(),
        belonging("package_id", "packages", first=True),
        belonging("finished_good_id", "finished_goods"),
        Column("quantity", Integer, nullable=False, default=1, server_default=text("1")),
        Column("notes", Text),
        *stamp_columns(),
        UniqueConstraint("package_id", "finished_good_id", name="uq_package_items_package_id"),
        more_than_none("package_items"),
        sqlite_autoincrement=True,
    )
    return Entity(
        table,
        keys=[("package_id", "finished_good_id")],
        lookups={
            "package_id": {"package_slug": "slug", "package_name": "name"},
            "finished_good_id": {"finished_good_slug": "slug", "finished_good_name": "name"},
        },
    )


@hookimpl
def bakeio_entities(metadata: MetaData) -> list[Entity]:
    """Declare `finished_goods`, `packages` and what they are made of."""
    goods = named_table("finished_goods", metadata, Column("description", Text))
    packages = named_table("packages", metadata, Column("description", Text))
    content = ("name", "description")
    known = {"keys": ["slug"], "content": content, "label": "name", "slug_from": ("name",)}
    return [
        Entity(goods, **known),  # type: ignore[arg-type]
        Entity(packages, **known),  # type: ignore[arg-type]
        _items(metadata),
        _package_items(metadata),
    ]
