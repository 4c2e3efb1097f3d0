"""`bakeio demo`: the whole story on a sample database, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bakeio_core import Report

WIDTH = 80
MADE = "demo.json"
"""What a demo left in its folder: {file: SHA-256}.

So the next one knows whether anybody has put work into it since.
"""
BARCODES = ("071012010103", "036000291452", "012345678905")


@click.command()
@click.argument("directory", default="demo", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--json", "as_json", is_flag=True, help="Print the story as one JSON object on stdout."
)
def demo(directory: Path, as_json: bool) -> None:
    """Show what bakeio does, in a new DIRECTORY with a sample bakery."""
    told: list[str] = []
    tell = told.append if as_json else click.echo
    story = Story(_fresh(directory), tell)
    try:
        for chapter in (
            story.bakery,
            story.backup,
            story.restore,
            story.enrich,
            story.receipt,
            story.undo,
        ):
            chapter()
    finally:
        story.close()
    (directory / MADE).write_text(json.dumps(_contents(directory), indent=1) + "\n", "utf-8")
    tell(f"\nNow you:  bakeio -d {directory / 'bakery.db'} export-view products -o mine.json")
    if as_json:
        click.echo(json.dumps({"folder": str(directory), "story": "\n".join(told).split("\n")}))


def _fresh(directory: Path) -> Path:
    """Empty the folder of an earlier demo.

    One that holds anything else, or was worked in since, is left alone.
    """
    from bakeio_core import UsageError

    directory.mkdir(parents=True, exist_ok=True)
    names, made = sorted(path.name for path in directory.iterdir()), _made(directory)
    if not names:
        return directory
    # a folder that is not a demo's is not read through
    there = _contents(directory) if made else dict.fromkeys(names, "")
    others = sorted({name for name, _ in there.items() ^ made.items()})
    if others:
        raise UsageError(
            f"{directory} is not as a demo left it ({others[0]}): "
            "choose a new folder, bakeio demo FOLDER"
        )
    for name in (*there, MADE):
        (directory / name).unlink()
    (directory / "backup").rmdir()
    return directory


def _contents(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder.

    What is not a regular file there, and a folder without any, has an empty one.
    """
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and not path.is_symlink():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif name != "backup" or path.is_symlink() or not any(path.iterdir()):
            found[name] = ""
    return {name: sha for name, sha in found.items() if name != MADE}


