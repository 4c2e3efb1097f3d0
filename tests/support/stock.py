"""Two stocks of a bakery and questions about their rows, with the rows that are meant.

`small` is a shop's own list; `large` has it too, and a wholesaler's beside it, where much is nearly
what is asked. A few of its rows are left out on purpose: who asks for them must get no answer.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from bakeio_core import Bakeio
from bakeio_core.values import folding

DATA = Path(__file__).parents[1] / "data"
TUNING, HELD_OUT = "tuning", "held-out"
NAMES = ("suppliers", "ingredients", "products")
Row = dict[str, Any]


@dataclass
class Asked:
    """One question.

    Attributes:
        entity: Whose row is looked for.
        values: What is asked: {column: value}, or {"": text} where a person just typed a text.
        answers: The slugs that are right; none where no row is meant.
        kind: What makes it hard.
        half: `tuning`, or `held-out`.
    """

    entity: str
    values: dict[str, Any]
    answers: frozenset[str]
    kind: str
    half: str

    def __str__(self) -> str:
        asked = "; ".join(f"{k}={v}" if k else str(v) for k, v in self.values.items())
        return f"{self.kind}: {asked} -> {' / '.join(sorted(self.answers)) or '-'}"


@dataclass
class Stock:
    """Rows, and what is asked of them."""

    rows: dict[str, list[Row]]
    asked: list[Asked]
    unknown: dict[str, list[Row]] = field(default_factory=dict)

    def fill(self, core: Bakeio, db: Connection) -> None:
        """Put the rows into the tables of an empty database; ids count from 1."""
        core.create_tables(db)
        numbers = {row["slug"]: number for number, row in enumerate(self.rows["ingredients"], 1)}
        for name in NAMES:
            table = core.catalog.entities[name].table
            rows = []
            for number, row in enumerate(self.rows[name], 1):
                values = {column: value for column, value in row.items() if column in table.c}
                if name == "products":
                    values["ingredient_id"] = numbers[row["ingredient_slug"]]
                    values["package_unit_quantity"] = 1
                rows.append({"id": number, **values})
            if rows:
                columns = sorted({column for row in rows for column in row})
                db.execute(insert(table), [dict.fromkeys(columns) | row for row in rows])


def small() -> Stock:
    """Return a shop's own list, and 524 questions."""
    rows = json.loads((DATA / "suggest_rows.json").read_text("utf-8"))
    asked = [
        Asked(
            query["entity"],
            query["query"],
            frozenset([query["answer"]["slug"]] if query["answer"] else []),
            query["kind"],
            query["half"],
        )
        for query in json.loads((DATA / "suggest_queries.json").read_text("utf-8"))
    ]
    return Stock(rows, asked)


def large() -> Stock:
    """Return a wholesaler's stock, and the questions of `suggest_asked.txt`."""
    rows = small().rows
    for name, row in _lines_of_stock(rows):
        rows[name].append(row)
    for name in NAMES:
        rows[name] = list({row["slug"]: row for row in reversed(rows[name])}.values())[::-1]
    called = {name: {_slug(_called(name, row, rows)): row for row in rows[name]} for name in NAMES}
    asked = [
        Asked(
            entity,
            _values(text),
            frozenset(
                called[entity][_slug(answer)]["slug"]
                for answer in answers.split(" / ")
                if answer != "-"
            ),
            kind,
            half_of(text),
        )
        for entity, kind, text, answers in _fields("suggest_asked.txt", 4)
    ]
    return _with_unknown(Stock(rows, asked))


def _slug(text: str) -> str:
    return folding.make_slug([text])


def half_of(text: str) -> str:
    """Return the half a question belongs to."""
    return TUNING if zlib.crc32(text.encode()) % 2 else HELD_OUT


def _with_unknown(stock: Stock) -> Stock:
    """Take one row of 25 out of the stock, but none that is needed."""
    needed = {answer for asked in stock.asked for answer in asked.answers}
    needed |= {row["slug"] for rows in small().rows.values() for row in rows}
    needed |= {row["ingredient_slug"] for row in stock.rows["products"]}
    for name, rows in stock.rows.items():
        out = [
            r for r in rows if r["slug"] not in needed and zlib.crc32(r["slug"].encode()) % 25 == 0
        ]
        gone = {row["slug"] for row in out}
        if name == "products":  # another size of it may stay nowhere
            families = {(row["brand"], row["product_name"]) for row in out if row["product_name"]}
            out = [r for r in rows if (r["brand"], r["product_name"]) in families]
            out = [r for r in out if r["slug"] not in needed]
            gone = {row["slug"] for row in out}
        stock.unknown[name] = out
        stock.rows[name] = [row for row in rows if row["slug"] not in gone]
    return stock


def _fields(file: str, count: int) -> Iterator[list[str]]:
    for line in (DATA / file).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            parts = [part.strip() for part in line.split(" | ")]
            if len(parts) != count:
                raise ValueError(f"{file}: {line}")
            yield parts


def _values(text: str) -> dict[str, Any]:
    if "=" not in text:
        return {"": text}
    return dict(part.split("=", 1) for part in text.split("; "))


def _called(name: str, row: Row, rows: dict[str, list[Row]]) -> str:
    """Return what an answer calls a row."""
    if name == "ingredients":
        return str(row["display_name"])
    if name == "suppliers":
        return f"{row['name']} {row['city']} {row['state']}"
    size = f"{row['package_size'] or ''} {row['package_unit']}"
    if row["product_name"]:
        return f"{row['brand']} {row['product_name']} {size}"
    kind = next(r for r in rows["ingredients"] if r["slug"] == row["ingredient_slug"])
    return f"{row['brand']} {size} of {kind['display_name']}"


