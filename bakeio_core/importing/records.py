"""Plan the records of one entity: which row each means, what it refers to, what it changes. Only SELECTs are made here."""

from __future__ import annotations

import hashlib
import uuid as uuids
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import (
    ABSENT,
    ALIAS,
    EXISTING,
    MOST_SHOWN,
    STAMPS,
    Change,
    Changes,
    Decision,
    Missing,
)
from bakeio_core.catalog.model import Entity, Key, Reference
from bakeio_core.database.rows import Rows
from bakeio_core.errors import Problem, Problems
from bakeio_core.files.blocks import Block
from bakeio_core.importing.drafts import CREATED, Draft, PendingParent
from bakeio_core.importing.linking import IdMap, LinkError
from bakeio_core.importing.read import Reader, Record
from bakeio_core.importing.sources import Part, decided_values
from bakeio_core.resolving.decisions import with_remedy
from bakeio_core.values.folding import make_slug
from bakeio_core.values.text import Boolean, Text
from bakeio_core.values.wording import BadValue, jsonable, shown

if TYPE_CHECKING:
    from bakeio_core.importing.planner import Planner


def content_hash(items: Iterable[tuple[str, Any]]) -> int:
    """Return 32 bits that are equal for records of equal (name, value) pairs, whatever their order."""
    try:
        return hash(frozenset(items)) & 0xFFFFFFFF
    except TypeError:  # a list or an object among the values
        return hash(frozenset((name, repr(value)) for name, value in items)) & 0xFFFFFFFF


