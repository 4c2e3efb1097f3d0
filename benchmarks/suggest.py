"""How fast suggestions are, beside another checkout of bakeio.

    python benchmarks/suggest.py [--n 100000] [--reps 3] [--before CHECKOUT]

For `--n` products it prints the processor time until they are indexed, of the first question after
that and of 200 more (median and 95th percentile), the memory above that of the start, and the
processor time of the whole command `bakeio suggest`. The two checkouts take turns.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WORDS = """
all purpose bread cake pastry rye spelt oat rice almond coconut corn tapioca potato flour
starch meal sugar brown light dark powdered granulated superfine turbinado muscovado honey
maple syrup molasses butter salted unsalted cultured milk whole skim cream heavy sour
cheese ricotta cheddar yogurt plain chocolate bittersweet semisweet white chips wafers
cocoa natural dutch nibs bar couverture vanilla extract paste bean lemon orange peppermint
cinnamon ground nutmeg ginger clove cardamom anise poppy sesame salt kosher sea flaky
pepper yeast instant active dry fresh baking powder soda tartar oil olive canola vegetable
shortening lard spray raisins golden currants cranberries dried cherries apricots dates
figs walnuts pecans hazelnuts pistachios cashews peanuts sliced slivered chopped
strawberry raspberry blueberry frozen jam preserves filling pie apple peach pumpkin puree
gelatin pectin sprinkles rainbow nonpareils fondant icing marshmallow caramel toffee
coffee espresso tea rum organic premium classic original pure fine coarse extra virgin
gluten free unbleached enriched stone style blend mix quick old fashioned cut steel double
acting unsweetened sweetened shredded box
""".split()  # noqa: SIM905
SYLLABLES = (
    "ba be bo ca co da de do fa fe go ha he ka ke la le lo ma me mi na no pa po ra re ro sa ta"
)
SIZES = [("1", "lb"), ("2", "lb"), ("5", "lb"), ("25", "lb"), ("8", "oz"), ("16", "oz")]


def products(count: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield brand, name, size and unit of products; the same ones each time."""
    chance = random.Random(7)
    syllables = SYLLABLES.split()
    brands = [
        "".join(chance.choices(syllables, k=chance.choice((2, 3)))).title()
        + chance.choice(("", "", " Farms", " Mills", " Foods"))
        for _ in range(2000)
    ]
    for _ in range(count):
        brand = brands[min(int(chance.paretovariate(0.6)), len(brands)) - 1]
        name = " ".join(chance.sample(WORDS, chance.choice((2, 3, 3, 4)))).title()
        yield brand, name, *chance.choice(SIZES)


def fill(path: Path, count: int) -> None:
    from sqlalchemy import insert

    from bakeio_core import Bakeio, connect

    core = Bakeio.discover()
    engine = connect(str(path))
    with engine.begin() as db:
        core.create_tables(db)
        kinds = [
            {"id": n, "slug": f"kind_{n}", "display_name": f"{word} {other}", "category": "x"}
            for n, (word, other) in enumerate(zip(WORDS, reversed(WORDS), strict=True), 1)
        ]
        db.execute(insert(core.catalog.entities["ingredients"].table), kinds)
        rows = []
        known: set[str] = set()
        for n, (brand, name, size, unit) in enumerate(products(count), 1):
            slug = f"{brand} {name} {size}{unit}".lower().replace(" ", "_")
            slug = f"{slug}_{n}" if slug in known else slug
            known.add(slug)
            values = {"slug": slug, "brand": brand, "product_name": name, "package_size": size}
            rows.append(
                values
                | {"id": n, "ingredient_id": n % len(kinds) + 1, "package_unit": unit}
                | {"package_unit_quantity": 1}
            )
        db.execute(insert(core.catalog.entities["products"].table), rows)
    engine.dispose()


def questions(count: int) -> list[str]:
    """Return names as people would write them, with mistakes."""
    chance = random.Random(8)
    asked = []
    for brand, name, size, unit in list(products(count))[:: max(1, count // 201)]:
        words = f"{brand} {name}".split()
        place = chance.randrange(len(words))
        word = words[place]
        at = chance.randrange(1, len(word))
        words[place] = chance.choice([word, word[:at] + word[at + 1 :], word[:4], word.upper()])
        asked.append(" ".join([*words, chance.choice([f"{size} {unit}", ""])]))
    return asked


def measure(path: Path, count: int) -> dict[str, float]:
    """Measure one process: index, first question, further ones, memory."""
    from bakeio_core import Bakeio, connect
    from bakeio_core.resolving.candidates import Candidates

    core = Bakeio.discover()
    asked = questions(count)
    with connect(str(path)).begin() as db:
        start = _peak()
        search = Candidates(db, core.catalog, {})
        times = [time.process_time()]
        search.index("products")
        times.append(time.process_time())
        for text in asked:
            search.of_text("products", text, 5)
            times.append(time.process_time())
    spent = [1000 * (after - before) for before, after in itertools.pairwise(times)]
    more = sorted(spent[2:])
    return {
        "index ms": spent[0],
        "first question ms": spent[1],
        "median ms": statistics.median(more),
        "p95 ms": more[int(0.95 * len(more))],
        "memory MiB": _peak() - start,
    }


def _peak() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _environment(checkout: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'plugins'}"}


def run(checkout: Path, path: Path, count: int) -> dict[str, float]:
    """Run the measurements and the command in processes of their own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", str(path), "--n", str(count)],
        env=_environment(checkout),
        stdout=subprocess.PIPE,
        check=True,
    )
    before = os.times()
    asked = ["suggest", "products", "bread flour"]
    subprocess.run(
        [sys.executable, "-m", "bakeio_core", "-d", str(path), *asked],
        env=_environment(checkout),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = os.times()
    command = after.children_user - before.children_user
    command += after.children_system - before.children_system
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"bakeio suggest ms": 1000 * command}


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast suggestions are.")
    parser.add_argument("--n", type=int, default=100_000, help="products")
    parser.add_argument("--reps", type=int, default=3, help="runs of each checkout")
    parser.add_argument("--before", type=Path, help="another checkout of bakeio to compare with")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.n)))
        return
    if arguments.fill:
        fill(arguments.fill, arguments.n)
        return
    checkouts = {"now": Path(__file__).parents[1]}
    if arguments.before:
        checkouts = {"before": arguments.before} | checkouts
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bakeio.db"
        # not here: a process begins with the peak of memory of the one that started it
        filling = ["--fill", str(path), "--n", str(arguments.n)]
        subprocess.run([sys.executable, __file__, *filling], check=True)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
        for rep in range(arguments.reps):
            for name in list(checkouts)[:: 1 if rep % 2 else -1]:
                found[name].append(run(checkouts[name], path, arguments.n))
    print(f"{arguments.n:,} products, medians of {arguments.reps}; processor time")
    for what in found["now"][0]:
        line = f"  {what:<20}"
        for name, runs in found.items():
            line += f"  {name} {statistics.median(each[what] for each in runs):8.1f}"
        print(line)


if __name__ == "__main__":
    main()
