"""What must be baked for an event, and how many of a finished good the stock is enough for.

What recipes take is asked of the view `recipe_costs`, whoever brings it. Nothing is guessed: what
cannot be told is null, and a field beside it says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Select, select

BATCHES = ("batch", "batches")
FINE = Decimal("0.000001")


@dataclass
class Recipe:
    """A recipe, with what one batch of it gives."""

    slug: str
    name: str
    quantity: Decimal | None
    unit: str | None

    def batches(self, quantity: Decimal, unit: str | None) -> Decimal | None:
        """Return how many batches an amount of it is; None where that cannot be told."""
        if unit is None or unit.strip().lower() in BATCHES:
            return quantity
        is_same = self.unit is not None and unit.strip().lower() == self.unit.strip().lower()
        return quantity / self.quantity if is_same and self.quantity else None


@dataclass
class Batches:
    """How many batches of each recipe something takes, and why that is not all.

    Args:
        of: {recipe: how many}.
        gaps: What could not be counted.
    """

    of: dict[int, Decimal] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def add(self, other: Batches, times: Decimal) -> None:
        """Add so many times what something else takes."""
        for recipe, batches in other.of.items():
            self.of[recipe] = self.of.get(recipe, Decimal(0)) + batches * times
        self.gaps += [gap for gap in other.gaps if gap not in self.gaps]


class Baking:
    """Know what goods, packages and events are made of, read by one statement for each table.

    Args:
        db: A connection.
        catalog: What is installed.
    """

    def __init__(self, db: Connection, catalog: Any) -> None:
        self.db, self.catalog = db, catalog
        self.recipes: dict[int, Recipe] = {}
        self.goods: dict[int, Batches] = defaultdict(Batches)
        if "finished_good_items" in catalog.tables:  # it refers to recipes of another package
            self._read_goods()

    def _read_goods(self) -> None:
        recipes = self.catalog.tables["recipes"].c
        items = self.catalog.tables["finished_good_items"].c
        columns = (recipes.id, recipes.slug, recipes.name)
        gives = (recipes.yield_quantity, recipes.yield_unit)
        for id_, slug, name, quantity, unit in self.db.execute(select(*columns, *gives)):
            self.recipes[id_] = Recipe(slug, name, _number(quantity), unit)
        lines = select(items.finished_good_id, items.recipe_id, items.quantity, items.unit)
        for good, recipe, amount, unit in self.db.execute(lines.order_by(items.id)):
            self._add_item(self.goods[good], self.recipes[recipe], recipe, amount, unit)

    @staticmethod
    def _add_item(good: Batches, recipe: Recipe, id_: int, quantity: Any, unit: Any) -> None:
        batches = recipe.batches(Decimal(str(quantity)), unit)
        if batches is None:
            gives = f"its yield is in {recipe.unit}" if recipe.unit else "its yield is not known"
            good.gaps.append(f"{recipe.name}: used by {unit}, and {gives}")
        else:
            good.of[id_] = good.of.get(id_, Decimal(0)) + batches

    @cached_property
    def packages(self) -> dict[int, Batches]:
        """What one of each package takes."""
        items = self.catalog.tables["package_items"].c
        lines = select(items.package_id, items.finished_good_id, items.quantity)
        return self._sums(
            lines.order_by(items.id), self.goods, "finished_goods", "no recipe makes it"
        )

    @cached_property
    def events(self) -> dict[int, Batches]:
        """What each event takes."""
        given = self.catalog.tables["event_assignments"].c
        lines = select(given.event_id, given.package_id, given.quantity)
        return self._sums(lines.order_by(given.id), self.packages, "packages", "nothing is in it")

    def _sums(
        self, lines: Select[Any], takes: Mapping[int, Batches], entity: str, why: str
    ) -> dict[int, Batches]:
        """Add up what things take that other things are in.

        Args:
            lines: Selects of each line the thing, what is in it, and how many.
            takes: What one of those takes.
            entity: What they are rows of.
            why: What is said of one of which that is not known.
        """
        names, found = self._names(entity), defaultdict[int, Batches](Batches)
        for thing, part, quantity in self.db.execute(lines):
            if part not in takes:
                found[thing].gaps.append(f"{names[part]}: {why}")
            else:
                found[thing].add(takes[part], Decimal(quantity))
        return found

    def _names(self, entity: str) -> Mapping[int, str]:
        table = self.catalog.tables[entity].c
        return {row[0]: row[1] for row in self.db.execute(select(table.id, table.name))}

    # -- fields of views
    def must_bake(self, ids: Sequence[int]) -> list[list[dict[str, Any]]]:
        """Return of each event the recipes to bake, and how many batches of them."""
        return [[*self._told(self.events[event])] for event in ids]

    def _told(self, batches: Batches) -> Iterator[dict[str, Any]]:
        for recipe, count in sorted(
            batches.of.items(), key=lambda item: self.recipes[item[0]].slug
        ):
            known = self.recipes[recipe]
            rounded = float(count.quantize(FINE))
            yield {"recipe_slug": known.slug, "recipe_name": known.name, "batches": rounded}

    def event_gaps(self, ids: Sequence[int]) -> list[str | None]:
        """Return why `must_bake` is not all, null where it is."""
        return ["; ".join(dict.fromkeys(self.events[event].gaps)) or None for event in ids]

    def can_be_made(self, ids: Sequence[int]) -> list[int | None]:
        """Return how many of each finished good the stock is enough for, if only it is made."""
        return [self._enough(good)[0] for good in ids]

    def good_gaps(self, ids: Sequence[int]) -> list[str | None]:
        """Return why `can_be_made` is not known, null where it is."""
        return ["; ".join(dict.fromkeys(self._enough(good)[1])) or None for good in ids]

    def _enough(self, good: int) -> tuple[int | None, list[str]]:
        batches = self.goods.get(good)
        if batches is None or self._takes is None:
            absent = "the view recipe_costs is not there: bakeio-recipes brings it"
            return None, ["nothing is in it" if batches is None else absent]
        needed, gaps = dict[tuple[str, str], Decimal](), [*batches.gaps]
        stock: dict[tuple[str, str], Decimal] = {}
        for recipe, count in batches.of.items():
            for part in self._takes[recipe]:
                key = part["ingredient_slug"], part["unit"]
                needed[key] = needed.get(key, Decimal(0)) + Decimal(str(part["quantity"])) * count
                if part["in_stock"] is None:
                    gaps.append(f"{key[0]}: the stock cannot be converted into {key[1]}")
                else:
                    stock[key] = Decimal(str(part["in_stock"]))
        if gaps or not needed:
            return None, gaps or ["nothing is in what it is made of"]
        least = min(stock[key] / needed[key] for key in needed)
        return max(int(least.to_integral_value(ROUND_FLOOR)), 0), []

    @cached_property
    def _takes(self) -> dict[int, list[dict[str, Any]]] | None:
        """What a batch of each recipe takes and what is in stock of it, as the view tells it."""
        view = self.catalog.views.get("recipe_costs")
        if view is None or "takes" not in view.fields:
            return None
        source, ids = view.fields["takes"].source, list(self.recipes)
        return dict(
            zip(ids, source.values(source.prepare(self.db, self.catalog), ids), strict=True)
        )


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))
