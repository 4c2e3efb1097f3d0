"""The texts of a new package, one for each kind of plugin; `$` marks what is filled in."""

from __future__ import annotations

PYPROJECT = """[build-system]
requires = ["hatchling>=1.24"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "A plugin for bakeio"
readme = "README.md"
requires-python = ">=3.10"
dependencies = [$needs]

[project.optional-dependencies]
test = ["bakeio[testing]"]
$points
[tool.hatch.build.targets.wheel]
packages = ["$module"]
"""

README = """# $distribution

$about

```sh
python -m pip install --editable ".[test]"
python -m pytest
bakeio plugins
```

`bakeio doctor` says what is wrong while you write, with file and line.
"""

ABOUT = {
    "view": "The view `$name` of `$entity`: `bakeio export-view $name`.",
    "entity": "The table `$name`: `bakeio upgrade` adds it to a database that is there.",
    "format": "The format `$name`: `bakeio export-view VIEW --format $name`.",
    "resolver": "Answers for `$entity` that a file calls by another name.",
    "command": "The command `bakeio $command`.",
}

MODULES = {
    "view": '''"""The view $name: what it shows and what may be edited, in `bakeio_views`."""

from __future__ import annotations

from bakeio_core import View, $roles


@hookimpl
def bakeio_views() -> View:
    """Declare `view_$name.json`."""
    return View(
        name="$name",
        entity="$entity",
        purpose="Look through $entity and edit them",
        fields={
$fields
        },
    )
''',
    "entity": '''"""The table $name, by which keys its rows are known, and a sample of two rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData, String, Table, Text

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `$name`."""
    table = Table(
        "$name",
        metadata,
        *identity_columns(),
        Column("slug", String(100), nullable=False, unique=True, index=True),
        Column("name", String(200), nullable=False),
        Column("notes", Text),
        *stamp_columns(),
    )
    return Entity(table, keys=["slug"], label="name", slug_from=("name",))


@hookimpl
def bakeio_sample() -> dict[str, list[dict[str, Any]]]:
    """Give `bakeio init --sample` two rows."""
    return {
        "$name": [
            {"id": 1, "slug": "first", "name": "The first"},
            {"id": 2, "slug": "second", "name": "The second"},
        ]
    }
''',
    "format": '''"""The format $name: a line of JSON for each row of a sheet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import IO, Any

from bakeio_core import Format, Sheet, SheetRows, hookimpl


@hookimpl
def bakeio_formats() -> Format:
    """Declare `--format $name`."""
    return Format(name="$name", suffix=".$name", write=write, read=read)


def write(file: IO[bytes], sheets: Sequence[Sheet]) -> None:
    """Write the one sheet there is: its headings, then its rows."""
    (sheet,) = sheets
    for row in ([column.name for column in sheet.columns], *sheet.rows):
        file.write(json.dumps(list(row), ensure_ascii=False, default=_plain).encode() + b"\\n")


def read(file: IO[bytes]) -> Iterator[SheetRows]:
    """Give the rows back, numbered from 1, each when it is asked for."""
    rows = (json.loads(line, parse_float=Decimal) for line in file)
    yield SheetRows(name="", rows=enumerate(rows, 1))


def _plain(value: Any) -> Any:
    """Write a decimal as a number, and a day as its text."""
    return float(value) if isinstance(value, Decimal) else str(value)
''',
    "resolver": '''"""Answers for $entity that a file calls by another name than the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bakeio_core import Decision, Missing, hookimpl

KNOWN: Mapping[str, str] = {"what the file says": "the $key it means"}


@hookimpl
def bakeio_resolve_references(missing: Sequence[Missing]) -> dict[Missing, Decision]:
    """Answer what is known, and leave the rest to others: never guess."""
    answers = {}
    for item in missing:
        said = next((KNOWN[value] for value in item.key.values() if value in KNOWN), None)
        if item.entity == "$entity" and said is not None:
            answers[item] = Decision.existing($key=said)
    return answers
''',
    "command": '''"""The command `bakeio $command`: how many rows each table has."""

from __future__ import annotations

import click
from sqlalchemy import func, select

from bakeio_core import Session, json_option


@click.command()
@json_option
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """Count the rows of every table."""
    with session.reading() as db:
        counts = {
            name: db.execute(select(func.count()).select_from(entity.table)).scalar_one()
            for name, entity in session.bakeio.catalog.entities.items()
        }
    if as_json:
        session.result_json({"rows": counts})
        return
    for name, count in counts.items():
        session.result(f"{name:<24} {count:>9,}")
''',
}

TEST = '''"""Every check of bakeio's kit, on real databases."""

from bakeio_core.testing import conformance

test_$name = conformance("$distribution")
'''

TEST_OF_COMMAND = '''"""The command, as somebody types it."""

import subprocess
import sys
from pathlib import Path


def bakeio(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bakeio_core", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_the_command_counts_rows(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    bakeio("--database", database, "init")
    assert " 0" in bakeio("--database", database, "$command").stdout
'''
