"""Judge what became of an edited file, without any of the import's code: nothing is silent.

Every edit of a record is applied (its row says it afterwards), told (a problem or a count covers
it), or the whole file is refused and nothing is written. No row changes that no record names.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection, text

from bakeio_core import Problem
from support.databases import TABLES as COLUMNS
from support.editing import EDITABLE, IDS, MEANT, SLUGS, TABLES, Case

Row = dict[str, Any]
SHOWN = {
    "products": """
        SELECT t.id, t.id AS product_id, t.slug AS product_slug, t.slug AS slug, t.uuid,
            t.ingredient_id, t.preferred_supplier_id, t.is_hidden, t.created_at, t.updated_at,
            i.display_name AS ingredient_name, i.slug AS ingredient_slug,
            i.category AS ingredient_category, s.name AS preferred_supplier_name,
            s.name AS supplier_name, s.name AS preferred_supplier, s.slug AS supplier_slug,
            (SELECT unit_price FROM purchases b WHERE b.product_id = t.id
                ORDER BY purchase_date DESC, id DESC LIMIT 1) AS last_purchase_price,
            (SELECT purchase_date FROM purchases b WHERE b.product_id = t.id
                ORDER BY purchase_date DESC, id DESC LIMIT 1) AS last_purchase_date,
            (SELECT coalesce(sum(quantity), 0) FROM inventory_items b WHERE b.product_id = t.id)
                AS current_inventory_qty,
            t.brand, t.product_name, t.package_size, t.package_unit, t.package_unit_quantity,
            t.upc_code, t.notes
        FROM products t JOIN ingredients i ON i.id = t.ingredient_id
        LEFT JOIN suppliers s ON s.id = t.preferred_supplier_id""",
    "inventory": """
        SELECT t.id, t.id AS inventory_id, t.uuid, t.product_id, t.purchase_id, t.created_at,
            p.slug AS product_slug, p.upc_code AS product_upc, p.is_hidden,
            trim(coalesce(p.brand, '') || ' ' || coalesce(p.product_name, '')) AS product_name,
            i.display_name AS ingredient_name, i.category AS ingredient_category,
            b.purchase_date, b.unit_price AS purchase_unit_price, b.unit_price,
            b.uuid AS purchase_uuid, s.name AS supplier_name, s.slug AS supplier_slug,
            t.quantity, t.addition_date, t.location, t.notes
        FROM inventory_items t JOIN products p ON p.id = t.product_id
        JOIN ingredients i ON i.id = p.ingredient_id LEFT JOIN purchases b ON b.id = t.purchase_id
        LEFT JOIN suppliers s ON s.id = b.supplier_id""",
    "purchases": """
        SELECT t.id, t.id AS purchase_id, t.uuid, t.product_id, t.supplier_id, t.updated_at,
            p.slug AS product_slug, p.upc_code AS product_upc, i.slug AS ingredient_slug,
            trim(coalesce(p.brand, '') || ' ' || coalesce(p.product_name, '')) AS product_name,
            i.display_name AS ingredient_name,
            (SELECT coalesce(sum(quantity), 0) FROM inventory_items b WHERE b.purchase_id = t.id)
                AS inventory_quantity,
            s.name AS supplier_name, s.slug AS supplier_slug, t.purchase_date, t.unit_price,
            t.quantity_purchased, t.notes
        FROM purchases t JOIN products p ON p.id = t.product_id
        JOIN ingredients i ON i.id = p.ingredient_id JOIN suppliers s ON s.id = t.supplier_id""",
    "suppliers": """
        SELECT t.id, t.id AS supplier_id, t.slug AS supplier_slug, t.slug, t.uuid, t.created_at,
            (SELECT count(*) FROM products b WHERE b.preferred_supplier_id = t.id)
                AS products_preferred,
            (SELECT count(*) FROM purchases b WHERE b.supplier_id = t.id) AS purchase_count,
            t.name, t.name AS supplier_name, t.city, t.state, t.zip, t.notes
        FROM suppliers t""",
    "ingredients": """
        SELECT t.id, t.id AS ingredient_id, t.slug AS ingredient_slug, t.slug, t.uuid, t.updated_at,
            (SELECT count(*) FROM products b WHERE b.ingredient_id = t.id) AS product_count,
            t.display_name, t.display_name AS ingredient_name, t.category, t.notes
        FROM ingredients t""",
}
"""What each view shows of a row, and what else a record may say of it."""
PLAIN = ("brand", "product_name", "package_unit", "notes", "location", "name", "city", "category")
"""Texts of which every sign counts, where they are written."""
LINKS = ("supplier_name", "supplier_slug")
NATURAL = {
    "products": ("ingredient_slug", "brand", "product_name", "package_size", "package_unit"),
    "inventory": ("product_slug", "quantity"),
    "purchases": ("product_slug", "purchase_date", "unit_price", "quantity_purchased"),
    "suppliers": ("supplier_slug", "name", "city", "state"),
    "ingredients": ("ingredient_slug", "display_name"),
}
"""By what a record without any key may be known all the same."""


class State:
    """All rows of the bakery, and those of one view as it shows them: {id: {field: value}}."""

    def __init__(self, db: Connection, view: str) -> None:
        self.tables = {
            name: {row.id: dict(row._mapping) for row in db.execute(text(f"SELECT * FROM {name}"))}
            for name in COLUMNS
        }
        self.rows = {row.id: dict(row._mapping) for row in db.execute(text(SHOWN[view]))}


def alike(name: str, said: Any, held: Any, *, folded: bool = False) -> bool:
    """Tell whether a row says what a record says of a field.

    Texts may differ in case and signs where they name something, or where `folded` says so.
    """
    if said is None or said == "":
        return held is None or held == ""
    if held is None or isinstance(said, (list, dict)):
        return False
    if isinstance(said, bool) or isinstance(held, bool):
        return isinstance(said, (bool, int)) and said == held
    if name.endswith(("upc_code", "_upc")):
        return _digits(said) == _digits(held)
    number, other = _number(said), _number(held)
    if number is not None and other is not None:
        return abs(number - other) < Decimal("0.0000001")
    one, two = (unicodedata.normalize("NFC", str(value)) for value in (said, held))
    if name in PLAIN and not folded:
        return one == two
    return _folded(one) == _folded(two)


def _digits(value: Any) -> str:
    return "".join(filter(str.isalnum, str(value))).lstrip("0")


def _number(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _folded(value: str) -> str:
    plain = unicodedata.normalize("NFKC", value).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


class Judge:
    """Compare a case with the database before and after, and with what was said.

    Args:
        case: The edited file.
        before: The database as the import found it.
        after: The database as it left it.
        summary: The counts of the report.
        problems: What the report says.
    """

    def __init__(
        self,
        case: Case,
        before: State,
        after: State,
        summary: dict[str, int],
        problems: list[Problem],
    ) -> None:
        self.case, self.before, self.after = case, before, after
        self.summary, self.problems = summary, problems
        self._is_at_home = case.is_at_home
        self.created = after.rows.keys() - before.rows.keys()
        self.nulls, self.skipped = summary["nulls_kept"], summary["skipped"]

    def complaints(self) -> Iterator[str]:
        """Yield what is wrong with an import that was not refused."""
        case, table = self.case, TABLES[self.case.view]
        if self.summary["processed"] != len(case.records):
            yield f"{len(case.records)} records, {self.summary['processed']} processed"
        if self.summary["created"] != len(self.created):
            yield f"{len(self.created)} rows are new, {self.summary['created']} are told"
        for name in COLUMNS.keys() - {table}:
            if self.before.tables[name] != self.after.tables[name]:
                yield f"rows of {name} changed, of which the file has no record"
        if gone := self.before.rows.keys() - self.after.rows.keys():
            yield f"rows {sorted(gone)} are gone"
        yield from self._changed_rows(table)
        for place, record in enumerate(case.records):
            yield from self._record(place, record)

    # -- rows
    def _changed_rows(self, table: str) -> Iterator[str]:
        updated = 0
        for identity, row in self.before.tables[table].items():
            now = self.after.tables[table].get(identity)
            if now is None or now == row:
                continue
            updated += 1
            records = [n for n in range(len(self.case.records)) if identity in self._ids(n)]
            if not records:
                yield f"row {identity} changed, and no record names it"
            fixed = [c for c in row if c in ("uuid", "slug", "created_at", "product_id", "id")]
            if any(now[column] != row[column] for column in fixed):
                yield f"row {identity} changed in what is never written: {row} -> {now}"
            for name in EDITABLE[self.case.view]:
                old, new = (state.rows[identity][name] for state in (self.before, self.after))
                if old != new and not any(self._wants(n, name, new) for n in records):
                    yield f"row {identity}: {name} {old!r} became {new!r}, which no record says"
        if updated != self.summary["updated"]:
            yield f"{updated} rows changed, {self.summary['updated']} are told"

    def _ids(self, place: int) -> set[int]:
        """The ids of the rows a record may mean."""
        record, case = self.case.records[place], self.case
        found = {case.origins[place], case.revisions[place]}
        if not isinstance(record, dict):
            return set()
        said = {MEANT.get(name, name): value for name, value in record.items()}
        for name in (IDS[case.view], "id"):
            if str(said.get(name)).isdigit():  # a text in a CSV file
                found.add(int(said[name]))
        for identity, row in self.before.rows.items():
            for name in ("uuid", "slug", "upc_code", SLUGS.get(case.view, "uuid")):
                if name in row and said.get(name) and alike(name, said[name], row[name]):
                    found.add(identity)
            names = NATURAL[case.view]
            if all(
                alike(name, said[name], row[name], folded=True)
                if name in said
                else row[name] is None
                for name in names[1:]
            ):
                found.add(identity)
        return {identity for identity in found if identity in self.before.rows}

    def _wants(self, place: int, name: str, value: Any) -> bool:
        record = self.case.records[place]
        if value is None and name in str(record.get("_clear")):
            return True
        for other, said in record.items():
            meant = MEANT.get(other, other)
            if meant == name and alike(name, said, value):
                return True
            if name == "supplier_name" and meant in ("supplier_slug", "supplier_id"):
                return True
        return False

    # -- records
    def _record(self, place: int, record: Any) -> Iterator[str]:
        number = place + 1
        if self._is_refused(number):
            return
        if not isinstance(record, dict):
            yield f"record {number} is {record!r}, and nothing is said of it"
            return
        exported = self.case.exported[place]
        silent = [
            f"record {number}: {name} {said!r} is neither applied nor told"
            for name, said in record.items()
            if name not in ("_rev", "_comment")
            and self._is_edit(place, name, said, exported)
            and not self._is_applied(place, name, said, exported)
            and not any(self._is_told(number, about) for about in _about(name, said))
        ]
        silent += self._reverted(place, record, exported)
        if silent and self.skipped:
            self.skipped -= 1
            return
        yield from silent

    def _is_edit(self, place: int, name: str, said: Any, exported: Row | None) -> bool:
        if self._is_typed_back(place, name, said):
            return True
        if self.case.is_sheet and said == "":
            # an empty cell says that a field is emptied only where `_rev` tells that it was full
            record, was = self.case.records[place], exported or {}
            if not record.get("_rev") or record["_rev"] != was.get("_rev"):
                return False
        if exported is None:
            return said is not None and said != ""
        known = exported.get(name, exported.get(MEANT.get(name, name)))
        if isinstance(said, bool) != isinstance(known, bool):
            return True
        return bool(said != known) and not (said in (None, "") and known in (None, ""))

    def _is_typed_back(self, place: int, name: str, said: Any) -> bool:
        """Tell whether the row has what this very file said before, and the file says it no more.

        A file without its `export_id` is not known again.
        """
        earlier = None if self.case.earlier is None else self.case.earlier[place]
        row = self.before.rows.get(self.case.origins[place] or 0, {})
        if "export_id" not in self.case.header or not isinstance(earlier, dict):
            return False
        is_other = name in earlier and earlier[name] != said
        return is_other and name in row and alike(name, earlier[name], row[name])

    def _is_applied(self, place: int, name: str, said: Any, exported: Row | None) -> bool:
        meant = MEANT.get(name, name)
        ids = self._ids(place) | self.created
        if exported is not None and self.case.records[place].get("_rev"):
            ids &= {self.case.origins[place], *self.created}  # it says which row it is of
        rows = [self.after.rows[identity] for identity in ids if identity in self.after.rows]
        if meant == "_clear":
            names = said if isinstance(said, list) else [said]
            return any(all(row.get(str(n), n) is None for n in names) for row in rows)
        if said in (None, "") and meant not in EDITABLE[self.case.view]:
            return True  # says nothing of what is only shown
        if meant.endswith("id") and not self._is_at_home:
            return True  # ids of another bakery say nothing here
        # what a row is known by is what it says, though it is spelled otherwise there
        folded = exported is None and meant in NATURAL[self.case.view]
        if any(meant in row and alike(meant, said, row[meant], folded=folded) for row in rows):
            return True
        if (said is None or (self.case.is_sheet and said == "")) and self.nulls:
            self.nulls -= 1
            return True
        return False

    def _is_refused(self, number: int) -> bool:
        return any(
            problem.severity == "error" and number in _numbers(problem) for problem in self.problems
        )

    def _is_told(self, number: int, name: str) -> bool:
        """Tell whether a problem speaks of what a record says in a field."""
        meant = {name, MEANT.get(name, name)}
        for problem in self.problems:
            about = problem.field in meant or problem.code == "duplicate-key"
            if number in _numbers(problem) and about:
                return True
            is_unknown = problem.code == "unknown-field" and problem.severity == "warning"
            # what a spreadsheet did to a column is told once for all of it
            is_restored = problem.code == "bad-value" and problem.severity == "note"
            if (is_unknown or is_restored) and problem.field in meant:
                return True
        return False

    def _reverted(self, place: int, record: Row, exported: Row | None) -> Iterator[str]:
        """Yield where a value nobody edited in the file took the place of somebody's change."""
        identity, case = self.case.origins[place], self.case
        has_moment = self._is_at_home and "exported_at" in case.header
        is_told_apart = bool(record.get("_rev")) or has_moment
        policy = case.options.get("on_conflict")
        if exported is None or identity not in self.before.rows or policy == "take-file":
            return
        for name in EDITABLE[case.view] if is_told_apart else ():
            is_shown = name in record and name in exported
            if not is_shown or self._is_edit(place, name, record[name], exported):
                continue
            old, new = (state.rows[identity][name] for state in (self.before, self.after))
            is_back = old != new and alike(name, exported[name], new)
            if is_back and not self._is_told(place + 1, name):
                yield f"record {place + 1}: {name} was not edited, and took back {old!r}"


def _about(name: str, said: Any) -> list[str]:
    """The fields an edit is about: what empties others is about those too."""
    others = said if isinstance(said, list) else [said]
    return [name, *(map(str, others) if name == "_clear" else ())]


def _numbers(problem: Problem) -> set[int]:
    return {*problem.records, *(() if problem.record is None else (problem.record,))}