def _made(directory: Path) -> dict[str, str]:
    try:
        made = json.loads((directory / MADE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: str(sha) for name, sha in made.items()} if isinstance(made, dict) else {}


class Story:
    """The chapters of the demo, told line by line."""

    def __init__(self, folder: Path, tell: Callable[[str], object]) -> None:
        from bakeio_core import Bakeio, connect

        self.folder, self.tell, self.core = folder, tell, Bakeio.discover()
        self.home, self.copy = folder / "bakery.db", folder / "copy.db"
        self.engine, self.second = connect(self.home), connect(self.copy)

    def close(self) -> None:
        self.engine.dispose()
        self.second.dispose()

    def say(self, text: str) -> None:
        # options stay whole
        unbroken = textwrap.TextWrapper(WIDTH - 5, break_long_words=False, break_on_hyphens=False)
        for line in unbroken.wrap(text):
            self.tell(f"     {line}")

    def command(self, words: str) -> None:
        """Tell the command that does the same, whole: it is there to be copied."""
        whole = f"bakeio -d {self.home} {words}"
        unbroken = textwrap.TextWrapper(
            WIDTH - 8, break_long_words=False, break_on_hyphens=False, subsequent_indent="   "
        )
        for line in " \\\n".join(unbroken.wrap(whole)).split("\n"):
            self.tell(f"   {line}")

    def bakery(self) -> None:
        from bakeio_core.database.connect import begin_write

        self.tell(f"1. A small bakery in {self.home}")
        with begin_write(self.engine) as db:
            self.core.create_tables(db)
            sample = self.core.load_sample(db)
        self.say(
            ", ".join(f"{counts['created']} {name}" for name, counts in sample.entities.items())
        )

    def backup(self) -> None:
        from bakeio_core.database.connect import begin_read

        self.tell("\n2. Everything out as files:")
        self.command(f"export-complete -o {self.folder / 'backup'} --force")
        with begin_read(self.engine) as db:
            done = self.core.export_complete(db, self.folder / "backup")
        for file in sorted(done.folder.glob("0*.json")):
            self.tell(f"     {file!s:<38} {file.stat().st_size:>8,} bytes")
        problems = self.core.validate(done.folder)
        self.say(
            f"bakeio validate-export {done.folder}: {sum(done.counts.values())} records, "
            f"{problems.errors} problems"
        )

    def restore(self) -> None:
        self.tell("\n3. Rebuild it anywhere:")
        self.tell(f"   bakeio -d {self.copy} import-complete {self.folder / 'backup'}")
        first, again = self._import(self.second, "backup"), self._import(self.second, "backup")
        self.say(
            f"first time {first.summary['created']} created; once more "
            f"{again.summary['created']} created, {again.summary['updated']} changed"
        )

    def _import(self, engine: Any, name: str, **options: Any) -> Report:
        from bakeio_core.database.connect import begin_write

        with begin_write(engine) as db:
            self.core.create_tables(db)
            return self.core.import_(db, self.folder / name, **options)

    def _view(self, name: str, **narrowed: Any) -> Any:
        from bakeio_core.database.connect import begin_read

        path = self.folder / f"view_{name}.json"
        with begin_read(self.engine) as db:
            self.core.export_view(db, self.core.view(name).narrow(**narrowed), path)
        return json.loads(path.read_text("utf-8"))

    def enrich(self) -> None:
        from bakeio_core.database.connect import begin_write
        from bakeio_core.history.reports.report import differing

        path = self.folder / "view_products.json"
        self.tell("\n4. An assistant looks up barcodes:")
        self.command(f"export-view products --missing upc_code -o {path} --force")
        document = self._view("products", missing=["upc_code"])
        for record, code in zip(document["records"], BARCODES, strict=False):
            record["upc_code"] = code
        (self.folder / "view_products.json").write_text(
            json.dumps(document, ensure_ascii=False, indent=1), "utf-8"
        )
        self.say(f"{document['record_count']} products lack one, {len(BARCODES)} are filled in")
        with begin_write(self.engine) as db:
            db.exec_driver_sql(
                "UPDATE products SET notes = 'On offer this week' WHERE id = ?",
                (document["records"][0]["product_id"],),
            )
        self.say("meanwhile somebody writes a note into the database")
        preview = self._import(self.engine, "view_products.json", dry_run=True)
        for change in preview.changes[:2]:
            for column, before, after in differing(change):
                self.say(
                    f"--dry-run: record {change.record}, {column}: {before or 'null'} -> {after}"
                )
        done = self._import(self.engine, "view_products.json")
        self.say(
            f"import-view: {done.summary['updated']} updated, "
            f"{done.summary['unchanged']} unchanged; the note is still there"
        )

    def receipt(self) -> None:
        from bakeio_core import ImportRefused

        self.tell("\n5. A receipt of a shop nobody knows:")
        self.command(f"import-view {self.folder / 'view_purchases.json'}")
        document = self._view("purchases", limit=2)
        new = {
            "product_slug": document["records"][0]["product_slug"],
            "supplier_name": "Wilson's Farm",
            "purchase_date": "2025-12-20",
        }
        document["records"] += [
            {**new, "unit_price": price, "quantity_purchased": 1} for price in (4.25, 3.99, 6.5)
        ]
        (self.folder / "view_purchases.json").write_text(
            json.dumps(document, ensure_ascii=False, indent=1), "utf-8"
        )
        try:
            self._import(self.engine, "view_purchases.json")
        except ImportRefused as refused:
            problem = next(problem for problem in refused.problems if problem.severity == "error")
            self.say(str(problem))
            self.say(str(refused))
        done = self._import(self.engine, "view_purchases.json", create=["suppliers"])
        (created,) = done.created_entities["suppliers"]
        self.say(
            f"--auto-create suppliers: made {created['slug']} once, "
            f"{done.summary['created']} purchases created"
        )

    def undo(self) -> None:
        from bakeio_core.database.connect import begin_write

        self.tell("\n6. On second thoughts:")
        self.command("undo")
        with begin_write(self.engine) as db:
            back = self.core.undo(db)
        self.say(
            ", ".join(
                f"{counts['deleted']} {name} deleted"
                for name, counts in back.entities.items()
                if counts["deleted"]
            )
        )
