"""What bake-tracker gives away at events, as records of bakeio-events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from bakeio_baketracker.products import Record, number, with_the_rest
from bakeio_core import ForeignDocument

Told = Iterator[tuple[str, Record]]
STAMPS = ("created_at", "updated_at", "date_added", "last_modified")
FINE = Decimal("0.000001")
SIMPLE = {"name": "name", "uuid": "uuid", "slug": "slug", "notes": "notes"}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "recipients": {**SIMPLE, "household_name": "household", "address": "address"},
    "events": {**SIMPLE, "event_date": "event_date"},
    "finished_goods": {**SIMPLE, "display_name": "name", "description": "description"},
    "packages": {**SIMPLE, "description": "description"},
}
"""{table: {field of bake-tracker: field of the entity}}."""
NOTHING = {"year", "inventory_count", "is_template", "assembly_type", "plan_state", "sort_order"}
"""What is counted anew, or told by something else."""


class Gifts:
    """Turn the records of events and of all that is given there.

    Args:
        document: The document.
        records: Gives the records of one of its tables; None where it has no finished units.
    """

    def __init__(
        self, document: ForeignDocument, records: Callable[[str], Iterator[Record]] | None
    ) -> None:
        self.document = document
        units = records("finished_units") if records is not None else iter(())
        self.units = {str(unit.get("slug")): unit for unit in units}

    @property
    def readers(self) -> dict[str, Callable[[Record], Told]]:
        """{table: what makes records of one of its records}."""
        return {
            "recipients": lambda raw: self._named("recipients", raw),
            "events": lambda raw: self._named("events", raw),
            "finished_goods": lambda raw: self._named("finished_goods", raw),
            "packages": lambda raw: self._named("packages", raw),
            "finished_units": self._unit,
            "compositions": self._composition,
            "package_finished_goods": lambda raw: self._line("package_items", raw),
            "event_recipient_packages": lambda raw: self._line("event_assignments", raw),
        }

    def _named(self, entity: str, raw: Record) -> Told:
        fields = FIELDS[entity]
        record = {fields[name]: raw[name] for name in fields if raw.get(name) is not None}
        yield entity, with_the_rest(record, raw, *fields, *NOTHING, *STAMPS, *_empty(raw))

    def _line(self, entity: str, raw: Record) -> Told:
        yield entity, with_the_rest({}, raw, "status", "fulfillment_status", *STAMPS, *_empty(raw))

    def _unit(self, raw: Record) -> Told:
        """Say nothing of a finished unit: it is the recipe of the goods that are made of it."""
        return iter(())

    def _composition(self, raw: Record) -> Told:
        """Yield by how many batches of a recipe a finished good is made."""
        good = raw.get("finished_good_slug") or raw.get("assembly_slug")
        unit = self.units.get(str(raw.get("finished_unit_slug")))
        quantity = number(raw.get("component_quantity"))
        recipe = unit and {
            f"recipe_{key}": unit[f"recipe_{key}"]
            for key in ("slug", "name")
            if unit.get(f"recipe_{key}") is not None
        }
        if good is None or unit is None or not recipe or quantity is None:
            self.document.leave_out("compositions", "made of something else than a recipe")
            return
        batches = self._batches(unit, quantity)
        if batches is None:
            self.document.leave_out("compositions", "how many of it a batch gives is not known")
            return
        yield "finished_good_items", {"finished_good_slug": good, **recipe, "quantity": batches}

    def _batches(self, unit: Mapping[str, Any], quantity: Decimal) -> Decimal | None:
        """Return how many batches so many units are; None where that is not known."""
        each = number(unit.get("items_per_batch"))
        share = number(unit.get("batch_percentage"))
        if not each and not share:
            return None
        batches = quantity / each if each else quantity * (share or Decimal(0)) / 100
        rounded = batches.quantize(FINE)
        if rounded != batches:
            self.document.note("the batches of a finished good are rounded to six decimals")
        return rounded if rounded > 0 else None


def _empty(raw: Mapping[str, Any]) -> list[str]:
    return [name for name, value in raw.items() if value is None]
