"""What `init --sample` adds to the sample bakery: 25 recipes, some of them made of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID, uuid5

from bakeio_core import hookimpl

NAMESPACE = UUID("0c1f6d0e-6a35-5d2b-8f0c-6f5c3f8b0b52")
WRITTEN = "2025-01-06T15:00:00Z"
Record = dict[str, object]

# name | category | yield | minutes | notes
# then a line for each ingredient (quantity, unit, slug, what for), and > for each recipe in it
# (quantity, unit, slug; left out, the unit is a batch)
RECIPES = """
Pie Dough | Doughs | 1000 g | 30 | Keep everything cold.
  500 g pastry_flour
  340 g european_style_butter
  2 tsp kosher_salt
  1 tbsp granulated_sugar

Puff Pastry | Doughs | 2 lb | 240 | Six turns, an hour of rest between them.
  14 oz bread_flour
  14 oz european_style_butter
  1.5 tsp kosher_salt

Brioche Dough | Doughs | 1.2 kg | 180 |
  550 g bread_flour
  5 each large_eggs
  60 ml whole_milk
  8 g instant_yeast
  65 g granulated_sugar
  12 g kosher_salt
  2 stick unsalted_butter

Sweet Bread Dough | Doughs | 1500 g | 150 |
  6 cup bread_flour
  1.5 cup whole_milk
  0.5 cup granulated_sugar
  1.5 stick unsalted_butter
  2 each large_eggs
  1 tbsp instant_yeast
  2 tsp kosher_salt

Pastry Cream | Fillings & Frostings | 700 g | 25 |
  2 cup whole_milk
  0.5 cup granulated_sugar
  4 each large_eggs : yolks only
  3 tbsp cornstarch
  2 tbsp unsalted_butter
  2 tsp vanilla_bean_paste

Chocolate Ganache | Fillings & Frostings | 500 g | 15 |
  250 g dark_chocolate_couverture
  1 cup heavy_cream
  1 tbsp unsalted_butter

Cream Cheese Frosting | Fillings & Frostings | 3 cup | 15 |
  8 oz cream_cheese
  1 stick unsalted_butter
  3 cup confectioners_sugar
  1 tsp vanilla_extract

Frangipane | Fillings & Frostings | 450 g | 20 |
  1 cup almond_flour
  1 stick unsalted_butter
  0.5 cup granulated_sugar
  2 each large_eggs
  0.5 tsp almond_extract

Salted Caramel | Fillings & Frostings | 400 g | 20 | Watch the color, not the clock.
  1 cup granulated_sugar
  0.5 cup heavy_cream
  6 tbsp unsalted_butter
  1 tsp flaky_sea_salt

Chocolate Chip Cookies | Cookies | 36 each | 60 |
  2.25 cup all_purpose_flour
  2 stick unsalted_butter
  0.75 cup granulated_sugar : for the dough
  0.75 cup light_brown_sugar
  2 each large_eggs
  1 tsp vanilla_extract
  1 tsp baking_soda
  1 tsp kosher_salt
  12 oz semisweet_chocolate_chips
  2 tbsp granulated_sugar : to roll them in

Molasses Ginger Cookies | Cookies | 30 each | 50 |
  2.25 cup all_purpose_flour
  1.5 stick unsalted_butter
  1 cup dark_brown_sugar
  1 each large_eggs
  0.25 cup molasses
  2 tsp baking_soda
  2 tsp ground_ginger
  1 tsp vietnamese_cinnamon
  0.5 tsp kosher_salt

Snickerdoodles | Cookies | 2 dozen | 45 |
  2.75 cup all_purpose_flour
  2 stick unsalted_butter
  1.5 cup granulated_sugar
  2 each large_eggs
  2 tsp cream_of_tartar
  1 tsp baking_soda
  1 tbsp vietnamese_cinnamon

Matcha Shortbread | Cookies | 40 each | 70 |
  2 cup all_purpose_flour
  2 stick unsalted_butter
  0.5 cup confectioners_sugar
  1.5 tbsp matcha
  1 pinch kosher_salt

Hazelnut Biscotti | Cookies | 48 each | 90 |
  2 cup all_purpose_flour
  0.75 cup granulated_sugar
  3 each large_eggs
  1.5 tsp baking_powder
  200 g hazelnuts
  1 tsp vanilla_extract

Fudge Brownies | Bars | 16 each | 55 |
  1.5 stick unsalted_butter
  6 oz dark_chocolate_couverture
  1.25 cup granulated_sugar
  3 each large_eggs
  0.75 cup all_purpose_flour
  0.25 cup dutch_process_cocoa
  1 tsp vanilla_extract
  0.5 tsp kosher_salt

Caramel Brownies | Bars | 16 each | 70 | Half of the caramel inside, half on top.
  1 tsp flaky_sea_salt
  > 1 fudge_brownies
  > 200 g salted_caramel

Cranberry Oat Bars | Bars | 24 each | 50 |
  1.5 cup all_purpose_flour
  1.5 cup rolled_oats
  1 cup light_brown_sugar
  1.5 stick unsalted_butter
  8 oz dried_cranberries

Carrot Cake Layer | Cakes | 2 each | 60 | Carrots from the market, not in stock.
  2 cup all_purpose_flour
  1 cup canola_oil
  1.5 cup granulated_sugar
  4 each large_eggs
  2 tsp baking_powder
  2 tsp vietnamese_cinnamon
  1 cup walnuts

Carrot Cake | Cakes | 12 each | 120 |
  > 1 carrot_cake_layer
  > 1 cream_cheese_frosting

