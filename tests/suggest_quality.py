"""How good suggestions are, on labelled questions.

    python tests/suggest_quality.py [--before CHECKOUT] [--misses] [--without] [--spoilt N]

Prints, for each half, entity and kind: how often the row meant comes first and among the first
five, the same of another checkout of bakeio, and of three plain measures over the rows' names.
Then how true the scores are, and how often a warning stands where it must.

`--without` leaves out one mechanism after the other, a line for each.

The half `held-out` is only counted: `--misses` never shows it, so that nobody fits to it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process
from support.stock import HELD_OUT, NAMES, TUNING, Asked, Row, Stock, large, small, spoilt

from bakeio_core import Bakeio, connect
from bakeio_core.catalog.exchange import Candidate
from bakeio_core.resolving.candidates import Candidates
from bakeio_core.resolving.ranking.index import Index

Without = Callable[[Candidates], object]
"""Leaves a mechanism out."""

LIKELY = 0.85
"""From here on a person is likely to take a candidate without a second look; the same score at
which the questions ask once more.
"""
CAREFUL_FROM = 0.6
"""From here on a wrong first answer must carry a warning."""
SURE = ("the same", "was chosen")
"""How the reasons of what may be automatic begin."""


@dataclass
class Answer:
    """What one question came to: slugs, scores and warnings of the candidates, the best first."""

    asked: Asked
    slugs: list[str]
    scores: list[float]
    warnings: list[str]
    automatic: list[bool]
    reasons: list[list[str]]

    @property
    def first(self) -> bool:
        return bool(self.slugs) and self.slugs[0] in self.asked.answers

    @property
    def chance(self) -> float:
        """How likely the first one is the very row that was meant, as far as can be told."""
        return 1 / len(self.asked.answers) if self.first else 0.0

    @property
    def within_five(self) -> bool:
        return not self.asked.answers.isdisjoint(self.slugs[:5])

    def __str__(self) -> str:
        got = ", ".join(
            f"{slug} {score:.2f}{'!' if warning else ''}"
            for slug, score, warning in zip(
                self.slugs[:3], self.scores, self.warnings, strict=False
            )
        )
        return f"{self.asked.entity} {self.asked}; got {got or 'nothing'}"


def answers(stock: Stock, asked: Iterable[Asked], without: Without | None = None) -> list[Answer]:
    """Ask everything, without one mechanism if so wanted."""
    core = Bakeio.discover()
    engine = connect(":memory:")
    with engine.begin() as db:
        stock.fill(core, db)
        search = Candidates(db, core.catalog, {})
        if without:
            without(search)
        found = [ask(search, each) for each in asked]
    engine.dispose()
    return found


def ask(search: Candidates, asked: Asked) -> Answer:
    """Ask one question."""
    found: Sequence[Candidate]
    if "" in asked.values:
        found = search.of_text(asked.entity, asked.values[""], 5)
    else:
        found = search.of_values(asked.entity, asked.values, 5)
    return Answer(
        asked,
        [str(candidate.key["slug"]) for candidate in found],
        [candidate.score for candidate in found],
        [candidate.warning for candidate in found],
        [candidate.automatic for candidate in found],
        [list(candidate.reasons) for candidate in found],
    )


# -- plain measures, to compare with
class Plain:
    """Rank the rows of a stock by one measure over their names."""

    def __init__(self, stock: Stock) -> None:
        self.texts = {
            name: {row["slug"]: _name(name, row) for row in rows}
            for name, rows in stock.rows.items()
        }
        self.trigrams = {name: Trigrams(texts) for name, texts in self.texts.items()}

    def best(self, asked: Asked) -> dict[str, list[str]]:
        """Return the best five slugs by each measure."""
        text = " ".join(str(value) for value in asked.values.values()).replace("_", " ").lower()
        found = {}
        for called, scorer in (("WRatio", fuzz.WRatio), ("token_sort", fuzz.token_sort_ratio)):
            near = process.extract(text, self.texts[asked.entity], scorer=scorer, limit=5)
            found[called] = [slug for _, _, slug in near]
        found["trigrams"] = self.trigrams[asked.entity].best(text)
        return found


class Trigrams:
    """The cosine of texts by their trigrams, weighted by how rare these are."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.slugs = list(texts)
        self.postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        grams = [_grams(text) for text in texts.values()]
        for place, counted in enumerate(grams):
            for gram, count in counted.items():
                self.postings[gram].append((place, count))
        self.idf = {g: math.log(1 + len(grams) / len(p)) for g, p in self.postings.items()}
        self.norms = [
            math.sqrt(sum((count * self.idf[gram]) ** 2 for gram, count in counted.items()))
            for counted in grams
        ]

    def best(self, text: str) -> list[str]:
        found: dict[int, float] = defaultdict(float)
        for gram, count in _grams(text).items():
            weight = count * self.idf.get(gram, 0.0) ** 2
            for place, times in self.postings.get(gram, ()):
                found[place] += weight * times / self.norms[place]
        return [self.slugs[place] for place in sorted(found, key=lambda p: (-found[p], p))[:5]]


