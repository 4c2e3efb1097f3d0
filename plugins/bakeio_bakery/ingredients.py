"""Ingredients: what products are of, brand by brand the same thing."""

from sqlalchemy import Column, MetaData, String, Table, Text

from bakeio_core import Entity, hookimpl, identity_columns, stamp_columns

CATEGORIES = (
    "Flours & Starches",
    "Sugars & Sweeteners",
    "Dairy & Eggs",
    "Chocolate & Cocoa",
    "Nuts & Seeds",
    "Fruits",
    "Spices & Extracts",
    "Leavening Agents",
    "Fats & Oils",
    "Liquids",
    "Misc Ingredients",
    "Packaging",
)
SYNONYMS = (
    (
        "powdered sugar",
        "confectioners sugar",
        "confectioner sugar",
        "icing sugar",
        "10x sugar",
        "conf sugar",
    ),
    ("superfine sugar", "caster sugar", "castor sugar", "bar sugar"),
    (
        "baking soda",
        "bicarbonate of soda",
        "bicarb of soda",
        "bicarb soda",
        "bicarb",
        "sodium bicarbonate",
    ),
    ("cornstarch", "corn starch", "cornflour", "maize starch"),
    ("all purpose flour", "ap flour", "plain flour", "apf"),
    ("bread flour", "strong flour", "strong white flour", "strong bread flour"),
    ("whole wheat", "wholemeal", "wholewheat", "ww"),
    ("heavy cream", "heavy whipping cream", "double cream"),
    ("golden raisin", "sultana"),
    ("hazelnut", "filbert"),
    ("molasses", "treacle"),
    ("brown sugar", "brn sugar"),
    ("unsalted", "no salt", "without salt", "sweet cream unsalted"),
    ("vegetable shortening", "shortening"),
    ("dark chocolate", "plain chocolate"),
    ("vanilla extract", "vanilla essence"),
    ("nonfat", "non fat", "fat free", "skimmed", "skim"),
    ("self rising", "self raising"),
    ("old fashioned oat", "rolled oat"),
    ("dried", "dehydrated"),
    ("scallion", "green onion"),
    ("zucchini", "courgette"),
    ("egg white", "albumen"),
    ("parchment paper", "baking paper", "baking parchment"),
)
LOOKALIKES = (
    ("salted", "unsalted"),
    ("baking soda", "baking powder"),
    (
        "bread flour",
        "cake flour",
        "pastry flour",
        "all purpose flour",
        "almond flour",
        "rye flour",
        "high gluten flour",
        "self rising flour",
    ),
    ("light", "dark"),
    ("sweetened", "unsweetened"),
    ("granulated", "powdered", "brown", "superfine", "turbinado"),
    ("almond butter", "peanut butter", "cocoa butter", "cashew butter"),
    ("heavy cream", "sour cream", "light cream", "ice cream"),
    ("evaporated", "condensed"),
    ("extract", "paste", "powder", "bean"),
    ("whole", "ground", "sliced", "chopped", "slivered"),
    ("white chocolate", "dark chocolate", "milk chocolate"),
    ("semisweet", "bittersweet", "unsweetened", "white"),
    ("active dry", "instant"),
    ("natural cocoa", "dutch cocoa"),
    ("coarse", "fine"),
    ("whole milk", "skim milk", "nonfat milk"),
)


@hookimpl
def bakeio_entities(metadata: MetaData) -> Entity:
    """Declare `ingredients`, known by slug or display name."""
    ingredients = Table(
        "ingredients",
        metadata,
        *identity_columns(),
        Column("slug", String(200), nullable=False, unique=True, index=True),
        Column("display_name", String(200), nullable=False, unique=True, index=True),
        Column("category", String(100), nullable=False),
        Column("notes", Text),
        *stamp_columns(),
        sqlite_autoincrement=True,
    )
    return Entity(
        ingredients,
        keys=["slug", "display_name"],
        label="display_name",
        slug_from=("display_name",),
        choices={"category": CATEGORIES},
        synonyms=SYNONYMS,
        lookalikes=LOOKALIKES,
    )
