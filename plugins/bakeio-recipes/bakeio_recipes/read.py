"""What costs are computed of, read by one statement for each table, however many rows there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection, Table, select, type_coerce
from sqlalchemy.types import NullType


@dataclass(frozen=True)
class Recipe:
    """A recipe, with what one batch of it gives."""

    id: int
    name: str
    yield_quantity: Decimal | None
    yield_unit: str | None


@dataclass(frozen=True)
class Line:
    """An ingredient or another recipe in a recipe; `of` is the id of that."""

    id: int
    of: int
    quantity: Decimal | None
    unit: str | None


@dataclass(frozen=True)
class Bought:
    """The last purchase of an ingredient: a package of so many units, and its price."""

    price: Decimal | None
    quantity: Decimal | None
    unit: str


@dataclass(frozen=True)
class Weighed:
    """So much of an ingredient weighs so much."""

    quantity: Decimal
    unit: str
    weight: Decimal
    weight_unit: str


@dataclass
class Read:
    """What was read, by the id of what it is of.

    Attributes:
        recipes: {recipe: it}.
        lines: {recipe: its ingredients}; `components` the same of recipes in it.
        ingredients: {ingredient: (slug, name)} of those in recipes.
        bought: {ingredient: its last purchase}.
        weighed: {ingredient: what amounts of it weigh}.
        stock: {ingredient: (quantity, unit) of each lot}.
    """

    recipes: dict[int, Recipe] = field(default_factory=dict)
    lines: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    components: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    ingredients: dict[int, tuple[str, str]] = field(default_factory=dict)
    bought: dict[int, Bought] = field(default_factory=dict)
    weighed: dict[int, list[Weighed]] = field(default_factory=lambda: defaultdict(list))
    stock: dict[int, list[tuple[Decimal | None, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )


def read(db: Connection, tables: Mapping[str, Table], *, with_stock: bool = False) -> Read:
    """Read recipes and what they are made of.

    Args:
        db: The connection.
        tables: Those of the entities that are used; without purchases nothing has a price.
        with_stock: Also what is on the shelves.
    """
    found = Read()
    _read_recipes(db, tables, found)
    if {"products", "purchases"} <= tables.keys():
        _read_purchases(db, tables, found)
    if with_stock and {"products", "inventory_items"} <= tables.keys():
        products, items = tables["products"].c, tables["inventory_items"].c
        lots = _rows(
            db,
            select(products.ingredient_id, items.quantity, products.package_unit).where(
                items.product_id == products.id
            ),
        )
        for ingredient, quantity, unit in lots:
            found.stock[ingredient].append((number(quantity), unit))
    return found


def _read_recipes(db: Connection, tables: Mapping[str, Table], found: Read) -> None:
    recipes, lines = tables["recipes"].c, tables["recipe_ingredients"].c
    components, ingredients = tables["recipe_components"].c, tables["ingredients"].c
    columns = recipes.id, recipes.name, recipes.yield_quantity, recipes.yield_unit
    for identity, name, quantity, unit in _rows(db, select(*columns)):
        found.recipes[identity] = Recipe(identity, name, number(quantity), unit)
    own = select(
        *(lines.id, lines.recipe_id, lines.ingredient_id, lines.quantity, lines.unit),
        *(ingredients.slug, ingredients.display_name),
    ).where(lines.ingredient_id == ingredients.id)
    order = lines.sort_order, lines.id
    for identity, recipe, of, quantity, unit, slug, name in _rows(db, own.order_by(*order)):
        found.lines[recipe].append(Line(identity, of, number(quantity), unit))
        found.ingredients[of] = slug, name
    nested = select(
        *(components.id, components.recipe_id, components.component_recipe_id),
        *(components.quantity, components.unit),
    ).order_by(components.sort_order, components.id)
    for identity, recipe, of, quantity, unit in _rows(db, nested):
        found.components[recipe].append(Line(identity, of, number(quantity), unit))
    weighed = tables["ingredient_densities"].c
    densities = select(
        *(weighed.ingredient_id, weighed.quantity, weighed.unit),
        *(weighed.weight, weighed.weight_unit),
    ).order_by(weighed.id)
    for ingredient, quantity, unit, weight, weight_unit in _rows(db, densities):
        amount, weighs = number(quantity), number(weight)
        if amount and weighs:
            found.weighed[ingredient].append(Weighed(amount, unit, weighs, weight_unit))


def _read_purchases(db: Connection, tables: Mapping[str, Table], found: Read) -> None:
    """Read the last purchase of each product, and of these the last one of each ingredient."""
    products, purchases = tables["products"].c, tables["purchases"].c
    other = tables["purchases"].alias("other")
    last = (
        select(other.c.id)
        .where(other.c.product_id == products.id)
        .order_by(other.c.purchase_date.desc(), other.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    bought = (
        select(
            *(products.ingredient_id, purchases.unit_price),
            *(products.package_unit_quantity, products.package_unit),
        )
        .join_from(tables["products"], tables["purchases"], purchases.id == last)
        .order_by(purchases.purchase_date, purchases.id)
    )
    for ingredient, price, quantity, unit in _rows(db, bought):
        found.bought[ingredient] = Bought(number(price), number(quantity), unit)


def _rows(db: Connection, statement: Any) -> Iterator[tuple[Any, ...]]:
    """Yield rows as the driver gives them: types turn numbers into what they were not stored as."""
    plain = [
        type_coerce(column, NullType()).label(f"c{place}")
        for place, column in enumerate(statement.selected_columns)
    ]
    yield from map(tuple, db.execute(statement.with_only_columns(*plain)))


def number(value: Any) -> Decimal | None:
    """Return a stored number digit by digit; None where it is none."""
    if value is None or isinstance(value, (bool, bytes)):
        return None
    try:
        found = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        return None
    return found if found.is_finite() else None
