"""Look at standard article numbers: they begin as those of the same maker do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from bakeio_core.catalog.model import RowId
from bakeio_core.database.rows import Rows
from bakeio_core.importing.planning.noticing.suspicious import Suspicion
from bakeio_core.values.folding import padded
from bakeio_core.values.wording import shown

_COMPANY = slice(1, 8)
"""Of fourteen digits those in which companies differ: the first seven of an EAN-13."""


def foreign_prefixes(
    rows: Rows,
    codes: Mapping[tuple[str, str], Sequence[tuple[int, RowId, Any]]],
    makers: Mapping[RowId, Any],
    given: Collection[int],
) -> Iterator[Suspicion]:
    """Tell of codes that begin as those of another maker do.

    A standard article number begins with the company's; how long that is differs, and in its first
    digits two companies differ. What an assistant gave is doubted where either maker is known by
    its codes, anything else where both are.

    Args:
        rows: The rows of the entity as they are.
        codes: {(column, code): (record, id of its row, value)} of what is written.
        makers: {id of a row: maker} of what is written.
        given: The records of which an assistant gave anything.
    """
    emphasis = rows.entity.emphasis[:1]
    new = {
        column: [(code, *one) for (of, code), each in codes.items() if of == column for one in each]
        for column in rows.entity.codes
    }
    for column, found in new.items() if emphasis else ():
        if not found:
            continue
        written = {identity for _, _, identity, _ in found}
        known = rows.by_id(written.difference(makers)).items()
        maker_of = {identity: rows.value(row, emphasis[0]) for identity, row in known}
        maker_of |= makers
        by_prefix: dict[str, set[str]] = {}
        for identity, maker, value in rows.all((*emphasis, column)):
            code = padded(value) if maker and value and identity not in written else ""
            if code:
                by_prefix.setdefault(code[_COMPANY], set()).add(str(maker))
        known_makers = set[str]().union(*by_prefix.values())
        for code, number, identity, value in found:
            maker = maker_of.get(identity)
            others = by_prefix.get(code[_COMPANY], set())
            doubts = [bool(others), str(maker) in known_makers]
            is_doubted = any(doubts) if number in given else all(doubts)
            if not maker or str(maker) in others or not is_doubted:
                continue
            begins = (
                f"begins like codes of {', '.join(sorted(others)[:3])}, but the row is of "
                f"{shown(maker)}"
                if others
                else f"no other code of {shown(maker)} here begins like it"
            )
            message = f"{begins}: look at the code that is printed on it"
            yield Suspicion([number], column, value, message)
