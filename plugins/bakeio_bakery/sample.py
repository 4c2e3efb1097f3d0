"""A year in a small Massachusetts bakery: what `init --sample` loads, for a new user to look at.

The same records every time, so a tour can count on them. Brands and prices are there to look
familiar; the barcodes are made up.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from bakeio_core import hookimpl

NAMESPACE = UUID("5b1c7a52-0d6e-5c1f-9a57-2f6de0ba4e12")
# no record is older, none is younger
OPENED, NOW = datetime(2024, 12, 2, 14, 5), datetime(2025, 12, 20, 12)
FIRST_DAY, LAST_DAY, DISCONTINUED_ON = date(2024, 12, 21), date(2025, 12, 19), date(2025, 6, 1)
LOTS, LOTS_WITHOUT_PURCHASE = 150, 12
Record = dict[str, object]

# code | name | city | state | zip | shopping or delivery day | notes
# the day is a weekday (Monday is 0) and every how many weeks
SUPPLIERS = """
C | Costco | Waltham | MA | 02451 | 5 2 | Membership renews in March.
W | Wegmans | Burlington | MA | 01803 | 2 1 |
P | Penzeys Spices | Arlington | MA | 02474 | 6 6 |
K | King Arthur Baking | Norwich | VT | 05055 | 0 4 | Ships free above $75; order before the 20th.
B | Bay State Restaurant Supply | Everett | MA | 02149 | 3 2 | \
    Delivers Thursdays, minimum order $150. Ask for Renée.
