"""The bulk step decides what is easy, and never otherwise than it would be decided with care."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.care import with_care
from support.databases import rows_of
from support.files import resign

from bakeio_core import Bakeio, ImportRefused, connect
from bakeio_core.database import begin_read, begin_write
from bakeio_core.files.documents import scanner
from bakeio_core.importing.bulk.part import Decided
from bakeio_core.importing.bulk.step import Bulk
from bakeio_core.importing.linking import link

Edit = tuple[str, int, str, Any]
FILES = {
    "suppliers": "01_suppliers.json",
    "ingredients": "02_ingredients.json",
    "products": "03_products.json",
    "purchases": "04_purchases.json",
    "inventory_items": "05_inventory_items.json",
}
FIELDS = {
    "suppliers": ("slug", "name", "city", "notes", "uuid"),
    "ingredients": ("slug", "display_name", "category"),
    "products": ("slug", "ingredient_slug", "brand", "package_size", "supplier_slug", "uuid"),
    "purchases": ("product_slug", "supplier_name", "unit_price", "purchase_date", "uuid"),
    "inventory_items": ("product_slug", "purchase_uuid", "quantity", "location", "purchase_id"),
}
value = st.one_of(
    st.none(),
    st.sampled_from(["costco_waltham_ma", "Costco", "KING", "A new text", "", "e\u0301"]),
    st.sampled_from([0, 1, 2.5, 1000.125, -1, 99_999]),
)
edit = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda entity: st.tuples(
        st.just(entity), st.integers(0, 60), st.sampled_from(FIELDS[entity]), value
    )
)
copy = st.tuples(st.sampled_from(sorted(FIELDS)), st.integers(0, 60))


def changed(folder: Path, edits: list[Edit], copies: list[tuple[str, int]], header: bool) -> None:
    """Change a set's folder: fields of records, records that stand twice, whose set it is."""
    for entity, name in FILES.items():
        path = folder / name
        contents = json.loads(path.read_text("utf-8"))
        records = contents["records"]
        for of, index, field, new in edits:
            if of == entity:
                records[index % len(records)][field] = new
        records += [dict(records[i % len(records)]) for of, i in copies if of == entity]
        contents["record_count"] = len(records)
        lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in records)
        head = json.dumps({**contents, "records": []}).removesuffix("]}")
        path.write_text(head + "\n" + lines + "\n]}\n", "utf-8")
    if header:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        manifest["database_id"] = "00000000-0000-4000-8000-000000000000"
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    resign(folder)


def outcome(core: Bakeio, url: str, folder: Path, **options: Any) -> tuple[Any, ...]:
    """Plan and import a set; return what is said and what is in the database then."""
    engine = connect(url)
    with begin_read(engine) as db:
        planned = core.plan(db, folder, **options).report
    try:
        with begin_write(engine) as db:
            report = core.import_(db, folder, **options)
    except ImportRefused as refused:
        report = refused.report
    engine.dispose()
    said = [
        (dict(r.summary), sorted(str(problem) for problem in r.problems), r.refused)
        for r in (planned, report)
    ]
    return said, {
        table: [[cell for cell in row if not _is_made(cell)] for row in rows]
        for table, rows in rows_of(url).items()
    }


def _is_made(cell: Any) -> bool:
    """Tell whether a cell is a moment, or an identity that was made at random."""
    text = str(cell)
    is_moment = text.startswith("20") and ":" in text
    return is_moment or re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{21}", text) is not None


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder


@pytest.mark.parametrize("start", ["empty", "sample"])
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    edits=st.lists(edit, max_size=5),
    copies=st.lists(copy, max_size=2),
    header=st.booleans(),
    options=st.sampled_from(
        [
            {},
            {"skip_errors": True},
            {"mode": "skip-existing", "skip_errors": True},
            {"mode": "update-only", "skip_errors": True},
            {"on_conflict": "take-file", "skip_errors": True},
        ]
    ),
)
def test_a_set_comes_out_alike_in_bulk_and_with_care(
    core: Bakeio,
    sample_database: Path,
    sample_set: Path,
    home: Path,
    start: str,
    edits: list[Edit],
    copies: list[tuple[str, int]],
    header: bool,
    options: dict[str, Any],
) -> None:
    folder = home / "set"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sample_set, folder)
    changed(folder, edits, copies, header)
    outcomes = []
    for careful in (False, True):
        url = home / f"{careful}.db"
        for old in home.glob(f"{careful}.db*"):
            old.unlink()
        if start == "sample":
            url.write_bytes(sample_database.read_bytes())
        else:
            engine = connect(url)
            with begin_write(engine) as db:
                core.create_tables(db)
            engine.dispose()
        with pytest.MonkeyPatch.context() as patched:
            if careful:
                with_care(patched)
            outcomes.append(outcome(core, str(url), folder, **options))
    assert outcomes[0] == outcomes[1]


