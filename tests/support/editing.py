"""Files of views as people and programs edit them: anything a field, record or header can suffer.

A case is made by a seed alone. It remembers which record came from which, so that somebody who
knows nothing of imports can tell what was edited.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from support.edited_sheets import SHEETS, is_table
from support.files import behind, indented, lined

Record = dict[str, Any]
NOBODY = "00000000-0000-0000-0000-000000000000"
"""The id of no database and no row."""

EDITABLE = {
    "products": (
        "brand", "product_name", "package_size", "package_unit", "package_unit_quantity",
        "upc_code", "notes",
    ),
    "inventory": ("quantity", "addition_date", "location", "notes"),
    "purchases": (
        "supplier_name", "purchase_date", "unit_price", "quantity_purchased", "notes",
    ),
    "suppliers": ("name", "city", "state", "zip", "notes"),
    "ingredients": ("display_name", "category", "notes"),
}  # fmt: skip
"""The fields of each view that an import writes."""
TABLES = {name: name for name in EDITABLE} | {"inventory": "inventory_items"}
"""The table each view is of."""
IDS = {
    "products": "product_id",
    "inventory": "inventory_id",
    "purchases": "purchase_id",
    "suppliers": "supplier_id",
    "ingredients": "ingredient_id",
}
"""The field of each view that holds the id of its rows."""
SLUGS = {
    "products": "product_slug",
    "suppliers": "supplier_slug",
    "ingredients": "ingredient_slug",
}
"""The field that holds the key of a view's rows, where they have one."""
NARROW = {
    "products": (["notes"], ["product_slug", "upc_code"], ["brand", "package_size", "notes"]),
    "inventory": (["quantity"], ["inventory_id", "notes"], ["product_slug", "quantity", "notes"]),
    "purchases": (["unit_price"], ["supplier_name", "notes"], ["product_name", "notes"]),
    "suppliers": (["notes"], ["name", "city"], ["purchase_count", "zip"]),
    "ingredients": (["notes"], ["ingredient_slug", "category"], ["display_name"]),
}
"""The fields of the narrowed exports."""
VALUES: dict[str, tuple[Any, ...]] = {
    "brand": ("Acme", "acme", "", " King Arthur", "King Arthur"),
    "product_name": ("Fine Flour", "Cafe\u0301 Sugar", "", 7),
    "package_size": (5, 2.5, "6.99", "5 lb", 1.23456, 0, True),
    "package_unit": ("lb", "oz", "", "LB"),
    "package_unit_quantity": (3, "4", -1, 0, "many"),
    "upc_code": ("036000291452", "036000291453", "36000291452", 36000291452, "N/A", "4.00022E+11"),
    "notes": ("Keep dry", "keep dry", "", "  ", 5, ["a"], "x" * 300, "Line\nbreak"),
    "quantity": (12, 0, "7.5", -3, 1.0001, "none", False),
    "addition_date": ("2025-03-01", "03/01/2025", "", "2025-03-01T10:00:00Z", 20250301),
    "location": ("Shelf 9", "", "x" * 120),
    "supplier_name": ("Costco", "COSTCO", "Nobody's Farm", "", "Wegmans"),
    "purchase_date": ("2025-02-03", "02/03/2025", "", "soon"),
    "unit_price": (4.5, "6.99", "$6.99", -1, 0, 1.23456),
    "quantity_purchased": (2, "3", 0, 1000000000),
    "supplier_slug": ("wegmans", "nobody", "Wegmans", "", 5),
    "ingredient_slug": ("all_purpose_flour", "nothing", "bread_flour"),
    "product_upc": ("000011960232", "036000291452", "11960232"),
    "purchase_uuid": (NOBODY,),
    "name": ("Wegmans", "WEGMANS", "Corner Shop", "", " Costco", 5, "Cafe\u0301 X"),
    "city": ("Burlington", "burlington", "", 7, "x" * 120),
    "state": ("MA", "ma", "", "x" * 60),
    "zip": ("01803", 1803, "1803.0", "", "x" * 30),
    "display_name": ("Bread Flour", "bread  flour", "Rye Meal", "", 5),
    "category": ("Flours", "flours", "New Category", "", 3),
    "_clear": (["notes"], "notes", ["brand"], ["quantity"], 5, ["remark"], []),
}
"""What people write into a field, whether it is there or added."""
ADDED: dict[str, tuple[str, ...]] = {
    "products": (
        "supplier_slug", "ingredient_slug", "is_hidden", "slug", "uuid", "id", "supplier_name",
        "preferred_supplier", "ingredient_id", "preferred_supplier_id", "created_at",
        "updated_at", "_clear",
    ),
    "inventory": (
        "product_upc", "purchase_uuid", "supplier_slug", "purchase_id", "is_hidden", "id", "uuid",
        "unit_price", "created_at", "_clear",
    ),
    "purchases": (
        "supplier_slug", "product_upc", "supplier_id", "ingredient_slug", "id", "uuid",
        "updated_at", "_clear",
    ),
    "suppliers": ("slug", "uuid", "id", "supplier_name", "created_at", "phone", "_clear"),
    "ingredients": ("slug", "uuid", "id", "ingredient_name", "is_hidden", "updated_at", "_clear"),
}  # fmt: skip
"""Fields that a view does not show and people add."""
UNKNOWN = ("remark", "nots", "_comment", "Prise", "qty")
SPELLINGS: dict[str, tuple[str, ...]] = {
    "upc_code": ("UPC", "upcCode", "barcode"),
    "notes": ("Notes", "NOTES"),
    "quantity": ("Quantity",),
    "unit_price": ("unitPrice", "Unit Price"),
    "supplier_name": ("supplierName",),
    "product_slug": ("productSlug",),
    "brand": ("Brand",),
    "supplier_slug": ("supplierSlug",),
}
"""Other names under which fields are known."""
MEANT = {other: name for name, others in SPELLINGS.items() for other in others}
CHANGED_MEANWHILE: dict[str, dict[str, tuple[Any, ...]]] = {
    "products": {"notes": ("Meanwhile", "Keep dry", None), "brand": ("Acme", "Later")},
    "inventory": {"notes": ("Meanwhile", None), "quantity": (12, 77), "location": ("Shelf 9",)},
    "purchases": {"notes": ("Meanwhile", None), "unit_price": (4.5, 99.5)},
    "suppliers": {"notes": ("Meanwhile", None), "name": ("Later Shop", "Corner Shop")},
    "ingredients": {"notes": ("Meanwhile", None), "category": ("Flours", "Later")},
}
"""What somebody else wrote after the export: {view: {column: values}}."""