D | Hillcrest & Daughters Dairy | Concord | MA | 01742 | 1 1 | Bottle deposit is not in the price.
E | Three Hens Egg Farm | Carlisle | MA | | 4 1 | Cash box at the barn.
X | Box & Ribbon Packaging | Nashua | NH | | 0 4 |
"""

# category: (where it is kept, days it keeps, "name[: notes]; ...")
INGREDIENTS = {
    "Flours & Starches": (
        "Flour Bins",
        300,
        """All-Purpose Flour; Bread Flour; Cake Flour; Pastry Flour; Whole Wheat Flour;
        White Whole Wheat Flour; Rye Flour; Spelt Flour; Almond Flour: Tree nut allergen.;
        Semolina; Cornmeal; Cornstarch""",
    ),
    "Sugars & Sweeteners": (
        "Pantry Shelf 1",
        365,
        """Granulated Sugar; Superfine Sugar; Light Brown Sugar; Dark Brown Sugar;
        Confectioners' Sugar; Turbinado Sugar; Pearl Sugar; Maple Sugar;
        Maple Syrup: Grade A dark.; Honey; Molasses; Light Corn Syrup""",
    ),
    "Dairy & Eggs": (
        "Fridge",
        45,
        """Unsalted Butter; Salted Butter;
        European-Style Butter: At least 82 % fat, for laminated dough.; Large Eggs; Whole Milk;
        Heavy Cream; Buttermilk; Sour Cream; Cream Cheese; Mascarpone; Ricotta; Crème Fraîche;
        Nonfat Dry Milk""",
    ),
    "Chocolate & Cocoa": (
        "Pantry Shelf 2",
        365,
        """Dutch-Process Cocoa; Natural Cocoa Powder; Black Cocoa; Dark Chocolate Couverture;
        Milk Chocolate Couverture; White Chocolate Couverture; Semisweet Chocolate Chips;
        Unsweetened Chocolate; Cacao Nibs""",
    ),
    "Nuts & Seeds": (
        "Pantry Shelf 3",
        240,
        """Sliced Almonds; Whole Almonds; Almond Paste; Pecans; Walnuts; Hazelnuts; Pistachios;
        Peanut Butter; Shredded Coconut; Poppy Seeds; Sesame Seeds; Pumpkin Seeds""",
    ),
    "Fruits": (
        "Pantry Shelf 4",
        240,
        """Wild Blueberries: From Maine, frozen.; Raspberries; Sour Cherries; McIntosh Apples;
        Lemons; Oranges; Pumpkin Purée: Not pie filling.; Dried Cranberries; Raisins;
        Dried Apricots; Medjool Dates; Candied Orange Peel""",
    ),
    "Spices & Extracts": (
        "Spice Rack",
        365,
        """Vanilla Extract; Vanilla Bean Paste; Vanilla Beans; Almond Extract; Lemon Extract;
        Peppermint Extract; Vietnamese Cinnamon; Ceylon Cinnamon; Ground Ginger; Whole Nutmeg;
        Ground Cardamom; Anise Seed""",
    ),
    "Leavening Agents": (
        "Pantry Shelf 5",
        300,
        """Baking Powder; Baking Soda; Cream of Tartar; Active Dry Yeast; Instant Yeast;
        Osmotolerant Yeast: For sweet dough.; Fresh Yeast; Baker's Ammonia""",
    ),
    "Fats & Oils": (
        "Pantry Shelf 5",
        300,
        """Canola Oil; Sunflower Oil; Extra-Virgin Olive Oil; Coconut Oil; Vegetable Shortening;
        Leaf Lard; Ghee; Cocoa Butter; Baking Spray""",
    ),
    "Liquids": (
        "Pantry Shelf 4",
        300,
        """Apple Cider; Lemon Juice; Coconut Milk; Oat Milk; Rose Water; Orange Blossom Water;
        Dark Rum; Bourbon; Orange Liqueur; Cold Brew Concentrate""",
    ),
    "Misc Ingredients": (
        "Pantry Shelf 5",
        365,
        """Kosher Salt; Flaky Sea Salt; Rolled Oats; Espresso Powder; Matcha; Malted Milk Powder;
        Diastatic Malt; Leaf Gelatin: Not vegetarian: say so on the label.; Pectin;
        Dulce de Leche; Apricot Glaze; Rainbow Sprinkles""",
    ),
    "Packaging": (
        "Packaging Closet",
        365,
        """Pastry Boxes; Cake Boxes; Cupcake Boxes; Cake Boards; Cupcake Liners;
        Parchment Sheets; Glassine Bags; Bread Bags; Paper Carrier Bags; Cookie Tins;
        Crème Brûlée Cups; Baker's Twine; Ingredient Labels""",
    ),
}
KEPT_ELSEWHERE = {
    "Wild Blueberries": ("Freezer", 240),
    "Raspberries": ("Freezer", 240),
    "Lemons": ("Fridge", 21),
    "Apple Cider": ("Fridge", 14),
    "McIntosh Apples": ("Cellar", 45),
    "Nonfat Dry Milk": ("Pantry Shelf 1", 365),
    "Fresh Yeast": ("Fridge", 21),
}