class PartPlanner:
    """Plan the records of one part, batch by batch."""

    def __init__(self, planner: Planner, part: Part) -> None:
        self.planner, self.part, self.entity = planner, part, part.entity
        self.linker, self.catalog = planner.linker, planner.catalog
        self.rows: Rows = planner.linker.rows(part.entity)
        self.decided = part not in planner.source.parts
        self.counts = Counter() if self.decided else planner.counts[part.entity.name]
        self.problems = planner.problems
        self.reader = Reader(part, self.problems)
        self.touched: dict[int, int] = {}
        self.acted: dict[int, str] = {}
        self.slugs: dict[str, int] = {}
        # rows this batch is to create, or what it is to change in them where that may name others
        self.here: dict[int, tuple[Any, ...] | Mapping[str, Any] | None] = {}
        self.out: set[int] = set()
        self.refused: dict[tuple[Key, tuple[Any, ...]], tuple[Any, ...]] = {}
        self.claimed: set[int] | None = None
        self.deferred: list[tuple[int, str, tuple[Any, ...], int, bool]] = []
        self.held: list[Draft] = []
        self.moved = planner.linker.translations.setdefault(part.entity.name, IdMap())
        self.place = self.rows.place
        self.columns = self.entity.columns
        self.settable = [c for c in self.columns if c not in (self.entity.primary, *STAMPS)]
        self.by_column = {b.column: b.name for b in part.bindings.values() if b.wanted is None}
        self.lookup_fields: dict[str, list[str]] = {}
        self.lookup_columns: dict[str, list[str]] = {}
        for column, reference in self.entity.references.items():
            self._name_lookups(column, reference)

    def _name_lookups(self, column: str, reference: Reference) -> None:
        """Note by which fields of the file a reference is named, best first: keys of the target in their order, then other lookups."""
        bound = {
            b.wanted: b.name
            for b in self.part.bindings.values()
            if b.column == column and b.wanted is not None
        }
        target = self.catalog.entities[reference.target]
        best = [*(key[0] for key in target.all_keys if len(key) == 1), *reference.lookups.values()]
        columns = [wanted for wanted in dict.fromkeys(best) if wanted in bound]
        self.lookup_columns[column], self.lookup_fields[column] = (
            columns,
            [bound[wanted] for wanted in columns],
        )

    def changes(self) -> Iterator[Changes]:
        sha = hashlib.sha256()
        for block in self.part.document.blocks(sha.update):
            yield from self._handed_over(self._plan_block(block))
        last = self._finish()
        if last is not None:
            yield from self._handed_over(last)
        self.counts["processed"] += self.reader.total
        self.linker.loaded |= {self.entity.name} if self.rows.was_empty else set()
        for problem in self.planner.source.finish(self.part, sha.hexdigest(), self.reader.total):
            self.planner.problems.add(problem)
        for problem in self.reader.warnings():
            self.planner.problems.add(problem)

    # -- one batch
    def _plan_block(self, block: Block) -> Changes:
        return self._plan(self.reader.read(block))

    def _plan(self, records: Sequence[Record], batch: Changes | None = None) -> Changes:
        batch = Changes(self.entity, self.columns) if batch is None else batch
        drafts = [self._draft(record) for record in records if not record.bad]
        self.counts["errors"] += len(records) - len(drafts)
        for record in records:
            if record.bad:
                self.planner.note_failed(self.entity, record.values)
        self._plan_drafts(drafts, batch)
        if self.held:
            self._retry_held(batch)
        if self.out:
            batch.updates = [change for change in batch.updates if change.id not in self.out]
            kept = [
                place
                for place, row in enumerate(batch.rows)
                if row[self.rows.id_place] not in self.out
            ]
            batch.rows, batch.numbers = (
                [batch.rows[place] for place in kept],
                [batch.numbers[place] for place in kept],
            )
            self.out.clear()
        return batch

    def _plan_drafts(self, drafts: list[Draft], batch: Changes) -> None:
        self._link(drafts)
        found = self._candidates(drafts)
        taken = self._taken_ids(drafts)
        for draft in drafts:
            self._decide(draft, found, taken, batch)

    def _handed_over(self, batch: Changes) -> Iterator[Changes]:
        """The consumer writes the batch before it asks for the next one; then planned rows need not be remembered."""
        yield batch
        self.here.clear()
        if not self.planner.planning:
            self.rows.written(batch.rows)

    def _draft(self, record: Record) -> Draft:
        values, lookups = record.values, {}
        for column, names in self.lookup_fields.items():
            file_id = values.get(column, ABSENT)
            given = [values.get(name, ABSENT) for name in names]
            if file_id is not ABSENT or any(value is not ABSENT for value in given):
                key = tuple(None if value is ABSENT else value for value in (*given, file_id))
                lookups[column] = (
                    key if all(value is None for value in key[:-1]) else (*key[:-1], None)
                )  # a natural key counts, not the id
        return Draft(record.number, values, {}, lookups)

    def _link(self, drafts: list[Draft]) -> None:
        for column, reference in self.entity.references.items():
            keys = {
                key
                for draft in drafts
                if (key := draft.lookups.get(column)) is not None
                and any(v is not None for v in key)
            }
            links = (
                self._links(column, keys, exact=reference.target == self.entity.name)
                if keys
                else {}
            )
            chosen = {
                key
                for key, link in links.items()
                if isinstance(link, LinkError) and self._is_chosen(link)
            }
            for draft in drafts:
                key = draft.lookups.get(column)
                if key is not None:
                    link = links.get(key)
                    # known before rows are looked for: the content of a record may be made of its references
                    draft.links[column] = (
                        self._answered(reference, link)
                        if key in chosen and isinstance(link, LinkError)
                        else link
                    )

    def _is_chosen(self, link: LinkError) -> bool:
        """Tell whether somebody decided, now or in an earlier import, which row a key means."""
        if link.missing is None:
            return False
        decision = self.planner.decisions.get(link.missing)
        return (
            self.planner.decisions.alias(link.missing) is not None
            if decision is None
            else decision.action == EXISTING
        )

    def _links(
        self, column: str, keys: Iterable[tuple[Any, ...]], *, exact: bool = False
    ) -> dict[tuple[Any, ...], int | LinkError]:
        return self.linker.link(
            self.entity.references[column],
            self.entity,
            keys,
            self.lookup_columns[column],
            exact=exact,
        )

    def _value(self, draft: Draft, column: str) -> Any:
        """Return the value a draft has for a column, ABSENT where it says nothing or its reference is not linked."""
        if column in self.entity.references:
            link = draft.links.get(column, ABSENT)
            return ABSENT if isinstance(link, LinkError) else link
        return draft.values.get(column, ABSENT)

    def _key(self, draft: Draft, key: Key) -> tuple[Any, ...] | None:
        values = tuple([self._value(draft, column) for column in key])
        if any(value is ABSENT for value in values) or all(value is None for value in values):
            return None
        return None if len(values) == 1 and values[0] is None else values

    def _candidates(
        self, drafts: list[Draft]
    ) -> dict[Key, dict[tuple[Any, ...], list[tuple[Any, ...]]]]:
        """Look up the keys of a batch, best key first, only for the records the better ones did not find."""
        found: dict[Key, dict[tuple[Any, ...], list[tuple[Any, ...]]]] = {}
        left = drafts
        keys = list(self.entity.all_keys)
        if self.planner.own:
            keys.insert(1 if keys and keys[0] == ("uuid",) else 0, (self.entity.primary,))
        if self.entity.content:
            keys.append(tuple(self.entity.content))
        for key in keys:
            wanted = {
                draft.number: value
                for draft in left
                if (value := self._key(draft, key)) is not None
            }
            found[key] = self.rows.by(key, wanted.values())
            left = [draft for draft in left if wanted.get(draft.number) not in found[key]]
        return found

    def _taken_ids(self, drafts: list[Draft]) -> set[int]:
        ids = [i for draft in drafts if isinstance(i := draft.values.get(self.entity.primary), int)]
        return (
            self.rows.existing_ids(ids)
            if ids and not (self.rows.was_empty and self.planner.planning)
            else set()
        )

    # -- which row
    def _match(self, draft: Draft, found: dict[Key, Any]) -> tuple[Any, ...] | LinkError | None:
        """Return the row a record means, None where it is new, or why that cannot be told."""
        better = False
        for key, candidates in found.items():
            value = self._key(draft, key)
            if value is None:
                continue
            if key == tuple(self.entity.content) and key not in self.entity.all_keys:
                return None if better else self._match_content(candidates.get(value, []))
            rows = [
                *candidates.get(value, ()),
                *(self._fresh(key, value) if self.rows.has_fresh else ()),
            ]
            if self.refused and (key, value) in self.refused:
                rows.append(self.refused[key, value])
            rows = list({row[self.rows.id_place]: row for row in rows}.values())
            if (
                not rows
                and len(key) == 1
                and key[0] != "uuid"
                and isinstance(self.entity.kinds[key[0]], Text)
            ):
                ids = [i for i in self.rows.folded(key[0], value[0]) if i not in self.touched]
                rows = list(self.rows.by_id(ids).values()) if ids else []
                rows = self._unclaimed(rows)
            elif rows and better:
                rows = self._unclaimed(rows)
            if len(rows) > 1:
                what = ", ".join(f"{c} {shown(v)}" for c, v in zip(key, value, strict=True))
                message = f"{len(rows)} rows of {self.entity.name} have {what}: tell them apart by {self.entity.all_keys[0][0]}"
                return LinkError(
                    "ambiguous-key", message, ids=tuple(row[self.rows.id_place] for row in rows)
                )
            if rows:
                draft.key = key
                return self._agreeing(draft, rows[0]) if key == (self.entity.primary,) else rows[0]
            if key != (self.entity.primary,):
                better = True
        return None

    def _agreeing(self, draft: Draft, row: tuple[Any, ...]) -> tuple[Any, ...] | LinkError:
        """An id of this database counts, unless another key of the record names another row."""
        for key in self.entity.all_keys:
            value = self._key(draft, key)
            if value is not None and len(key) == 1 and value != self.rows.key_of(row, key):
                others = self.rows.by(key, [value]).get(value, [])
                if others:
                    what = f"{self.entity.primary} {row[self.rows.id_place]} and {key[0]} {shown(value[0])}"
                    return LinkError(
                        "identity-mismatch",
                        f"{what} name two different rows of {self.entity.name}: correct one of them",
                    )
        return row

    def _fresh(self, key: Key, value: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        return self.rows.fresh.get(key, {}).get(value, ())

    def _unclaimed(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Leave out the rows another record of the file means by a better key."""
        if not rows:
            return rows
        if self.claimed is None:
            self.claimed = self._scan_claims()
        place = self.rows.id_place
        return [
            row for row in rows if row[place] not in self.touched and row[place] not in self.claimed
        ]

    def _match_content(self, rows: list[tuple[Any, ...]]) -> tuple[Any, ...] | None:
        """The k-th record of equal content means the k-th such row in the order of ids that no other record means."""
        free = self._unclaimed([row for row in rows if row[self.rows.id_place] not in self.touched])
        return free[0] if free else None

    def _scan_claims(self) -> set[int]:
        """Read the whole part once to learn which rows its records mean by their best key."""
        claims: set[int] = set()
        if self.rows.was_empty:
            return claims
        reader = Reader(self.part, Problems())
        for block in self.part.document.blocks():
            left = [self._draft(record) for record in reader.read(block) if not record.bad]
            for key in (("uuid",), *self.entity.all_keys):
                if len(key) > 1 or (key[0] not in self.entity.columns):
                    continue
                wanted = {value for draft in left if (value := self._key(draft, key)) is not None}
                for rows in self.rows.by(key, wanted).values():
                    claims |= {row[self.rows.id_place] for row in rows}
                left = [draft for draft in left if self._key(draft, key) is None]
        return claims

    # -- what happens
    def _decide(self, draft: Draft, found: dict[Key, Any], taken: set[int], batch: Changes) -> None:
        match = self._match(draft, found)
        if isinstance(match, LinkError):
            return self._error(draft, match.code, "", None, match.message)
        draft.row = match
        if not self._settle_links(draft):
            return None
        if match is None:
            return self._create(draft, taken, batch)
        identity = match[self.rows.id_place]
        if identity in self.touched:
            return self._duplicate(draft, identity)
        self._move(draft, match)
        self._remember(identity, draft)
        if self.planner.options.mode == "skip-existing":
            return self._count(
                "skipped",
                Change("skip", self.entity.name, draft.number, identity, reason="exists already"),
                batch,
            )
        return self._update(draft, match, batch)

    def _count(self, what: str, change: Change, batch: Changes) -> None:
        self.counts[what] += 1
        (batch.updates if change.action == "update" else batch.others).append(change)
        if change.action in ("update", "conflict"):
            self.acted[change.id or 0] = what
            if change.action == "update":
                self.here[change.id or 0] = change.new
            if self.planner.witness:
                self._witness(change)
            self.planner.show(change)
        elif what == "unchanged" and self.planner.options.mode == "skip-existing":
            self.acted[change.id or 0] = what

    def _count_updates(self, edits: list[Change], batch: Changes) -> None:
        """Count many updates at once."""
        self.counts["updated"] += len(edits)
        batch.updates += edits
        ids = [edit.id or 0 for edit in edits]
        self.acted.update(dict.fromkeys(ids, "updated"))
        self.here.update(dict.fromkeys(ids))
        if self.planner.witness:
            for edit in edits:
                self._witness(edit)
        self.planner.show(*edits)

    def _witness(self, change: Change) -> None:
        """Add a change to the digest by which what is applied is compared with what was shown; when it happens is no part of it."""
        new = [(column, value) for column, value in change.new.items() if column not in STAMPS]
        old = [value for column, value in change.old.items() if column not in STAMPS]
        text = f"{change.action}|{change.entity}|{change.id}|{new!r}|{old!r}"
        self.planner.digest.update(text.encode("utf-8", "surrogatepass"))

    def _error(self, draft: Draft, code: str, where: str, value: Any, message: str) -> None:
        """Count a record as one that cannot be imported, and say why."""
        self.counts["errors"] += 1
        if draft.row is not None:
            self.acted.setdefault(draft.row[self.rows.id_place], "errors")
        if not self.decided:  # a row that cannot be created as decided is asked about again
            self.planner.note_failed(self.entity, draft.values)
        self._say(draft, code, where, value, message)

    def _say(self, draft: Draft, code: str, where: str, value: Any, message: str) -> None:
        self.problems.add(
            Problem(
                code=code, file=self.part.file, record=draft.number, entity=self.entity.name, field=where or None, value=jsonable(value),
                message=message,
            )
        )  # fmt: skip

    def _settle_links(self, draft: Draft) -> bool:
        """Turn what could not be linked into problems, missing references, or what a decision says; tell whether to go on."""
        good, skip = True, False
        for column, link in list(draft.links.items()):
            reference = self.entity.references[column]
            if link is None:
                if not reference.nullable:
                    self._error(
                        draft,
                        "bad-value",
                        column,
                        None,
                        f"is empty, but every row of {self.entity.name} needs it",
                    ) if good else None
                    good = False
                continue
            if not isinstance(link, LinkError):
                continue
            if (
                link.code == "ambiguous-key"
                and draft.row is not None
                and draft.row[self.place[column]] in link.ids
            ):
                draft.links[column] = draft.row[self.place[column]]
                continue
            if (
                link.code == "missing-reference"
                and link.missing is not None
                and reference.target == self.entity.name
            ):
                continue  # the row may come later in this very file
            answer = self._answered(reference, link)
            if isinstance(answer, LinkError):
                self._unanswered(draft, column, answer, good)
                good = False
            elif answer is ABSENT:
                skip = True
            else:
                draft.links[column] = answer
        if good and skip:
            self.counts["skipped"] += 1
        return good and not skip

    def _unanswered(self, draft: Draft, column: str, link: LinkError, good: bool) -> None:
        """Report a reference nobody could link and nobody decided on; `good`: it is the first problem of its record."""
        where, value = self._where(draft, column)
        message = link.message
        if (
            link.missing is not None
            and link.code == "missing-reference"
            and self.planner.has_failed(link.missing)
        ):
            message = f"refers to a record of {link.missing.entity} in this import that cannot be imported itself"
            value = None
        elif link.missing is not None:
            self.planner.note_missing(link.missing, self.part, draft.number, where)
            message = with_remedy(message, link.missing)
        (self._error if good else self._say)(draft, link.code, where, value, message)

    def _where(self, draft: Draft, column: str) -> tuple[str, Any]:
        """Return the field (and value) of a reference a person would look at: the first lookup given, else the id."""
        for name, value in zip(
            [*self.lookup_fields[column], column], draft.lookups[column], strict=True
        ):
            if value is not None:
                return name, value
        return column, None

    def _answered(self, reference: Reference, link: LinkError) -> Any:
        """Return what is decided about a reference: an id, a row `PendingParent`, None (empty), ABSENT (skip the record); the link where nothing is."""
        missing, decisions = link.missing, self.planner.decisions
        if missing is None:
            return link
        target = self.catalog.entities[reference.target]
        decision = decisions.get(missing)
        if decision is None:
            learned = decisions.alias(missing)
            return (
                link
                if learned is None
                else self._existing(
                    target, Decision(EXISTING, {target.primary: learned}, by=ALIAS), link, missing
                )
            )
        if decision.action == "empty" and not reference.nullable:
            return self._unanswerable(
                link, missing, "it was decided to leave it empty, but it is required"
            )
        if decision.action == EXISTING:
            return self._existing(target, decision, link, missing)
        if decision.action == "create":
            return PendingParent(target, decision, link)
        self.planner.use(missing, decision, None)
        return ABSENT if decision.action == "skip" else None

    def _unanswerable(self, link: LinkError, missing: Missing, why: str) -> LinkError:
        """Return a reference whose decision cannot be carried out, so that it is asked again."""
        missing.why = why
        return LinkError(link.code, f"{link.message}; {why}", missing, link.ids)

    def _existing(
        self, target: Entity, decision: Decision, link: LinkError, missing: Missing
    ) -> Any:
        known = self.planner.used.get(missing.identity)
        if known is not None and known.id is not None:
            return self.planner.use(missing, decision, known.id)
        key, rows = tuple(decision.target), self.linker.rows(target)
        wanted = self._target_key(target, decision.target)
        hits = rows.by(key, [wanted]).get(wanted, []) if wanted else []
        if len(hits) == 1:
            return self.planner.use(missing, decision, hits[0][rows.id_place])
        if decision.by == ALIAS:
            return link  # the row it stood for is gone
        what = ", ".join(f"{c} {shown(v)}" for c, v in decision.target.items())
        found = (
            f"{len(hits)} rows of {target.name} have" if hits else f"no row of {target.name} has"
        )
        return self._unanswerable(
            link, missing, f"it was decided to use the one with {what}, but {found} it"
        )

    @staticmethod
    def _target_key(target: Entity, named: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the values that name a row as the database has them; none where they can be no values of those columns."""
        try:
            return tuple(
                [
                    target.kinds[column].read(value, lambda note: None)
                    for column, value in named.items()
                ]
            )
        except (BadValue, KeyError):
            return ()

    def _parents(self, draft: Draft, batch: Changes) -> bool:
        """Create the rows a good record was waiting for, as decided; tell whether all of them could be."""
        for column, link in list(draft.links.items()):
            if not isinstance(link, PendingParent):
                continue
            row = self.planner.parent(link, batch)
            if isinstance(row, LinkError):
                self._unanswered(draft, column, row, True)
                return False
            draft.links[column] = row
        return True

    def _need(self, row: Mapping[str, Any], times: int = 1) -> None:
        """Note that a record needs those of the rows it refers to which decisions created, or (times=-1) does not after all."""
        for column, reference in self.entity.references.items():
            self.planner.needed(reference.target, row.get(column) or 0, times)

    def as_parent(self, wanted: PendingParent, batch: Changes) -> int | LinkError:
        """Plan one row of this entity from the values of a decision; an equal one that is there already is taken."""
        self.problems = self.reader.problems = Problems()
        record = self.reader.read_values(1, decided_values(self.entity, wanted.decision.values))
        draft = self._draft(record)
        if not record.bad:
            self._link([draft])
            match = self._match(draft, self._candidates([draft]))
            if isinstance(match, LinkError):
                return match
            if match is not None:
                return int(match[self.rows.id_place])
            row = self._parent_row(draft, batch)
            if isinstance(row, LinkError):
                return row
            if row is not None:
                self.rows.add(row)
                batch.parents.append(Changes(self.entity, self.columns, [row], [0]))
                names = (
                    self.entity.all_keys[1]
                    if len(self.entity.all_keys) > 1
                    else self.entity.all_keys[0]
                )
                links = [
                    (reference.target, row[self.place[c]])
                    for c, reference in self.entity.references.items()
                ]
                self.planner.made(
                    self.entity,
                    row[self.rows.id_place],
                    {c: row[self.place[c]] for c in names},
                    links,
                )
                return int(row[self.rows.id_place])
        fault = next(iter(self.problems))
        said = (
            f"it cannot be created as decided: {fault.field}: {fault.message}"
            if fault.field
            else f"it cannot be created: {fault.message}"
        )
        link = wanted.link
        return (
            self._unanswerable(link, link.missing, said)
            if link.missing is not None
            else LinkError(fault.code, f"{link.message}; {said}")
        )

    def _parent_row(self, draft: Draft, batch: Changes) -> tuple[Any, ...] | LinkError | None:
        """Return the row a decision creates, None where `problems` say why not, or the reference it waits for in turn."""
        for column, link in draft.links.items():
            if isinstance(link, LinkError):
                answer = self._answered(self.entity.references[column], link)
                if answer is ABSENT:
                    answer = LinkError(
                        link.code, f"{link.message}; it was decided to skip what needs it"
                    )
                if isinstance(answer, LinkError):
                    return LinkError(
                        answer.code,
                        f"is to be created as decided, but {answer.message}",
                        answer.missing,
                        answer.ids,
                    )
                draft.links[column] = answer
        row = self._new_row(draft, set())
        if row is None or not any(isinstance(link, PendingParent) for link in draft.links.values()):
            return row
        for column, link in draft.links.items():
            if isinstance(link, PendingParent):
                parent = self.planner.parent(link, batch)
                if isinstance(parent, LinkError):
                    return parent
                draft.links[column] = parent
        return tuple(
            [
                draft.links.get(column, value)
                for column, value in zip(self.columns, row, strict=True)
            ]
        )

    def _create(self, draft: Draft, taken: set[int], batch: Changes) -> None:
        if self.planner.options.mode == "update-only":
            return self._count(
                "skipped",
                Change("skip", self.entity.name, draft.number, reason="is not in the database"),
                batch,
            )
        waiting = [c for c, link in draft.links.items() if isinstance(link, LinkError)]
        for column in waiting:
            link = self._self_link(draft, column, taken)
            if not isinstance(link, int) and not self.entity.references[column].nullable:
                self.held.append(draft)
                return None
            draft.links[column] = link
        row = self._new_row(draft, taken)
        if row is None:
            return None
        if any(isinstance(link, PendingParent) for link in draft.links.values()):
            if not self._parents(draft, batch):
                return None
            linked = {
                column: link
                for column, link in draft.links.items()
                if not isinstance(link, LinkError)
            }
            row = tuple(
                [linked.get(column, value) for column, value in zip(self.columns, row, strict=True)]
            )
        identity = row[self.rows.id_place]
        for column in waiting:
            if not isinstance(draft.links[column], int):
                self.deferred.append((identity, column, draft.lookups[column], draft.number, True))
        self.rows.add(row)
        if self.planner.parents:
            self._need(dict(zip(self.columns, row, strict=True)))
        taken.add(identity)
        self._move(draft, row)
        self._remember(identity, draft)
        self.here[identity] = row
        self.counts["created"] += 1
        self.counts[CREATED] += draft.number
        batch.rows.append(row)  # type: ignore[attr-defined]
        batch.numbers.append(draft.number)  # type: ignore[attr-defined]
        if len(self.planner.kept) < MOST_SHOWN:
            self.planner.show(
                Change(
                    "create",
                    self.entity.name,
                    draft.number,
                    identity,
                    dict(zip(self.columns, row, strict=True)),
                )
            )
        return None

    def _self_link(self, draft: Draft, column: str, taken: set[int]) -> Any:
        """Try a reference to the entity itself again, now that more rows of the file are planned."""
        key = draft.lookups[column]
        link = self._links(column, [key], exact=True)[key]
        if isinstance(link, LinkError):
            own = tuple(draft.values.get(wanted) for wanted in self.lookup_columns[column])
            identity = draft.values.get(self.entity.primary)
            if (
                any(value is not None for value in own)
                and own == key[:-1]
                and isinstance(identity, int)
                and identity not in taken
            ):
                return identity
        return link

    def _new_row(self, draft: Draft, taken: set[int]) -> tuple[Any, ...] | None:
        """Build the row of a new record; None (and problems) where something required is missing."""
        row, good = [], True
        for column in self.columns:
            if column in self.entity.references:
                value = draft.links.get(column)
                value = None if isinstance(value, LinkError) else value
            elif column == self.entity.primary:
                value = self._identity(draft, taken)
            else:
                value = draft.values.get(column)
            if value is None:
                value = self._supplied(draft, column)
            if value is None and not self.entity.nullable(column):
                deferrable = isinstance(draft.links.get(column), LinkError)
                if good and not deferrable:
                    name = next(
                        (n for n in self.lookup_fields.get(column, ()) if not n.endswith(".uuid")),
                        column,
                    )
                    self._error(
                        draft,
                        "missing-field",
                        name,
                        None,
                        f"is missing: a new row of {self.entity.name} needs it",
                    )
                good = False
            row.append(value)
        return tuple(row) if good else None

    def _identity(self, draft: Draft, taken: set[int]) -> int:
        """Return the id of the file where it is free, else a new one."""
        wanted = draft.values.get(self.entity.primary)
        if isinstance(wanted, int) and wanted > 0 and wanted not in taken:
            self.planner.took_id(self.entity, wanted)
            return wanted
        return self.planner.next_id(self.entity)

    def _supplied(self, draft: Draft, column: str) -> Any:
        """Return what bakeio supplies for a column a new record says nothing about."""
        if column == "uuid":
            return str(uuids.uuid4())
        if column in STAMPS:
            return self.planner.now
        if column == "slug" and self.entity.slug_from:
            return self._free_slug(draft)
        if column in draft.values or column in draft.links:
            return None
        return self.entity.default(column)

    def _free_slug(self, draft: Draft) -> str | None:
        base = make_slug(
            self._value(draft, c) if self._value(draft, c) is not ABSENT else None
            for c in self.entity.slug_from
        )
        if not base:
            return None
        number = self.slugs.get(base, 1)
        slug = base if number == 1 else f"{base}_{number}"
        while self.rows.by(("slug",), [(slug,)]):
            number += 1
            slug = f"{base}_{number}"
        self.slugs[base] = number  # the next of this name goes on from here
        return slug

    @staticmethod
    def _content(draft: Draft) -> int:
        """Return 32 bits that are equal for records of equal contents."""
        return content_hash(draft.values.items())

    def _remember(self, identity: int, draft: Draft) -> None:
        content = self._content(draft)
        self.acted.pop(identity, None)
        self.touched[identity] = draft.number << 33 | content << 1 | (draft.row is None)

    def _stored(self, row: tuple[Any, ...], column: str) -> Any:
        """Return what a row holds as it is shown: true and false, where SQLite says 1 and 0."""
        value = row[self.place[column]]
        return (
            bool(value)
            if value is not None and isinstance(self.entity.kinds[column], Boolean)
            else value
        )

    def _duplicate(self, draft: Draft, identity: int) -> None:
        """Two records mean one row: taken once where they are equal, refused both where they are not."""
        known = self.touched[identity]
        first, was_created = known >> 33, known & 1
        content = self._content(draft)
        what = ", ".join(f"{c} {shown(self._value(draft, c))}" for c in draft.key or ())
        common: dict[str, Any] = {
            "file": self.part.file,
            "entity": self.entity.name,
            "records": [first, draft.number],
            "record": first,
        }
        if content == known >> 1 & 0xFFFFFFFF:
            self.counts["unchanged"] += 1
            message = f"the same record stands more than once ({what}) and is taken once"
            self.planner.problems.add(
                Problem(
                    code="duplicate-key", severity="warning", message=message, count=2, **common
                )
            )
            return
        if (self.entity.name, identity) in self.planner.contested:
            self.counts["errors"] += 1
            self._say(draft, "duplicate-key", "", None, f"is one more record of one key ({what})")
            return
        self.planner.contested.add((self.entity.name, identity))
        untouched = "skipped" if self.planner.options.mode == "skip-existing" else "unchanged"
        did = "created" if was_created else self.acted.get(identity, untouched)
        written = did in ("created", "updated")
        if written and identity not in self.here:
            # the first one went with an earlier batch and nobody can say which of them is right: the file is refused as a whole
            self.counts["errors"] += 1
            message = f"records {first} and {draft.number} differ and have one key ({what}): keep one, or give the other its own"
            self.planner.problems.add(
                Problem(
                    code="duplicate-key",
                    file=self.part.file,
                    entity=self.entity.name,
                    message=message,
                )
            )
            return
        if written and self.planner.options.skip_errors:
            self._withdraw(identity)
        self.counts["errors"] += 2
        self.counts[did] -= 1
        message = f"different records have one key ({what}): keep one, or give the other its own"
        self.planner.problems.add(Problem(code="duplicate-key", message=message, count=2, **common))

    def _withdraw(self, identity: int) -> None:
        """Leave what this batch was to write of a row out of it: nothing of a record that is left out may be written."""
        row = self.here[identity]
        self.out.add(identity)
        if isinstance(row, Mapping):
            self._need(row, times=-1)
        elif row is not None:
            self.rows.remove(row)
            self.refused.update(
                {(key, self.rows.key_of(row, key)): row for key in self.entity.all_keys}
            )
            self.planner.note_failed(self.entity, dict(zip(self.columns, row, strict=True)))
            self._need(dict(zip(self.columns, row, strict=True)), times=-1)
        self.deferred = [item for item in self.deferred if item[0] != identity]
        self.planner.hide(self.entity, identity)

    def _move(self, draft: Draft, row: tuple[Any, ...]) -> None:
        """Remember where a record of the file ended up, for the records that refer to it by the file's id and keys."""
        identity = row[self.rows.id_place]
        self.moved.add(self.entity.primary, draft.values.get(self.entity.primary), identity)
        for key in self.entity.all_keys:
            if (
                len(key) == 1
                and (value := draft.values.get(key[0])) is not None
                and value != row[self.place[key[0]]]
            ):
                self.moved.add_key(key[0], value, identity)

    # -- existing rows
    def _update(self, draft: Draft, row: tuple[Any, ...], batch: Changes) -> None:
        kept = self._kept_keys(draft)
        new: dict[str, Any] = {}
        for column in self.settable:
            if column in kept:
                continue
            value = (
                draft.links.get(column, ABSENT)
                if column in self.entity.references
                else draft.values.get(column, ABSENT)
            )
            if isinstance(value, LinkError):
                value = self._self_link(draft, column, set())
                if isinstance(value, LinkError):
                    self.deferred.append(
                        (
                            row[self.rows.id_place],
                            column,
                            draft.lookups[column],
                            draft.number,
                            False,
                        )
                    )
                    continue
            if value is ABSENT or value == row[self.place[column]]:
                continue
            if value is None and not self.entity.nullable(column):
                continue  # a null where bakeio supplies the value says nothing
            new[column] = value
        identity = row[self.rows.id_place]
        if not new:
            waiting = any(item[0] == identity for item in self.deferred[-3:])
            if not waiting:
                self.counts["unchanged"] += 1
                return None
        old = {column: self._stored(row, column) for column in new}
        if new and self._edited_since(row):
            if self.planner.options.on_conflict == "keep-db":
                self.counts["unchanged"] += 1
                return None
            if self.planner.options.on_conflict == "fail":
                where = ", ".join(new)
                new = {
                    c: f"a new row of {v.target.name}" if isinstance(v, PendingParent) else v
                    for c, v in new.items()
                }
                self.planner.problems.add(
                    Problem(code="conflict", file=self.part.file, record=draft.number, entity=self.entity.name, field=where,
                            message=f"was changed in the database after the export ({self._diff(new, old)}): "
                            "choose --on-conflict keep-db or take-file")
                )  # fmt: skip
                return self._count(
                    "conflicts",
                    Change("conflict", self.entity.name, draft.number, identity, new, old),
                    batch,
                )
        if any(isinstance(value, PendingParent) for value in new.values()):
            if not self._parents(draft, batch):
                return None
            new = {
                column: draft.links[column] if isinstance(value, PendingParent) else value
                for column, value in new.items()
            }
        if "updated_at" in self.place and new:
            new = new | {"updated_at": self.planner.now}
            old = old | {"updated_at": row[self.place["updated_at"]]}
        self._need(new)
        return self._count(
            "updated", Change("update", self.entity.name, draft.number, identity, new, old), batch
        )

    @staticmethod
    def _diff(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
        return "; ".join(
            f"{column}: database {shown(old[column])}, file {shown(new[column])}"
            for column in list(new)[:3]
        )

    def _kept_keys(self, draft: Draft) -> set[str]:
        """A row found by one key keeps its uuid and the keys better than that one."""
        keys = self.entity.all_keys
        rank = (
            keys.index(draft.key)
            if draft.key in keys
            else (0 if draft.key == (self.entity.primary,) else len(keys))
        )
        kept = {column for key in keys[:rank] for column in key if len(key) == 1}
        return kept | {"uuid"}

    def _edited_since(self, row: tuple[Any, ...]) -> bool:
        exported = self.planner.source.exported_at
        if not self.planner.own or not exported or "updated_at" not in self.place:
            return False
        try:
            return bool(
                row[self.place["updated_at"]]
                > self.entity.kinds["updated_at"].read(exported, lambda note: None)
            )
        except BadValue:
            return False

    # -- references to the entity itself
    def _retry_held(self, batch: Changes) -> None:
        """Records that must name a row of their own entity wait until that row is planned: parents first."""
        while self.held:
            waiting, self.held = self.held, []
            self._plan_drafts(waiting, batch)
            if len(self.held) == len(waiting):
                return

    def _finish(self) -> Changes | None:
        batch = Changes(self.entity, self.columns)
        for draft in self.held:
            column = next(c for c, link in draft.links.items() if isinstance(link, LinkError))
            self._still_missing(column, draft.lookups[column], draft.number, draft)
        for identity, column, key, number, created in self.deferred:
            link: Any = self._links(column, [key])[key]
            if isinstance(
                link, LinkError
            ):  # its row is written already: another may be named for it, or none, and that is all
                answer = self._answered(self.entity.references[column], link)
                link = answer if answer is None or isinstance(answer, int) else link
            if isinstance(link, LinkError):
                self.counts["created" if created else "updated"] -= 1
                self._still_missing(
                    column, key, number, Draft(number, {}, {column: link}, {column: key})
                )
            else:
                batch.updates.append(
                    Change(
                        "update", self.entity.name, number, identity, {column: link}, {column: None}
                    )
                )
        return batch if batch.updates else None

    def _still_missing(self, column: str, key: tuple[Any, ...], number: int, draft: Draft) -> None:
        link = self._links(column, [key])[key]
        if isinstance(link, LinkError):
            self._unanswered(draft, column, link, True)