def _grams(text: str) -> Counter[str]:
    padded = " " + " ".join(text.split()) + " "
    return Counter(padded[at : at + 3] for at in range(len(padded) - 2))


def _name(entity: str, row: Row) -> str:
    columns = {
        "suppliers": ("name", "city", "state"),
        "ingredients": ("display_name",),
        "products": ("brand", "product_name", "package_size", "package_unit", "upc_code"),
    }[entity]
    return " ".join(str(row[c]) for c in columns if row.get(c) is not None).lower()


# -- figures
def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def groups(found: Iterable[Answer], half: str) -> dict[str, list[Answer]]:
    """Return the answers of a half by entity, by kind, and all of them."""
    grouped: dict[str, list[Answer]] = defaultdict(list)
    for answer in found:
        if answer.asked.half == half:
            for name in ("all", answer.asked.entity, f"kind {answer.asked.kind}"):
                grouped[name].append(answer)
    order = sorted(grouped, key=lambda name: (name.startswith("kind"), name != "all", name))
    return {name: grouped[name] for name in order}


def top(found: Iterable[Answer]) -> tuple[int, float, float]:
    """Return how many have an answer, and the shares that are first and within five."""
    asked = [answer for answer in found if answer.asked.answers]
    return (
        len(asked),
        share(sum(answer.first for answer in asked), len(asked)),
        share(sum(answer.within_five for answer in asked), len(asked)),
    )


def false_suggestions(found: Iterable[Answer], limit: float = LIKELY) -> tuple[int, int]:
    """Return how many questions without an answer got one of at least this score, of how many."""
    without = [answer for answer in found if not answer.asked.answers]
    return sum(bool(a.scores) and a.scores[0] >= limit for a in without), len(without)


def right_at_few_false(found: Sequence[Answer], most: float = 0.1) -> float:
    """Return the share that is right and above the score that at most so many false ones reach."""
    without = sorted((a.scores[0] if a.scores else 0.0) for a in found if not a.asked.answers)
    with_answer = [a for a in found if a.asked.answers]
    limit = without[-1 - int(most * len(without))] if without else 0.0
    return share(sum(a.first and a.scores[0] > limit for a in with_answer), len(with_answer))


def calibration(found: Iterable[Answer], bins: int = 10) -> tuple[float, list[str]]:
    """Return the expected calibration error of the first answers' scores, and a table of it."""
    binned: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for answer in found:
        if answer.scores:
            binned[min(bins - 1, int(answer.scores[0] * bins))].append(
                (answer.scores[0], answer.chance)
            )
    total = sum(map(len, binned.values()))
    error, lines = 0.0, []
    for number, pairs in sorted(binned.items()):
        said = share(sum(score for score, _ in pairs), len(pairs))
        true = share(sum(chance for _, chance in pairs), len(pairs))
        error += abs(said - true) * len(pairs) / total
        span = f"{number / bins:.1f} to {(number + 1) / bins:.1f}"
        lines.append(f"    {span}  {len(pairs):>5}  said {said:.3f}  true {true:.3f}")
    return error, lines


