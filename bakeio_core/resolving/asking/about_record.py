"""Ask a person about one record, or a field of it: a conflict, a bad value, what is suspicious."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import EXISTING, HEADING, Decision, Question
from bakeio_core.resolving.asking.prompts import (
    BY,
    WENT_BACK,
    Place,
    Prompt,
    Reply,
    Talk,
    choices,
    complaint,
    listed,
    parted,
    picked,
    wrapped,
)
from bakeio_core.resolving.decisions import now
from bakeio_core.resolving.offers import FOR_ONE
from bakeio_core.resolving.typed import typed_value
from bakeio_core.values.wording import BadValue, printable, shown

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

WAYS = {
    "take-file": ("f", "take what the file says"),
    "keep-database": ("d", "keep what the database has"),
    "value": ("v", "type another value"),
    "accept": ("a", "accept it as it is"),
    "leave-field": ("l", "leave the field out"),
    "leave-record": ("r", "leave the record out"),
}
"""What is typed for an action, and what it does."""
OF_HEADINGS = {
    "value": ("v", "type it"),
    "leave-field": ("l", "leave it out"),
}
"""The same, where it is asked about the columns of a sheet."""
SIDES = {"base": "at export", "database": "database", "file": "file"}


class RecordDialogue:
    """One question about a record.

    Args:
        catalog: The entities that are installed.
        place: Where it stands in the conversation.
    """

    def __init__(self, catalog: Catalog, place: Place) -> None:
        self.catalog, self.place = catalog, place

    def ask(self, item: Question) -> Talk:
        """Ask until there is an answer: a `Reply`, or `WENT_BACK` or `TABLE`.

        Raises:
            Stopped: The person wants no more.
        """
        found = item.candidates() if EXISTING in item.answers else []
        ways = self._ways(item, len(found))
        lines = [*self._head(item), *listed(found), *choices(ways)]
        actions = {typed: action for action, (typed, _) in WAYS.items() if action in item.answers}
        while True:
            typed, for_all = parted((yield Prompt(lines, "Your answer: ")))
            action = actions.get(typed, item.default if not typed else "")
            if chosen := picked(typed, found) if not for_all else None:
                return Reply(self._decided(item, EXISTING, target=chosen.key))
            if action == "value" and not for_all:
                value = yield from self._value(item)
                if value is not WENT_BACK:
                    return Reply(self._decided(item, "value", values={"value": value}))
                lines = choices(ways)
            elif action and action not in FOR_ONE:
                return Reply(self._decided(item, action), for_all)
            elif (elsewhere := self.place.elsewhere(typed)) is not None:
                return elsewhere
            else:
                lines = complaint(ways, typed, for_all=for_all)

    @staticmethod
    def _decided(item: Question, action: str, **more: Mapping[str, Any]) -> Decision:
        return Decision(action, by=BY, at=now(), seen=item.seen, **more)

    def _head(self, item: Question) -> list[str]:
        named = " and ".join(f"{column} {shown(value)}" for column, value in item.key.items())
        label = f" ({printable(item.label)})" if item.label else ""
        numbers = ", ".join(item.places[:5] or [f"record {n}" for _, n in item.records[:5]])
        files = ", ".join(sorted({file for file, _ in item.records}))
        records = f"{numbers[:1].upper()}{numbers[1:]} of {files}: {named}{label}."
        what = f"{item.field}: {item.message}" if item.field else item.message
        is_heading = item.kind == HEADING  # the columns of a sheet, not a record of an entity
        records = f"{numbers[:1].upper()}{numbers[1:]} of {files}." if is_heading else records
        lines = ["", f"{self.place.title}: {'headings' if is_heading else item.entity}"]
        for sentence in (printable(records), printable(what)):
            lines += wrapped(sentence, "  ")
        if item.why:
            lines += wrapped(f"The answer given before cannot be used: {item.why}.", "  ")
        sides = [(SIDES[side], item.values[side]) for side in SIDES if side in item.values]
        lines += [""] if sides else []
        for side, value in sides:
            first, *rest = wrapped(shown(value, 300), " " * 15) or [""]
            lines += [f"    {side:<10} {first.strip()}", *rest]
        return lines

    def _ways(self, item: Question, count: int) -> dict[str, str]:
        """Return what can be answered: {what is typed: what it does}."""
        ways = {"1" if count == 1 else f"1-{count}": "it is this row"} if count else {}
        if count and item.kind == HEADING:
            ways = dict.fromkeys(ways, "it is this")
        for action in item.answers:
            if action in WAYS:
                typed, does = (WAYS if item.kind != HEADING else WAYS | OF_HEADINGS)[action]
                ways[typed] = f"{does} (Enter)" if action == item.default else does
        for_all = [WAYS[action][0] for action in item.answers if action in WAYS.keys() - FOR_ONE]
        return ways | self.place.ways(for_all)

    def _value(self, item: Question) -> Talk:
        """Ask for a value; nothing typed goes back."""
        lines = list[str]()
        while True:
            text = (yield Prompt(lines, f"  {item.field} (empty: back): ")).strip()
            if not text:
                return WENT_BACK
            try:
                return typed_value(item, text, self.catalog)
            except BadValue as error:
                lines = wrapped(f"{error}.", "    ")
