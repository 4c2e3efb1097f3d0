"""How good suggestions are, on labelled queries.

    python tests/suggest_quality.py [--half tuning|held-out] [--misses]

Prints, for each entity and half: top-1 and recall@5 among the queries that have an answer, the same
of plain WRatio over the rows' labels, and of the queries that have none the share for which
something is suggested all the same with a score of at least `LIKELY`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process
from sqlalchemy import insert

from bakeio_core import Bakeio, connect
from bakeio_core.catalog.exchange import Candidate
from bakeio_core.resolving.candidates import Candidates

DATA = Path(__file__).parent / "data"
LIKELY = 0.85
"""From here on a person is likely to take a candidate without a second look; the same score at
which the questions ask once more.
"""


@dataclass
class Quality:
    """What one group of queries came to."""

    asked: int = 0
    first: int = 0
    within_five: int = 0
    baseline_first: int = 0
    baseline_five: int = 0
    without_answer: int = 0
    false: int = 0
    automatic_wrong: int = 0
    automatic_fuzzy: int = 0
    misses: list[str] = field(default_factory=list)

    def line(self, name: str) -> str:
        share = [
            value / max(1, self.asked)
            for value in (self.first, self.within_five, self.baseline_first, self.baseline_five)
        ]
        return (
            f"{name:<24} {self.asked:>4}   {share[0]:.3f} {share[1]:.3f}   {share[2]:.3f} "
            f"{share[3]:.3f}   "
            f"{self.false}/{self.without_answer:<4} {self.automatic_fuzzy}"
        )


def filled(core: Bakeio, db: Any) -> dict[str, list[dict[str, Any]]]:
    """Put the stock into the tables of an empty database."""
    core.create_tables(db)
    rows = json.loads((DATA / "suggest_rows.json").read_text("utf-8"))
    numbers = {row["slug"]: number for number, row in enumerate(rows["ingredients"], 1)}
    for name in ("suppliers", "ingredients", "products"):
        table = core.catalog.entities[name].table
        for number, row in enumerate(rows[name], 1):
            more = (
                {"ingredient_id": numbers[row["ingredient_slug"]], "package_unit_quantity": 1}
                if name == "products"
                else {}
            )
            values = {column: value for column, value in (row | more).items() if column in table.c}
            db.execute(insert(table).values(id=number, **values))
    return rows  # type: ignore[no-any-return]


def baseline(rows: list[dict[str, Any]], query: dict[str, Any]) -> list[str]:
    """Return the slugs WRatio alone would give, over the texts of the rows."""
    left_out = (
        ("slug", "ingredient_slug", "category", "zip", "upc_code")
        if set(query) - {"slug", "upc_code"}
        else ("ingredient_slug", "category")
    )
    texts = {
        row["slug"]: " ".join(str(v) for k, v in row.items() if v is not None and k not in left_out)
        for row in rows
    }
    asked = " ".join(str(value) for value in query.values())
    return [
        slug
        for _, _, slug in process.extract(
            asked, texts, scorer=fuzz.WRatio, limit=5, processor=str.lower
        )
    ]


def measure(
    half: str | None = None,
) -> Iterator[tuple[str, str, dict[str, Any], list[Candidate], list[str]]]:
    """Yield (entity, half, query, candidates, baseline's slugs) of every labelled query."""
    core = Bakeio.discover()
    engine = connect(":memory:")
    with engine.begin() as db:
        rows = filled(core, db)
        search = Candidates(db, core.catalog, {})
        for query in json.loads((DATA / "suggest_queries.json").read_text("utf-8")):
            if half in (None, query["half"]):
                found = search.of_values(query["entity"], query["query"], 5)
                yield (
                    query["entity"],
                    query["half"],
                    query,
                    found,
                    baseline(rows[query["entity"]], query["query"]),
                )
    engine.dispose()


def qualities(half: str | None = None) -> dict[tuple[str, str], Quality]:
    """Return the quality of each (half, entity), with "all" for all entities and "kind ..." for
    each kind.
    """
    found: dict[tuple[str, str], Quality] = defaultdict(Quality)
    for entity, of, query, candidates, plain in measure(half):
        for name in (entity, "all", f"kind {query['kind']}"):
            _count(found[of, name], query, candidates, plain)
    return found


def _count(
    quality: Quality, query: dict[str, Any], found: list[Candidate], plain: list[str]
) -> None:
    slugs = [str(candidate.key["slug"]) for candidate in found]
    top = found[0] if found else None
    told = (
        f"{query['kind']}: {query['query']} -> {query['answer'] and query['answer']['slug']}; got "
        + ", ".join(f"{c.key['slug']} {c.score}" for c in found[:3])
    )
    automatic = [c for c in found if c.automatic]
    quality.automatic_fuzzy += sum(
        not any(r.startswith(("the same", "was chosen")) for r in c.reasons) for c in automatic
    )
    if query["answer"] is None:
        quality.without_answer += 1
        if top is not None and top.score >= LIKELY:
            quality.false += 1
            quality.misses.append(told)
        quality.automatic_wrong += len(automatic)
        return
    answer = query["answer"]["slug"]
    quality.asked += 1
    quality.first += slugs[:1] == [answer]
    quality.within_five += answer in slugs
    quality.baseline_first += plain[:1] == [answer]
    quality.baseline_five += answer in plain
    quality.automatic_wrong += sum(c.key["slug"] != answer for c in automatic)
    if slugs[:1] != [answer]:
        quality.misses.append(told)


def main() -> None:
    parser = argparse.ArgumentParser(description="How good suggestions are, on labelled queries.")
    parser.add_argument("--half", choices=["tuning", "held-out"])
    parser.add_argument(
        "--misses", action="store_true", help="list what went wrong; for the tuning half only"
    )
    arguments = parser.parse_args()
    found = qualities(arguments.half)
    print(f"{'':<24} {'n':>4}   top-1 top-5   WRatio 1, 5   false fuzzy-automatic")
    for half in ("tuning", "held-out"):
        names = Counter(name for of, name in found if of == half)
        for name in sorted(names, key=lambda name: (name.startswith("kind"), name)):
            print(found[half, name].line(f"{half} {name}"))
            if (
                arguments.misses
                and half == "tuning"
                and name in ("suppliers", "ingredients", "products")
            ):
                print("\n".join(f"      {miss}" for miss in found[half, name].misses))


if __name__ == "__main__":
    main()
