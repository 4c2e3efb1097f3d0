"""An application's own tables as a plugin, in databases of either system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table

from bakeio_core import Bakeio, Entity, View, connect, hookimpl, identity_columns
from bakeio_core.database.connect import begin_read, begin_write

BAKERY = ("suppliers", "ingredients", "products", "purchases", "inventory", "sample")


def bakeio_with(
    declare: Callable[[MetaData], Sequence[Entity]], views: Sequence[View] = ()
) -> Bakeio:
    """A `Bakeio` that knows these entities and nothing of the bakery."""

    class Plugin:
        @hookimpl
        def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
            return list(declare(metadata))

        @hookimpl
        def bakeio_views(self) -> list[View]:
            return list(views)

    core = Bakeio.discover(block=BAKERY, plugins=[Plugin()])
    assert not core.broken(), core.broken()
    return core


def things(*columns: Column[Any], **options: Any) -> Callable[[MetaData], list[Entity]]:
    """Declare one table `things`: id, uuid, a unique `name` as its key, and these columns."""

    def declare(metadata: MetaData) -> list[Entity]:
        named = Column("name", String(40), nullable=False, unique=True)
        own = [column._copy() for column in columns]
        table = Table("things", metadata, *identity_columns(), named, *own)
        return [Entity(table, **{"keys": ["name"], **options})]

    return declare


@contextmanager
def writing(url: str | Path) -> Iterator[Connection]:
    engine = connect(url)
    try:
        with begin_write(engine) as db:
            yield db
    finally:
        engine.dispose()


@contextmanager
def reading(url: str | Path) -> Iterator[Connection]:
    engine = connect(url)
    try:
        with begin_read(engine) as db:
            yield db
    finally:
        engine.dispose()


def made(core: Bakeio, url: str) -> str:
    """Make the tables; return the database."""
    with writing(url) as db:
        core.create_tables(db)
    return url