# ingredient | brand | product name | package | barcode | suppliers | first price | times bought |
# most packages at once | notes
# barcode: its first digit, if it has one (4: a shop's own label); suppliers: their codes, the usual
# one, preferred unless - is before it, then where else
PRODUCTS = """
All-Purpose Flour | King Arthur | Unbleached All-Purpose Flour | 25 lb | 0 | CW | 16.49 | 12 | 3 |
All-Purpose Flour | King Arthur | Unbleached All-Purpose Flour | 5 lb | 0 | W | 5.49 | 4 | 2 |
All-Purpose Flour | Gold Medal | Hotel & Restaurant Flour | 50 lb | | B | 23.85 | 5 | 2 | \
    Holiday cookies only.
Bread Flour | King Arthur | Special Patent Flour | 50 lb | | B | 31.4 | 10 | 2 |
Bread Flour | King Arthur | Unbleached Bread Flour | 5 lb | 0 | KW | 5.95 | 4 | 3 |
Cake Flour | Swans Down | | 32 oz | 0 | W | 4.29 | 5 | 3 |
Pastry Flour | Bob's Red Mill | Fine White Pastry Flour | 5 lb | | W | 7.99 | 3 | 2 |
Whole Wheat Flour | King Arthur | Premium Whole Wheat Flour | 5 lb | 0 | KW | 6.45 | 5 | 3 |
Rye Flour | Bob's Red Mill | Organic Dark Rye Flour | 20 oz | | W | 5.19 | 4 | 4 |
Almond Flour | Kirkland Signature | Blanched Almond Flour | 3 lb | 0 | C | 12.99 | 9 | 3 |
Almond Flour | Bob's Red Mill | Super-Fine Almond Flour | 16 oz | 0 | W | 10.49 | 2 | 2 | \
    Discontinued: the Costco bag is a third cheaper.
Cornmeal | Stony Brook Mill | Stone-Ground Jonnycake Meal | 2 lb | | -W | 6.79 | 3 | 2 |
Cornstarch | Argo | | 35 oz | 0 | B | 4.18 | 3 | 2 |
Granulated Sugar | Domino | Extra Fine Granulated Sugar | 25 lb | 0 | C | 18.99 | 9 | 2 |
Granulated Sugar | Domino | Pure Cane Sugar | 4 lb | 0 | W | 3.89 | 3 | 2 |
Light Brown Sugar | Domino | Light Brown Sugar | 7 lb | 0 | C | 7.49 | 7 | 2 |
Dark Brown Sugar | Domino | | 2 lb | 0 | W | 3.19 | 5 | 3 |
Confectioners' Sugar | Domino | 10-X Confectioners' Sugar | 7 lb | 0 | C | 7.29 | 7 | 2 |
Turbinado Sugar | Sugar In The Raw | | 6 lb | | C | 9.49 | 3 | 1 |
Pearl Sugar | Lars' Own | Swedish Pearl Sugar | 10 oz | | K | 7.95 | 3 | 4 |
Maple Syrup | Green Mountain Sugarhouse | Grade A Dark Robust | 1 gal | | -K | 58.5 | 4 | 1 |
Honey | Middlesex Apiary | Wildflower Honey | 3 lb | 4 | E | 24 | 4 | 2 | \
    The egg farm sells it for the neighbor.
Molasses | Grandma's | Original Unsulphured Molasses | 12 oz | | W | 4.79 | 4 | 3 |
Unsalted Butter | Kirkland Signature | Unsalted Sweet Cream Butter | 4 lb | 0 | C | 15.49 | 15 | 4 |
Unsalted Butter | Cabot | 83 % Unsalted Butter | 36 lb | | B | 142.2 | 6 | 1 | \
    Case of 36 prints; half goes to the freezer.
European-Style Butter | Plugrá | Unsalted European Style Butter | 8 oz | 0 | W | 4.99 | 7 | 8 |
Large Eggs | Three Hens | Pasture-Raised Eggs, loose | 30 ct | | E | 11 | 17 | 4 |
Large Eggs | Kirkland Signature | Cage-Free Grade A Eggs | 24 ct | 0 | C | 7.69 | 5 | 2 |
Whole Milk | Hillcrest | Cream-Top Milk | 1 gal | | DW | 5.85 | 14 | 3 |
Heavy Cream | Hillcrest | Heavy Cream 40 % | 1 qt | | DW | 6.4 | 12 | 4 |
Buttermilk | Kate's | Real Buttermilk | 1 qt | 0 | W | 3.79 | 7 | 2 |
Sour Cream | Cabot | | 3 lb | 0 | C | 5.79 | 5 | 2 |
Cream Cheese | Philadelphia | Original Cream Cheese | 3 lb | | C | 9.99 | 9 | 3 |
Mascarpone | BelGioioso | | 16 oz | 0 | W | 6.99 | 4 | 3 |
Crème Fraîche | Vermont Creamery | Crème fraîche | 8 oz | 0 | W | 5.49 | 5 | 4 |
Nonfat Dry Milk | King Arthur | Baker's Special Dry Milk | 16 oz | | K | 10.95 | 3 | 2 |
Dutch-Process Cocoa | Guittard | Cocoa Rouge | 5 lb | | B | 46.3 | 4 | 1 |
Natural Cocoa Powder | Hershey's | 100 % Cacao Unsweetened | 8 oz | 0 | W | 5.29 | 3 | 3 |
Black Cocoa | King Arthur | | 14 oz | | K | 14.95 | 3 | 2 |
Dark Chocolate Couverture | Callebaut | 811 Callets 54.5 % | 10 kg | | B | 138.75 | 5 | 1 |
Dark Chocolate Couverture | Guittard | L'Harmonie 64 % | 3 kg | 0 | B | 72.6 | 4 | 1 |
Dark Chocolate Couverture | Valrhona | Caraïbe 66 % | 3 kg | | - | 0 | 0 | 0 | \
    To try for the truffle class; ask for a sample.
Milk Chocolate Couverture | Callebaut | 823 Callets 33.6 % | 2.5 kg | 0 | B | 39.9 | 4 | 2 |
White Chocolate Couverture | Valrhona | Ivoire 35 % | 3 kg | | B | 84.25 | 3 | 1 |
Semisweet Chocolate Chips | Kirkland Signature | Semi-Sweet Chocolate Chips | 4.5 lb | 0 | \
    C | 13.99 | 9 | 3 |
Sliced Almonds | Blue Diamond | | 2 lb | | CB | 10.49 | 4 | 2 |
Almond Paste | Odense | Pure Almond Paste | 7 oz | 0 | W | 7.49 | 3 | 4 |
Pecans | Kirkland Signature | Pecan Halves | 2 lb | 0 | C | 13.49 | 6 | 2 |
Walnuts | Kirkland Signature | | 3 lb | 0 | C | 11.79 | 5 | 2 |
Hazelnuts | Trabocco & Figli | Roasted Piedmont Hazelnuts | 1 kg | | B | 33.15 | 3 | 2 |
Pistachios | Bay State | Shelled Pistachio Pieces | 2.25 lb | | B | 28.6 | 2 | 1 | \
    Discontinued: too many shells in the last two bags.
Poppy Seeds | Penzeys | Blue Poppy Seeds | 8.9 oz | | P | 10.49 | 2 | 1 |
Wild Blueberries | Wyman's | Frozen Wild Blueberries | 4 lb | 0 | C | 12.89 | 7 | 3 |
Raspberries | Wegmans | Frozen Whole Raspberries | 12 oz | 4 | W | 4.49 | 4 | 5 |
McIntosh Apples | | | 1 lb | | -W | 1.79 | 4 | 12 | By weight.
Lemons | | | 1 each | | W | 0.69 | 7 | 24 |
Pumpkin Purée | Libby's | 100 % Pure Pumpkin | 29 oz | 0 | WC | 3.79 | 4 | 6 |
Dried Cranberries | Ocean Spray | Craisins | 4 lb | 0 | C | 11.49 | 4 | 2 |
Candied Orange Peel | Amarena Rossi | Scorze d'arancia candite | 2.5 kg | | - | 0 | 0 | 0 | \
    Quote requested for panettone.
Vanilla Extract | Nielsen-Massey | Madagascar Bourbon Pure Vanilla | 946 ml | 0 | \
    KB | 118.95 | 4 | 1 |
Vanilla Extract | Penzeys | Double Strength Vanilla | 473 ml | | P | 79.95 | 2 | 1 |
Vanilla Bean Paste | Nielsen-Massey | | 4 oz | 0 | K | 32.95 | 3 | 2 |
Almond Extract | Penzeys | Pure Almond Extract | 118 ml | | P | 9.95 | 2 | 2 |
Vietnamese Cinnamon | Penzeys | Vietnamese Cinnamon | 8 oz | 0 | P | 19.49 | 4 | 2 |
Ground Ginger | Penzeys | | 7.2 oz | 0 | P | 13.29 | 3 | 1 |
Whole Nutmeg | Penzeys | East India Nutmeg | 3.5 oz | | P | 12.49 | 1 | 1 |
Ground Cardamom | Penzeys | | 1.9 oz | | P | 15.49 | 3 | 2 |
Baking Powder | Rumford | Aluminum-Free Baking Powder | 8.1 oz | 0 | W | 3.49 | 4 | 3 |
Baking Soda | Arm & Hammer | Pure Baking Soda | 13.5 lb | 0 | C | 9.99 | 2 | 1 |
Instant Yeast | SAF | Red Instant Yeast | 1 lb | 0 | KB | 7.95 | 6 | 3 |
Fresh Yeast | Red Star | Cake Yeast | 1 lb | | B | 3.62 | 3 | 2 | \
    Discontinued: changed to instant yeast.
Canola Oil | Kirkland Signature | | 3 qt | 0 | C | 8.49 | 4 | 1 |
Extra-Virgin Olive Oil | Partanna | Castelvetrano | 3 L | 0 | -B | 41.3 | 3 | 1 |
Baking Spray | Baker's Joy | Nonstick Spray with Flour | 5 oz | 0 | W | 4.99 | 3 | 3 |
Dark Rum | Old Harbor | Black Rum | 750 ml | | -W | 21.99 | 2 | 1 |
Kosher Salt | Diamond Crystal | | 3 lb | 0 | W | 9.99 | 4 | 2 |
Flaky Sea Salt | Maldon | Sea Salt Flakes | 8.5 oz | 0 | W | 6.49 | 3 | 2 |
Espresso Powder | King Arthur | | 3 oz | 0 | K | 9.95 | 3 | 3 |
Matcha | Uji Garden | Culinary Grade Matcha | 100 g | | - | 0 | 0 | 0 | Sample from the tea fair.
Pastry Boxes | Box & Ribbon | Kraft Window Box 8 in | 1 each | | X | 0.4175 | 7 | 200 | \
    Priced by the piece.
Cake Boxes | Box & Ribbon | White Cake Box 10 in | 1 each | | X | 0.6875 | 5 | 100 | \
    Priced by the piece.
Glassine Bags | Box & Ribbon | Glassine Bag 6 x 9 in | 1 each | | X | 0.1825 | 6 | 300 | \
    Priced by the piece.
Parchment Sheets | Baker's Mark | Half-Sheet Parchment | 1000 ct | 0 | B | 43.85 | 3 | 1 |
Crème Brûlée Cups | Box & Ribbon | Crème Brûlée Cup with Lid | 50 ct | | -X | 28.75 | 3 | 2 |
"""