def _lines_of_stock(rows: dict[str, list[Row]]) -> Iterator[tuple[str, Row]]:
    """Yield (entity, row) of each line of `suggest_stock.txt`."""
    slugs = {row["display_name"]: row["slug"] for row in rows["ingredients"]}
    for name, line in _sections((DATA / "suggest_stock.txt").read_text("utf-8")):
        if name == "suppliers":
            chain, places = line.split(": ")
            for place in places.split("; "):
                city, state = place.rsplit(" ", 1)
                slug = _slug(f"{chain} {city} {state}")
                yield name, {"slug": slug, "name": chain, "city": city, "state": state}
        elif name == "ingredients":
            category, rest = line.split(" | ")
            what, forms = (part.strip() for part in rest.split(": ", 1))
            for form in forms.split(" / "):
                called = f"{what} {form}" if what.endswith((",", "...")) else f"{form} {what}"
                called = called.replace(" ...", "")
                if called not in slugs:
                    slugs[called] = _slug(called)
                    yield (
                        name,
                        {"slug": slugs[called], "display_name": called, "category": category},
                    )
        else:
            brands, names, sizes, of = (part.strip() for part in line.split("|"))
            for brand in brands.split("; "):
                for called in names.split("; "):
                    for size in sizes.split(", "):
                        yield name, _product(brand, called, size, slugs[of])


def _product(brand: str, called: str, size: str, ingredient: str) -> Row:
    number, unit = size.split(" ", 1)
    plain = number.removeprefix("#")
    more = "" if called else f" {ingredient}"
    return {
        "slug": _slug(f"{brand} {called} {size}{more}"),
        "brand": brand,
        "product_name": called or None,
        "package_size": float(plain) if "." in plain else int(plain),
        "package_unit": unit,
        "upc_code": None,
        "ingredient_slug": ingredient,
    }


def _sections(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            yield section, line


# -- mistakes made by rule
def spoilt(stock: Stock, count: int, seed: int) -> Iterator[Asked]:
    """Yield names of rows with mistakes as people and tills make them, a part of rows not there.

    Where a word was left out and other rows have all that is left, each of them may be meant.

    Args:
        stock: Whose rows.
        count: How many for each entity; a fifth more are of rows that are not there.
        seed: Of what is random.
    """
    chance = random.Random(seed)
    for name in NAMES:
        called = {row["slug"]: _words(name, row, stock) for row in stock.rows[name]}
        sets = {slug: frozenset(map(str.casefold, words)) for slug, words in called.items()}
        for rows, share, is_there in (
            (stock.rows[name], 1.0, True),
            (stock.unknown[name], 0.2, False),
        ):
            for _ in range(int(count * share)):
                row = chance.choice(rows)
                words = called[row["slug"]] if is_there else _words(name, row, stock)
                text, left = _spoilt(words, chance)
                told = frozenset(map(str.casefold, left))
                same = frozenset(slug for slug, has in sets.items() if told == has)
                right = same or frozenset(slug for slug, has in sets.items() if told < has)
                if is_there or not right:
                    kind = "spoilt" if is_there else "none, spoilt"
                    yield Asked(name, {"": text}, right, kind, half_of(text))


def _words(name: str, row: Row, stock: Stock) -> list[str]:
    return _called(name, row, stock.rows).replace(" of ", " ").replace(",", "").split()


def _spoilt(words: list[str], chance: random.Random) -> tuple[str, list[str]]:
    """Return a spoilt name, and the words it has before they are spoilt."""
    mistakes = chance.sample(_MISTAKES, chance.choice((1, 1, 2, 3)))
    left = (_one_less(words, chance) if _one_less in mistakes else words) or words
    spoilt = left
    for mistake in mistakes:
        if mistake is not _one_less:
            spoilt = mistake(spoilt, chance) or spoilt
    return chance.choice((str, str.upper, str.lower))(" ".join(spoilt)), left


def _typo(words: list[str], chance: random.Random) -> list[str]:
    longest = [place for place, word in enumerate(words) if len(word) > 4]
    if not longest:
        return words
    place = chance.choice(longest)
    word = words[place]
    at = chance.randrange(1, max(2, len(word) - 1))
    other = chance.choice("aeioustrnl")
    spelled = chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + other + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
        ]
    )
    return [*words[:place], spelled, *words[place + 1 :]]


def _no_vowels(words: list[str], chance: random.Random) -> list[str]:
    return [
        word[0] + "".join(c for c in word[1:] if c.lower() not in "aeiou'")
        if len(word) > 3 and word.isalpha() and chance.random() < 0.6
        else word
        for word in words
    ]


def _cut(words: list[str], chance: random.Random) -> list[str]:
    return [
        word[: chance.choice((3, 4))] if len(word) > 4 and chance.random() < 0.5 else word
        for word in words
    ]


def _one_less(words: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(words))
    return words[:place] + words[place + 1 :] if len(words) > 2 else words


def _one_more(words: list[str], chance: random.Random) -> list[str]:
    more = chance.choice(
        ("bag", "case", "#4411", "fresh", "premium", "each", "(new)", "sale", "2x")
    )
    return [*words, more]


def _turned(words: list[str], chance: random.Random) -> list[str]:
    place = chance.randrange(len(words))
    return words[place:] + words[:place]


_MISTAKES = [_typo, _typo, _no_vowels, _cut, _one_less, _one_more, _turned]
