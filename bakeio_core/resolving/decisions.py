"""The answers to missing references known so far, and who may give more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import RowId
from bakeio_core.catalog.exchange import (
    HEADING,
    REFERENCE,
    Candidate,
    Decision,
    Identity,
    Missing,
    Question,
)
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.catalog.plugins import packages
from bakeio_core.errors import Fix, MeantRow, PluginError, Problem, UsageError, unknown
from bakeio_core.values.folding import fold, folded_key
from bakeio_core.values.wording import jsonable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog

LIKELY = 0.5
"""From this likelihood on a row is surely meant, where it is the only one."""
Resolver = Callable[[Sequence[Question]], Mapping[Question, Decision]]


class Decisions:
    """The answers known so far, found by entity and folded key.

    Args:
        known: Answers of a person, a file or a plugin.
        aliases: What was learned in earlier imports, {(entity, folded key): id}; it comes last.
    """

    def __init__(
        self,
        known: Mapping[Missing, Decision] | None = None,
        aliases: Mapping[Identity, RowId] | None = None,
    ) -> None:
        self._known = {
            missing.identity: (missing, decision) for missing, decision in (known or {}).items()
        }
        self.aliases = aliases or {}

    def __len__(self) -> int:
        return len(self._known)

    def of_records(self, entity: str) -> list[tuple[Question, Decision]]:
        """Return the answers about single records of an entity."""
        return [known for known in self._known.values() if _is_about(known[0], entity)]

    @property
    def made(self) -> dict[Missing, Decision]:
        """All answers known."""
        return dict(self._known.values())

    def get(self, missing: Missing) -> Decision | None:
        """Return the answer to a missing key, None where nobody knows one."""
        known = self._known.get(missing.identity)
        return None if known is None else known[1]

    def creating(self, entity: str, target: Mapping[str, Any]) -> list[tuple[Question, Decision]]:
        """Return the answers that create a row which has these values."""
        wanted = folded_key(target)
        return [
            (question, decision)
            for question, decision in self._known.values()
            if question.entity == entity
            and decision.action == "create"
            and folded_key({c: decision.values.get(c) for c in target}) == wanted
        ]

    def alias(self, missing: Missing) -> RowId | None:
        """Return the id of the row a key was mapped to in an earlier import."""
        return self.aliases.get(missing.identity) if self.aliases else None

    def add(self, answers: Mapping[Missing, Decision]) -> int:
        """Add answers, the earlier one of two wins; return how many were new."""
        before = len(self._known)
        for missing, decision in answers.items():
            self._known.setdefault(missing.identity, (missing, decision))
        return len(self._known) - before


def _is_about(question: Question, entity: str) -> bool:
    return question.kind not in (REFERENCE, HEADING) and question.entity == entity


def checked_answers(answers: Mapping[Question, Decision]) -> Mapping[Question, Decision]:
    """Return answers of a program or a plugin, where each is one to its question.

    Raises:
        UsageError: It names the question, the answer and what can be answered.
        PluginError: They are no answers at all.
    """
    if not isinstance(answers, Mapping):
        kind = type(answers).__name__
        raise PluginError(f"questions were answered with a {kind}, not with {{question: decision}}")
    for question, decision in answers.items():
        if not isinstance(decision, Decision):
            kind = type(decision).__name__
            raise PluginError(
                f"{question}: the answer is a {kind}, not a Decision such as Decision.skip()"
            )
        if decision.action not in question.answers:
            raise UsageError(
                f'{question}: "{decision.action}" is not an answer to this; answer with '
                f"{', '.join(question.answers)}"
            )
    return answers


@hookimpl(trylast=True)
def bakeio_resolve_references(
    db: Connection, missing: Iterable[Missing]
) -> dict[Missing, Decision]:
    """Answer nothing.

    Without a plugin, a person or a file that knows, a missing reference stays missing.
    """
    return {}


@hookimpl(trylast=True)
def bakeio_answer(db: Connection, questions: Iterable[Question]) -> dict[Question, Decision]:
    """Answer nothing: a question stays open, or gets its default."""
    return {}


def name_candidates(
    problems: Iterable[Problem], missing: Iterable[Missing], most: int = 200
) -> None:
    """Put the rows that may be meant into the problems with references.

    Args:
        problems: The problems of a run.
        missing: What is missing, with a way to find candidates.
        most: For how many missing keys candidates are looked for.
    """
    # by what is equal but for capitals and signs: "COSTCO" and "Costco" are one question
    known = {
        (item.field, _folded(jsonable(value))): item
        for item in list(missing)[:most]
        for value in item.key.values()
    }
    for problem in problems:
        item = known.get((problem.field or "", _folded(problem.value)))
        asks = problem.code in ("missing-reference", "ambiguous-key")
        if item is not None and asks and not problem.candidates:
            problem.candidates = [_written(item, found) for found in item.candidates(3)]
            problem.fix = _fix(problem)


def _fix(problem: Problem) -> Fix:
    """Return what to write for the one row that is meant; empty where that is not sure."""
    likely = [found for found in problem.candidates if found["score"] >= LIKELY]
    write = likely[0]["write"] if len(likely) == 1 else {}
    if len(write) != 1:
        return {}
    ((field, value),) = write.items()
    fix: Fix = {"field": field, "value": value}
    if problem.field not in (None, field):
        fix["instead_of"] = problem.field
    return fix


def _folded(value: Any) -> str:
    return fold(value, slug=True) if isinstance(value, str) else repr(value)


def _written(missing: Missing, candidate: Candidate) -> MeantRow:
    """Return a candidate as a problem shows it: `write` is what the file is to say for it."""
    write = {missing.fields[c]: v for c, v in candidate.key.items() if c in missing.fields}
    return {**candidate.as_dict(), "write": write}


def with_remedy(message: str, missing: Missing, in_use: Collection[str] = ()) -> str:
    """Return a message on a missing reference with its remedies on the command line.

    Args:
        message: What is wrong.
        missing: What names no row, or several.
        in_use: Options that were given, which are no remedy any more.
    """
    advice = message if message.endswith(("?", "!", ".")) else f"{message}."
    is_text = any(isinstance(value, str) for value in missing.key.values())
    ways = {"leave these records out": "--skip-on-error"}
    if missing.ambiguous_ids:
        others = [field for column, field in missing.fields.items() if column not in missing.key]
        by = f"name it by {' or '.join(others) or 'another field'}"
        ways = {"choose one": "--interactive", by: "", **ways}
    elif missing.why:
        ways = {"decide otherwise": "--decisions", "choose another one": "--interactive", **ways}
    elif is_text:
        create = f"--auto-create {missing.entity}"
        ways = {"create it": create, "choose another one": "--interactive", **ways}
    else:
        ways = {"choose another one": "--interactive", **ways}
    left = [
        f"{way} ({option})" if option else way
        for way, option in ways.items()
        if option not in in_use
    ]
    told = " or ".join([part for part in (", ".join(left[:-1]), left[-1]) if part])
    return f"{advice} {told[:1].upper()}{told[1:]}"


def auto_create(catalog: Catalog, entities: Iterable[str]) -> Resolver:
    """Return a resolver that creates what is missing from what the file tells; it invents nothing.

    Args:
        catalog: The entities that are installed.
        entities: Those whose missing rows are created, `-` and `_` in their names alike.

    Raises:
        UsageError: One of them is not installed.
    """
    wanted = {name.replace("-", "_") for name in entities}
    for name in wanted - catalog.entities.keys():
        said, hint = f'there is no entity "{name}"', packages.for_entity(name)
        raise UsageError(unknown(said, name, catalog.entities, hint))

    def resolve(missing: Sequence[Missing]) -> dict[Missing, Decision]:
        from bakeio_core.resolving.form import known_values

        return {
            item: Decision(
                "create",
                values=known_values(item, catalog.entities[item.entity], catalog),
                by="--auto-create",
                at=now(),
            )
            for item in missing
            if item.kind == REFERENCE and item.entity in wanted and not item.ambiguous_ids
        }

    return resolve


def now() -> str:
    """Return this moment as decisions keep it."""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
