"""Amounts of ingredients in other units: by their weight, where recipes measure and shops weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bakeio_recipes.read import Weighed
from bakeio_recipes.units import WEIGHT, Units, plain

ONE = Decimal(1)


class Amounts:
    """Turn amounts of ingredients into other units.

    Args:
        weighed: {ingredient: what amounts of it weigh}.
    """

    def __init__(self, weighed: Mapping[int, Sequence[Weighed]]) -> None:
        self.units = Units()
        self._weighed = {
            ingredient: [known for known in of if self._base(known.weight_unit) == WEIGHT]
            for ingredient, of in weighed.items()
        }

    def _base(self, unit: str) -> str:
        return self.units.base(ONE, unit)[1]

    def turned(self, ingredient: int, quantity: Decimal, unit: str, to: str) -> Decimal | None:
        """Return an amount of an ingredient in another unit; None where that cannot be told."""
        direct = self.units.converted(quantity, unit, to)
        if direct is not None:
            return direct
        grams, one = self.grams(ingredient, quantity, unit), self.grams(ingredient, ONE, to)
        return None if grams is None or not one else grams / one

    def grams(self, ingredient: int, quantity: Decimal, unit: str) -> Decimal | None:
        """Return what an amount weighs; what is known of that very unit counts before others."""
        weight, base = self.units.base(quantity, unit)
        if base == WEIGHT:
            return weight
        of = self._weighed.get(ingredient, ())
        for known in sorted(of, key=lambda known: plain(known.unit) != plain(unit)):
            inside = self.units.converted(quantity, unit, known.unit)
            if inside is not None:
                heavy, _ = self.units.base(known.weight, known.weight_unit)
                return inside / known.quantity * heavy
        return None

    def in_base(self, ingredient: int, quantity: Decimal, unit: str) -> tuple[Decimal, str]:
        """Return an amount in grams where that can be told, else in milliliters or pieces."""
        grams = self.grams(ingredient, quantity, unit)
        return self.units.base(quantity, unit) if grams is None else (grams, WEIGHT)

    def lacking(self, ingredient: int, unit: str, to: str) -> list[str]:
        """Return of which of two units must be known what they weigh, to turn one into another."""
        known = {self._base(item.unit) for item in self._weighed.get(ingredient, ())}
        return [each for each in (unit, to) if self._base(each) not in (WEIGHT, *known)]
