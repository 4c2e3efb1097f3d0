"""Ask a person which row is meant by a reference that names none, or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bakeio_core.catalog.exchange import EXISTING, Candidate, Decision, Missing
from bakeio_core.errors import counted
from bakeio_core.resolving.asking.new_row import NewRowForm, field_title
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
from bakeio_core.resolving.offers import CLOSE, CREATE, Offers
from bakeio_core.values.wording import printable, shown

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

WAYS = {"c": (CREATE, "create a new one"), "e": ("empty", "leave it empty"),
        "s": ("skip", "skip these records")}  # fmt: skip
"""What is typed, the action it stands for, and what that does."""


class ReferenceDialogue:
    """One question about a reference.

    Args:
        catalog: The entities that are installed.
        offers: What may be meant.
        place: Where it stands in the conversation.
        typed: What was typed into the form of its new row before; it grows.
    """

    def __init__(
        self, catalog: Catalog, offers: Offers, place: Place, typed: dict[str, str]
    ) -> None:
        self.catalog, self.offers, self.place, self.typed = catalog, offers, place, typed

    def ask(self, item: Missing) -> Talk:
        """Ask until there is an answer: a `Reply`, or `WENT_BACK` or `TABLE`.

        Raises:
            Stopped: The person wants no more.
        """
        like = found = self.offers.of(item)
        head = self._head(item)
        lines = [*head, *listed(found), *choices(self._ways(item, len(found)))]
        while True:
            answer = (yield Prompt(lines, "Your answer: ")).strip()
            typed, for_all = parted(answer)
            action, _ = WAYS.get(typed, ("", ""))
            if chosen := picked(answer, found):
                return Reply(Decision(EXISTING, target=chosen.key, by=BY, at=now()))
            if action == CREATE and CREATE in item.answers:
                decision = yield from self._create(item, like)
                if decision is not WENT_BACK:
                    return Reply(decision, for_all)
                lines = [*head, *listed(found), *choices(self._ways(item, len(found)))]
            elif action in item.answers:
                return Reply(Decision(action, by=BY, at=now()), for_all)
            elif (elsewhere := self.place.elsewhere(typed)) is not None:
                return elsewhere
            elif answer.lower().startswith("f ") and item.search:
                text = answer[2:].strip()
                others = self.offers.found(item, text)
                found = others or found
                lines = [*listed(found), *choices(self._ways(item, len(found)))]
                lines = lines if others else wrapped(f"Nothing is similar to {shown(text)}.")
            elif typed == "b":
                lines = wrapped("This is the first question.")
            else:
                lines = complaint(self._ways(item, len(found)), typed, for_all=for_all)

    def _head(self, item: Missing) -> list[str]:
        what = " and ".join(f"{column} {shown(value)}" for column, value in item.key.items())
        first = (
            f"{counted(len(item.ambiguous_ids), 'row')} of {item.entity} have {what}."
            if item.ambiguous_ids
            else f"No row of {item.entity} has {what}."
        )
        more = f" and {item.count - 5:,} more" if item.count > 5 else ""
        numbers = ", ".join(item.places[:5] or [str(number) for _, number in item.records[:5]])
        numbers += more
        where = item.field or "a reference"
        file = ", ".join(sorted({file for file, _ in item.records}))
        record = "" if item.places else "record "
        used = f"Used in {where} of {record}{numbers} of {file}."
        if item.count > 1:
            used = f"Used in {where} of {item.count:,} records of {file}: {numbers}."
        known = [
            f"{field_title(path)} {shown(value)}"
            for path, value in item.context.items()
            if value not in (None, "") and path not in item.key
        ]
        sentences = [first, printable(used)]
        if known:
            sentences.append(f"The file says: {', '.join(known)}.")
        if item.why:
            sentences.append(f"The answer given before cannot be used: {item.why}.")
        lines = ["", f"{self.place.title}: {item.entity}"]
        for sentence in sentences:
            lines += wrapped(sentence, "  ")
        return lines

    def _ways(self, item: Missing, count: int) -> dict[str, str]:
        """Return what can be answered to a question: {what is typed: what it does}."""
        ways = {"1": "use this one"} if count else {}
        if count > 1:
            ways = {f"1-{count}": "use one of these"}
        actions = {typed: does for typed, (action, does) in WAYS.items() if action in item.answers}
        return ways | actions | {"f TEXT": "find others"} | self.place.ways(list(actions))

    def _create(self, item: Missing, found: Sequence[Candidate]) -> Talk:
        """Fill in the form of a new row; a candidate close to it is asked about first."""
        near = next((candidate for candidate in found if candidate.score >= CLOSE), None)
        if near is not None:
            score = f"(score {near.score:.2f})"
            there = "exists already" if near.id is not None else near.reasons[0]
            lines = wrapped(f"{shown(near.label)} {there} and may be the same {score}.", "  ")
            answer = yield Prompt(lines, "  Create a new one anyway? [y/N]: ")
            if answer.strip().lower() not in ("y", "yes"):
                return WENT_BACK
        values = yield from NewRowForm(self.catalog, item, self.typed).fill()
        return values if values is WENT_BACK else Decision(CREATE, values=values, by=BY, at=now())
