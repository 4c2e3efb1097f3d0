"""References that name no row are data (`Missing`), and so are the answers (`Decision`), in memory and as a file to be used again."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bakeio_core import output
from bakeio_core.candidates import Candidate
from bakeio_core.documents import DECODER, explain_json
from bakeio_core.errors import DocumentError, Problem, UsageError
from bakeio_core.hookspecs import hookimpl
from bakeio_core.model import Entity
from bakeio_core.sources import Source
from bakeio_core.values import folded_key, jsonable, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog import Catalog

__all__ = [
    "Blank",
    "Decision",
    "Decisions",
    "Missing",
    "auto_create",
    "bakeio_resolve_references",
    "blanks",
    "read_decisions",
    "write_decisions",
]

ACTIONS = ("existing", "create", "empty", "skip")
_ENCODER = msgspec.json.Encoder(decimal_format="number")
Identity = tuple[str, tuple[tuple[str, Any], ...]]


@dataclass(eq=False)
class Missing:
    """A key that names no row, or more than one, once for all records that use it.

    entity, key: what is looked for; field: where in the file; count: how many records use it, the first 20 in `records` as (file, number);
    nullable: whether the reference may be left empty; among: ids of the rows an ambiguous key may mean; why: what was wrong with the
    answer given before; context: what the first of the records tells of the row, {column, or reference.column: value}.
    """

    entity: str
    key: Mapping[str, Any]
    field: str = ""
    count: int = 0
    records: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    nullable: bool = True
    among: tuple[int, ...] = ()
    why: str = ""
    context: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    search: Callable[[Missing, int], list[Candidate]] | None = dataclasses.field(default=None, repr=False)

    @property
    def identity(self) -> Identity:
        return self.entity, folded_key(self.key)

    def candidates(self, limit: int = 5) -> list[Candidate]:
        """Return the rows that may be meant, the best first, with scores and reasons."""
        return self.search(self, limit) if self.search else []

    def __hash__(self) -> int:
        return hash(self.identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing) and self.identity == other.identity

    def __str__(self) -> str:
        return f"{self.entity}: " + ", ".join(f"{column} {shown(value)}" for column, value in self.key.items())


@dataclass(frozen=True)
class Decision:
    """What to do with a missing key: link to an existing row, create one, leave the reference empty, or skip the records.

    target: {column: value} naming the existing row; values: {column, lookup field or reference.column: value} of the new one;
    by: who decided; at: when (UTC, ISO).
    """

    action: str
    target: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    by: str = ""
    at: str = ""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise UsageError(f'a decision is one of {", ".join(ACTIONS)}, not "{self.action}"')

    @classmethod
    def existing(cls, by: str = "", **target: Any) -> Decision:
        """Use the row named by natural key, such as `Decision.existing(slug="deck")`."""
        return cls("existing", target=target, by=by)

    @classmethod
    def create(cls, by: str = "", **values: Any) -> Decision:
        """Create the row with these values; what is required and not given is refused."""
        return cls("create", values=values, by=by)

    @classmethod
    def empty(cls, by: str = "") -> Decision:
        """Leave the reference empty, where the column can be null."""
        return cls("empty", by=by)

    @classmethod
    def skip(cls, by: str = "") -> Decision:
        """Skip the records that use the key."""
        return cls("skip", by=by)


Resolver = Callable[[Sequence[Missing]], Mapping[Missing, Decision]]
ALIAS, EXISTING = "alias", "existing"


class Decisions:
    """The answers known so far, found by entity and folded key; what was learned in earlier imports (`aliases`) comes last."""

    def __init__(self, known: Mapping[Missing, Decision] | None = None, aliases: Mapping[Identity, int] | None = None) -> None:
        self._known = {missing.identity: (missing, decision) for missing, decision in (known or {}).items()}
        self.aliases = aliases or {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def made(self) -> dict[Missing, Decision]:
        """All answers known."""
        return dict(self._known.values())

    def get(self, missing: Missing) -> Decision | None:
        known = self._known.get(missing.identity)
        return None if known is None else known[1]

    def alias(self, missing: Missing) -> int | None:
        """Return the id of the row a key was mapped to in an earlier import."""
        return self.aliases.get(missing.identity) if self.aliases else None

    def add(self, answers: Mapping[Missing, Decision]) -> int:
        """Add answers, the earlier one of two wins; return how many were new."""
        before = len(self._known)
        for missing, decision in answers.items():
            self._known.setdefault(missing.identity, (missing, decision))
        return len(self._known) - before


@hookimpl(trylast=True)
def bakeio_resolve_references(db: Connection, missing: Iterable[Missing]) -> dict[Missing, Decision]:
    """Answer nothing: without a plugin, a person or a file that knows, a missing reference stays missing."""
    return {}


def tell_context(source: Source, missing: Iterable[Missing], catalog: Catalog) -> None:
    """Find out what the first record that uses each missing key tells of the row it wants; only views tell more than the key."""
    for part in source.parts:
        asked = {item.records[0][1]: item for item in missing if item.records and item.records[0][0] == part.file and not item.context}
        if part.view is None or not asked:
            continue
        for number, record in part.records(asked):
            item = asked[number]
            binding = part.bindings.get(item.field)
            if binding is not None and isinstance(record, dict):
                for name, declared in part.view.fields.items():
                    path = below(declared.source, binding.column, item.entity, part.entity, catalog)
                    if path and name in record:
                        item.context = {**item.context, path: record[name]}


def below(source: Any, column: str, wanted: str, entity: Entity, catalog: Catalog) -> str:
    """Return the rest of a path that leads over the reference `column` to a row of the entity `wanted`; empty where it does not."""
    steps = source.split(".") if isinstance(source, str) else []
    if len(steps) < 2 or steps[0] != column:
        return ""
    for place, step in enumerate(steps[:-1], 1):
        entity = catalog.entities[entity.references[step].target]
        if entity.name == wanted:
            return ".".join(steps[place:])
    return ""


def name_candidates(problems: Iterable[Problem], missing: Iterable[Missing], most: int = 200) -> None:
    """Put the rows that may be meant into the problems with references, for the first `most` of them."""
    known = {(item.field, repr(jsonable(value))): item for item in list(missing)[:most] for value in item.key.values()}
    for problem in problems:
        item = known.get((problem.field or "", repr(problem.value)))
        if item is not None and problem.code in ("missing-reference", "ambiguous-key") and not problem.candidates:
            problem.candidates = [candidate.as_dict() for candidate in item.candidates(3)]


def with_remedy(message: str, missing: Missing) -> str:
    """Return a message on a missing reference with what to do about it, by the options of the command line."""
    said = message if message.endswith(("?", "!", ".")) else f"{message}."
    if missing.among:
        return f"{said} Choose one (--interactive), name it by another field, or leave these records out (--skip-on-error)"
    create = f"Create it (--auto-create {missing.entity}), choose" if any(isinstance(v, str) for v in missing.key.values()) else "Choose"
    return f"{said} {create} another one (--interactive) or leave these records out (--skip-on-error)"


# -- what a row to be created needs
@dataclass(frozen=True)
class Blank:
    """One field of the form for a new row: its `name` in a decision's values, and what is known of it.

    target: the entity it names a row of, if it is a reference; value: what the file tells already.
    """

    name: str
    required: bool
    choices: tuple[str, ...] = ()
    target: str | None = None
    value: Any = None


def known_values(missing: Missing, entity: Entity, catalog: Catalog) -> dict[str, Any]:
    """Return what the file tells of the row that is missing, as the values of a decision to create it."""
    known = {column: value for column, value in missing.key.items() if column != entity.primary}
    for path, value in missing.context.items():
        column, _, wanted = path.partition(".")
        if value in (None, "") or column not in entity.columns or column == entity.primary:
            continue
        if not wanted or (wanted,) in catalog.entities[entity.references[column].target].all_keys:
            known.setdefault(path, value)
    return known


def required_columns(entity: Entity) -> list[str]:
    """Return the columns a new row must be told: not null, and neither defaulted nor supplied by bakeio."""
    supplied = {entity.primary, "uuid", "created_at", "updated_at", *(["slug"] if entity.slug_from else [])}
    return [
        c for c in entity.columns if c not in supplied and not entity.nullable(c) and entity.default(c) is None
        and entity.table.c[c].server_default is None
    ]  # fmt: skip


def blanks(missing: Missing, catalog: Catalog) -> list[Blank]:
    """Return the form for creating a missing row: what is required, and what people call such a row by, filled with what the file tells."""
    entity = catalog.entities[missing.entity]
    known, required = known_values(missing, entity, catalog), required_columns(entity)
    wanted, out = {*required, *entity.labels, *entity.slug_from, *(path.split(".")[0] for path in known)}, []
    for column in (column for column in entity.columns if column in wanted):
        reference = entity.references.get(column)
        if reference is None:
            out.append(Blank(column, column in required, tuple(entity.choices.get(column, ())), None, known.get(column)))
            continue
        keys = [key[0] for key in catalog.entities[reference.target].all_keys if len(key) == 1]
        paths = [path for path in known if path.startswith(f"{column}.") and path.split(".")[1] in keys]
        fields = {wanted: name for name, wanted in reference.lookups.items()}
        best = next((key for key in keys if key != "uuid"), "uuid")
        name = paths[0] if paths else fields.get(best, f"{column}.{best}")
        out.append(Blank(name, column in required, (), reference.target, known.get(name)))
    return out


def auto_create(catalog: Catalog, entities: Iterable[str]) -> Resolver:
    """Return a resolver that creates what is missing of these entities from what the file tells; nothing is invented.

    Raises UsageError for an entity that is not installed.
    """
    wanted = {name.replace("-", "_") for name in entities}
    for name in wanted - catalog.entities.keys():
        raise UsageError(f'there is no entity "{name}"; installed are {", ".join(catalog.entities)}')

    def resolve(missing: Sequence[Missing]) -> dict[Missing, Decision]:
        return {
            item: Decision("create", values=known_values(item, catalog.entities[item.entity], catalog), by="--auto-create", at=now())
            for item in missing
            if item.entity in wanted and not item.among
        }

    return resolve


def now() -> str:
    """Return this moment as decisions keep it."""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


# -- decisions as a file
_PLAIN = (str, int, float, Decimal)


def read_decisions(path: Path, catalog: Catalog) -> dict[Missing, Decision]:
    """Return the decisions of a file; those without an action are left out: nobody has answered yet.

    Raises DocumentError naming the entry that makes no sense.
    """
    return decisions_of(_entries(path), str(path), catalog)


def not_decisions(path: Path, catalog: Catalog) -> str | None:
    """Say why a file must not be replaced by decisions: None where it holds some, which are kept."""
    try:
        for entry in _entries(path):
            _read_entry(entry, catalog)
    except (DocumentError, ValueError):
        return "is no file of decisions"
    return None


def decisions_of(entries: object, file: str, catalog: Catalog) -> dict[Missing, Decision]:
    """Return the decisions of entries as a file holds them. Raises DocumentError naming the one that makes no sense."""
    found: dict[Missing, Decision] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        try:
            missing, decision = _read_entry(entry, catalog)
            if decision is not None and missing in found:
                raise ValueError(f"decides {missing} a second time: keep one")
        except ValueError as error:
            raise DocumentError(f"{file}, decision {number}: {error}") from None
        if decision is not None:
            found[missing] = decision
    return found


def _entries(path: Path) -> list[Any]:
    try:
        entries = DECODER.decode(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: {explain_json(error)}") from None
    if not isinstance(entries, list):
        raise DocumentError(f"{path}: is no list of decisions [{{...}}, ...]")
    return entries


def _read_entry(entry: Any, catalog: Catalog) -> tuple[Missing, Decision | None]:
    """Return what an entry decides, None while it is open. Raises ValueError saying what is wrong with it."""
    if not isinstance(entry, dict):
        raise ValueError("is not an object {...}")
    entity = catalog.entities.get(str(entry.get("entity")))
    if entity is None:
        raise ValueError(f'"entity" is one of {", ".join(catalog.entities)}, not {shown(entry.get("entity"))}')
    missing = Missing(entity.name, _fields(entry, "key", entity.columns))
    if not missing.key:
        raise ValueError('needs "key": {column: value}, as the question has it')
    action = entry.get("action")
    if action is not None and action not in ACTIONS:
        raise ValueError(f'"action" is one of {", ".join(ACTIONS)}, or null while it is open, not {shown(action)}')
    target = _fields(entry, "target", entity.columns) if action == EXISTING else {}
    values = _fields(entry, "values", _creatable(entity, catalog)) if action == "create" else {}
    if action is None:
        return missing, None
    if (action == EXISTING and not target) or (action == "create" and not values):
        wanted = '"existing" needs "target"' if action == EXISTING else '"create" needs "values"'
        raise ValueError(f"{wanted}: {{column: value}}")
    by, at = (text if isinstance(text := entry.get(name), str) else "" for name in ("by", "at"))
    return missing, Decision(action, target, values, by or "--decisions", at)


def _fields(entry: Mapping[str, Any], name: str, known: Collection[str]) -> dict[str, Any]:
    """Return the {column: value} of an entry without those that are null."""
    fields = entry.get(name)
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise ValueError(f'"{name}" is {{column: value}}, not {shown(fields)}')
    for column, value in fields.items():
        if column not in known:
            near = difflib.get_close_matches(column, known, 1)
            raise ValueError(f'"{name}": there is no {shown(column)}' + (f'; did you mean "{near[0]}"?' if near else ""))
        if value is not None and not isinstance(value, _PLAIN):
            raise ValueError(f'"{name}", {column}: {shown(value)} is no text, number, true, false or null')
    return {column: value for column, value in fields.items() if value is not None}


def _creatable(entity: Entity, catalog: Catalog) -> set[str]:
    """Return what the values of a new row may be called: columns, lookup fields, and `reference.column`."""
    names = {*entity.columns, *(name for reference in entity.references.values() for name in reference.lookups)}
    for column, reference in entity.references.items():
        target = catalog.entities[reference.target]
        names |= {f"{column}.{key[0]}" for key in target.all_keys if len(key) == 1}
        names |= {f"{column}.{wanted}" for wanted in reference.lookups.values()}
    return names


def write_decisions(path: Path, decisions: Mapping[Missing, Decision], unanswered: Iterable[Missing], catalog: Catalog) -> None:
    """Write decisions as a file `--decisions` reads, in one step.

    What is unanswered is in it with `"action": null` and what it needs; a decision that could not be carried out keeps what it says, with
    the `problem`. Nothing that is in the file already is lost.
    """
    foreign = partial(not_decisions, catalog=catalog)
    output.refuse_file(path, foreign)
    before = {_read_entry(entry, catalog)[0]: entry for entry in (_entries(path) if path.exists() else ())}
    left = {item: item for item in unanswered}
    entries = []
    for missing, decision in decisions.items():
        asked = left.pop(missing, None)
        why = {"problem": asked.why or "it could not be carried out"} if asked is not None else {}
        entries.append(_entry(missing, decision) | why)
    for missing, entry in before.items():
        if missing not in decisions and (missing not in left or entry.get("action") is not None):
            left.pop(missing, None)
            entries.append(entry)
    entries += [_open(item, before.get(item, {}), catalog) for item in left]
    with output.atomic_file(path, foreign) as file:
        file.write(msgspec.json.format(_ENCODER.encode(entries), indent=2) + b"\n")


def decision_entries(decisions: Mapping[Missing, Decision]) -> list[dict[str, Any]]:
    """Return decisions as the entries of a file; those to skip are left out: they were for that once."""
    return [_entry(missing, decision) for missing, decision in decisions.items() if decision.action != "skip"]


def _entry(missing: Missing, decision: Decision) -> dict[str, Any]:
    entry: dict[str, Any] = {"entity": missing.entity, "key": dict(missing.key), "action": decision.action}
    if decision.action == EXISTING:
        entry["target"] = dict(decision.target)
    if decision.action == "create":
        entry["values"] = dict(decision.values)
    return entry | {"by": decision.by, "at": decision.at}


def _open(missing: Missing, draft: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    form = blanks(missing, catalog)
    filled = {name: value for name, value in (draft.get("values") or {}).items() if value is not None}
    return {
        "entity": missing.entity, "key": dict(missing.key), "action": None,
        "choose": [action for action in ACTIONS if (action != "empty" or missing.nullable) and (action != "create" or not missing.among)],
        "used_by": missing.count, "target": draft.get("target"), "values": {blank.name: blank.value for blank in form} | filled,
        "required": [blank.name for blank in form if blank.required],
        "candidates": [candidate.as_dict() for candidate in missing.candidates()],
    }  # fmt: skip
