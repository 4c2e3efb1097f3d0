"""Formats plugins bring: a view out and back in through them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import pytest
from support.databases import rows_of

from bakeio_core import Bakeio, Format, UsageError, connect, hookimpl
from bakeio_core.database.connect import begin_read, begin_write


def write(file: IO[bytes], header: dict[str, Any], records: Iterable[dict[str, Any]]) -> None:
    text = io.StringIO()
    text.write(json.dumps(header) + "\n")
    rows = list(records)
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows([{name: json.dumps(value) for name, value in row.items()} for row in rows])
    file.write(text.getvalue().encode())


def read(file: IO[bytes]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    header, _, body = file.read().decode().partition("\n")
    return json.loads(header), [
        {n: json.loads(v) for n, v in row.items()} for row in csv.DictReader(io.StringIO(body))
    ]


class Tables:
    @staticmethod
    @hookimpl
    def bakeio_formats() -> Format:
        return Format(name="table", suffix=".table", write=write, read=read)


def test_a_view_goes_out_in_a_plugins_format_and_edits_come_back(
    sample: Path, tmp_path: Path
) -> None:
    core, engine, path = (
        Bakeio.discover(plugins=[Tables]),
        connect(sample),
        tmp_path / "view_products.table",
    )
    with begin_read(engine) as db:
        assert core.export_view(db, "products", path, format="table") == 81
    before = rows_of(sample)
    with begin_write(engine) as db:
        assert core.import_(db, path).summary["unchanged"] == 81
    assert rows_of(sample) == before
    path.write_text(
        path.read_text("utf-8").replace('"""King Arthur"""', '"""King Arthur Baking"""', 1), "utf-8"
    )
    with begin_write(engine) as db:
        assert core.import_(db, path).summary["updated"] == 1
    engine.dispose()


def test_an_unknown_format_is_refused(core: Bakeio, sample: Path, tmp_path: Path) -> None:
    engine = connect(sample)
    with begin_read(engine) as db, pytest.raises(UsageError, match="none besides JSON"):
        core.export_view(db, "products", tmp_path / "x", format="clay")
    engine.dispose()