class Kind(NamedTuple):
    """One ingredient of INGREDIENTS, with where and how long it keeps."""

    name: str
    category: str
    notes: str | None
    place: str
    days: int


class Item(NamedTuple):
    """One line of PRODUCTS, ready to buy, with the record it becomes."""

    slug: str
    kind: Kind
    size: float
    unit: str
    shops: str  # codes of suppliers, the usual one first
    price: float
    times: int
    most: int
    hidden: bool
    notes: str
    record: Record


class Purchase(NamedTuple):
    """One purchase before it has an id."""

    day: date
    shop: str
    item: Item
    price: float
    quantity: float
    notes: str | None

    @property
    def key(self) -> str:
        return f"{self.item.slug}/{self.day}/{self.shop}"


class Lot(NamedTuple):
    """One inventory lot before it has an id."""

    day: date
    item: Item
    purchase_uuid: str | None
    quantity: float
    notes: str | None


def _rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def _slug(*parts: str) -> str:
    text = (
        unicodedata.normalize("NFKD", " ".join(parts).replace("'", "").lower())
        .encode("ascii", "ignore")
        .decode()
    )
    return "_".join("".join(c if c.isalnum() else " " for c in text).split())


def _number(value: float, decimals: int) -> int | float:
    """Round to what the column holds; 5, not 5.0, as the exports write it."""
    rounded = round(value, decimals)
    return int(rounded) if rounded == int(rounded) else rounded


