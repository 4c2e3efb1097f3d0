"""One rule, one room: the same record gives the same answer whichever file it stands in."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from support.databases import MADE_NEW, TABLES, sql
from support.files import indented, lined

from bakeio_core import Bakeio, Changes, Entity, ImportRefused, Report, connect, hookimpl
from bakeio_core.database import begin_write

Contents = dict[str, Any]
SLUG = "king_arthur_unbleached_all_purpose_flour_25lb"


def as_entity_file(records: list[Contents]) -> Contents:
    return {"entity_type": "products", "records": records}


def as_view(records: list[Contents]) -> Contents:
    renamed = [{"product_slug": r["slug"], "notes": r["notes"]} for r in records]
    return {"view_name": "products", "records": renamed}


FORMS = pytest.mark.parametrize("form", [as_entity_file, as_view])


def imported(
    core: Bakeio, url: str, contents: Contents, folder: Path, **options: Any
) -> tuple[Report, dict[str, str | None]]:
    """Import contents and return the report and {slug: notes} of every product with notes."""
    path = folder / "file.json"
    path.write_text(json.dumps(contents))
    engine = connect(url)
    with begin_write(engine) as db:
        report = core.import_(db, path, **options)
        found = db.execute(text("SELECT slug, notes FROM products WHERE notes IS NOT NULL")).all()
    engine.dispose()
    return report, dict(tuple(row) for row in found)


@FORMS
def test_a_slug_in_capitals_alone_is_the_same_row(
    core: Bakeio, bakery: str, tmp_path: Path, form: Callable[[list[Contents]], Contents]
) -> None:
    contents = form([{"slug": SLUG.upper(), "notes": "Keep dry"}])
    report, notes = imported(core, bakery, contents, tmp_path)
    assert report.summary["updated"] == 1
    assert report.summary["created"] == 0
    assert notes[SLUG] == "Keep dry"


@pytest.mark.parametrize("head", [{"entity_type": "products"}, {"view_name": "products"}])
def test_a_row_known_by_a_key_in_other_capitals_keeps_its_own_spelling(
    core: Bakeio, bakery: str, tmp_path: Path, head: Contents
) -> None:
    columns = "brand, product_name, package_size, package_unit, package_unit_quantity"
    found = f"SELECT {columns} FROM products WHERE slug = '{SLUG}'"
    before = sql(bakery, found)
    record = dict(zip(columns.split(", "), before[0], strict=True))
    record |= {"package_size": 25, "package_unit_quantity": 25, "notes": "Keep dry"}
    record |= {"ingredient_slug": "all_purpose_flour", "package_unit": "LB", "brand": "KING ARTHUR"}
    report, notes = imported(core, bakery, {**head, "records": [record]}, tmp_path)
    assert report.summary["updated"] == 1
    assert notes[SLUG] == "Keep dry"
    assert sql(bakery, found) == before


@FORMS
def test_a_row_another_record_means_exactly_is_not_taken_by_folding(
    core: Bakeio, bakery: str, tmp_path: Path, form: Callable[[list[Contents]], Contents]
) -> None:
    both = [{"slug": SLUG.upper(), "notes": "By capitals"}, {"slug": SLUG, "notes": "Keep dry"}]
    report, notes = imported(core, bakery, form(both), tmp_path, skip_errors=True)
    assert report.summary["updated"] == 1
    assert report.summary["errors"] == 1
    assert report.problems[0].code == "missing-field"
    assert notes[SLUG] == "Keep dry"


@FORMS
@pytest.mark.parametrize("mode", ["merge", "skip-existing", "update-only"])
def test_a_file_gives_the_same_counts_whichever_form_it_has(
    core: Bakeio,
    bakery: str,
    tmp_path: Path,
    form: Callable[[list[Contents]], Contents],
    mode: str,
) -> None:
    records = [{"slug": SLUG, "notes": "Keep dry"}, {"slug": SLUG.upper(), "notes": None}]
    report, _ = imported(core, bakery, form(records[:1]), tmp_path, mode=mode)
    expected = "skipped" if mode == "skip-existing" else "updated"
    assert report.summary[expected] == 1


# -- any record, as entity file and as view, in every mode, system and layout
MOST = 4
PRODUCTS: dict[str, st.SearchStrategy[Any]] = {
    "slug": st.sampled_from([SLUG, SLUG.upper(), "new", "New", "another"]),
    "ingredient_slug": st.sampled_from(["all_purpose_flour", "nothing"]),
    "brand": st.sampled_from(["King Arthur", "Acme", None, 5]),
    "product_name": st.sampled_from(["Unbleached All-Purpose Flour", "Fine Flour", None]),
    "package_size": st.sampled_from([25, 2.5, "6.99", "$6.99", 1.23456, None]),
    "package_unit": st.sampled_from(["lb", "oz", "x" * 60]),
    "package_unit_quantity": st.sampled_from([25, "4", 0, -1]),
    "upc_code": st.sampled_from(["036000291452", None]),
    "notes": st.sampled_from(["Keep dry", "Keep", None, ["a"], "x\ny"]),
}
PURCHASES: dict[str, st.SearchStrategy[Any]] = {
    "product_slug": st.sampled_from([SLUG, SLUG.upper(), "nothing"]),
    "supplier_name": st.sampled_from(["Costco", "COSTCO", "Nobody"]),
    "supplier_slug": st.sampled_from(["costco", "wegmans", "nobody"]),
    "purchase_date": st.sampled_from(["2025-02-03", "02/03/2025"]),
    "unit_price": st.sampled_from([4.5, "4.5", -1, 1.23456]),
    "quantity_purchased": st.sampled_from([2, 2.0, 0]),
    "notes": st.sampled_from(["Half off", None]),
}
SUPPLIERS: dict[str, st.SearchStrategy[Any]] = {
    "slug": st.sampled_from(["wegmans_burlington_ma", "WEGMANS-burlington-ma", "new"]),
    "name": st.sampled_from(["Wegmans", "WEGMANS", "Costco", "New Shop", 5]),
    "city": st.sampled_from(["Burlington", "burlington ", None]),
    "state": st.sampled_from(["MA", "ma", None]),
    "zip": st.sampled_from(["01803", "x" * 30, 1803, None]),
}
INGREDIENTS: dict[str, st.SearchStrategy[Any]] = {
    "slug": st.sampled_from(["bread_flour", "BREAD FLOUR", "new"]),
    "display_name": st.sampled_from(["Bread Flour", "bread flour", "Rye Meal"]),
    "category": st.sampled_from(["Flours", "Flour", "x" * 120]),
    "notes": st.sampled_from(["Keep dry", None]),
}
INVENTORY: dict[str, st.SearchStrategy[Any]] = {
    "product_slug": st.sampled_from([SLUG, "lemons_1each", "nothing"]),
    "quantity": st.sampled_from([100, "100", 0, -1, 1.2345]),
    "addition_date": st.sampled_from(["2024-12-22", "soon", None]),
    "location": st.sampled_from(["Shelf", "x" * 120, None]),
}
VIEWS = {"inventory_items": "inventory"}
"""The view of an entity, where that has another name."""
SLUGS = {"products": "product_slug", "suppliers": "supplier_slug", "ingredients": "ingredient_slug"}
"""What a view calls the slug of its rows."""


def of_known_ingredient(record: Contents) -> Contents:
    """Leave out what a view may not say of a row that is there: that it is of something else."""
    is_known = record["slug"].lower() == SLUG
    return {**record, "ingredient_slug": "all_purpose_flour"} if is_known else record


def some_of(fields: dict[str, st.SearchStrategy[Any]], *wanted: str) -> st.SearchStrategy[Any]:
    """Make records that have the wanted fields and any of the others.

    A null where a value is required is not among them: a view's says nothing, an entity's is wrong.
    """
    required = {name: fields[name] for name in wanted}
    optional = {name: values for name, values in fields.items() if name not in wanted}
    return st.fixed_dictionaries(required, optional=optional)


files = st.one_of(
    st.tuples(
        st.just("products"),
        st.lists(some_of(PRODUCTS, "slug").map(of_known_ingredient), min_size=1, max_size=3),
    ),
    st.tuples(
        st.just("purchases"),
        st.lists(
            some_of(PURCHASES, "product_slug", "purchase_date", "unit_price"),
            min_size=1,
            max_size=3,
        ),
    ),
    *(
        st.tuples(st.just(entity), st.lists(some_of(fields, *wanted), min_size=1, max_size=3))
        for entity, fields, wanted in (
            ("suppliers", SUPPLIERS, ["name"]),
            ("ingredients", INGREDIENTS, ["display_name"]),
            ("inventory_items", INVENTORY, ["product_slug", "quantity"]),
        )
    ),
)


def one_a_line(document: Contents) -> str:
    """Lay a document out as a header and records, each a JSON text on a line of its own."""
    header = {name: value for name, value in document.items() if name != "records"}
    return "\n".join(map(json.dumps, [header, *document["records"]]))


@pytest.fixture(scope="module")
def bakeries(
    sample_database: Path,
    postgresql: str,
    sample_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Engine]]:
    """The sample bakery on both systems; what is tried there is taken back."""
    copy = tmp_path_factory.mktemp("alike") / "bakery.db"
    copy.write_bytes(sample_database.read_bytes())
    engines = [connect(copy), connect(postgresql.replace("/postgres?", f"/{sample_template}?"))]
    yield engines
    for engine in engines:
        engine.dispose()


class TakenBack(Exception):
    """Ends a transaction that is to leave nothing."""


def answer(core: Bakeio, engine: Engine, path: Path, entity: str, **options: Any) -> Any:
    """Return what an import says and writes, and the dry run before it; nothing of it stays."""
    found: list[Any] = []
    with contextlib.suppress(TakenBack), begin_write(engine) as db:
        for dry_run in (True, False):
            try:
                report = core.import_(db, path, dry_run=dry_run, skip_errors=True, **options)
            except ImportRefused as refused:
                assert refused.report is not None, refused
                report = refused.report
            found.append((report.summary, sorted(map(str, report.problems)), report.exit_code))
        errors = {
            number
            for problem in report.problems
            for number in problem.records or [problem.record]
            if problem.severity == "error"
        }
        columns = [c for c in TABLES[entity].split() if c not in MADE_NEW]
        statement = text(f"SELECT {', '.join(columns)} FROM {entity} ORDER BY id")
        rows = [tuple(map(comparable, row)) for row in db.execute(statement)]
        raise TakenBack
    dry, real = found
    assert dry == real
    return real, (report.summary, errors, rows)


def comparable(value: Any) -> Any:
    """Make values of both systems comparable."""
    if isinstance(value, (bool, int, float, Decimal)):
        return float(value)
    return None if value is None else str(value)


@settings(max_examples=MOST, deadline=None)
@given(
    file=files,
    mode=st.sampled_from(["merge", "skip-existing", "update-only"]),
    nulls=st.sampled_from(["keep", "clear"]),
    database_id=st.sampled_from([None, "another", "own"]),
)
def test_a_record_gives_one_answer_as_entity_file_and_as_view_everywhere(
    core: Bakeio,
    bakeries: list[Engine],
    file: tuple[str, list[Contents]],
    mode: str,
    nulls: str,
    database_id: str | None,
) -> None:
    entity, records = file
    slug = SLUGS.get(entity, "slug")
    in_view = [
        {(slug if name == "slug" else name): value for name, value in record.items()}
        for record in records
    ]
    forms = (
        {"entity_type": entity, "records": records},
        {"view_name": VIEWS.get(entity, entity), "records": in_view},
    )
    # at home a null is the state in the one, and says nothing in the other
    options = {"mode": mode, "nulls": "clear" if database_id == "own" else nulls}
    with tempfile.TemporaryDirectory() as folder:
        path, answers = Path(folder, "file.json"), []
        for form in forms:
            told = []
            for engine in bakeries:
                with engine.connect() as db:
                    own = core.database_id(db) if database_id == "own" else database_id
                whole = {**({} if own is None else {"database_id": own}), **form}
                for layout in (json.dumps, indented, lined):
                    path.write_text(layout(whole), "utf-8")
                    said, done = answer(core, engine, path, entity, **options)
                    told.append((said, done))
            assert all(one == told[0] for one in told)
            path.write_text(one_a_line(whole), "utf-8")  # which is told, and read as the same
            assert answer(core, engine, path, entity, **options)[1] == told[0][1]
            answers.append(told[0][1])
        assert answers[0] == answers[1]


# -- what a plugin sees is what is written
class Watcher:
    """Wraps the writing hook and counts what it sees."""

    def __init__(self) -> None:
        self.rows = 0

    @hookimpl(wrapper=True)
    def bakeio_import_records(self, entity: Entity, changes: Changes) -> Any:
        if entity.name == "suppliers":
            self.rows += len(changes.rows) + len(changes.updates)
        return (yield)


@pytest.mark.parametrize("fault", ["no name", "a slug twice", "an id as text"])
def test_every_written_row_is_seen_once_though_the_last_record_is_bad(
    new_database: Callable[[], str], tmp_path: Path, fault: str
) -> None:
    watcher, told = Watcher(), list[int]()
    core = Bakeio.discover(plugins=[watcher])
    count = 20_000
    records: list[Contents] = [
        {"id": n, "uuid": f"{n:036}", "slug": f"shop_{n}", "name": f"Shop {n}"}
        for n in range(1, count + 1)
    ]
    last = records[-1]
    if fault == "no name":
        last["name"] = None
    elif fault == "a slug twice":
        last["slug"] = "shop_1"
    else:
        last["id"] = "the last"
    lines = ",\n".join(map(json.dumps, records))
    path = tmp_path / "suppliers.json"
    path.write_text('{"entity_type":"suppliers","records":[\n' + lines + "\n]}\n")
    engine = connect(new_database())
    with begin_write(engine) as db:
        core.create_tables(db)
    with begin_write(engine) as db:
        report = core.import_(
            db, path, skip_errors=True, progress=lambda name, done: told.append(done)
        )
        stored = db.execute(text("SELECT count(*) FROM suppliers")).scalar_one()
    engine.dispose()
    assert stored == count - 1
    assert report.summary["created"] == count - 1
    assert report.summary["errors"] == 1
    assert told[-1] == count - 1
    assert told == sorted(set(told))
    if fault != "a slug twice":  # which only the database can refuse: the block is tried again
        assert watcher.rows == count - 1
