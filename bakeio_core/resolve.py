"""References that name no row are data (`Missing`), and so are the answers (`Decision`), in memory and as a file to be used again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
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
        self._known = {missing.identity: decision for missing, decision in (known or {}).items()}
        self.aliases = aliases or {}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, missing: Missing) -> Decision | None:
        return self._known.get(missing.identity)

    def alias(self, missing: Missing) -> int | None:
        """Return the id of the row a key was mapped to in an earlier import."""
        return self.aliases.get(missing.identity) if self.aliases else None

    def add(self, answers: Mapping[Missing, Decision]) -> int:
        """Add answers, the earlier one of two wins; return how many were new."""
        before = len(self._known)
        for missing, decision in answers.items():
            self._known.setdefault(missing.identity, decision)
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


def remedy(missing: Missing) -> str:
    """Return the end of a message on a missing reference: what to do about it, by the options of the command line."""
    if missing.among:
        return ". Choose one (--interactive), name it by another field, or leave these records out (--skip-on-error)"
    create = f"Create it (--auto-create {missing.entity}), choose" if any(isinstance(v, str) for v in missing.key.values()) else "Choose"
    return f". {create} another one (--interactive) or leave these records out (--skip-on-error)"


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


def known_values(missing: Missing, entity: Entity) -> dict[str, Any]:
    """Return what the file tells of the row that is missing, as the values of a decision to create it."""
    known = {column: value for column, value in missing.key.items() if column != entity.primary}
    for path, value in missing.context.items():
        step = path.split(".", maxsplit=1)[0]
        if value not in (None, "") and step in entity.columns and step != entity.primary:
            known.setdefault(path, value)
    return {path: value for path, value in known.items() if path.count(".") < 2}


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
    known, required = known_values(missing, entity), required_columns(entity)
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
            item: Decision("create", values=known_values(item, catalog.entities[item.entity]), by="--auto-create", at=now())
            for item in missing
            if item.entity in wanted and not item.among
        }

    return resolve


def now() -> str:
    """Return this moment as decisions keep it."""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


# -- decisions as a file
def read_decisions(path: Path) -> dict[Missing, Decision]:
    """Return the decisions of a file; those without an action are left out: nobody has answered yet.

    Raises DocumentError naming the entry that makes no sense.
    """
    try:
        entries = DECODER.decode(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: {explain_json(error)}") from None
    if not isinstance(entries, list):
        raise DocumentError(f"{path}: is no list of decisions [{{...}}, ...]")
    found: dict[Missing, Decision] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{path}, decision {number}"
        if not isinstance(entry, dict):
            raise DocumentError(f"{where}: is not an object {{...}}")
        entity, key, action = entry.get("entity"), entry.get("key"), entry.get("action")
        if not isinstance(entity, str) or not isinstance(key, dict) or not key:
            raise DocumentError(f'{where}: needs "entity", and "key": {{column: value}}')
        if action is None:
            continue
        if action not in ACTIONS:
            raise DocumentError(f'{where}: "action" is one of {", ".join(ACTIONS)}, or null while it is open, not {shown(action)}')
        target, values = entry.get("target") or {}, entry.get("values") or {}
        if not isinstance(target, dict) or not isinstance(values, dict) or (action == "existing" and not target):
            raise DocumentError(f'{where}: "existing" needs "target", "create" needs "values", each {{column: value}}')
        missing = Missing(entity, key)
        if missing in found:
            raise DocumentError(f"{where}: decides {missing} a second time: keep one")
        said = {name: text if isinstance(text := entry.get(name), str) else "" for name in ("by", "at")}
        kept = {name: value for name, value in values.items() if value is not None} if action == "create" else {}
        found[missing] = Decision(action, target if action == "existing" else {}, kept, **said)
    return found


def write_decisions(path: Path, decisions: Mapping[Missing, Decision], unanswered: Iterable[Missing], catalog: Catalog) -> None:
    """Write decisions as a file `--decisions` reads, in one step; what is unanswered is in it with `"action": null` and what it needs."""
    entries = [_entry(missing, decision) for missing, decision in decisions.items()] + [_open(item, catalog) for item in unanswered]
    with output.atomic_file(path) as file:
        file.write(msgspec.json.format(_ENCODER.encode(entries), indent=2) + b"\n")


def _entry(missing: Missing, decision: Decision) -> dict[str, Any]:
    entry: dict[str, Any] = {"entity": missing.entity, "key": dict(missing.key), "action": decision.action}
    if decision.action == "existing":
        entry["target"] = dict(decision.target)
    if decision.action == "create":
        entry["values"] = dict(decision.values)
    return entry | {"by": decision.by, "at": decision.at}


def _open(missing: Missing, catalog: Catalog) -> dict[str, Any]:
    form = blanks(missing, catalog) if missing.entity in catalog.entities else []
    return {
        "entity": missing.entity, "key": dict(missing.key), "action": None,
        "choose": [action for action in ACTIONS if (action != "empty" or missing.nullable) and (action != "create" or not missing.among)],
        "used_by": missing.count, "target": None, "values": {blank.name: blank.value for blank in form},
        "required": [blank.name for blank in form if blank.required],
        "candidates": [candidate.as_dict() for candidate in missing.candidates()],
    }  # fmt: skip