def _random(what: str) -> random.Random:
    # a stream each, so that a change in one table leaves the others as they are
    return random.Random(f"bakeio sample {what}")


def _uuid(entity: str, key: object) -> str:
    # from the content, not the position, for the same reason
    return str(uuid5(NAMESPACE, f"{entity}/{key}"))


def _record(
    entity: str, number: int, key: object, fields: Record, created: datetime, updated: datetime
) -> Record:
    instants: Record = {
        "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{updated:%Y-%m-%dT%H:%M:%SZ}",
    }
    return {"id": number, "uuid": _uuid(entity, key), **fields, **instants}


def _later(rng: random.Random, created: datetime, share: float) -> datetime:
    """Say when a record was last changed: a share of them some time later than it was made."""
    return (
        created + timedelta(seconds=int((NOW - created).total_seconds() * rng.random()))
        if rng.random() < share
        else created
    )


def _suppliers() -> dict[str, Record]:
    """Return the suppliers by their one-letter codes."""
    rng, found = _random("suppliers"), {}
    for number, (code, name, city, state, zip_code, _, notes) in enumerate(_rows(SUPPLIERS), 1):
        created = OPENED + timedelta(minutes=2 * number)
        fields: Record = {
            "slug": _slug(name, city, state),
            "name": name,
            "city": city,
            "state": state,
        }
        fields |= {"zip": zip_code or None, "notes": notes or None}
        found[code] = _record(
            "suppliers", number, fields["slug"], fields, created, _later(rng, created, 0.4)
        )
    return found


