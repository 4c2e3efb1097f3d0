"""Send views through LibreOffice and back: what nobody edited is unchanged, what somebody did is.

    python tests/libreoffice.py [--databases N] [--rows N] [--seed N]

Opens workbooks and CSV files of the sample, of the real data (where it lies beside the project) and
of N made-up databases in LibreOffice, without a window; saves them as XLSX, as CSV and as CSV on a
German machine; and imports what comes back. Nothing may change but ten edits made on the way.
It needs `soffice` (the package libreoffice-calc-nogui).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bakeio_core import Bakeio, connect
from bakeio_core.database.connect import begin_write

SOFFICE = shutil.which("soffice")
VIEWS = ("products", "inventory", "purchases")
EDITS = 10
ALL_SHEETS = "44,34,76,1,,0,false,true,false,false,false,-1"
"""A comma, quotes, UTF-8, from the first row, cells as they are shown, every sheet a file."""
GERMAN = ALL_SHEETS.replace("44", "59", 1)
WAYS = {
    "xlsx": ("en-US", "xlsx:Calc MS Excel 2007 XML"),
    "csv": ("en-US", f"csv:Text - txt - csv (StarCalc):{ALL_SHEETS}"),
    "csv de": ("de-DE", f"csv:Text - txt - csv (StarCalc):{GERMAN}"),
    "xlsx de": ("de-DE", "xlsx:Calc MS Excel 2007 XML"),
}
"""{how a file is saved: (country of the machine, filter)}."""
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>{country}</value></prop></item></oor:items>
"""


@dataclass
class Came:
    """What an import of what came back found: how many records it created and updated, and said."""

    created: int
    fields: int
    errors: int
    told: str


