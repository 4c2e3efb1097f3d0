"""Templates: small documents that phones, scanners and assistants fill in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import text
from support.commands import Ran, Run

from bakeio_core import Bakeio, PluginError, Template, Totals, View, connect, editable, hookimpl

FLOUR, CAKE = "king_arthur_unbleached_all_purpose_flour_5lb", "swans_down_cake_flour_32oz"
CODE, CAKE_CODE = "000011580737", "000013419639"


def write(path: Path, template: str, lines: list[dict[str, Any]], **once: Any) -> Path:
    path.write_text(json.dumps({"template": template, **once, "lines": lines}), "utf-8")
    return path


def counts(done: Ran) -> tuple[int, int]:
    """What a report says was created and updated."""
    summary = done.json["summary"]
    return summary["created"], summary["updated"]


def lots(url: str, slug: str) -> list[tuple[str, float]]:
    """The lots of a product, oldest first: (location, quantity)."""
    engine = connect(url)
    sql = (
        "SELECT i.location, i.quantity FROM inventory_items i JOIN products p ON p.id = "
        "i.product_id WHERE p.slug = :slug ORDER BY i.addition_date, i.id"
    )
    with engine.connect() as db:
        found = [(row[0], float(row[1])) for row in db.execute(text(sql), {"slug": slug})]
    engine.dispose()
    return found


def test_a_stock_take_sets_what_there_is_and_twice_changes_nothing(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    before = lots(bakery, FLOUR)
    lines = [
        {"barcode": "11580737"},
        {"barcode": "0000011580737"},
        {"product": CAKE, "quantity": 2},
    ]
    taken = write(tmp_path / "count.json", "stock-take", lines)
    dry = run("-d", bakery, "import", taken, "--dry-run", "--json")
    done = run("-d", bakery, "import", taken, "--json")
    assert dry.json["summary"] == done.json["summary"]
    after = lots(bakery, FLOUR)
    assert sum(quantity for _, quantity in after) == 10  # two packages of five pounds
    assert after[:-1] == before[:-1], "what is more goes to the newest lot"
    assert after[-1][1] > before[-1][1]
    fewer = lots(bakery, CAKE)
    assert sum(quantity for _, quantity in fewer) == 2
    assert fewer[0][1] == 0, "what is less is taken from the oldest"
    assert counts(run("-d", bakery, "import", taken, "--json")) == (0, 0)


def test_a_stock_take_of_a_place_counts_what_lies_there_alone(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    place = lots(bakery, CAKE)[0][0]
    elsewhere = [lot for lot in lots(bakery, CAKE) if lot[0] != place]
    said = write(
        tmp_path / "a.json",
        "stock_take",
        [{"product": CAKE, "quantity": 7}],
        location=place.upper(),
    )
    assert run("-d", bakery, "import", said).code == 0
    after = lots(bakery, CAKE)
    assert [lot for lot in after if lot[0] != place] == elsewhere
    assert sum(quantity for where, quantity in after if where == place) == 7


def test_what_nobody_had_on_the_shelf_becomes_a_lot(bakery: str, run: Run, tmp_path: Path) -> None:
    engine = connect(bakery)
    with engine.begin() as db:
        db.execute(text("DELETE FROM inventory_items"))
    engine.dispose()
    line = {"barcode": CODE, "packages": 2}
    said = write(tmp_path / "a.json", "stock-take", [line], date="2026-11-20", location="Pantry")
    assert counts(run("-d", bakery, "import", said, "--json")) == (1, 0)
    assert lots(bakery, FLOUR) == [("Pantry", 10.0)]
    assert counts(run("-d", bakery, "import", said, "--json")) == (0, 0)


def test_scans_add_lots_and_a_file_that_grew_adds_the_rest(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    before = len(lots(bakery, FLOUR))
    path, once = tmp_path / "scans.json", {"date": "2026-11-20", "location": "Pantry"}
    lines: list[dict[str, Any]] = [{"barcode": "11580737"}, {"barcode": CODE}]
    assert counts(
        run("-d", bakery, "import", write(path, "barcode-scan", lines, **once), "--json")
    ) == (2, 0)
    lines.append({"barcode": CODE, "packages": 3})
    done = run("-d", bakery, "import", write(path, "barcode-scan", lines, **once), "--json")
    assert counts(done) == (1, 0)
    assert [quantity for _, quantity in lots(bakery, FLOUR)[before:]] == [5, 5, 15]
    assert not [p for p in done.json["problems"] if p["code"] == "tampered-context"]


def test_an_unknown_barcode_is_a_question_and_its_answer_counts_packages(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    line = {"barcode": "4000220000005", "packages": 2}
    path = write(tmp_path / "s.json", "barcode-scan", [line], date="2026-11-20")
    refused = run("-d", bakery, "import", path, "--json")
    assert refused.code == 1
    asked = refused.json["questions"][0]
    assert (asked["entity"], asked["key"]) == ("products", {"upc_code": "4000220000005"})
    values = {
        "ingredient_slug": "all_purpose_flour",
        "package_unit": "kg",
        "package_unit_quantity": 2.5,
        "upc_code": "4000220000005",
        "slug": "mill_flour",
    }
    engine = connect(bakery)
    with engine.connect() as db:
        values["ingredient_slug"] = (
            db.execute(text("SELECT slug FROM ingredients")).scalars().first()
        )
    engine.dispose()
    entry = {"entity": "products", "key": asked["key"], "action": "create", "values": values}
    decisions = tmp_path / "s.decisions.json"
    decisions.write_text(json.dumps([entry]), "utf-8")
    done = run("-d", bakery, "import", path, "--decisions", decisions, "--json")
    assert counts(done) == (1, 0), done.out
    assert [quantity for _, quantity in lots(bakery, "mill_flour")] == [5.0]


def test_a_receipt_adds_purchases_once_by_barcode_or_key(
    bakery: str, run: Run, tmp_path: Path
) -> None:
    lines = [
        {"product": "11580737", "price": "4.99"},
        {"barcode": CAKE_CODE, "price": 3.1, "quantity": 3, "shop": "Wegmans"},
    ]
    path = write(tmp_path / "r.json", "receipt", lines, shop="Wegmans", date="2026-11-20")
    assert counts(run("-d", bakery, "import", path, "--json")) == (2, 0)
    assert counts(run("-d", bakery, "import", path, "--json")) == (0, 0)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"template": "recipt", "lines": []}, 'the template "recipt" is not installed'),
        ({"template": "receipt"}, 'has no list "lines"'),
        ({"template": "receipt", "lines": 3}, 'has no list "lines"'),
        (
            {"template": "receipt", "shpo": "Costco", "lines": []},
            'shpo: is not a field of a receipt document: did you mean "shop"?',
        ),
        ({"template": "receipt", "lines": [7]}, "record 1: is not an object"),
        ({"template": "receipt", "lines": [{"product": CAKE, "price": 3}]}, "shop: is missing"),
        (
            {"template": "stock-take", "lines": [{"product": CAKE, "packages": "two"}]},
            'quantity: "two" is not a number',
        ),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_in_its_own_words(
    sample: Path, run: Run, tmp_path: Path, document: Any, said: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document), "utf-8")
    done = run("-d", sample, "import", path)
    assert done.code == 1
    assert said in done.out + done.err


def test_every_template_has_a_schema_its_example_fits_and_sheets(
    sample: Path, run: Run, tmp_path: Path
) -> None:
    names = [row["name"] for row in run("template", "--json").json["templates"]]
    assert names == ["receipt", "voice", "stock-take", "barcode-scan"]
    for name in names:
        told = run("template", name, "--json").json
        jsonschema.validate(told["example"], told["schema"])
        wrong = {**told["example"], "lines": [{"colour": "red"}]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, told["schema"])
        assert f"see bakeio template {name}" in run("schema", name).err
        shown = run("template", name)
        assert told["instructions"][0].split(" ")[0] in shown.out
        path = tmp_path / f"{name}.json"
        assert run("template", name, "-o", path).code == 0
        assert json.loads(path.read_text("utf-8")) == told["example"]
        assert "exists already" in run("template", name, "-o", path).err
        for ending in (".csv", ".xlsx"):
            empty = tmp_path / f"form{name}{ending}"
            assert run("template", name, "-o", empty).code == 0
            assert counts(run("-d", sample, "import", empty, "--json")) == (0, 0)


def test_the_sheet_of_a_template_is_imported_as_its_document(
    sample: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "Receipt november.csv"
    path.write_text(
        "product,barcode,shop,date,price,quantity\n"
        f",11580737,Wegmans,2026-11-20,4.99,\n{CAKE},,Wegmans,20.11.2026,6,3\n"
    )
    done = run("-d", sample, "import", path, "--json")
    assert counts(done) == (2, 0)
    assert counts(run("-d", sample, "import", path, "--json")) == (0, 0)
    one = tmp_path / "stock-take.csv"
    one.write_text(f"barcode\n{CAKE_CODE}\n99999999\n")
    refused = run("-d", sample, "import", one)
    assert 'A3, barcode: no row of products has barcode "99999999"' in refused.out


def of_plugin(*templates: Callable[[], Template]) -> Bakeio:
    class Plugin:
        @hookimpl
        def bakeio_templates(self) -> list[Template]:
            return [make() for make in templates]

    return Bakeio.discover(plugins=[Plugin()])


def test_a_template_that_is_wrong_or_has_no_entity_is_named_with_the_reason() -> None:
    def view(entity: str = "suppliers", **fields: Any) -> View:
        return View("shops", entity, fields or {"name": editable("name")})

    example = {"lines": [{}]}
    unknown = of_plugin(lambda: Template(view(), ["colour"], example))
    assert any('there is no field "colour"' in line for line in unknown.broken())
    lost = of_plugin(lambda: Template(view("ovens"), ["name"], example))
    assert "not installed" in lost.catalog.disabled_templates["shops"]
    with pytest.raises(PluginError, match="of which column it counts"):
        Template(view(), ["name"], example, totals=Totals(by=[]))
    assert list(Bakeio.discover(block=["inventory"]).catalog.templates) == ["receipt", "voice"]