@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edits=st.lists(edit, min_size=1, max_size=5), copies=st.lists(copy, max_size=2))
def test_a_set_of_another_bakery_comes_out_alike_on_both_databases(
    core: Bakeio,
    new_bakery: Callable[[], str],
    sample_set: Path,
    home: Path,
    edits: list[Edit],
    copies: list[tuple[str, int]],
) -> None:
    folder = home / "set"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sample_set, folder)
    changed(folder, edits, copies, True)
    in_bulk = outcome(core, new_bakery(), folder, skip_errors=True)
    with pytest.MonkeyPatch.context() as patched:
        with_care(patched)
        assert outcome(core, new_bakery(), folder, skip_errors=True) == in_bulk


def test_what_refers_to_a_refused_duplicate_by_its_id_is_refused_too(
    core: Bakeio, bakery: str, folder: Path
) -> None:
    added: dict[str, dict[str, Any]] = {
        "suppliers": {"id": 777, "notes": "another"},
        "purchases": {
            "id": 9002,
            "uuid": "00000000-0000-4000-8000-00000000abce",
            **dict.fromkeys(("supplier_slug", "supplier_name")),
            "supplier_id": 777,
        },
    }
    for entity, new in added.items():
        path = folder / FILES[entity]
        contents = json.loads(path.read_text("utf-8"))
        contents["records"].append({**contents["records"][0], **new})
        path.write_text(json.dumps(contents), "utf-8")
    changed(folder, [], [], True)
    engine = connect(bakery)
    with begin_write(engine) as db:
        report = core.import_(db, folder, skip_errors=True)
    engine.dispose()
    assert report.summary["created"] == 0
    errors = {problem.code for problem in report.problems if problem.severity == "error"}
    assert errors == {"duplicate-key", "missing-reference"}


def test_a_set_of_the_sample_is_decided_in_bulk_alone(
    core: Bakeio, bakery: str, sample_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the bulk step leaves to care of an unedited set is nothing: else it would be slow."""
    left: list[int] = []
    decide: Callable[..., Decided] = Bulk.decide

    def watched(self: Bulk, *given: Any) -> Decided:
        decided = decide(self, *given)
        left.append(len(decided.rest))
        return decided

    monkeypatch.setattr(Bulk, "decide", watched)
    engine = connect(bakery)
    with begin_write(engine) as db:
        report = core.import_(db, sample_set)
    engine.dispose()
    assert report.summary["unchanged"] == report.summary["processed"]
    assert sum(left) == 0


def test_numbers_of_rows_decided_in_bulk_are_shown_as_short_as_others(
    core: Bakeio, bakery: str, tmp_path: Path
) -> None:
    new = {
        "product_slug": "king_arthur_unbleached_all_purpose_flour_25lb",
        "supplier_name": "Wegmans",
    }
    new |= {"purchase_date": "2031-05-01", "unit_price": 8694, "quantity_purchased": 1}
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps({"view_name": "purchases", "records": [new]}))
    engine = connect(bakery)
    with begin_read(engine) as db:
        plan = core.plan(db, path)
    engine.dispose()
    assert repr(plan.changes[0].new["unit_price"]) == "8694"


def test_what_is_forgotten_between_blocks_is_looked_up_again(
    core: Bakeio,
    new_database: Callable[[], str],
    sample_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scanner, "BLOCK", 1 << 12)
    monkeypatch.setattr(link, "REMEMBERED", 3)
    engine, view = connect(new_database()), tmp_path / "v.json"
    with begin_write(engine) as db:
        made = core.import_complete(db, sample_set)
        home = core.import_(db, sample_set)
        core.export_view(db, "purchases", view)
        document = json.loads(view.read_text("utf-8"))
        for record in document["records"]:
            record["notes"] = "by hand"
        view.write_text(json.dumps(document), "utf-8")
        edited = core.import_(db, view)
    engine.dispose()
    assert made.summary["created"] == made.summary["processed"]
    assert home.summary["unchanged"] == home.summary["processed"]
    assert edited.summary["updated"] == len(document["records"])