def _kinds() -> dict[str, Kind]:
    kinds = {}
    for category, (place, days, names) in INGREDIENTS.items():
        for entry in " ".join(names.split()).split("; "):
            name, _, notes = entry.partition(": ")
            kinds[name] = Kind(
                name, category, notes or None, *KEPT_ELSEWHERE.get(name, (place, days))
            )
    return kinds


def _ingredients(kinds: Iterable[Kind]) -> list[Record]:
    rng, records = _random("ingredients"), []
    for number, kind in enumerate(kinds, 1):
        created = OPENED + timedelta(days=1, seconds=40 * number + rng.randrange(30))
        fields: Record = {
            "slug": _slug(kind.name),
            "display_name": kind.name,
            "category": kind.category,
            "notes": kind.notes,
        }
        records.append(
            _record(
                "ingredients", number, fields["slug"], fields, created, _later(rng, created, 0.1)
            )
        )
    return records


def _barcode(first: str, company: int, article: int) -> str:
    """Make a UPC-A with its check digit that no real product has."""
    # GS1 leaves the prefixes 0000001 to 0000099 unused, and 4 to every shop
    digits = f"{first}000{company:02d}{article:05d}"
    return digits + str(-(3 * sum(map(int, digits[::2])) + sum(map(int, digits[1::2]))) % 10)


def _items(suppliers: dict[str, Record], kinds: dict[str, Kind]) -> list[Item]:
    rng, items, companies = _random("products"), [], dict[str, int]()
    for number, (
        ingredient,
        brand,
        name,
        package,
        first,
        shops,
        price,
        times,
        most,
        notes,
    ) in enumerate(_rows(PRODUCTS), 1):
        size, unit = package.split()
        slug, hidden, amount = (
            _slug(brand, name or ingredient, size + unit),
            notes.startswith("Discontinued"),
            _number(float(size), 3),
        )
        company = companies.setdefault(brand, 11 + len(companies))
        created = OPENED + timedelta(days=3, minutes=3 * number, seconds=rng.randrange(150))
        fields: Record = {
            "slug": slug,
            "ingredient_slug": _slug(ingredient),
            "brand": brand or None,
            "product_name": name or None,
            "package_size": amount,
            "package_unit": unit,
            "package_unit_quantity": amount,
            "upc_code": _barcode(first, company, rng.randrange(100, 99_999)) if first else None,
            "supplier_slug": None if shops[0] == "-" else suppliers[shops[0]]["slug"],
            "is_hidden": hidden,
            "notes": notes or None,
        }
        updated = (
            datetime.combine(DISCONTINUED_ON, time(15, number % 60))
            if hidden
            else _later(rng, created, 0.3)
        )
        items.append(
            Item(
                slug,
                kinds[ingredient],
                amount,
                unit,
                shops.strip("-"),
                float(price),
                int(times),
                int(most),
                hidden,
                notes,
                _record("products", number, slug, fields, created, updated),
            )
        )
    return items


