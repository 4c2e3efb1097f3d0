"""`bakeio demo`: the whole story on a sample database, in a folder of its own."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import click

WIDTH = 80


@click.command()
@click.argument("directory", default="demo", type=click.Path(path_type=Path, file_okay=False))
def demo(directory: Path) -> None:
    """Show what bakeio does, in a new DIRECTORY with a sample bakery."""
    from bakeio_core import Bakeio, ImportRefused, UsageError, connect
    from bakeio_core.database import begin_read, begin_write

    if directory.exists() and any(directory.iterdir()):
        if not (directory / "bakery.db").exists():
            raise UsageError(f"{directory} holds other files: choose a new folder, bakeio demo FOLDER")
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    core, home, copy = Bakeio.discover(), directory / "bakery.db", directory / "copy.db"
    engine, second = connect(home), connect(copy)
    tell = click.echo

    tell(f"1. A small bakery in {home}")
    with begin_write(engine) as db:
        core.create_tables(db)
        sample = core.load_sample(db)
    for name, counts in sample.entities.items():
        tell(f"     {name:<18} {counts['created']:>4} records")

    tell(f"\n2. Everything out as files: bakeio -d {home} export-complete")
    with begin_read(engine) as db:
        done = core.export_complete(db, directory / "backup")
    for file in sorted(done.folder.iterdir()):
        tell(f"     {file!s:<38} {file.stat().st_size:>8,} bytes")

    tell(f"\n3. Is the backup whole? bakeio validate-export {done.folder}")
    problems = core.validate(done.folder)
    tell(f"     {len(done.counts)} files, {sum(done.counts.values())} records, {problems.errors} problems")

    tell(f"\n4. Rebuild it anywhere: bakeio -d {copy} import-complete {done.folder}")
    with begin_write(second) as db:
        core.create_tables(db)
        first = core.import_complete(db, done.folder)
    with begin_write(second) as db:
        again = core.import_complete(db, done.folder)
    tell(
        f"     first time: {first.summary['created']} created; once more: {again.summary['created']} created, {again.summary['updated']} changed"
    )

    tell(f"\n5. Somebody mistypes a shop three times in {directory / 'edited'}:")
    broken = shutil.copytree(done.folder, directory / "edited")
    purchases = broken / "04_purchases.json"
    right, wrong = '"supplier_slug":"costco_waltham_ma","supplier_name":"Costco"', '"supplier_slug":null,"supplier_name":"Cosco"'
    purchases.write_text(purchases.read_text("utf-8").replace(right, wrong, 3), "utf-8")
    try:
        with begin_write(second) as db:
            core.import_complete(db, broken, accept_edits=True)
    except ImportRefused as refused:
        problem = next(p for p in refused.problems if p.severity == "error")
        for line in (*textwrap.wrap(str(problem), WIDTH - 5), str(refused)):
            tell(f"     {line}")
    for used in (engine, second):
        used.dispose()
    tell(f"\nNow you:  bakeio -d {home} export-complete --zip")
