"""The database of a real application, read as it is: its tables are reflected, none declared."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, create_engine
from support.keyed_tables import BUNDLED

from bakeio_core import Bakeio, Entity, connect, hookimpl

DATABASE = Path(__file__).parents[2] / "shared" / "data" / "bake-tracker.db"
pytestmark = pytest.mark.skipif(not DATABASE.exists(), reason=f"{DATABASE.name} is not here")


class Reflected:
    """Every table of the application, by its own keys and foreign keys alone."""

    def __init__(self, engine: Engine) -> None:
        self.tables = MetaData()
        self.tables.reflect(engine)

    @hookimpl
    def bakeio_entities(self) -> list[Entity]:
        """Declare them."""
        return [Entity(table) for table in self.tables.tables.values()]


def rows_of(engine: Engine, names: list[str]) -> dict[str, list[str]]:
    with engine.begin() as db:
        return {
            name: sorted(map(repr, db.exec_driver_sql(f'SELECT * FROM "{name}"').all()))
            for name in names
        }


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_all_its_tables_go_round_cell_by_cell(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    shutil.copy(DATABASE, tmp_path / "application.db")
    plugin = Reflected(create_engine(f"sqlite:///{tmp_path / 'application.db'}"))
    names = list(plugin.tables.tables)
    bakeio = Bakeio.discover(block=[*BUNDLED, "view_reorder"], plugins=[plugin])
    assert (bakeio.broken(), len(bakeio.catalog.entities)) == ([], 55)
    application, empty = connect(tmp_path / "application.db"), connect(new_database())
    before = rows_of(application, names)
    with application.begin() as db:
        bakeio.export_complete(db, tmp_path / "set")
    assert list(bakeio.validate(tmp_path / "set")) == []
    with empty.begin() as db:
        plugin.tables.create_all(db)
        assert bakeio.import_complete(db, tmp_path / "set").summary["created"] == 1516
    assert rows_of(empty, names) == before
    for engine in (empty, application):
        with engine.begin() as db:
            again = bakeio.import_complete(db, tmp_path / "set")
            assert again.summary["unchanged"] == again.summary["processed"] == 1516
    assert rows_of(application, names) == before
    with empty.begin() as db:
        assert bakeio.undo(db, 1).exit_code == 0
    assert rows_of(empty, names) == {name: [] for name in names}