Flourless Chocolate Torte | Cakes | 12 each | 80 |
  300 g dark_chocolate_couverture
  2 stick unsalted_butter
  6 each large_eggs
  1 cup granulated_sugar
  2 tbsp dutch_process_cocoa
  > 0.5 chocolate_ganache

Apple Pie | Pastries | 8 each | 150 |
  3 lb mcintosh_apples
  0.75 cup light_brown_sugar
  2 tbsp cornstarch
  1 tsp vietnamese_cinnamon
  1 each lemons
  > 650 g pie_dough

Almond Croissant Bake | Pastries | 12 each | 90 |
  0.5 cup sliced_almonds
  > 24 oz puff_pastry
  > 0.5 frangipane

Cream Puff Torte | Pastries | 10 each | 120 |
  4 oz raspberries
  > 1 lb puff_pastry
  > 350 g pastry_cream
  > 0.25 chocolate_ganache

Cardamom Buns | Breads | 18 each | 200 |
  1 tbsp ground_cardamom
  1 cup pearl_sugar
  1 stick unsalted_butter
  > 1 sweet_bread_dough

Holiday Panettone | Breads | 2 each | 600 |
  150 g candied_orange_peel
  1 cup raisins
  2 tbsp dark_rum
  > 1 brioche_dough
"""

# slug of the ingredient | an amount | what that weighs
DENSITIES = """
all_purpose_flour | 1 cup | 120 g
bread_flour | 1 cup | 120 g
almond_flour | 1 cup | 96 g
granulated_sugar | 1 cup | 198 g
light_brown_sugar | 1 cup | 213 g
dark_brown_sugar | 1 cup | 213 g
confectioners_sugar | 1 cup | 113 g
pearl_sugar | 1 cup | 190 g
unsalted_butter | 1 cup | 227 g
unsalted_butter | 1 stick | 4 oz
molasses | 0.25 cup | 85 g
cornstarch | 1 tbsp | 7 g
dutch_process_cocoa | 1 cup | 84 g
kosher_salt | 1 tsp | 2.8 g
flaky_sea_salt | 1 tsp | 3 g
baking_soda | 1 tsp | 6 g
baking_powder | 1 tsp | 4 g
instant_yeast | 1 tbsp | 9 g
vietnamese_cinnamon | 1 tsp | 2.6 g
ground_ginger | 1 tsp | 1.8 g
ground_cardamom | 1 tbsp | 5.8 g
walnuts | 1 cup | 113 g
sliced_almonds | 1 cup | 86 g
"""


def _slug(name: str) -> str:
    return "_".join(name.lower().split())


def _record(entity: str, number: int, key: str, fields: Record) -> Record:
    uuid = str(uuid5(NAMESPACE, f"{entity}/{key}"))
    instants = {"created_at": WRITTEN, "updated_at": WRITTEN}
    return {"id": number, "uuid": uuid, **fields, **instants}


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _blocks() -> Iterator[tuple[list[str], list[str]]]:
    """Yield the head and the lines of each recipe."""
    for block in RECIPES.strip().split("\n\n"):
        head, *lines = block.splitlines()
        yield [cell.strip() for cell in head.split("|")], [line.strip() for line in lines]


def _recipes() -> Iterator[Record]:
    for number, (head, _) in enumerate(_blocks(), 1):
        name, category, gives, minutes, notes = head
        quantity, unit = gives.split()
        fields: Record = {
            "slug": _slug(name),
            "name": name,
            "category": category,
            "yield_quantity": _number(quantity),
            "yield_unit": unit,
            "estimated_time_minutes": int(minutes),
            "notes": notes or None,
        }
        yield _record("recipes", number, _slug(name), fields)


def _lines() -> Iterator[Record]:
    number = 0
    for head, lines in _blocks():
        for place, line in enumerate(lines):
            if line.startswith(">"):
                continue
            number += 1
            said, _, notes = line.partition(" : ")
            quantity, unit, ingredient = said.split()
            fields: Record = {
                "recipe_slug": _slug(head[0]),
                "ingredient_slug": ingredient,
                "quantity": _number(quantity),
                "unit": unit,
                "notes": notes or None,
                "sort_order": place,
            }
            yield _record("recipe_ingredients", number, f"{head[0]}/{place}", fields)


def _components() -> Iterator[Record]:
    number = 0
    for head, lines in _blocks():
        for place, line in enumerate(lines):
            if not line.startswith(">"):
                continue
            number += 1
            quantity, *unit, component = line.removeprefix(">").split()
            fields: Record = {
                "recipe_slug": _slug(head[0]),
                "component_recipe_slug": component,
                "quantity": _number(quantity),
                "unit": unit[0] if unit else None,
                "sort_order": place,
            }
            yield _record("recipe_components", number, f"{head[0]}/{component}", fields)


def _densities() -> Iterator[Record]:
    for number, row in enumerate(DENSITIES.strip().splitlines(), 1):
        ingredient, amount, weight = (cell.strip() for cell in row.split("|"))
        (quantity, unit), (heavy, weight_unit) = amount.split(), weight.split()
        fields: Record = {
            "ingredient_slug": ingredient,
            "quantity": _number(quantity),
            "unit": unit,
            "weight": _number(heavy),
            "weight_unit": weight_unit,
        }
        yield _record("ingredient_densities", number, f"{ingredient}/{unit}", fields)


@hookimpl
def bakeio_sample() -> dict[str, Iterable[Record]]:
    """Give the sample bakery its recipes, and what the ingredients in them weigh."""
    return {
        "recipes": list(_recipes()),
        "recipe_ingredients": list(_lines()),
        "recipe_components": list(_components()),
        "ingredient_densities": list(_densities()),
    }