def carefulness(found: Iterable[Answer]) -> tuple[int, int, int, int]:
    """Return (wrong first answers above .60, flagged of these, right first answers, flagged)."""
    wrong = [a for a in found if a.scores and not a.first and a.scores[0] > CAREFUL_FROM]
    right = [a for a in found if a.first]
    return (
        len(wrong),
        sum(bool(a.warnings[0]) for a in wrong),
        len(right),
        sum(bool(a.warnings[0]) for a in right),
    )


def automatic_wrong(found: Iterable[Answer]) -> int:
    """Return how many automatic answers are wrong, or right by likeness alone."""
    return sum(
        automatic
        and (slug not in answer.asked.answers or not any(r.startswith(SURE) for r in reasons))
        for answer in found
        for slug, automatic, reasons in zip(
            answer.slugs, answer.automatic, answer.reasons, strict=True
        )
    )


# -- the report
def everything(count: int, without: Without | None = None) -> list[list[Answer]]:
    """Return the answers about both stocks, and those to names spoilt by rule."""
    shop, wholesaler = small(), large()
    return [
        answers(shop, shop.asked, without),
        answers(wholesaler, wholesaler.asked, without),
        answers(wholesaler, spoilt(wholesaler, count, 11), without),
    ]


# -- without one mechanism
def _weighing(**changed: float) -> Without:
    def change(search: Candidates) -> None:
        search.weighing = search.weighing._replace(**changed)

    return change


def _indexes(change: Callable[[Index], object]) -> Without:
    def change_all(search: Candidates) -> None:
        for name in NAMES:
            change(search.index(name))

    return change_all


MECHANISMS: dict[str, Without] = {
    "nothing left out": _weighing(),
    "known words are no misspellings": _weighing(known_words=1.0),
    "emphasised columns": _weighing(emphasis=1.0),
    "groups of three letters": _weighing(trigrams=0.0),
    "the whole text": _weighing(whole_text=0.0),
    "other amounts": _weighing(other_amount=1.0),
    "no such amount": _weighing(no_amount=1.0),
    "the very words": _weighing(literal=0.0),
    "look-alikes": _weighing(opposite=1.0),
    "abbreviations of words": _indexes(lambda index: index.lexicon.stands_for.clear()),
    "synonyms": _indexes(lambda index: index.lexicon.same.clear()),
    "names by what is referred to": _indexes(lambda index: index.referred.clear()),
}


def _leave_out(count: int) -> None:
    print(f"  {'without':<34} top-1 top-5, right at few false: tuning | held-out")
    for name, without in MECHANISMS.items():
        every = [answer for found in everything(count, without) for answer in found]
        line = f"  {name:<34}"
        for half in (TUNING, HELD_OUT):
            of_half = [answer for answer in every if answer.asked.half == half]
            labelled = [answer for answer in of_half if "spoilt" not in answer.asked.kind]
            for group in (labelled, of_half):
                _, first, five = top(group)
                line += f" {first:.3f} {five:.3f} {right_at_few_false(group):.3f} "
            line += "|"
        print(line, flush=True)


TITLES = ("A shop's own list", "A wholesaler's stock", "The same, names spoilt by rule")


def _report(now: list[list[Answer]], before: list[list[Answer]] | None, misses: bool) -> None:
    stocks = (small(), large(), None)
    for title, stock, found, earlier in zip(
        TITLES,
        stocks,
        now,
        before or [None] * 3,
        strict=True,  # type: ignore[list-item]
    ):
        plain = Plain(stock) if stock else None
        for half in (TUNING, HELD_OUT):
            print(f"\n{title}: {half}")
            print(f"  {'':<30}   n   top-1 top-5 {_head(earlier, plain)}")
            old = groups(earlier or [], half)
            for name, group in groups(found, half).items():
                print(_line(name, group, old.get(name), plain))
            if misses and half == TUNING:
                wrong = [a for a in found if a.asked.half == half and not a.first]
                print("\n".join(f"      {a}" for a in wrong if a.slugs or a.asked.answers))