@dataclass
class Case:
    """One edited file, and all that is needed to judge what becomes of it.

    `origins` and `exported` hold for each record the id and the contents of the record it was made
    of, None where it is new; `revisions` the id of the row its `_rev` was made for. `meanwhile`
    are (id, column, value) of changes by somebody else, (id, None, None) a deletion. `earlier` are
    the records as the same file was imported before, None where it was not.
    """

    seed: str
    view: str
    header: Record
    records: list[Any]
    origins: list[int | None]
    exported: list[Record | None]
    revisions: list[int | None]
    layout: str = "lines"
    options: dict[str, Any] = field(default_factory=dict)
    meanwhile: list[tuple[int, str | None, Any]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    earlier: list[Any] | None = None

    @property
    def is_at_home(self) -> bool:
        """Whether the file says it is of the very database it is imported into."""
        return self.header.get("database_id", NOBODY) != NOBODY

    @property
    def is_sheet(self) -> bool:
        """Whether it is a table: a field that a record lacks is an empty cell there."""
        return self.layout in SHEETS

    @property
    def suffix(self) -> str:
        return f".{self.layout}" if self.is_sheet else ".json"

    @property
    def contents(self) -> bytes:
        """The file."""
        return self._laid_out(self.records)

    @property
    def earlier_contents(self) -> bytes:
        """The file as it was imported before; empty where it was not."""
        return b"" if self.earlier is None else self._laid_out(self.earlier)

    def _laid_out(self, records: list[Any]) -> bytes:
        if self.is_sheet:
            return SHEETS[self.layout](self.header, records)
        return LAYOUTS[self.layout]({**self.header, "records": records}).encode()

    def put_in_a_sheet(self, layout: str) -> None:
        """Make a table of it, with a cell for every field of every record."""
        self.layout, has_types = layout, layout != "csv"
        lists = [self.records, self.exported, *([] if self.earlier is None else [self.earlier])]
        names = dict.fromkeys(name for records in lists for r in records if r for name in r)
        for records in lists:
            for place, record in enumerate(records):
                if record is not None:
                    # the columns of another export are empty, and this one had none
                    own = list(record) if records is self.exported else names
                    cells = {name: record.get(name) for name in own}
                    records[place] = {
                        n: "" if v is None else v if has_types else str(v) for n, v in cells.items()
                    }

    def as_dict(self) -> dict[str, Any]:
        """Return the case as JSON holds it."""
        return asdict(self)


LAYOUTS: dict[str, Callable[[Any], str]] = {
    "lines": lined,
    "indented": indented,
    "one line": lambda document: json.dumps(document, ensure_ascii=False),
    "header behind": lambda document: indented(behind(document)),
}


class Editor:
    """Edit some records of an export as the random numbers say.

    Args:
        rng: What decides.
        exports: {view: exports of it, whole and narrowed, of the same rows in the same order}.
    """

    def __init__(self, rng: Random, exports: Mapping[str, list[Record]]) -> None:
        self.rng, self.exports = rng, exports

    def edited(self, seed: str) -> Case:
        """Return a file of one view with a few records, edited."""
        rng = self.rng
        view = rng.choice(list(EDITABLE))
        whole, *narrowed = self.exports[view]
        document = whole if rng.random() < 0.7 else rng.choice(narrowed)
        places = sorted(rng.sample(range(len(document["records"])), rng.choice([1, 2, 4, 7])))
        records = [copy.deepcopy(document["records"][place]) for place in places]
        ids = [whole["records"][place][IDS[view]] for place in places]
        header = {name: value for name, value in document.items() if name != "records"}
        header["record_count"] = len(records)
        self.case = Case(
            seed, view, header, records, list(ids), copy.deepcopy(records), list(ids),
            rng.choice(list(LAYOUTS)), self._options(),
        )  # fmt: skip
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            self._edit()
        self._change_header()
        self._change_database(ids)
        if rng.random() < 0.25:
            self.case.earlier = copy.deepcopy(self.case.records)
            for _ in range(rng.choice([1, 2])):
                self._edit_again()
        earlier = self.case.earlier or []
        if rng.random() < 0.3 and is_table([*self.case.records, *earlier]):
            self.case.put_in_a_sheet(rng.choice(list(SHEETS)))
        return self.case

    def _options(self) -> dict[str, Any]:
        rng, chosen = self.rng, {}
        for chance, name, *values in (
            (0.3, "mode", "skip-existing", "update-only"),
            (0.3, "on_conflict", "keep-db", "take-file"),
            (0.2, "nulls", "clear"),
            (0.6, "skip_errors", True),
            (0.1, "allow_duplicates", True),
        ):
            if rng.random() < chance:  # type: ignore[operator]
                chosen[str(name)] = rng.choice(values)
        return chosen

    def _edit(self) -> None:
        kinds = (
            (10, self._change_field), (3, self._add_field), (2, self._remove_field),
            (2, self._rename_field), (3, self._void_field), (1, self._drop), (1, self._double),
            (1, self._move), (2, self._add_record), (2, self._spoil_revision),
            (1, self._exchange_revisions), (1, self._remove_revisions), (1, self._borrow),
            (0.3, self._break_record),
        )  # fmt: skip
        chosen = self.rng.choices([edit for _, edit in kinds], [weight for weight, _ in kinds])[0]
        if self.case.records:
            self.case.done.append(chosen.__name__.strip("_"))
            chosen()

    def _edit_again(self) -> None:
        """Change a field once more, often back to what it was at the export."""
        places = [n for n, r in enumerate(self.case.records) if isinstance(r, dict)]
        if not places:
            return
        place = self.rng.choice(places)
        record, exported = self.case.records[place], self.case.exported[place] or {}
        changed = [n for n in record if n in exported and record[n] != exported[n] and n != "_rev"]
        if changed and self.rng.random() < 0.6:
            name = self.rng.choice(changed)
            record[name] = exported[name]
        else:
            name = self._name(record)
            record[name] = self._value(name)
        self.case.done.append("edit_again")

    def _record(self) -> Record:
        found = [record for record in self.case.records if isinstance(record, dict)]
        return self.rng.choice(found) if found else {}

    def _name(self, record: Record) -> str:
        editable = [name for name in record if name in EDITABLE[self.case.view]]
        names = editable if editable and self.rng.random() < 0.6 else list(record)
        names = [name for name in names if name != "_rev"]
        return self.rng.choice(names) if names else "notes"

    def _value(self, name: str) -> Any:
        """Return something to write: fitting, another row's, or of another type."""
        rng = self.rng
        if rng.random() < 0.7 and name in VALUES:
            return copy.deepcopy(rng.choice(VALUES[name]))
        if rng.random() < 0.6:
            others = self.exports[self.case.view][0]["records"]
            found = rng.choice(others).get(MEANT.get(name, name))
            if found is not None:
                return found
        return rng.choice(["Something else", 5, 99999, 2.5, True, "0", "2025-05-05", [1], {"a": 1}])

    # -- fields
    def _change_field(self) -> None:
        record = self._record()
        name = self._name(record)
        record[name] = self._value(name)

    def _add_field(self) -> None:
        record = self._record()
        name = self.rng.choice([*ADDED[self.case.view], *UNKNOWN])
        record[name] = self._value(name)

    def _remove_field(self) -> None:
        record = self._record()
        record.pop(self._name(record), None)

    def _rename_field(self) -> None:
        record = self._record()
        known = [name for name in record if name in SPELLINGS]
        old = self.rng.choice(known) if known else self._name(record)
        new = self.rng.choice([*SPELLINGS.get(old, ()), *UNKNOWN[:1]])
        value = record.get(old) if self.rng.random() < 0.4 else self._value(old)
        if self.rng.random() < 0.8:
            record.pop(old, None)
        record[new] = value

    def _void_field(self) -> None:
        record = self._record()
        record[self._name(record)] = self.rng.choice([None, None, ""])

    def _borrow(self) -> None:
        """Take some fields, also those that name the row, from another record of the export."""
        record = self._record()
        others = self.exports[self.case.view][0]["records"]
        other = self.rng.choice(others)
        for name in self.rng.sample(list(record), min(len(record), self.rng.choice([1, 2, 3]))):
            if name in other and name != "_rev":
                record[name] = other[name]

    # -- records
    def _insert(self, place: int, record: Any, made_of: int | None = None) -> None:
        case = self.case
        for values, new in (
            (case.origins, None if made_of is None else case.origins[made_of]),
            (case.exported, None if made_of is None else case.exported[made_of]),
            (case.revisions, None if made_of is None else case.revisions[made_of]),
        ):
            values.insert(place, new)  # type: ignore[attr-defined]
        case.records.insert(place, record)

    def _take(self, place: int) -> tuple[Any, ...]:
        case = self.case
        lists = (case.records, case.origins, case.exported, case.revisions)
        return tuple(values.pop(place) for values in lists)  # type: ignore[attr-defined]

    def _place(self) -> int:
        return self.rng.randrange(len(self.case.records))

    def _drop(self) -> None:
        self._take(self._place())

    def _double(self) -> None:
        place = self._place()
        record = copy.deepcopy(self.case.records[place])
        self._insert(self.rng.randrange(len(self.case.records) + 1), record, place)
        # what was put in before its original moved that one on, and both are of one row anyway

    def _move(self) -> None:
        case = self.case
        taken = self._take(self._place())
        place = self.rng.randrange(len(case.records) + 1)
        lists = (case.records, case.origins, case.exported, case.revisions)
        for values, value in zip(lists, taken, strict=True):
            values.insert(place, value)  # type: ignore[attr-defined]

    def _add_record(self) -> None:
        """Add a record as a copy without what is of the row, or of what is needed alone."""
        rng, view = self.rng, self.case.view
        record = copy.deepcopy(rng.choice(self.exports[view][0]["records"]))
        for name in ("_rev", IDS[view]):
            if rng.random() < 0.85:
                record.pop(name, None)
        if rng.random() < 0.5 and view in SLUGS:
            record[SLUGS[view]] = rng.choice(["a_new_one", "another_new_one", "A New One"])
        if rng.random() < 0.2:
            record.pop(SLUGS.get(view, "product_slug"), None)
        keep = {"_rev", IDS[view], *SLUGS.values(), *EDITABLE[view]}
        if rng.random() < 0.7:
            record = {name: value for name, value in record.items() if name in keep}
        for _ in range(rng.choice([0, 1, 2])):
            name = rng.choice(EDITABLE[view])
            record[name] = self._value(name)
        if "_rev" in record:  # whose it is counts
            whole = self.exports[view][0]["records"]
            place = next(n for n, r in enumerate(whole) if r["_rev"] == record["_rev"])
            self._insert(rng.randrange(len(self.case.records) + 1), record)
            added = next(n for n, r in enumerate(self.case.records) if r is record)
            self.case.revisions[added] = whole[place][IDS[view]]
        else:
            self._insert(rng.randrange(len(self.case.records) + 1), record)

    def _break_record(self) -> None:
        case, place = self.case, self._place()
        case.records[place] = self.rng.choice([None, 5, "a text", [], {}, {"remark": "all mine"}])

    # -- `_rev`
    def _spoil_revision(self) -> None:
        record = self._record()
        text = record.get("_rev")
        if not isinstance(text, str) or len(text) < 10:
            return
        place = self.rng.randrange(len(text))
        other = "A" if text[place] != "A" else "B"
        wrong = text[:place] + other + text[place + 1 :]
        record["_rev"] = self.rng.choice([text[:place], wrong, "", None, 5, "broken", text * 2])

    def _exchange_revisions(self) -> None:
        case = self.case
        places = [n for n, r in enumerate(case.records) if isinstance(r, dict) and r.get("_rev")]
        if len(places) < 2:
            return
        one, other = self.rng.sample(places, 2)
        first, second = case.records[one], case.records[other]
        first["_rev"], second["_rev"] = second["_rev"], first["_rev"]
        case.revisions[one], case.revisions[other] = case.revisions[other], case.revisions[one]

    def _remove_revisions(self) -> None:
        everywhere = self.rng.random() < 0.7
        for record in self.case.records if everywhere else [self._record()]:
            if isinstance(record, dict):
                record.pop("_rev", None)

    # -- around the records
    def _change_header(self) -> None:
        header, rng = self.case.header, self.rng
        if rng.random() < 0.15:
            header.pop(rng.choice(["database_id", "exported_at", "export_id"]), None)
        if rng.random() < 0.05:
            header["database_id"] = NOBODY
        if rng.random() < 0.9:
            header["record_count"] = len(self.case.records)

    def _change_database(self, ids: list[int]) -> None:
        if self.rng.random() < 0.6:
            return
        choices = CHANGED_MEANWHILE[self.case.view]
        for identity in self.rng.sample(ids, min(len(ids), self.rng.choice([1, 2]))):
            if self.case.view == "inventory" and self.rng.random() < 0.2:
                self.case.meanwhile.append((identity, None, None))
                continue
            column = self.rng.choice(list(choices))
            self.case.meanwhile.append((identity, column, self.rng.choice(choices[column])))
