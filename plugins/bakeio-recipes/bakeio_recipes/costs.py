"""What recipes cost: from the last purchase of each ingredient, nested recipes included.

What has no price, no density or no yield is said; nothing is guessed.
"""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from bakeio_recipes.units import plain

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_recipes.read import Line, Read, Recipe

CENTS, FINE = Decimal("0.0001"), Decimal("0.000001")
"""Costs have the decimals that prices have; those of a unit more, which may be a gram."""
BATCHES = ("batch", "batches")


@dataclass
class Cost:
    """What something costs, None where that cannot be told, and why not."""

    amount: Decimal | None
    gaps: list[str] = field(default_factory=list)


@dataclass
class Need:
    """How much of an ingredient is needed, and what that costs."""

    quantity: Decimal
    cost: Decimal | None


Needs = dict[tuple[int, str], Need]
"""{(ingredient, unit): how much}."""


class Costing:
    """Compute what all recipes cost.

    Args:
        db: A connection.
        catalog: What is installed.
        with_stock: Also read what is on the shelves.
    """

    def __init__(self, db: Connection, catalog: Any, *, with_stock: bool = False) -> None:
        from bakeio_recipes.amounts import Amounts
        from bakeio_recipes.read import read

        self.read: Read = read(db, catalog.tables, with_stock=with_stock)
        self.amounts = Amounts(self.read.weighed)
        self._lines: dict[int, Cost] = {}
        self._components: dict[int, Cost] = {}
        self._recipes: dict[int, Cost] = {}
        self._needs: dict[int, Needs] = {}
        for recipe in self._inner_first():
            self._cost(recipe)

    # -- fields of views
    def per_batch(self, ids: Sequence[int]) -> list[Decimal | None]:
        """Return what a batch of each recipe costs."""
        return [_rounded(self._recipes[recipe].amount) for recipe in ids]

    def per_unit(self, ids: Sequence[int]) -> list[Decimal | None]:
        """Return what one unit of the yield of each recipe costs."""
        return [self._per_unit(self.read.recipes[recipe]) for recipe in ids]

    def gaps(self, ids: Sequence[int]) -> list[str | None]:
        """Return why a cost of each recipe is not known, null where all is."""
        return ["; ".join(self._all_gaps(self.read.recipes[recipe])) or None for recipe in ids]

    def of_lines(self, ids: Sequence[int]) -> list[Decimal | None]:
        """Return what each ingredient in a recipe costs."""
        return [_rounded(self._lines[line].amount) for line in ids]

    def of_components(self, ids: Sequence[int]) -> list[Decimal | None]:
        """Return what each recipe in a recipe costs."""
        return [_rounded(self._components[line].amount) for line in ids]

    def needs(self, ids: Sequence[int]) -> list[list[dict[str, Any]]]:
        """Return what a batch of each recipe takes, nested recipes included, by ingredient."""
        return [list(self._told_needs(recipe)) for recipe in ids]

    def _per_unit(self, recipe: Recipe) -> Decimal | None:
        amount = self._recipes[recipe.id].amount
        if amount is None or not recipe.yield_quantity:
            return None
        return _rounded(amount / recipe.yield_quantity, FINE)

    def _all_gaps(self, recipe: Recipe) -> Iterator[str]:
        yield from dict.fromkeys(self._recipes[recipe.id].gaps)
        if not recipe.yield_quantity:
            yield "yield_quantity is not known"

    def _told_needs(self, recipe: int) -> Iterator[dict[str, Any]]:
        for (ingredient, unit), need in self._needs[recipe].items():
            stock = self._in_stock(ingredient, unit)
            yield {
                "ingredient_slug": self.read.ingredients[ingredient][0],
                "quantity": _plain_number(need.quantity),
                "unit": unit,
                "cost": None if need.cost is None else _plain_number(_rounded(need.cost)),
                "in_stock": None if stock is None else _plain_number(stock),
            }

    def _in_stock(self, ingredient: int, unit: str) -> Decimal | None:
        """Return how much is on the shelves; None where a lot cannot be told in that unit."""
        total = Decimal(0)
        for quantity, lot_unit in self.read.stock[ingredient]:
            inside = (
                None
                if quantity is None
                else self.amounts.turned(ingredient, quantity, lot_unit, unit)
            )
            if inside is None:
                return None
            total += inside
        return total

    # -- recipes, those in others first
    def _inner_first(self) -> Iterator[int]:
        """Yield the recipes whose cost can be told; note of the others that they are endless."""
        known = self.read.recipes
        nested = {recipe: [line.of for line in self.read.components[recipe]] for recipe in known}
        while True:
            try:
                yield from graphlib.TopologicalSorter(nested).static_order()
                return
            except graphlib.CycleError as error:
                ring = list(reversed(error.args[1]))
                for recipe in ring[:-1]:
                    names = " > ".join(known[one].name for one in _turned_to(ring, recipe))
                    self._recipes[recipe] = Cost(None, [f"it contains itself: {names}"])
                    nested[recipe] = []

    def _cost(self, recipe: int) -> None:
        lines, components = self.read.lines[recipe], self.read.components[recipe]
        needs: Needs = {}
        for line in lines:
            self._lines[line.id] = self._of_line(line)
            self._add_line(line, needs)
        is_endless = recipe in self._recipes
        for line in components:
            self._components[line.id] = Cost(None) if is_endless else self._of_component(line)
            if not is_endless:
                self._add_component(line, needs)
        self._needs[recipe] = needs
        if not is_endless:
            parts = [self._lines[line.id] for line in lines]
            parts += [self._components[line.id] for line in components]
            self._recipes[recipe] = _sum(parts)

    # -- ingredients
    def _of_line(self, line: Line) -> Cost:
        name, bought = self.read.ingredients[line.of][1], self.read.bought.get(line.of)
        if bought is None or bought.price is None or not bought.quantity:
            return Cost(None, [f"{name}: no purchase of it"])
        if line.quantity is None or line.unit is None:
            return Cost(None, [f"{name}: its quantity cannot be read"])
        amount = self.amounts.turned(line.of, line.quantity, line.unit, bought.unit)
        if amount is None:
            lacking = self.amounts.lacking(line.of, line.unit, bought.unit)
            return Cost(
                None,
                [
                    f"{name}: bought by {bought.unit}, used by {line.unit}, and what "
                    f"{' and '.join(lacking)} of it weighs is not known"
                ],
            )
        return Cost(amount * bought.price / bought.quantity)

    def _add_line(self, line: Line, needs: Needs) -> None:
        if line.quantity is None or line.unit is None:
            return
        quantity, unit = self.amounts.in_base(line.of, line.quantity, line.unit)
        _add(needs, (line.of, unit), Need(quantity, self._lines[line.id].amount))

    # -- recipes in recipes
    def _of_component(self, line: Line) -> Cost:
        inner = self.read.recipes[line.of]
        batches = self._batches(line)
        if batches is None:
            return Cost(None, [self._no_batches(line)])
        cost = self._recipes[line.of]
        amount = None if cost.amount is None else cost.amount * batches
        return Cost(amount, [f"{inner.name} > {gap}" for gap in cost.gaps])

    def _batches(self, line: Line) -> Decimal | None:
        """Return how many batches of a recipe go into another; None where that cannot be told."""
        inner = self.read.recipes[line.of]
        if line.quantity is None:
            return None
        if line.unit is None or plain(line.unit) in BATCHES:
            return line.quantity
        if not inner.yield_quantity or inner.yield_unit is None:
            return None
        inside = self.amounts.units.converted(line.quantity, line.unit, inner.yield_unit)
        return None if inside is None else inside / inner.yield_quantity

    def _no_batches(self, line: Line) -> str:
        inner = self.read.recipes[line.of]
        if line.quantity is None:
            return f"{inner.name}: its quantity cannot be read"
        if not inner.yield_quantity or inner.yield_unit is None:
            return f"{inner.name}: used by {line.unit}, and its yield is not known"
        return f"{inner.name}: used by {line.unit}, and its yield is in {inner.yield_unit}"

    def _add_component(self, line: Line, needs: Needs) -> None:
        batches = self._batches(line)
        if batches is None:
            return
        for key, need in self._needs[line.of].items():
            cost = None if need.cost is None else need.cost * batches
            _add(needs, key, Need(need.quantity * batches, cost))


