"""Ovens, each bought from a supplier: what a stranger's plugin looks like."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Date, ForeignKey, Integer, MetaData, Numeric, String, Table

from bakeio_core import Entity, hookimpl


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `ovens`."""
    ovens = Table(
        "ovens",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("slug", String(50), nullable=False, unique=True),
        Column("title", String(100), nullable=False),
        Column("supplier_id", Integer, ForeignKey("suppliers.id"), nullable=False),
        Column("volume", Numeric(8, 2)),
        Column("bought_on", Date),
    )
    return Entity(
        ovens, keys=["slug"], lookups={"supplier_id": {"supplier_slug": "slug"}}, label="title"
    )


@hookimpl
def bakeio_sample() -> dict[str, list[dict[str, Any]]]:
    """Give two ovens, from suppliers of the sample."""
    deck = {
        "slug": "deck",
        "title": "Deck oven №1",
        "supplier_slug": "costco_waltham_ma",
        "volume": 350.25,
        "bought_on": "2024-12-05",
    }
    return {
        "ovens": [
            deck,
            {"slug": "rack", "title": "Rack oven", "supplier_slug": "wegmans_burlington_ma"},
        ]
    }
