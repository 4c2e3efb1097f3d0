"""Units as recipes and shops write them, converted by pint.

Cups and spoons are those of the United States. A word that is not a unit of weight, volume or
number (a bag, a stick) is equal only to itself.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

# nothing but these: pint's own list reads "pinch" as a picoinch and "bag" as 94 pounds of cement
DEFINITIONS = """
gram = [mass] = g = gramme = gm = gr
milligram = 0.001 * gram = mg
kilogram = 1000 * gram = kg = kilo
pound = 453.59237 * gram = lb
ounce = 28.349523125 * gram = oz
milliliter = [volume] = ml = millilitre
centiliter = 10 * milliliter = cl = centilitre
deciliter = 100 * milliliter = dl = decilitre
liter = 1000 * milliliter = l = litre
teaspoon = 4.92892159375 * milliliter = tsp
tablespoon = 3 * teaspoon = tbsp = tbs = tblsp
fluid_ounce = 2 * tablespoon = fl_oz = floz
cup = 8 * fluid_ounce = c
pint = 2 * cup = pt
quart = 2 * pint = qt
gallon = 4 * quart = gal
dash = 0.125 * teaspoon = _ = dashes
pinch = 0.0625 * teaspoon = _ = pinches
each = [count] = _ = ea = ct = count = piece = pc = unit = whole
dozen = 12 * each = doz = dz
"""
WEIGHT = "g"
"""What weights are measured in at last; volumes are in `ml`, numbers in `each`."""
_WORD = re.compile(r"[a-z_]+")


def plain(unit: str) -> str:
    """Return a unit in the one spelling of all that mean the same: `Fl. oz` is `fl_oz`."""
    words = unit.replace(".", " ").split()
    # T and t are a tablespoon and a teaspoon to some: neither is known here, nor are they equal
    return unit.strip() if len(unit.strip()) == 1 and unit.strip() in "tT" else _joined(words)


def _joined(words: list[str]) -> str:
    return "_".join(words).casefold()


class Units:
    """Convert amounts."""

    @cached_property
    def _registry(self) -> Any:
        import pint  # takes a third of a second

        registry: Any = pint.UnitRegistry(None, non_int_type=Decimal)
        registry.load_definitions(DEFINITIONS.strip().splitlines())
        return registry

    @lru_cache(maxsize=10_000)  # noqa: B019  (lives as long as what is computed)
    def _base(self, unit: str) -> tuple[str, Decimal]:
        """Return what a unit is measured in at last (`g`, `ml`, `each`, itself), and its size."""
        name = plain(unit)
        if not _WORD.fullmatch(name):
            return name, Decimal(1)
        try:
            quantity = self._registry.Quantity(Decimal(1), name).to_base_units()
        except Exception:  # pint raises many kinds for what is not a unit
            return name.removesuffix("s"), Decimal(1)
        return f"{quantity.units:~}", Decimal(quantity.magnitude)

    def base(self, quantity: Decimal, unit: str) -> tuple[Decimal, str]:
        """Return an amount in grams, milliliters, pieces or, of an unknown unit, in that."""
        name, size = self._base(unit)
        return quantity * size, name

    def converted(self, quantity: Decimal, unit: str, to: str) -> Decimal | None:
        """Return an amount in another unit, None where the two measure different things."""
        (name, size), (other, other_size) = self._base(unit), self._base(to)
        return quantity * size / other_size if name == other else None
