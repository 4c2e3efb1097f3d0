"""Walk a person through the changes of a plan, group by group; what is rejected is a decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bakeio_core.catalog.exchange import CHANGE, Change, Decision, Question
from bakeio_core.errors import counted
from bakeio_core.history.reports.report import differing
from bakeio_core.resolving.asking.prompts import Prompt, Stopped, Talk, wrapped
from bakeio_core.resolving.decisions import now

BY = "--review"
SAMPLES = 5
REJECTABLE = ("create", "update")


@dataclass
class ChangeGroup:
    """Changes of one entity that have one cause: a field filled in 31 records, new rows.

    `parts` are (change, field, before, after); of a new row `field` is empty.
    """

    entity: str
    cause: str
    column: str = ""
    parts: list[tuple[Change, str, object, object]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What happens, in how many records."""
        if self.cause == "new":
            return f"{self.entity}: {counted(len(self.parts), 'new row')}"
        field_ = self.parts[0][1]
        return f"{self.entity}: {field_} {self.cause} in {counted(len(self.parts), 'record')}"


def grouped(changes: Iterable[Change]) -> list[ChangeGroup]:
    """Return the changes that can be rejected by entity and cause, in the order they come.

    What a record changes in several fields stands in several groups.
    """
    groups: dict[tuple[str, str, str], ChangeGroup] = {}

    def add(change: Change, cause: str, column: str, *part: object) -> None:
        name = change.fields.get(column, column)
        group = ChangeGroup(change.entity, cause, column)
        before, after = part or (None, None)
        parts = groups.setdefault((change.entity, cause, column), group).parts
        parts.append((change, name, before, after))

    for change in changes:
        if change.action not in REJECTABLE or not change.about:
            continue  # a row that a decision creates comes and goes with those that need it
        if change.action == "create":
            add(change, "new", "")
            continue
        for column, before, after in differing(change):
            cause = "filled" if before is None else "cleared" if after is None else "overwritten"
            add(change, cause, column, before, after)
    return list(groups.values())


class ChangeReview:
    """One walk through the changes of a plan.

    Attributes:
        answers: The decisions; they grow with what is rejected.

    Args:
        answers: The decisions so far.
        line: Says one part of a change on one line: of a change, its field, before and after.
        called: Says what the row of a change is called.
    """

    def __init__(
        self,
        answers: dict[Question, Decision],
        line: Callable[[Change, str, object, object], str],
        called: Callable[[Change], str],
    ) -> None:
        self.answers, self.line, self.called = answers, line, called
        self.rejected = 0

    def ask(self, changes: Sequence[Change]) -> Talk:
        """Ask about each group of changes.

        Raises:
            Stopped: The person wants to write nothing.
        """
        groups = grouped(changes)
        for number, group in enumerate(groups, 1):
            yield from self._group(group, f"Group {number} of {len(groups)}")

    def _group(self, group: ChangeGroup, title: str) -> Talk:
        lines = ["", *wrapped(f"{title}: {group.title}")]
        for change, _, before, after in group.parts[:SAMPLES]:
            lines += self._shown(group, change, before, after)
        if len(group.parts) > SAMPLES:
            lines.append(f"  ... and {len(group.parts) - SAMPLES:,} more")
        ways = {"a": "accept (Enter)", "n": "reject", "q": "stop: write nothing"}
        if len(group.parts) > 1:
            ways = {
                "a": "accept all (Enter)",
                "n": "reject all",
                "o": "one by one",
                "q": "stop: write nothing",
            }
        lines += ["", *[f"    {typed:<3} {does}" for typed, does in ways.items()]]
        answer = yield from self._answer(lines, ways)
        if answer == "n":
            for change, name, _, _ in group.parts:
                self._reject(group, change, name)
        elif answer == "o":
            yield from self._each(group)

    def _each(self, group: ChangeGroup) -> Talk:
        for number, (change, name, before, after) in enumerate(group.parts, 1):
            head = ["", f"  {number} of {len(group.parts)}"]
            is_new = group.cause == "new"
            ways = {"a": "accept (Enter)", "n": "reject"}
            ways |= {} if is_new else {"r": "reject all of the record"}
            ways |= {"q": "stop: write nothing"}
            lines = [*head, *self._shown(group, change, before, after), ""]
            lines += [f"    {typed:<3} {does}" for typed, does in ways.items()]
            answer = yield from self._answer(lines, ways)
            if answer == "n":
                self._reject(group, change, name)
            elif answer == "r":
                self._decide(change, "", Decision.leave_record(BY))

    def _answer(self, lines: Sequence[str], ways: Iterable[str]) -> Talk:
        while True:
            answer = (yield Prompt(lines, "Your answer: ")).strip().lower() or "a"
            if answer == "q":
                raise Stopped
            if answer in ways:
                return answer
            lines = wrapped(f"Answer with one of these: {', '.join(ways)}.")

    def _shown(
        self, group: ChangeGroup, change: Change, before: object, after: object
    ) -> list[str]:
        lines = wrapped(f"record {change.record}, {self.called(change)}", "  ")
        if group.cause == "new":
            for column, old, new in differing(change):
                lines += wrapped(self.line(change, column, old, new), "      ")
            return lines
        return lines + wrapped(self.line(change, group.column, before, after), "      ")

    def _reject(self, group: ChangeGroup, change: Change, name: str) -> None:
        is_new = group.cause == "new"
        decision = Decision.leave_record(BY) if is_new else Decision.leave_field(BY)
        self._decide(change, "" if is_new else name, decision)

    def _decide(self, change: Change, name: str, decision: Decision) -> None:
        question = Question(change.entity, change.about, name, kind=CHANGE, label=change.label)
        self.answers[question] = Decision(decision.action, by=BY, at=now())
        self.rejected += 1
