"""Find the coefficients of `bakeio_core/resolving/ranking/likelihood.py` anew.

    python tests/suggest_fit.py [--spoilt N]

Fits a logistic regression to the first answers to one half of the questions (`tuning`), by Newton's
method. Run it after a change of the ranking, put the coefficients into `Coefficients`, and look at
the other half with `tests/suggest_quality.py`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator

from support.stock import TUNING, Asked, Stock, large, small, spoilt

from bakeio_core import Bakeio, connect
from bakeio_core.resolving.candidates import Candidates, as_asked
from bakeio_core.resolving.ranking.likelihood import COMPARED, Coefficients, evidence

Vector = list[float]
RIDGE = 0.5
"""What keeps the coefficients small where the data do not tell."""


def examples(stock: Stock, asked: Iterable[Asked]) -> Iterator[tuple[Vector, float]]:
    """Yield the evidence for each first answer, and how likely it is the one meant."""
    core = Bakeio.discover()
    engine = connect(":memory:")
    with engine.begin() as db:
        stock.fill(core, db)
        search = Candidates(db, core.catalog, {})
        for each in asked:
            entity = core.catalog.entities[each.entity]
            values = as_asked(entity, each.values[""]) if "" in each.values else each.values
            texts = {c: str(v) for c, v in values.items() if v and c not in entity.codes}
            fits = search.ranked(each.entity, texts, COMPARED) if each.half == TUNING else []
            found = search.of_values(each.entity, values, 1) if fits else []
            is_equal = bool(found) and found[0].reasons[0].startswith("the same ")
            if fits and not is_equal:  # what is equal needs no likelihood
                slug = search.index(each.entity).value(fits[0].place, "slug")
                yield list(evidence(fits, 0)), (slug in each.answers) / max(1, len(each.answers))
    engine.dispose()


def fitted(data: list[tuple[Vector, float]]) -> Vector:
    """Return the coefficients of a logistic regression."""
    size = len(data[0][0])
    found = [0.0] * size
    for _ in range(30):
        slope = [-RIDGE * value for value in found]
        curve = [[RIDGE * (row == column) for column in range(size)] for row in range(size)]
        for values, right in data:
            odds = sum(weight * value for weight, value in zip(found, values, strict=True))
            chance = 1 / (1 + math.exp(-odds))
            for row in range(size):
                slope[row] += (right - chance) * values[row]
                for column in range(size):
                    curve[row][column] += chance * (1 - chance) * values[row] * values[column]
        step = solved(curve, slope)
        found = [value + more for value, more in zip(found, step, strict=True)]
        if max(map(abs, step)) < 1e-6:
            break
    return found


def solved(rows: list[Vector], right: Vector) -> Vector:
    """Return the solution of linear equations, by elimination."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(rows, right, strict=True)]
    for place in range(size):
        pivot = max(range(place, size), key=lambda row: abs(rows[row][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        for row in range(size):
            if row != place:
                share = rows[row][place] / rows[place][place]
                rows[row] = [
                    mine - share * other for mine, other in zip(rows[row], rows[place], strict=True)
                ]
    return [rows[place][size] / rows[place][place] for place in range(size)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Find the coefficients of the likelihood anew.")
    parser.add_argument("--spoilt", type=int, default=1200, help="names to spoil, of each entity")
    shop, wholesaler = small(), large()
    data = list(examples(shop, shop.asked)) + list(examples(wholesaler, wholesaler.asked))
    data += examples(wholesaler, spoilt(wholesaler, parser.parse_args().spoilt, 12))
    print(f"{len(data)} first answers")
    for name, value in zip(Coefficients._fields, fitted(data), strict=True):
        print(f"    {name}: float = {value:.2f}")


if __name__ == "__main__":
    main()
