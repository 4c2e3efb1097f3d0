"""Bad files, at least two for every code of `CODES`, each with that one fault and no other.

A case gets a `Kit` and returns the words of the command that must refuse it. Codes that are no
fault of a file are provoked by their situation. `CASES` is what test_bad_files goes through.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bakeio_core import connect
from support.files import (
    INGREDIENTS,
    INVENTORY,
    PRODUCTS,
    PURCHASES,
    SUPPLIERS,
    lined,
    sign,
    zipped,
)
from support.plugins import install

__all__ = ["CASES", "Case", "Kit"]

Words = list[object]


@dataclass
class Kit:
    """What a case spoils: a copy of the sample bakery and of its set, and views exported when asked
    for.
    """

    home: Path
    database: Path
    folder: Path
    export: Callable[[str, Path], None]
    monkeypatch: pytest.MonkeyPatch
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    # -- sets
    def edit(
        self, name: str, change: Callable[[dict[str, Any]], object], *, signed: bool = True
    ) -> None:
        """Change a parsed file of the set and write it as bakeio lays it out."""
        document = json.loads((self.folder / name).read_bytes())
        change(document)
        (self.folder / name).write_text(
            lined(document) if "records" in document else json.dumps(document, indent=2), "utf-8"
        )
        if signed and name != "manifest.json":
            sign(self.folder)

    def edit_record(self, name: str, place: int, **values: Any) -> None:
        self.edit(name, lambda document: document["records"][place].update(values))

    def edit_text(self, name: str, old: str, new: str) -> None:
        """Change the text of a file once, and sign it."""
        text = (self.folder / name).read_text("utf-8")
        assert old in text
        (self.folder / name).write_text(text.replace(old, new, 1), "utf-8")
        sign(self.folder)

    def zip(self, change: Callable[[zipfile.ZipInfo], object] = lambda info: None) -> Path:
        return zipped(self.folder, self.home / "set.zip", change)

    def validate(self, path: Path | None = None) -> Words:
        return ["validate-export", path or self.folder]

    def import_set(self) -> Words:
        return ["-d", self.database, "import-complete", self.folder]

    # -- single files
    def view(self, name: str) -> dict[str, Any]:
        path = self.home / f"view_{name}.json"
        self.export(name, path)
        return json.loads(path.read_bytes())  # type: ignore[no-any-return]

    def put(self, document: dict[str, Any] | str | bytes, name: str = "file.json") -> Path:
        path = self.home / name
        text = lined(document) if isinstance(document, dict) else document
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def import_view(self, document: dict[str, Any] | str | bytes) -> Words:
        view = document["view_name"] if isinstance(document, dict) else "file"
        name = f"view_{view.removesuffix('_complete')}.json"
        return ["-d", self.database, "import-view", self.put(document, name)]

    def import_any(self, document: dict[str, Any] | str | bytes) -> Words:
        name = document.get("entity_type", "file") if isinstance(document, dict) else "file"
        return ["-d", self.database, "import", self.put(document, f"{name}.json")]

    def some(self, view: str, *places: int) -> dict[str, Any]:
        """Return a view with some of its records."""
        document = self.view(view)
        document["records"] = [document["records"][place] for place in places]
        document["record_count"] = len(places)
        return document

    def sql(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as db, db:
            for statement in statements:
                db.execute(statement)

    def install(self, name: str, code: str) -> None:
        """Put a plugin of one module on the path."""
        install(self.home / "plugins", self.monkeypatch, name, code)


def entity(name: str, *records: Any, **header: Any) -> dict[str, Any]:
    return {"file_version": "1.0", **header, "entity_type": name, "records": list(records)}


def log(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "skipped_at": "2026-01-01T00:00:00Z",
        "source_file": "x.json",
        "total_skipped": len(entries),
        "records": list(entries),
    }


@dataclass(frozen=True)
class Case:
    """One bad file or situation: the code it must be refused with, which kind of document it is,
    how it is made, and whether the page of errors shows it.
    """

    code: str
    kind: str
    make: Callable[[Kit], Words]
    shown: bool

    @property
    def name(self) -> str:
        return f"{self.code}: {self.make.__name__.replace('_', ' ')}"


CASES: list[Case] = []


def bad(
    code: str, kind: str, *, shown: bool = False
) -> Callable[[Callable[[Kit], Words]], Callable[[Kit], Words]]:
    def note(make: Callable[[Kit], Words]) -> Callable[[Kit], Words]:
        CASES.append(Case(code, kind, make, shown))
        return make

    return note


# -- no JSON
@bad("bad-json", "set", shown=True)
def a_comma_too_many(kit: Kit) -> Words:
    kit.edit_text(PURCHASES, '{"id":3,', '{"id":3,,')
    return kit.import_set()


@bad("bad-json", "view")
def a_field_twice(kit: Kit) -> Words:
    text = lined(kit.some("products", 0, 1))
    return kit.import_view(text.replace('{"product_id":', '{"notes":"x","product_id":', 1))


@bad("bad-json", "entity")
def a_list_for_a_record(kit: Kit) -> Words:
    return kit.import_any(entity("suppliers", ["costco", "Costco"]))


@bad("bad-document", "set", shown=True)
def a_file_in_utf16(kit: Kit) -> Words:
    path = kit.folder / SUPPLIERS
    path.write_bytes(path.read_text("utf-8").encode("utf-16"))
    return kit.validate()


@bad("bad-document", "view")
def an_empty_file(kit: Kit) -> Words:
    return kit.import_view(" \n")


@bad("bad-document", "skipped")
def a_log_without_data(kit: Kit) -> Words:
    return kit.import_any(log({"entity_type": "suppliers", "skip_reason": "x"}))


@bad("truncated", "set", shown=True)
def half_a_file(kit: Kit) -> Words:
    data = (kit.folder / PRODUCTS).read_bytes()
    (kit.folder / PRODUCTS).write_bytes(data[: len(data) // 2])
    return kit.validate()


@bad("truncated", "zip")
def a_damaged_archive(kit: Kit) -> Words:
    path = kit.zip()
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo(PURCHASES).header_offset + 2000
    data = bytearray(path.read_bytes())
    data[at : at + 20] = bytes(20)
    path.write_bytes(data)
    return kit.validate(path)


@bad("truncated", "view")
def half_a_view(kit: Kit) -> Words:
    data = lined(kit.view("products")).encode()
    return kit.import_view(data[: data.rindex(b"\n{")])


# -- what is not installed, or newer
@bad("unknown-view", "view", shown=True)
def a_view_nobody_brings(kit: Kit) -> Words:
    return kit.import_view(kit.some("products", 0) | {"view_name": "menus_complete"})


@bad("unknown-view", "skipped")
def a_log_of_a_view_nobody_brings(kit: Kit) -> Words:
    return kit.import_any(log({"view_name": "menus_complete", "record_data": {"slug": "x"}}))


@bad("unknown-entity", "set", shown=True)
def a_set_with_shops(kit: Kit) -> Words:
    of = {"distribution": "bakeio-shops", "distribution_version": "1.2.0"}
    shops = {"entity_type": "shops", **of}
    kit.edit("manifest.json", lambda manifest: manifest["files"][4].update(shops))
    kit.edit(INVENTORY, lambda document: document.update(entity_type="shops"))
    return kit.validate()


@bad("unknown-entity", "entity")
def a_file_of_shops(kit: Kit) -> Words:
    return kit.import_any(entity("shops", {"slug": "x"}))


@bad("unknown-entity", "skipped")
def a_log_of_shops(kit: Kit) -> Words:
    return kit.import_any(log({"entity_type": "shops", "record_data": {"slug": "x"}}))


@bad("version-too-new", "set", shown=True)
def a_newer_manifest(kit: Kit) -> Words:
    kit.edit("manifest.json", lambda manifest: manifest.update(manifest_version="2.0"))
    return kit.import_set()


@bad("version-too-new", "view")
def a_newer_view(kit: Kit) -> Words:
    return kit.import_view(kit.some("products", 0) | {"view_version": "3.1"})


@bad("version-too-new", "entity")
def a_newer_entity_file(kit: Kit) -> Words:
    return kit.import_any(entity("suppliers", file_version="2.0"))


# -- what was never recorded
@bad("no-journal", "view", shown=True)
def a_database_without_records_of_imports(kit: Kit) -> Words:
    names = ("aliases", "batches", "changes", "meta", "runs")
    kit.sql("PRAGMA foreign_keys = OFF", *(f"DROP TABLE bakeio_{name}" for name in names))
    return ["-d", kit.database, "undo"]


@bad("no-journal", "view")
def a_run_in_a_database_without_records_of_imports(kit: Kit) -> Words:
    return [*a_database_without_records_of_imports(kit), "1"]


# -- the manifest
@bad("bad-manifest", "set")
def a_manifest_that_is_no_json(kit: Kit) -> Words:
    (kit.folder / "manifest.json").write_text("files: all of them", "utf-8")
    return kit.import_set()


@bad("bad-manifest", "set", shown=True)
def a_file_of_another_entity(kit: Kit) -> Words:
    kit.edit(SUPPLIERS, lambda document: document.update(entity_type="shops"))
    return kit.validate()


@bad("bad-manifest", "zip")
def a_manifest_without_files(kit: Kit) -> Words:
    kit.edit("manifest.json", lambda manifest: manifest.update(files="none"))
    return kit.validate(kit.zip())


@bad("checksum-mismatch", "set", shown=True)
def an_edited_file(kit: Kit) -> Words:
    kit.edit(
        SUPPLIERS, lambda document: document["records"][0].update(notes="edited"), signed=False
    )
    return kit.validate()


@bad("checksum-mismatch", "zip")
def a_manifest_with_another_checksum(kit: Kit) -> Words:
    kit.edit(
        "manifest.json", lambda manifest: manifest["files"][1].update(checksum_sha256="0" * 64)
    )
    return ["-d", kit.database, "import-complete", kit.zip()]


@bad("count-mismatch", "set", shown=True)
def a_record_fewer_than_promised(kit: Kit) -> Words:
    kit.edit(INVENTORY, lambda document: document["records"].pop())
    return kit.import_set()


@bad("count-mismatch", "set")
def a_header_that_miscounts(kit: Kit) -> Words:
    kit.edit(SUPPLIERS, lambda document: document.update(record_count=99))
    return kit.validate()


@bad("bad-order", "set", shown=True)
def children_before_parents(kit: Kit) -> Words:
    kit.edit("manifest.json", lambda manifest: manifest["files"][0].update(import_order=9))
    return kit.validate()


@bad("bad-order", "zip")
def two_files_in_one_place(kit: Kit) -> Words:
    kit.edit("manifest.json", lambda manifest: manifest["files"][1].update(import_order=1))
    return kit.validate(kit.zip())


@bad("missing-file", "set", shown=True)
def a_file_that_is_not_there(kit: Kit) -> Words:
    (kit.folder / INVENTORY).unlink()
    return kit.import_set()


@bad("missing-file", "set")
def a_folder_without_manifest(kit: Kit) -> Words:
    (kit.folder / "manifest.json").unlink()
    return kit.validate()


@bad("missing-file", "view")
def a_path_to_nothing(kit: Kit) -> Words:
    return ["-d", kit.database, "import-view", kit.home / "nowhere.json"]


@bad("unexpected-file", "set", shown=True)
def a_file_too_many(kit: Kit) -> Words:
    (kit.folder / "notes.txt").write_text("eggs", "utf-8")
    return kit.import_set()


@bad("unexpected-file", "zip")
def a_member_twice(kit: Kit) -> Words:
    path = kit.zip()
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(SUPPLIERS, (kit.folder / SUPPLIERS).read_bytes())
    return kit.validate(path)


@bad("unsafe-path", "set", shown=True)
def a_file_one_folder_up(kit: Kit) -> Words:
    (kit.folder / INVENTORY).rename(kit.home / INVENTORY)
    kit.edit(
        "manifest.json", lambda manifest: manifest["files"][4].update(filename=f"../{INVENTORY}")
    )
    return kit.import_set()


@bad("unsafe-path", "zip")
def a_member_that_leads_out(kit: Kit) -> Words:
    path = kit.zip()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../.profile", "echo hello")
    return kit.validate(path)


@bad("symlink", "set", shown=True)
def a_link_for_a_file(kit: Kit) -> Words:
    (kit.folder / SUPPLIERS).rename(kit.home / SUPPLIERS)
    (kit.folder / SUPPLIERS).symlink_to(kit.home / SUPPLIERS)
    return kit.validate()


@bad("symlink", "zip")
def a_link_in_an_archive(kit: Kit) -> Words:
    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = (
            (stat.S_IFLNK | 0o777) << 16 if info.filename == INVENTORY else info.external_attr
        )

    return ["-d", kit.database, "import-complete", kit.zip(link)]


@bad("too-large", "set", shown=True)
def a_manifest_of_17_mib(kit: Kit) -> Words:
    with open(kit.folder / "manifest.json", "ab") as file:
        file.write(b" " * (17 << 20))
    return kit.validate()


@bad("too-large", "zip")
def a_file_that_is_mostly_air(kit: Kit) -> Words:
    with open(kit.folder / INVENTORY, "ab") as file:
        file.write(b" " * (20 << 20))
    sign(kit.folder)
    return kit.validate(kit.zip())


@bad("too-large", "entity")
def a_record_nested_too_deeply(kit: Kit) -> Words:
    deep = json.loads("[" * 150 + "]" * 150)
    return kit.import_any(
        {**entity("suppliers"), "records": [{"slug": "a", "name": "A", "notes": deep}]}
    )


# -- records
@bad("missing-field", "entity", shown=True)
def a_new_supplier_without_a_name(kit: Kit) -> Words:
    return kit.import_any(entity("suppliers", {"slug": "new_shop"}))


@bad("missing-field", "view")
def a_new_product_without_a_unit(kit: Kit) -> Words:
    document = kit.some("products", 0)
    document["records"] = [
        {"product_slug": "new", "ingredient_slug": "all_purpose_flour", "package_unit_quantity": 1}
    ]
    return kit.import_view(document)


@bad("unknown-field", "set")
def a_field_misspelt(kit: Kit) -> Words:
    kit.edit_text(PRODUCTS, '"upc_code":', '"upc_cod":')
    return kit.import_set()


@bad("unknown-field", "view", shown=True)
def a_view_s_field_misspelt(kit: Kit) -> Words:
    document = kit.some("products", 0, 1)
    document["records"][1]["package_szie"] = document["records"][1].pop("package_size")
    return kit.import_view(document)


@bad("bad-value", "set")
def a_price_with_its_currency(kit: Kit) -> Words:
    kit.edit_record(PURCHASES, 0, unit_price="$6.99")
    return kit.import_set()


@bad("bad-value", "view", shown=True)
def a_day_with_two_readings(kit: Kit) -> Words:
    document = kit.some("purchases", 0)
    document["records"][0]["purchase_date"] = "01/02/2024"
    return kit.import_view(document)


@bad("bad-value", "skipped")
def half_a_character(kit: Kit) -> Words:
    return kit.import_any(
        log(
            {
                "entity_type": "suppliers",
                "record_data": {"slug": "a", "name": "A", "notes": "\ud83d"},
            }
        )
    )


@bad("check", "view", shown=True)
def a_wrong_check_digit(kit: Kit) -> Words:
    document = kit.some("products", 0)
    document["records"][0]["upc_code"] = "000011960233"
    return kit.import_view(document)


@bad("check", "skipped")
def a_new_product_with_a_wrong_check_digit(kit: Kit) -> Words:
    product = {
        "product_slug": "new",
        "ingredient_slug": "all_purpose_flour",
        "package_unit": "kg",
        "package_unit_quantity": 1,
    }
    return kit.import_any(
        log({"view_name": "products", "record_data": {**product, "upc_code": "4006381333932"}})
    )


# -- rows
@bad("missing-reference", "view", shown=True)
def a_supplier_nobody_knows(kit: Kit) -> Words:
    document = kit.some("purchases", 0, 1)
    document["records"][0]["supplier_name"] = document["records"][1]["supplier_name"] = "Cosco"
    return kit.import_view(document)


@bad("missing-reference", "set")
def a_product_that_is_not_in_the_set(kit: Kit) -> Words:
    kit.edit_record(INVENTORY, 0, product_slug="nowhere")
    return kit.validate()


@bad("ambiguous-key", "view")
def a_name_two_suppliers_have(kit: Kit) -> Words:
    document = kit.some("purchases", 0, 10)
    kit.sql("UPDATE suppliers SET name = 'Wegmans' WHERE id IN (3, 4)")
    for record in document["records"]:
        record["supplier_name"] = "Wegmans"
    return kit.import_view(document)


@bad("ambiguous-key", "entity", shown=True)
def a_purchase_at_one_of_two(kit: Kit) -> Words:
    kit.sql("UPDATE suppliers SET name = 'Costco' WHERE id = 5")
    purchase = {
        "product_slug": "king_arthur_unbleached_all_purpose_flour_25lb",
        "supplier_name": "Costco",
    }
    return kit.import_any(
        entity(
            "purchases",
            purchase | {"purchase_date": "2026-01-02", "unit_price": 1, "quantity_purchased": 1},
        )
    )


@bad("duplicate-key", "set", shown=True)
def one_supplier_with_two_notes(kit: Kit) -> Words:
    def double(document: dict[str, Any]) -> None:
        document["records"].append(document["records"][0] | {"notes": "another"})
        document["record_count"] += 1

    kit.edit(SUPPLIERS, double)
    kit.edit("manifest.json", lambda manifest: manifest["files"][0].update(record_count=9))
    return kit.import_set()


@bad("duplicate-key", "view")
def one_product_with_two_brands(kit: Kit) -> Words:
    document = kit.some("products", 0, 0)
    document["records"][1] = document["records"][0] | {"brand": "Another"}
    return kit.import_view(document)


@bad("unknown-row", "view", shown=True)
def a_row_that_was_deleted(kit: Kit) -> Words:
    document = kit.some("inventory", 0)
    kit.sql(f"DELETE FROM inventory_items WHERE id = {document['records'][0]['inventory_id']}")
    return kit.import_view(document)


@bad("unknown-row", "view")
def an_id_that_never_was(kit: Kit) -> Words:
    document = kit.some("products", 0)
    document["records"][0] |= {"product_id": 4711, "product_slug": "new"}
    del document["records"][0]["_rev"]
    return kit.import_view(document)


@bad("identity-mismatch", "set", shown=True)
def a_slug_and_a_name_of_two_suppliers(kit: Kit) -> Words:
    kit.edit_record(PURCHASES, 0, supplier_slug="costco_waltham_ma", supplier_name="Wegmans")
    return kit.import_set()


@bad("identity-mismatch", "view")
def an_id_and_a_slug_of_two_products(kit: Kit) -> Words:
    document = kit.some("products", 0, 1)
    document["records"][0]["product_slug"] = document["records"].pop()["product_slug"]
    document["record_count"] = 1
    del document["records"][0]["_rev"]
    return kit.import_view(document)


@bad("tampered-context", "view", shown=True)
def another_product_for_a_purchase(kit: Kit) -> Words:
    document = kit.some("purchases", 0, 5)
    document["records"][0]["product_slug"] = "domino_granulated_sugar_25lb"
    return kit.import_view(document)


@bad("tampered-context", "view")
def another_slug_for_a_product(kit: Kit) -> Words:
    document = kit.some("products", 0)
    document["records"][0]["product_slug"] = "a_slug_nobody_has"
    return kit.import_view(document)


@bad("conflict", "view")
def a_note_changed_on_both_sides(kit: Kit) -> Words:
    document = kit.some("products", 0)
    document["records"][0]["notes"] = "in the file"
    kit.sql(
        "UPDATE products SET notes = 'in the database' WHERE id = "
        f"{document['records'][0]['product_id']}"
    )
    return kit.import_view(document)


@bad("conflict", "set", shown=True)
def a_row_updated_after_the_export(kit: Kit) -> Words:
    kit.sql(
        "UPDATE suppliers SET city = 'Newton', updated_at = '2099-01-01 00:00:00.000000' WHERE "
        "id = 1"
    )
    return kit.import_set()


@bad("constraint", "entity")
def a_rule_only_the_database_knows(kit: Kit) -> Words:
    kit.sql(
        "CREATE TRIGGER no_more BEFORE INSERT ON suppliers BEGIN SELECT RAISE(ABORT, 'no more "
        "suppliers'); END"
    )
    return kit.import_any(entity("suppliers", {"slug": "one_more", "name": "One More"}))


@bad("constraint", "entity", shown=True)
def a_name_that_must_be_unique(kit: Kit) -> Words:
    first, second = json.loads((kit.folder / INGREDIENTS).read_bytes())["records"][:2]
    return kit.import_any(entity("ingredients", first | {"display_name": second["display_name"]}))


# -- situations
@bad("blocked", "set", shown=True)
def a_set_with_a_blocked_plugin(kit: Kit) -> Words:
    return ["--block", "products", "-d", kit.database, "import-complete", kit.folder]


@bad("blocked", "view")
def a_view_that_would_lose_its_edits(kit: Kit) -> Words:
    document = kit.view("products")
    document["records"][0]["notes"] = "not imported yet"
    return ["-d", kit.database, "export-view", "products", "-o", kit.put(document)]


def lock(kit: Kit) -> None:
    """Let another connection hold the write lock, and wait a moment only."""
    kit.monkeypatch.setitem(connect.__kwdefaults__, "timeout", 0.2)
    other = kit.held.enter_context(
        contextlib.closing(sqlite3.connect(kit.database, isolation_level=None))
    )
    other.execute("BEGIN IMMEDIATE")


@bad("locked", "set", shown=True)
def a_set_while_another_writes(kit: Kit) -> Words:
    lock(kit)
    return ["--wait", "0.3", *kit.import_set()]


@bad("locked", "view")
def a_view_while_another_writes(kit: Kit) -> Words:
    document = kit.some("products", 0)
    lock(kit)
    return ["--wait", "0.3", *kit.import_view(document)]


@bad("io-error", "set", shown=True)
def a_folder_below_a_file(kit: Kit) -> Words:
    return ["-d", kit.database, "export-complete", "-o", kit.put("x", "backup") / "today"]


@bad("io-error", "view")
def a_database_that_is_none(kit: Kit) -> Words:
    return [
        "-d",
        kit.put("no database at all " * 100, "none.db"),
        "import-view",
        kit.put(kit.some("products", 0)),
    ]


@bad("plugin-error", "set", shown=True)
def a_plugin_that_cannot_be_loaded(kit: Kit) -> Words:
    kit.install(
        "ovens", "import bakeio_core\n@bakeio_core.hookimpl\ndef bakeio_view():\n    return None\n"
    )
    return ["-d", kit.database, "export-complete", "-o", kit.home / "out"]


@bad("plugin-error", "view")
def a_plugin_that_fails_while_writing(kit: Kit) -> Words:
    kit.install(
        "ovens",
        "import bakeio_core\n@bakeio_core.hookimpl\ndef bakeio_import_records():\n    raise "
        "RuntimeError('the oven is cold')\n",
    )
    document = kit.some("products", 0)
    document["records"][0]["notes"] = "edited"
    return kit.import_view(document)


def meanwhile(kit: Kit) -> Iterator[tuple[str | None, str]]:
    """Provoke `changed-meanwhile` twice in a program, where plan and apply are two calls; yield
    code and message of each refusal.
    """
    from bakeio_core import Bakeio, ImportRefused
    from bakeio_core.database.connect import begin_read, begin_write

    core, engine = Bakeio.discover(), connect(kit.database)
    document = kit.some("products", 0)
    document["records"][0]["notes"] = "edited"
    path = kit.put(document)

    def other_file() -> None:
        kit.put(document | {"export_id": "another"})

    def other_rows() -> None:
        kit.sql(
            "UPDATE products SET notes = 'edited' WHERE id = "
            f"{document['records'][0]['product_id']}"
        )

    for change in (other_file, other_rows):
        with begin_read(engine) as db:
            plan = core.plan(db, path)
        change()
        with pytest.raises(ImportRefused) as refused, begin_write(engine) as db:
            core.apply(db, plan)
        yield refused.value.code, str(refused.value)
    engine.dispose()
