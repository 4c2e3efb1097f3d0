"""Products as bake-tracker tells of them: by what they are, not by a name of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from bakeio_core import ForeignDocument

Record = dict[str, Any]
NOTHING: tuple[Any, ...] = (None, "", [], {})


def with_the_rest(record: Record, raw: Mapping[str, Any], *taken: str) -> Record:
    """Return a record with all that a raw one says besides, under its own names.

    What has no place is told by bakeio then; what is empty there says nothing.

    Args:
        record: What was made of it.
        raw: The raw one.
        taken: The fields of it that `record` was made of.
    """
    rest = {
        name: value
        for name, value in raw.items()
        if name not in taken and name not in record and value not in NOTHING
    }
    return {**record, **rest}


def number(value: Any) -> Decimal | None:
    """Return a number that may be written as a text, None where it is none."""
    try:
        return None if value in NOTHING or isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None


def size(document: ForeignDocument, value: Any, name: str, digits: int = 3) -> Decimal | None:
    """Return an amount with so many decimals at most; that others were cut off is told."""
    amount = number(value)
    if amount is None:
        return None
    rounded = round(amount, digits)
    if rounded != amount:
        document.leave_out(f"{name}: what is beyond {digits} decimals")
    return rounded.normalize() if rounded == rounded.to_integral() else rounded


@dataclass(frozen=True)
class Described:
    """What tells one product from others.

    Attributes:
        ingredient: The slug of its ingredient.
        brand, name: As they are written, None where there is none.
        quantity: What is in a package, in `unit`.
    """

    ingredient: str
    brand: str | None
    name: str | None
    quantity: Decimal | None
    unit: str | None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Described:
        """Read a record of a product, or one that names its product in the same words."""
        brand = raw.get("product_brand", raw.get("brand"))
        quantity = number(raw.get("package_unit_quantity"))
        names = (raw.get("product_name"), raw.get("package_unit"))
        return cls(str(raw.get("ingredient_slug")), brand or None, names[0], quantity, names[1])

    @classmethod
    def read(cls, text: str) -> Described | None:
        """Read `ingredient:brand:quantity:unit`, where the brand may hold colons."""
        first, *middle = text.split(":")
        if len(middle) < 3:
            return None
        *brand, quantity, unit = middle
        known = ":".join(brand)
        return cls(first, None if known == "None" else known, None, number(quantity), unit)

    def fits(self, wanted: Described) -> bool:
        """Tell whether this may be a product that is described with less."""
        pairs = ((self.name, wanted.name), (self.quantity, wanted.quantity))
        is_alike = all(said is None or said == own for own, said in pairs)
        return is_alike and (self.ingredient, self.brand, self.unit) == (
            wanted.ingredient,
            wanted.brand,
            wanted.unit,
        )


@dataclass
class Products:
    """The products of one document; `id` counts within it alone."""

    document: ForeignDocument
    known: dict[tuple[str, str | None], list[tuple[Described, int]]] = field(default_factory=dict)
    count: int = 0

    def add(self, raw: Mapping[str, Any]) -> Record:
        """Return the record of a product."""
        self.count += 1
        described = Described.of(raw)
        place = (described.ingredient, described.brand)
        self.known.setdefault(place, []).append((described, self.count))
        record = product(self.document, raw)
        return {"id": self.count, **record}

    def named(self, raw: Mapping[str, Any]) -> Record:
        """Return what names the product of a purchase or a lot.

        Where the words fit no product of the document, or more than one, that is a question.
        """
        text = raw.get("product_slug")
        wanted = Described.read(text) if isinstance(text, str) else Described.of(raw)
        if wanted is None:
            return {"product_slug": text}
        there = self.known.get((wanted.ingredient, wanted.brand), [])
        fitting = [number for described, number in there if described.fits(wanted)]
        if len(fitting) == 1:
            return {"product_id": fitting[0]}
        words = (wanted.ingredient, wanted.brand, wanted.name, wanted.quantity, wanted.unit)
        return {"product_slug": text or ":".join(str(w) for w in words if w is not None)}


def product(document: ForeignDocument, raw: Mapping[str, Any]) -> Record:
    """Return a product as the bakery knows it: sizes are numbers, the barcode is one field."""
    quantity = size(document, raw.get("package_unit_quantity"), "products: package_unit_quantity")
    told = raw.get("package_size")
    record: Record = {
        name: raw[name]
        for name in ("uuid", "slug", "ingredient_slug", "brand", "product_name", "package_unit")
        if raw.get(name) is not None
    }
    # a brand that is not there is a brand of its own, not one that nobody knows
    record |= {name: raw.get(name) for name in ("brand", "product_name")}
    record["package_size"] = number(told) if number(told) is not None else quantity
    record["package_unit_quantity"] = quantity
    if told not in NOTHING and number(told) is None:
        document.leave_out("products: package_size in words")
    codes = [code for code in (raw.get("gtin"), raw.get("upc_code")) if code not in NOTHING]
    if codes:
        record["upc_code"] = codes[0]
    if len(set(codes)) > 1:
        document.leave_out("products: upc_code", "beside a gtin")
    record |= {"is_hidden": bool(raw.get("is_hidden"))} if "is_hidden" in raw else {}
    record |= {"notes": raw["notes"]} if raw.get("notes") else {}
    taken = ("id", "package_size", "gtin", "upc_code", "is_hidden", "notes", "supplier_slug")
    return with_the_rest(record, raw, *taken)


def each(items: Any) -> Iterator[Record]:
    """Yield the records of a list; what is none is passed over by nobody: it is an error."""
    if not isinstance(items, list):
        raise ValueError(f"a list of records was expected, not {items!r:.60}")
    for item in items:
        if not isinstance(item, dict):
            raise ValueError(f"a record was expected, not {item!r:.60}")
        yield item