def _add(needs: Needs, key: tuple[int, str], need: Need) -> None:
    there = needs.get(key)
    if there is not None:
        is_known = there.cost is not None and need.cost is not None
        cost = there.cost + need.cost if is_known else None  # type: ignore[operator]
        need = Need(there.quantity + need.quantity, cost)
    needs[key] = need


def _sum(parts: Iterable[Cost]) -> Cost:
    parts = list(parts)
    gaps = [gap for part in parts for gap in part.gaps]
    if not parts:
        return Cost(None, ["nothing is in it"])
    known = [part.amount for part in parts if part.amount is not None]
    return Cost(sum(known, Decimal(0)) if len(known) == len(parts) else None, gaps)


def _turned_to(ring: Sequence[int], first: int) -> list[int]:
    """Return a ring of recipes, each in the one before, from one of them round to it again."""
    place = ring.index(first)
    return [*ring[place:-1], *ring[:place], first]


def _rounded(amount: Decimal | None, to: Decimal = CENTS) -> Decimal | None:
    return None if amount is None else amount.quantize(to, ROUND_HALF_UP)


def _plain_number(amount: Decimal | None) -> float | int | None:
    """Return a number as files have it."""
    if amount is None:
        return None
    short = float(amount.quantize(FINE, ROUND_HALF_UP))
    return int(short) if short.is_integer() else short
