"""Formats plugins bring: a view out and back in through them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest
from support.commands import Ran
from support.databases import rows_of

from bakeio_core import Bakeio, Format, PluginError, Sheet, SheetRows, UsageError, connect, hookimpl
from bakeio_core.database.connect import begin_read, begin_write

Run = Callable[..., Ran]


def write(file: IO[bytes], sheets: Sequence[Sheet]) -> None:
    (sheet,) = sheets
    for row in ([column.name for column in sheet.columns], *sheet.rows):
        file.write(json.dumps(list(row), default=float).encode() + b"\n")


def read(file: IO[bytes]) -> Iterator[SheetRows]:
    yield SheetRows("", enumerate(map(json.loads, file), 1))


class Tables:
    @staticmethod
    @hookimpl
    def bakeio_formats() -> Format:
        return Format(name="table", suffix=".table", write=write, read=read)


class Broken:
    @staticmethod
    @hookimpl
    def bakeio_formats() -> Format:
        return Format(name="broken", suffix=".broken", write=lambda *_: 1 / 0, read=lambda _: 1 / 0)  # type: ignore[arg-type,return-value]


def test_a_view_goes_out_in_a_plugins_format_and_edits_come_back(
    sample: Path, tmp_path: Path
) -> None:
    core, engine = Bakeio.discover(plugins=[Tables]), connect(sample)
    path = tmp_path / "view_products.table"
    with begin_read(engine) as db:
        assert core.export_view(db, "products", path) == 81
    before = rows_of(sample)
    with begin_write(engine) as db:
        assert core.import_(db, path).summary["unchanged"] == 81
    assert rows_of(sample) == before
    text = path.read_text("utf-8")
    path.write_text(text.replace('"King Arthur"', '"King Arthur Baking"', 1), "utf-8")
    with begin_write(engine) as db:
        assert core.import_(db, path).summary["updated"] == 1
    engine.dispose()


def test_a_format_that_fails_is_named_and_nothing_is_written(sample: Path, tmp_path: Path) -> None:
    core, engine, path = Bakeio.discover(plugins=[Broken]), connect(sample), tmp_path / "x.broken"
    with begin_read(engine) as db, pytest.raises(PluginError, match="format broken cannot write"):
        core.export_view(db, "products", path)
    assert not path.exists()
    path.write_text("anything")
    with pytest.raises(PluginError, match="format broken cannot read"):
        core.open(path)
    engine.dispose()


def test_an_unknown_format_is_refused(core: Bakeio, sample: Path, tmp_path: Path) -> None:
    engine = connect(sample)
    with begin_read(engine) as db, pytest.raises(UsageError, match='there is no format "clay"'):
        core.export_view(db, "products", tmp_path / "x", format="clay")
    engine.dispose()


def test_the_ending_of_a_file_says_its_format_and_none_is_guessed(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    blocked = run("-d", sample, "--block", "csv", "export-view", "products", "-o", "p.csv")
    assert blocked.code == 2
    assert "no installed format writes .csv files" in blocked.err
    assert not Path("p.csv").exists()
    path = tmp_path / "odd.csv"
    assert run("-d", sample, "export-view", "products", "-o", path, "--format", "json").code == 0
    assert path.read_bytes().startswith(b"{")
    assert run("-d", sample, "import-view", path).code == 1
    assert "81 unchanged" in run("-d", sample, "import-view", path, "--format", "json").out
