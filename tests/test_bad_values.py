"""Bad values of every sort in one set: each is told where it stands and how to write it, and
nothing is written.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.commands import Run, export
from support.databases import TABLES, rows_of
from support.files import FILES, resign

from bakeio_core import Bakeio, connect
from bakeio_core.values.wording import BadValue

LAYOUTS = ["one record a line", "indent=2", "records in front"]


class Fault(NamedTuple):
    """A value as it stands in the file (JSON text, or nearly), and what must be said of it."""

    entity: str
    field: str
    text: str
    hints: tuple[str, ...] = ()


BAD_VALUES = [
    Fault("suppliers", "name", "12", ("12", "quotes")),
    Fault("suppliers", "slug", '"' + "s" * 201 + '"', ("201", "200")),
    Fault("suppliers", "city", '"' + "é" * 101 + '"', ("101", "100")),
    Fault("suppliers", "state", '["MA"]', ("list", "text")),
    Fault("suppliers", "zip", "2451", ('"2451"', "quotes", "zeros")),
    Fault("suppliers", "notes", '{"a": 1}', ("object", "text")),
    Fault("suppliers", "notes", '"a\\u0000b"', ("NUL", "remove")),
    Fault("suppliers", "city", '"Lynn \\ud83d"', ("surrogate",)),
    Fault("suppliers", "id", '"one"', ('"one"', "whole number")),
    Fault("suppliers", "created_at", '"yesterday"', ("YYYY-MM-DDTHH:MM:SSZ",)),
    Fault("ingredients", "display_name", "null", ("null", "required")),
    Fault("ingredients", "category", "true", ("true", "text")),
    Fault("ingredients", "id", "1.5", ("1.5", "whole number")),
    Fault("ingredients", "id", "9" * 60, ("large",)),
    Fault("ingredients", "created_at", '"2025-13-01T00:00:00Z"', ("calendar",)),
    Fault("products", "package_size", '"25 lb"', ("write 25",)),
    Fault("products", "package_size", "12345678", ("12345678", "large", "10000000")),
    Fault("products", "package_size", "1.2345", ("1.2345", "4 decimals", "at most 3")),
    Fault("products", "package_unit_quantity", "0", ("0", "more than 0")),
    Fault("products", "package_unit_quantity", '"a few"', ("a few", "number")),
    Fault("products", "package_unit_quantity", "true", ("true", "number")),
    Fault("products", "package_unit", "null", ("null", "required")),
    Fault("products", "upc_code", "11580737", ('"11580737"', "quotes")),
    Fault("products", "is_hidden", '"no"', ("true or false",)),
    Fault("products", "is_hidden", "0", ("true or false",)),
    Fault("purchases", "purchase_date", '"2024-02-30"', ("2024-02-30", "calendar")),
    Fault("purchases", "purchase_date", '"01/02/2026"', ("2026-01-02", "2026-02-01")),
    Fault("purchases", "purchase_date", '"2026-01-02T10:00:00Z"',
          ("time", "write only 2026-01-02")),
    Fault("purchases", "purchase_date", "20260102", ("20260102", "YYYY-MM-DD")),
    Fault("purchases", "purchase_date", '"2026-01-02 "', ("is not a date: write 2026-01-02",)),
    Fault("purchases", "purchase_date", '"13/02/2026"', ("2026-02-13",)),
    Fault("purchases", "unit_price", '"$6.99"', ("$6.99", "write 6.99")),
    Fault("purchases", "unit_price", '"6,99"', ("6,99", "write 6.99")),
    Fault("purchases", "unit_price", '"6 1/2"', ('"6 1/2" is not a number',)),
    Fault("purchases", "unit_price", '"1,234.50"', ("write 1234.50",)),
    Fault("purchases", "unit_price", "NaN", ("NaN", "number")),
    Fault("purchases", "unit_price", "Infinity", ("Infinity", "number")),
    Fault("purchases", "unit_price", "-Infinity", ("-Infinity", "number")),
    Fault("purchases", "unit_price", "1e400", ("large",)),
    Fault("purchases", "unit_price", "6.99001", ("5 decimals", "at most 4")),
    Fault("purchases", "unit_price", "-6.99", ("-6.99", "at least 0")),
    Fault("purchases", "quantity_purchased", "0", ("more than 0",)),
    Fault("purchases", "product_slug", "18", ("18", "quotes")),
    Fault("inventory_items", "quantity", "-3", ("-3", "at least 0")),
    Fault("inventory_items", "quantity", "[1]", ("list", "number")),
    Fault("inventory_items", "quantity", "null", ("null", "required")),
    Fault("inventory_items", "addition_date", '"soon"', ("soon", "YYYY-MM-DD")),
    Fault("inventory_items", "location", "4", ("4", "quotes")),
]  # fmt: skip
MISSPELT = {
    ("products", "brand"): "brnd",
    ("ingredients", "category"): "categry",
    ("inventory_items", "quantity"): "qauntity",
}
LACKING = {
    "suppliers": (["name"], "name"),
    "ingredients": (["category"], "category"),
    "products": (["ingredient_id", "ingredient_slug"], "ingredient_slug"),
    "purchases": (["purchase_date"], "purchase_date"),
    "inventory_items": (["quantity"], "quantity"),
}


def mark(number: int) -> str:
    return f"@{number}@"


def renamed(record: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in record.items()}


class Spoilt:
    """A copy of a set that is being spoilt; `expected` gathers (code, file, record, field) of every
    fault put in.
    """

    def __init__(self, sample_set: Path, folder: Path) -> None:
        self.folder = shutil.copytree(sample_set, folder)
        manifest = json.loads((self.folder / "manifest.json").read_bytes())
        # from its own kind of database, some of the values would be taken as they were stored
        (self.folder / "manifest.json").write_text(
            json.dumps(manifest | {"database_kind": "another"}), "utf-8"
        )
        self.documents = {
            entity: json.loads((folder / name).read_bytes()) for entity, name in FILES.items()
        }
        self.expected: list[tuple[str, str, int, str]] = []
        self.texts: dict[str, str] = {}
        self.used: dict[str, int] = dict.fromkeys(FILES, 0)

    def records(self, entity: str) -> list[dict[str, Any]]:
        return self.documents[entity]["records"]  # type: ignore[no-any-return]

    def add(self, entity: str) -> tuple[int, dict[str, Any]]:
        """Add a good new record no other refers to; return its number and itself."""
        records = self.records(entity)
        number = len(records) + 1
        record = records[3] | {
            "id": 5000 + number,
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{entity}{number}")),
        }
        record |= {
            name: f"new_{number}"
            for name in ("slug", "name", "display_name", "product_name")
            if name in record
        }
        records.append(record)
        return number, record

    def take(self, entity: str) -> tuple[int, dict[str, Any]]:
        """Return the number of an exported record not taken before, and itself."""
        self.used[entity] += 1
        return self.used[entity], self.records(entity)[self.used[entity] - 1]

    def put(
        self, faults: Iterable[Fault], next_record: Callable[[str], tuple[int, dict[str, Any]]]
    ) -> None:
        for fault in faults:
            number, record = next_record(fault.entity)
            self.texts[mark(len(self.texts))] = fault.text
            record[fault.field] = mark(len(self.texts) - 1)
            self.expected.append(("bad-value", FILES[fault.entity], number, fault.field))

    def misspell(self, next_record: Callable[[str], tuple[int, dict[str, Any]]]) -> None:
        for (entity, field), wrong in MISSPELT.items():
            number, record = next_record(entity)
            self.records(entity)[number - 1] = renamed(record, field, wrong)
            self.expected.append(("unknown-field", FILES[entity], number, wrong))

    def leave_out(self) -> None:
        for entity, (fields, told) in LACKING.items():
            number, record = self.add(entity)
            for field in fields:
                del record[field]
            self.expected.append(("missing-field", FILES[entity], number, told))

    def write(self, layout: str = LAYOUTS[0]) -> Path:
        for entity, name in FILES.items():
            document = self.documents[entity]
            document["record_count"] = len(document["records"])
            if layout != LAYOUTS[0]:
                text = json.dumps(
                    document
                    if layout == "indent=2"
                    else {"records": document["records"]} | document,
                    indent=2,
                )
            else:
                head = json.dumps(document | {"records": []}, indent=2).removesuffix("[]\n}")
                text = (
                    head
                    + "[\n"
                    + ",\n".join(json.dumps(r, separators=(",", ":")) for r in document["records"])
                    + "\n]\n}\n"
                )
            for marker, value in self.texts.items():
                text = text.replace(f'"{marker}"', value)
            (self.folder / name).write_text(text, "utf-8")
        resign(self.folder)
        return self.folder


@pytest.fixture
def spoilt(sample_set: Path, tmp_path: Path) -> Spoilt:
    return Spoilt(sample_set, tmp_path / "set")


def places(report: dict[str, Any]) -> list[tuple[str, str, int, str]]:
    assert {problem["severity"] for problem in report["problems"]} <= {"error"}, report["problems"]
    return sorted(
        (p["code"], p["file"], number, p["field"])
        for p in report["problems"]
        for number in p["records"]
    )


def reported(run: Run, database: Path, folder: Path) -> dict[str, Any]:
    """Import a set that must be refused, after a dry run that says the same; give the report."""
    dry = run("-d", database, "import-complete", folder, "--dry-run", "--json")
    real = run("-d", database, "import-complete", folder, "--json")
    people = run("-d", database, "import-complete", folder)
    assert (dry.code, real.code, people.code) == (1, 1, 1)
    assert dry.json["problems"] == real.json["problems"]
    assert dry.json["summary"] == real.json["summary"]
    refusal = next(line for line in people.out.splitlines() if line.startswith("Refused: "))
    assert not re.search(r"\d (created|updated|unchanged)\b", people.out), "it did nothing"
    assert refusal.endswith(f" in {real.json['summary']['processed']} records)")
    report: dict[str, Any] = real.json
    summary = report["summary"]
    assert summary["processed"] == sum(
        summary[name]
        for name in ("created", "updated", "unchanged", "skipped", "conflicts", "errors")
    )
    return report


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_bad_value_of_new_records_is_reported_and_nothing_else_and_nothing_is_written(
    run: Run, spoilt: Spoilt, tmp_path: Path, layout: str
) -> None:
    spoilt.put(BAD_VALUES, spoilt.add)
    spoilt.misspell(spoilt.add)
    spoilt.leave_out()
    report = reported(run, tmp_path / "new.db", spoilt.write(layout))
    assert len(spoilt.expected) >= 50
    assert places(report) == sorted(spoilt.expected)
    assert report["summary"]["errors"] == len(spoilt.expected)
    assert not (tmp_path / "new.db").exists() or not any(rows_of(tmp_path / "new.db").values())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_bad_value_of_exported_records_is_reported_and_nothing_else_and_no_row_changes(
    run: Run, spoilt: Spoilt, sample: Path, layout: str
) -> None:
    for _ in range(4):
        spoilt.add("suppliers")  # eight are too few
    spoilt.put(BAD_VALUES, spoilt.take)
    spoilt.misspell(spoilt.take)
    before = rows_of(sample)
    report = reported(run, sample, spoilt.write(layout))
    assert places(report) == sorted(spoilt.expected)
    assert report["summary"]["errors"] == len(spoilt.expected)
    assert rows_of(sample) == before


def test_all_layouts_give_the_very_same_problems(run: Run, spoilt: Spoilt, tmp_path: Path) -> None:
    spoilt.put(BAD_VALUES, spoilt.add)
    spoilt.misspell(spoilt.add)
    lines, *others = (
        reported(run, tmp_path / "new.db", spoilt.write(layout)) for layout in LAYOUTS
    )
    assert all(other["problems"] == lines["problems"] for other in others)


def test_one_bad_value_at_the_end_of_many_good_records_is_found_by_its_number(
    run: Run, spoilt: Spoilt, tmp_path: Path
) -> None:
    spoilt.put(
        [
            Fault("purchases", "unit_price", '"$6.99"'),
            Fault("inventory_items", "quantity", "1e400"),
        ],
        spoilt.add,
    )
    assert places(reported(run, tmp_path / "new.db", spoilt.write())) == [
        ("bad-value", FILES["purchases"], 401, "unit_price"),
        ("bad-value", FILES["inventory_items"], 151, "quantity"),
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_refers_to_a_bad_record_of_the_file_is_told_so_once_a_field(
    run: Run, spoilt: Spoilt, tmp_path: Path, layout: str
) -> None:
    spoilt.put([Fault("suppliers", "zip", "2451")], spoilt.take)
    fault, *others = reported(run, tmp_path / "new.db", spoilt.write(layout))["problems"]
    assert [(fault["code"], fault["file"], fault["record"], fault["field"])] == spoilt.expected
    for (
        problem
    ) in others:  # the row is not missing: it stands in the file, and is the one to be corrected
        assert "cannot be imported itself" in problem["message"]
    assert len({(problem["file"], problem["field"]) for problem in others}) == len(others)


def test_the_same_bad_value_in_many_records_is_one_problem_with_a_count(
    run: Run, spoilt: Spoilt, sample: Path
) -> None:
    spoilt.put([Fault("purchases", "purchase_date", '"01/02/2026"')] * 25, spoilt.take)
    (problem,) = reported(run, sample, spoilt.write())["problems"]
    assert (problem["count"], problem["records"], problem["record"]) == (25, list(range(1, 21)), 1)


# -- what is said
@pytest.fixture(scope="module")
def messages(
    core: Bakeio, sample_set: Path, sample_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, int, str], Any]:
    """What is said of every bad value, by file, record and field."""
    from bakeio_core.database.connect import begin_read

    spoilt = Spoilt(sample_set, tmp_path_factory.mktemp("messages") / "set")
    spoilt.put(BAD_VALUES, spoilt.add)
    spoilt.misspell(spoilt.add)
    engine = connect(sample_database)
    with begin_read(engine) as db:
        report = core.plan(db, spoilt.write()).report
    engine.dispose()
    said: dict[tuple[str, int, str], Any] = {
        (str(p.file), number, str(p.field)): p for p in report.problems for number in p.records
    }
    return {place: said.get(place[1:]) for place in spoilt.expected}  # type: ignore[misc]


@pytest.mark.parametrize(
    "place",
    range(len(BAD_VALUES)),
    ids=lambda place: f"{BAD_VALUES[place].field}={BAD_VALUES[place].text[:20]}",
)
def test_what_is_said_of_a_bad_value_helps_to_mend_it(messages: dict[Any, Any], place: int) -> None:
    fault, problem = BAD_VALUES[place], list(messages.values())[place]
    assert problem is not None, "not reported at all"
    for hint in fault.hints:
        assert hint in problem.message
    assert len(problem.message) < 200
    assert problem.message.isprintable()
    line = str(problem)
    assert FILES[fault.entity] in line
    assert fault.field in line
    assert problem.entity == fault.entity
    json.dumps(problem.value, allow_nan=False)


@pytest.mark.parametrize("place", range(len(MISSPELT)), ids=list(MISSPELT.values()))
def test_a_misspelt_field_is_answered_with_the_right_name(
    messages: dict[Any, Any], place: int
) -> None:
    problem = list(messages.values())[len(BAD_VALUES) + place]
    (_, right), wrong = list(MISSPELT.items())[place]
    assert problem.field == wrong
    assert f'did you mean "{right}"' in problem.message


KEPT_MEANING = {
    ("unit_price", "−5"): "write -5",
    ("unit_price", "- 5"): "write -5",
    ("unit_price", "٥"): "write 5",
    ("unit_price", "５.５"): "write 5.5",
    ("unit_price", "1 234.56"): "write 1234.56",
    ("unit_price", "1.234,56"): "write 1234.56",
    ("unit_price", "1,234"): "write 1234 or 1.234, whichever is meant",
    ("unit_price", "-$5"): "write -5",
    ("purchase_date", "25-02-03"): "write 2025-02-03 or 2003-02-25, whichever is meant",
    ("purchase_date", "2025/2/3"): "is not a date: write 2025-02-03",
    ("purchase_date", "20250203"): "is not a date: write 2025-02-03",
    ("purchase_date", "２０２５-02‑03"): "is not a date: write 2025-02-03",
    ("purchase_date", "13/02/2026"): "is not a date: write 2026-02-13",
}
OTHER_MEANING = ["($5)", "<5", "~5", "10%", "5 dozen", "5k", "2-3", "½", "minus 5", "5-", "1e99999"]


@pytest.mark.parametrize(("field", "text"), KEPT_MEANING)
def test_a_hint_writes_the_same_number_or_day(core: Bakeio, field: str, text: str) -> None:
    message = said_of(core, field, text)
    assert (
        message.endswith(KEPT_MEANING[field, text]) or f"{KEPT_MEANING[field, text]} (" in message
    )


@pytest.mark.parametrize("text", OTHER_MEANING)
def test_no_hint_drops_a_sign_a_doubt_or_a_multiplier(core: Bakeio, text: str) -> None:
    assert said_of(core, "unit_price", text) == f'"{text}" is not a number'


def said_of(core: Bakeio, field: str, text: str) -> str:
    """What is said of one value of a purchase."""
    kind = core.catalog.entities["purchases"].kinds[field]
    with pytest.raises(BadValue) as refused:
        kind.read(text, print)
    return str(refused.value)


# -- what is good although it looks odd
def value_of(database: Path, entity: str, column: str, identity: int) -> Any:
    names = TABLES[entity].split()
    return next(row[names.index(column)] for row in rows_of(database)[entity] if row[0] == identity)


ODD_BUT_GOOD: list[tuple[str, str, str, Any]] = [
    ("purchases", "unit_price", '"6.99"', 6.99),
    ("purchases", "unit_price", "6.9900", 6.99),
    ("purchases", "unit_price", "699e-2", 6.99),
    ("purchases", "unit_price", "0", 0),
    ("purchases", "quantity_purchased", "2.000000", 2),
    ("inventory_items", "quantity", "-0.0", 0),
    ("products", "package_size", "9999999.999", 9999999.999),
    ("suppliers", "city", '"' + "é" * 100 + '"', "é" * 100),
    ("suppliers", "notes", '"\\ud83c\\udf5e \\t \\u001f"', "🍞 \t \x1f"),
    ("suppliers", "notes", '""', ""),
    ("suppliers", "id", "7001.0", 7001),
    ("suppliers", "created_at", '"2026-03-01T10:00:00+02:00"', "2026-03-01 08:00:00"),
    ("suppliers", "created_at", '"2026-03-01T00:30:00.123456-05:30"', "2026-03-01 06:00:00.123456"),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_written_in_another_way_are_taken_as_what_they_mean(
    run: Run, spoilt: Spoilt, tmp_path: Path, layout: str
) -> None:
    database, identities = tmp_path / "new.db", []
    for entity, field, text, stored in ODD_BUT_GOOD:
        number, record = spoilt.add(entity)
        identities.append(stored if field == "id" else record["id"])
        spoilt.put(
            [Fault(entity, field, text)],
            lambda name, number=number, record=record: (number, record),
        )  # type: ignore[misc]
    done = run("-d", database, "import-complete", spoilt.write(layout), "--json")
    assert done.code == 0
    assert done.json["problems"] == []
    for (entity, field, text, stored), identity in zip(ODD_BUT_GOOD, identities, strict=True):
        assert value_of(database, entity, field, identity) == stored, (field, text)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_instant_without_a_time_zone_is_taken_as_utc_and_that_is_said(
    run: Run, spoilt: Spoilt, tmp_path: Path, layout: str
) -> None:
    number, record = spoilt.add("suppliers")
    record["created_at"] = "2026-03-01T10:00:00"
    done = run("-d", tmp_path / "new.db", "import-complete", spoilt.write(layout), "--json")
    (note,) = done.json["problems"]
    assert done.code == 0
    assert note["severity"] == "note"
    assert note["record"] == number
    assert note["field"] == "created_at"
    assert "UTC" in note["message"]
    assert (
        value_of(tmp_path / "new.db", "suppliers", "created_at", record["id"])
        == "2026-03-01 10:00:00"
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fields_nobody_knows_are_one_warning_a_name_with_their_count(
    run: Run, spoilt: Spoilt, tmp_path: Path, layout: str
) -> None:
    for record in spoilt.records("products"):
        record["colour_of_the_bag"] = "red"
    for record in spoilt.records("products")[10:13]:
        record["brnd"] = "near brand, which is there"
    done = run("-d", tmp_path / "new.db", "import-complete", spoilt.write(layout), "--json")
    assert done.code == 0
    assert {
        (p["code"], p["severity"], p["file"], p["field"], p["count"]) for p in done.json["problems"]
    } == {
        ("unknown-field", "warning", FILES["products"], "colour_of_the_bag", 84),
        ("unknown-field", "warning", FILES["products"], "brnd", 3),
    }
    assert done.json["summary"]["created"] == 776


@pytest.mark.parametrize("value", ['"\\ud83d"', "1e4000"])
def test_no_value_of_a_field_that_is_only_shown_breaks_the_import_off(
    run: Run, sample: Path, tmp_path: Path, value: str
) -> None:
    path = export(run, sample, "purchases", tmp_path / "p.json")
    document = json.loads(path.read_text("utf-8"))
    document["records"] = document["records"][:2]
    document["records"][0]["product_name"] = "*"
    path.write_text(json.dumps(document).replace('"*"', value), "utf-8")
    done = run("-d", sample, "import-view", path)
    assert done.code in (0, 1)
    assert "product_name" in done.out, done.out + done.err