def saved(paths: Sequence[Path], way: str, folder: Path) -> list[Path]:
    """Open files in LibreOffice and save them in a way, without a window; return what it wrote."""
    country, filter_ = WAYS[way]
    profile = folder / f"profile-{country}"
    registry = profile / "user" / "registrymodifications.xcu"
    if not registry.exists():
        registry.parent.mkdir(parents=True)
        registry.write_text(_PROFILE.format(country=country), "utf-8")
    target = Path(tempfile.mkdtemp(prefix=way.replace(" ", "-"), dir=folder))
    subprocess.run(
        [
            str(SOFFICE),
            f"-env:UserInstallation={profile.as_uri()}",
            "--headless",
            # the window asks for the encoding of a CSV file and proposes that; without one it is
            # told
            *(["--infilter=CSV:44,34,76,1"] if paths[0].suffix == ".csv" else []),
            "--convert-to",
            filter_,
            "--outdir",
            str(target),
            *map(str, paths),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return sorted(path for path in target.iterdir() if "Read me" not in path.name)


def exported(url: str, folder: Path, views: Sequence[str] = VIEWS) -> list[Path]:
    """Write views as one workbook, and each as a CSV file."""
    core, engine = Bakeio.discover(), connect(url)
    with engine.connect() as db:
        paths = [folder / "bakery.xlsx", *(folder / f"{name}.csv" for name in views)]
        core.export_view(db, views, paths[0])
        for path in paths[1:]:
            core.export_view(db, path.stem, path)
    engine.dispose()
    return paths


def edited(book: Path, count: int = EDITS) -> set[str]:
    """Change cells of the products in a workbook; return what they say now."""
    workbook = openpyxl.load_workbook(book)
    sheet = workbook["products"]
    headings = [cell.value for cell in sheet[1]]
    fields = ("brand", "product_name", "notes", "package_size", "package_unit_quantity")
    written = set[str]()
    for number in range(count):
        name = fields[number % len(fields)]
        cell = sheet.cell(2 + number * 3, headings.index(name) + 1)
        is_number = name.startswith("package")
        cell.value = number + 7.125 if is_number else f"edited, number {number}"
        written.add(str(cell.value))
    workbook.save(book)
    return written


def came_back(url: str, paths: Sequence[Path]) -> Came:
    """Import files in a dry run; return what would change, all of them together."""
    core, engine, came = Bakeio.discover(), connect(url), Came(0, 0, 0, "")
    for path in paths:
        with engine.connect() as db:
            report = core.plan(db, path).report
        came.created += report.summary["created"]
        for change in report.changes:
            came.fields += len(change.new.keys() - {"updated_at"})
        came.errors += report.summary["errors"] + report.summary["conflicts"]
        told = [p for p in report.problems if p.severity == "error"]
        came.told += "".join(f"\n    {problem}" for problem in told[:5])
        came.told += "".join(
            f"\n    {change.old} -> {change.new}" for change in report.changes[:20]
        )
    engine.dispose()
    return came


# -- the databases
def sample(folder: Path) -> str:
    """Make the sample bakery."""
    core, url = Bakeio.discover(), str(folder / "sample.db")
    engine = connect(url)
    with begin_write(engine) as db:
        core.create_tables(db)
        core.load_sample(db)
    engine.dispose()
    return url


def real(folder: Path) -> str | None:
    """Restore the real data, None where they are not here."""
    data = Path(__file__).resolve().parents[2] / "shared" / "data" / "bake-tracker-normalized"
    if not data.exists():
        return None
    core, url = Bakeio.discover(), str(folder / "real.db")
    engine = connect(url)
    with begin_write(engine) as db:
        core.create_tables(db)
        core.import_complete(db, data)
    engine.dispose()
    return url


_SIGNS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co"))
_FORMS = [
    *[
        r"[0-9]{1,10} [0-2]?[0-9]:[0-5][0-9]",
        r"[0-9]{1,3}:[0-9]{2}(:[0-9]{2}([.,][0-9])?)?( [ap]m)?",
    ],
    *[
        r"[$€£] ?[0-9]{1,6}([.,][0-9]{1,3})?",
        r"[0-9]{1,6}([.,][0-9]{1,3})? ?[$€%]",
        r"\(\$?[0-9]{1,4}\)",
    ],
    *[
        r"[0-9]{1,3}([.,][0-9]{3}){1,3}",
        r"[0-9]{1,3}[.,][0-9]{1,4}",
        r"[0-9]{1,3}-",
        r"[0-9]{1,3}[.,]",
    ],
    *[r"[0-9]{1,3}([.,][0-9]{2})?[Ee][+-]?[0-9]{1,3}", r"([0-9]{1,2} )?[0-9]{1,2}/[0-9]{1,2}"],
    *[r"[0-3]?[0-9][./ -][01]?[0-9][./ -]([0-9]{2}|20[0-9]{2})", r"[0-3]?[0-9]\.[01]?[0-9]\."],
    *[
        r"(Mon |Montag )?(Jan|May|Dec|Mai|Dez)[ -]?[0-3]?[0-9](, 20[0-9]{2})?",
        r"[0-3]?[0-9]\. Mai 2026",
    ],
    *[
        r"[0-3]?[0-9]-(Jan|May|Okt)-[0-9]{2}",
        r"2026-01-0[1-9][T ][0-2][0-9]:[0-5][0-9]",
        r" [0-9]{1,4} ",
    ],
    *[r"[+-][0-9]{1,3}", r"(TRUE|False|wahr|FALSCH)"],
]
"""Forms that a spreadsheet of some country takes for a number, a day, a time or a truth."""
_TEXTS = st.one_of(
    st.none(),
    st.text(_SIGNS, min_size=1, max_size=30).filter(lambda text: text == text.strip()),
    st.sampled_from(
        [
            *["007", "1/2", "=1+1", "-x", "TRUE", "3.10", "1E5", "12:30", "'x", "+49", "@a"],
            *["7-11", "1 1/2", "50%", "$5", "1e-5", "Jan 5", "SEPT1", "2026-01-05", "24:00"],
        ]
    ),
    st.sampled_from(_FORMS).flatmap(lambda form: st.from_regex(form, fullmatch=True)),
    st.from_regex(r"[0-9]{1,13}", fullmatch=True),
)
_NUMBERS = st.decimals(min_value="0.001", max_value=9_999_999, places=3)


def made_up(folder: Path, count: int, rows: int, first: int = 4) -> Iterator[str]:
    """Make databases like the sample whose products hold whatever hypothesis thinks of."""
    drawn: list[list[Any]] = []
    one = st.tuples(_TEXTS, _TEXTS, _TEXTS, _NUMBERS)

    @seed(first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(one, min_size=rows, max_size=rows))
    def draw(records: list[Any]) -> None:
        drawn.append(records)

    draw()
    base = folder / "sample.db"
    for number, records in enumerate(drawn[:count]):
        url = folder / f"made{number}.db"
        shutil.copy(base, url)
        with sqlite3.connect(url) as db:
            ids = [row[0] for row in db.execute("SELECT id FROM products ORDER BY id")]
            for identity, (brand, name, notes, size) in zip(ids, records, strict=False):
                db.execute(
                    "UPDATE products SET brand = ?, product_name = ?, notes = ?, package_size = ? "
                    "WHERE id = ?",
                    (brand, name, notes, float(size), identity),
                )
        db.close()
        yield str(url)


def _try(name: str, url: str, folder: Path) -> int:
    """Send the views of a database on all ways; return how many went wrong."""
    here = Path(tempfile.mkdtemp(dir=folder))
    paths, wrong = exported(url, here), 0
    files = {"unedited": paths[:1], "unedited CSV": paths[1:]}
    mine = here / "edited.xlsx"
    shutil.copy(paths[0], mine)
    edited(mine)
    for what, some in {**files, "ten edits": [mine]}.items():
        wanted = EDITS if what == "ten edits" else 0
        for way in WAYS:
            came = came_back(url, saved(some, way, folder))
            is_right = (came.created, came.fields, came.errors) == (0, wanted, 0)
            wrong += not is_right
            state = "right" if is_right else f"WRONG: {came}"
            print(f"{name:<10} {what:<13} saved as {way:<8} {came.fields:>3} changes  {state}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", type=int, default=3, help="made-up databases")
    parser.add_argument("--rows", type=int, default=80, help="products in each that are made up")
    parser.add_argument("--seed", type=int, default=4, help="what the made-up databases begin with")
    chosen = parser.parse_args()
    if SOFFICE is None:
        print("There is no soffice here: install libreoffice-calc-nogui.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as made:
        folder, wrong = Path(made), 0
        wrong += _try("sample", sample(folder), folder)
        url = real(folder)
        if url is None:
            print("real       skipped: the data are not beside the project")
        else:
            wrong += _try("real", url, folder)
        for number, other in enumerate(
            made_up(folder, chosen.databases, chosen.rows, chosen.seed), 1
        ):
            wrong += _try(f"made up {number}", other, folder)
    print(json.dumps({"wrong": wrong}))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