def _head(earlier: Any, plain: Plain | None) -> str:
    return ("   before 1, 5" if earlier else "") + (
        "   WRatio 1, 5   token_sort    trigrams" if plain else ""
    )


def _line(name: str, group: list[Answer], before: list[Answer] | None, plain: Plain | None) -> str:
    count, first, five = top(group)
    false, without = false_suggestions(group)
    line = f"  {name:<30} {count:>4}   {first:.3f} {five:.3f}"
    if before:
        _, *shares = top(before)
        line += f"   {shares[0]:.3f} {shares[1]:.3f}"
    if plain:
        asked = [answer.asked for answer in group if answer.asked.answers]
        best = [(each.answers, plain.best(each)) for each in asked]
        for measure in ("WRatio", "token_sort", "trigrams"):
            ones = sum(bool(right & set(near[measure][:1])) for right, near in best)
            fives = sum(bool(right & set(near[measure])) for right, near in best)
            line += f"   {share(ones, count):.3f} {share(fives, count):.3f}"
    return line + (f"   false {false}/{without}" if without else "")


def _trust(now: list[list[Answer]], before: list[list[Answer]] | None) -> None:
    for half in (TUNING, HELD_OUT):
        for called, halves in (("before", before), ("now", now)):
            every = [a for found in halves or () for a in found if a.asked.half == half]
            if every:
                error, lines = calibration(every)
                wrong, flagged, right, alarmed = carefulness(every)
                print(f"\nHow true the scores are, {half}, {called}: error {error:.3f}")
                print("\n".join(lines))
                for entity in NAMES:
                    one = [a for a in every if a.asked.entity == entity]
                    print(f"    {entity:<12} error {calibration(one)[0]:.3f}")
                print(
                    f"  careful: {flagged} of {wrong} wrong ones above {CAREFUL_FROM:.2f} "
                    f"({share(flagged, wrong):.3f}), {alarmed} of {right} right ones "
                    f"({share(alarmed, right):.3f})"
                )
                print(
                    "  right where at most one in ten questions without an answer gets one: "
                    f"{right_at_few_false(every):.3f}"
                )
                print(f"  automatic and wrong: {automatic_wrong(every)}")


def _raw(found: list[list[Answer]]) -> str:
    return json.dumps(
        [
            [dataclasses.asdict(answer) | {"asked": None} for answer in answers_of_stock]
            for answers_of_stock in found
        ]
    )


def _of_checkout(path: Path, count: int, now: list[list[Answer]]) -> list[list[Answer]]:
    """Return what another checkout of bakeio answers to the same questions."""
    environment = os.environ | {"PYTHONPATH": f"{path}{os.pathsep}{path / 'plugins'}"}
    done = subprocess.run(
        [sys.executable, __file__, "--raw", "--spoilt", str(count)],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return [
        [Answer(**(raw | {"asked": answer.asked})) for raw, answer in zip(raws, found, strict=True)]
        for raws, found in zip(json.loads(done.stdout), now, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="How good suggestions are, on labelled questions.")
    parser.add_argument("--before", type=Path, help="another checkout of bakeio to compare with")
    parser.add_argument("--misses", action="store_true", help="list what went wrong in one half")
    parser.add_argument("--spoilt", type=int, default=400, help="names to spoil, for each entity")
    parser.add_argument("--without", action="store_true", help="leave out one mechanism at a time")
    parser.add_argument("--raw", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.without:
        _leave_out(arguments.spoilt)
        return
    now = everything(arguments.spoilt)
    if arguments.raw:
        print(_raw(now))
        return
    before = _of_checkout(arguments.before, arguments.spoilt, now) if arguments.before else None
    _report(now, before, arguments.misses)
    _trust(now, before)


if __name__ == "__main__":
    main()