def _trips() -> dict[str, list[date]]:
    """List the days on which the bakery buys at each supplier.

    A shopping day, not any day, makes the purchases look like receipts.
    """
    trips = {}
    for code, _, _, _, _, rhythm, _ in _rows(SUPPLIERS):
        weekday, weeks = map(int, rhythm.split())
        first = FIRST_DAY + timedelta(days=(weekday - FIRST_DAY.weekday()) % 7)
        trips[code] = [
            first + timedelta(weeks=n) for n in range(0, (LAST_DAY - first).days // 7 + 1, weeks)
        ]
    return trips


def _tag(price: float, shop: str) -> int | float:
    """Round a price the way this shop prices.

    By the piece it is finer than a cent, stores end in 9 or 5, the egg farm takes halves.
    """
    if shop == "X" and price < 1:
        return _number(round(price / 0.0025) * 0.0025, 4)
    if shop in "CWPK":
        return _number(round(price, 1) - (0.05 if shop == "K" else 0.01), 2)
    return _number(round(price * 2) / 2 if shop == "E" else price, 2)


def _packages(rng: random.Random, item: Item) -> int | float:
    if item.notes.startswith("By weight"):
        return _number(rng.uniform(item.most / 3, item.most), 2)
    return 50 * rng.randint(1, item.most // 50) if item.most >= 50 else rng.randint(1, item.most)


def _buy(item: Item, trips: dict[str, list[date]]) -> list[Purchase]:
    """Buy one product through the year.

    It is mostly bought at its usual shop, one time in four at the other, dearer one.
    """
    rng, usual, other = _random(item.slug), item.shops[:1], item.shops[1:]
    elsewhere = item.times // 4 if other else 0
    days = [day for day in trips.get(usual, []) if not item.hidden or day < DISCONTINUED_ON]
    visits = [(day, usual) for day in rng.sample(days, item.times - elsewhere)]
    visits += [(day, other) for day in rng.sample(trips.get(other, []), elsewhere)]
    purchases, price = [], item.price
    for day, shop in sorted(visits):
        price *= 1 + (rng.uniform(-0.02, 0.035) if rng.random() < 0.6 else 0)
        factor, notes = 1.0, None
        if shop != usual:
            factor, notes = 1.12, "Ran out before the next order."
        elif rng.random() < 0.05:
            factor, notes = 0.85, "On sale."
        elif rng.random() < 0.04:
            notes = rng.choice(
                [
                    "For the farmers' market.",
                    "Wedding order.",
                    "Receipt lost, price from the bank statement.",
                ]
            )
        purchases.append(
            Purchase(day, shop, item, _tag(price * factor, shop), _packages(rng, item), notes)
        )
    return purchases


def _purchases(bought: list[Purchase], suppliers: dict[str, Record]) -> list[Record]:
    rng, records = _random("purchases"), []
    for number, purchase in enumerate(bought, 1):
        created = datetime.combine(purchase.day, time(20)) + timedelta(seconds=rng.randrange(5400))
        fields: Record = {
            "product_slug": purchase.item.slug,
            "supplier_slug": suppliers[purchase.shop]["slug"],
            "purchase_date": purchase.day.isoformat(),
            "unit_price": purchase.price,
            "quantity_purchased": purchase.quantity,
            "notes": purchase.notes,
        }
        records.append(
            _record("purchases", number, purchase.key, fields, created, _later(rng, created, 0.06))
        )
    return records


def _left(rng: random.Random, item: Item, brought: float, newest: bool) -> int | float:
    """Guess what is left of a lot: much of the newest, little of older ones.

    It is whole pieces or eighths of a pound, as a shelf is read.
    """
    step = {"each": 1.0, "ct": 1.0, "g": 5.0, "ml": 5.0, "kg": 0.05, "L": 0.05}.get(
        item.unit, 0.125
    )
    amount = brought * (rng.uniform(0.3, 1.15) if newest else rng.uniform(0.04, 0.5))
    return _number(min(brought, max(step, amount // step * step)), 3)


def _on_the_shelf(bought: list[Purchase]) -> list[tuple[int, Purchase]]:
    """Pick the purchases with something left: fresh enough, each product's newest first.

    Returns:
        (rank by age among the purchases of its product, purchase) of each.
    """
    seen: dict[str, int] = {}
    lots = []
    for purchase in reversed(bought):
        item, age = purchase.item, LAST_DAY - purchase.day
        rank = seen[item.slug] = seen.get(item.slug, -1) + 1
        if not item.hidden and age.days <= item.kind.days:
            lots.append((rank, purchase))
    return sorted(lots, key=lambda lot: lot[0])[: LOTS - LOTS_WITHOUT_PURCHASE]


def _lots(items: list[Item], bought: list[Purchase]) -> list[Lot]:
    rng, lots = _random("lots"), []
    for rank, purchase in _on_the_shelf(bought):
        left = _left(rng, purchase.item, purchase.quantity * purchase.item.size, rank == 0)
        notes = (
            rng.choice(["Opened.", "Use first.", "Lid cracked, repacked."])
            if rng.random() < 0.1
            else None
        )
        lots.append(Lot(purchase.day, purchase.item, _uuid("purchases", purchase.key), left, notes))
    samples = [item for item in items if item.notes.startswith("Sample")]
    lasting = [item for item in items if item.times and not item.hidden and item.kind.days > 100]
    for item in samples + rng.sample(lasting, LOTS_WITHOUT_PURCHASE - len(samples)):
        day = rng.choice([date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30)])
        notes = "Free sample." if item in samples else "Found at stocktaking, no receipt."
        lots.append(Lot(day, item, None, _left(rng, item, item.size, False), notes))
    return sorted(lots, key=lambda lot: (lot.day, lot.item.slug))


def _inventory(lots: list[Lot]) -> list[Record]:
    rng, records = _random("inventory_items"), []
    for number, lot in enumerate(lots, 1):
        created = datetime.combine(lot.day, time(22)) + timedelta(seconds=rng.randrange(5400))
        fields: Record = {
            "product_slug": lot.item.slug,
            "purchase_uuid": lot.purchase_uuid,
            "quantity": lot.quantity,
            "addition_date": lot.day.isoformat(),
            "location": None if rng.random() < 0.04 else lot.item.kind.place,
            "notes": lot.notes,
        }
        key = f"{lot.item.slug}/{lot.purchase_uuid}"
        records.append(
            _record("inventory_items", number, key, fields, created, _later(rng, created, 0.5))
        )
    return records


@hookimpl
def bakeio_sample() -> dict[str, Iterable[dict[str, object]]]:
    """Give a new user a bakery to look at.

    It is suppliers, ingredients, products, a year of purchases and what is on the shelves.
    """
    suppliers, kinds = _suppliers(), _kinds()
    items, trips = _items(suppliers, kinds), _trips()
    bought = sorted(
        (purchase for item in items for purchase in _buy(item, trips)),
        key=lambda p: (p.day, p.shop, p.item.slug),
    )
    return {
        "suppliers": list(suppliers.values()),
        "ingredients": _ingredients(kinds.values()),
        "products": [item.record for item in items],
        "purchases": _purchases(bought, suppliers),
        "inventory_items": _inventory(_lots(items, bought)),
    }
