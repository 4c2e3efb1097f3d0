"""The plan of a whole import, part by part, and what it comes to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from bakeio_core.catalog.entities.model import Entity, RowId
from bakeio_core.catalog.exchange import Change, Changes, Progress
from bakeio_core.database.stored.called import CalledChanges
from bakeio_core.errors import Problem, counted
from bakeio_core.history.reports.report import COUNTS, Report
from bakeio_core.importing.linking.created.parents import CreatedParents
from bakeio_core.importing.linking.created.twins import beside_twins
from bakeio_core.importing.linking.drafts import LinkError, PendingParent
from bakeio_core.importing.linking.later.deferred import DeferredLinks
from bakeio_core.importing.linking.link import Linker
from bakeio_core.importing.options import ImportOptions
from bakeio_core.importing.planning.decided import decided_part, plan_decided
from bakeio_core.importing.planning.kinds.set_part import SetPart
from bakeio_core.importing.planning.kinds.view_part import ViewPart
from bakeio_core.importing.planning.noticing.origins import tell_origins
from bakeio_core.importing.planning.plan import PartKind, PartPlan
from bakeio_core.importing.reading.derived.lists import ListDocument
from bakeio_core.importing.reading.sources import Part, Source
from bakeio_core.importing.state import ImportState
from bakeio_core.resolving.decisions import Decisions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.history.reports.told import Resolved


def kind_of(plan: PartPlan) -> PartKind:
    """Return what is answered for a part: a view's records are edits, a set's the state."""
    return SetPart(plan) if plan.part.view is None else ViewPart(plan)


class ImportPlan:
    """Plan one import part by part; only SELECTs are made.

    Args:
        db: A connection inside the caller's transaction.
        catalog: Every entity and view.
        source: What is imported.
        options: How.
        decisions: The answers known.
        is_planning: Whether nothing is written meanwhile. Otherwise the consumer writes each
            batch before it asks for the next.
        is_compared: Whether the outcome is to be compared with that of another plan.
    """

    def __init__(
        self,
        db: Connection,
        catalog: Catalog,
        source: Source,
        options: ImportOptions,
        decisions: Decisions,
        *,
        is_planning: bool = True,
        is_compared: bool = True,
    ) -> None:
        self.state = ImportState(
            db,
            catalog,
            source,
            options,
            decisions,
            is_planning=is_planning,
            is_compared=is_compared,
        )
        self.linker, self.parents = Linker(self.state), CreatedParents()
        self._late: list[tuple[Part, DeferredLinks]] = []
        self.outcome, self.source, self.options = self.state.outcome, source, options

    def part(self, part: Part) -> PartPlan:
        """Return the plan of one part."""
        common = (self.linker, self.parents, kind_of, self.plan_parent)
        plan = PartPlan(self.state, part, *common)
        if part.template is not None and part.template.of:
            from bakeio_core.importing.matching.counted_lines import CountedLines

            part = CountedLines(self.state, part, part.template, plan.references).part_of_rows()
            plan = PartPlan(self.state, part, *common)
        references = part.entity.references.values()
        if any(r.is_late and r.target != part.entity.name for r in references):
            self._late.append((part, plan.deferred))
        return plan

    def late_changes(self) -> Iterator[tuple[Part, Changes]]:
        """Yield what sets references to rows of later parts, once all parts are planned."""
        late, self._late = self._late, []
        for part, deferred in late:
            batch = Changes(part.entity, part.entity.columns)
            deferred.finish_late(batch)
            if batch.updates:
                yield part, batch

    def plan_parent(self, wanted: PendingParent, batch: Changes) -> RowId | LinkError:
        """Plan a row that a decision creates; return its id, or why it cannot be created."""
        part = decided_part(wanted.target, self.state.catalog)
        part.charset = self.state.charset
        common = (self.linker, self.parents, kind_of, self.plan_parent)
        plan = PartPlan(self.state, part, *common, is_decided=True)
        return plan_decided(plan, wanted, batch)

    def changes(self, progress: Progress | None = None) -> Iterator[Changes]:
        """Yield the changes of all parts in import order.

        Args:
            progress: Told how many records of an entity were planned.
        """
        for part in self.source.parts:
            plan = self.part(part)
            for batch in plan.changes():
                yield batch
                if progress is not None:
                    progress(part.entity.name, plan.reader.total)
        for _, batch in self.late_changes():
            yield batch
        self.parents.take_unneeded()

    def run(self, progress: Progress | None = None) -> ImportPlan:
        """Plan everything, for what it comes to alone."""
        for _ in self.changes(progress):
            pass
        return self

    def imported(self) -> dict[int, RowId]:
        """Return {number: id of its row} of the records of a view's file that change nothing.

        Whatever would change something, or cannot be imported, was not imported.
        """
        ids: dict[int, RowId] = {}
        for part in self.source.parts:
            plan = self.part(part)
            for _ in plan.changes():
                pass
            claims, left = plan.claims, set(self.state.rows_of_records(part).failed)
            for row, number in claims.record_of.items():
                if claims.outcomes.get(row, "unchanged") != "unchanged":
                    left.add(number)
                elif part.holder is None:
                    ids[number] = row
            document = part.document
            if isinstance(document, ListDocument):
                left = set(map(document.record_of, left))
            for number in left:
                ids.pop(number, None)
        return ids

    # -- what it comes to
    @property
    def refusal(self) -> str:
        """Why it must not be committed as it stands, empty where it may."""
        errors = [p for p in self.outcome.problems if p.severity == "error"]
        of_source = any(p.severity == "error" for p in self.source.problems)
        of_records = [p for p in errors if p.record is not None or p.records]
        if of_source or len(of_records) < len(errors):
            return f"{self.source.name} has problems of its own: nothing was written"
        summary = self.outcome.summary
        if summary["conflicts"]:
            what = counted(summary["conflicts"], "record")
            return f"{what} in conflict with the database: nothing was written"
        if summary["errors"] and not self.options.skip_errors:
            return f"{counted(summary['errors'], 'record')} cannot be imported: nothing was written"
        return ""

    def digest(self) -> bytes:
        """Return what tells this plan from another one: what it writes, and what was decided."""
        whole = hashlib.blake2b(self.outcome.digest(), digest_size=16)
        for identity, applied in self.parents.applied.items():
            action = applied.decision.action
            # the contents of what is created are compared; the database may refuse it yet
            if action != "create":
                is_new = (applied.missing.entity, applied.id) in self.parents.rows
                row = "new" if is_new else applied.id
                text = f"{identity!r}|{action}|{row}|{applied.count}"
                whole.update(text.encode("utf-8", "surrogatepass"))
        return whole.digest()

    def resolved(self) -> list[Resolved]:
        """Return the decisions carried out: the key, what became of it, by whom, how often.

        A row that was to be created and that no record needed after all is left out.
        """
        found: list[Resolved] = []
        for applied in self.parents.applied.values():
            missing, decision = applied.missing, applied.decision
            entry: dict[str, Any] = {
                "entity": missing.entity,
                "key": dict(missing.key),
                "action": decision.action,
            }
            parent = self.parents.rows.get((missing.entity, applied.id or 0))
            if decision.action == "create" and parent is None and applied.id is not None:
                entry["action"] = "existing"  # a row like it was there
            if decision.action in ("existing", "create"):
                # what was created is not a row any more when a dry run has taken it back
                entity = self.state.catalog.entities[missing.entity]
                there = self.state.tables.key_of
                entry["target"] = parent.key if parent else there(entity, applied.id)
            if decision.action != "create" or entry["target"] is not None:
                is_made = parent is not None and decision.action == "create"
                uses = parent.uses if parent is not None and is_made else applied.count
                found.append(cast("Resolved", entry | {"by": decision.by, "records": uses}))
        return [*found, *self._resolved_records()]

    def _resolved_records(self) -> Iterator[Resolved]:
        """Return what was decided about records and carried out."""
        for question, decision in self.outcome.applied.values():
            entry = {"entity": question.entity, "key": dict(question.key)}
            entry |= {"kind": question.kind, "field": question.field, "action": decision.action}
            entry |= {"value": decision.values["value"]} if decision.action == "value" else {}
            entry |= {"target": dict(decision.target)} if decision.target else {}
            yield cast("Resolved", entry | {"by": decision.by, "records": question.count})

    def _unused(self) -> Iterator[Problem]:
        """Say which decisions about records found none in the file."""
        for part in self.source.parts:
            name = part.entity.name
            known = self.state.decisions.of_records(name)
            left = [q for q, _ in known if q.identity not in self.outcome.used]
            if left:
                named = "; ".join(str(question) for question in left[:3])
                more = f" and {len(left) - 3:,} more" if len(left) > 3 else ""
                message = f"{counted(len(left), 'decision')} about no record here: {named}{more}"
                yield Problem(
                    code="unknown-row",
                    severity="note",
                    file=part.file,
                    entity=name,
                    message=message,
                )

    def _field_of(self, entity: Entity, column: str) -> str:
        """Return what the files of the source call a column."""
        for part in self.source.parts:
            if part.entity is entity:
                return part.fields.own.get(column, column)
        return column

    def _shown(self) -> list[Change]:
        """Return the changes that are kept, rows created by decisions first, with their names."""
        by_decision, by_record = list[Change](), list[Change]()
        for change in self.outcome.shown:
            if change.record:
                by_record.append(change)
            elif self.parents.is_needed(change.entity, change.id):
                by_decision.append(change)
        shown = [*by_decision, *by_record]
        CalledChanges(self.state.tables, self._field_of).call(shown)
        fields = {
            part.entity.name: {c: part.fields.naming_of(c) for c in part.entity.columns}
            for part in self.source.parts
        }
        for change in shown:
            change.fields = fields.get(change.entity, {})
        return shown

    def _name_rows(self, told: Iterable[Problem | Change]) -> None:
        """Say what records are called in the exchange they were given out in by number."""
        for one in told if self.source.rows else ():
            name = self.source.rows.get(one.record or 0)
            if name is not None:
                one.key = {"row": name, **one.key}

    def report(self, *, dry_run: bool, refused: str = "") -> Report:
        """Return the report of what was planned."""
        outcome = self.outcome
        entities = {n: {c: counts[c] for c in COUNTS} for n, counts in outcome.counts.items()}
        summary = {count: outcome.summary[count] for count in COUNTS}
        if self.options.mode == "replace" or any(c["deleted"] for c in outcome.counts.values()):
            deleted = {name: counts["deleted"] for name, counts in outcome.counts.items()}
            summary["deleted"] = sum(deleted.values())
            for name, count in deleted.items():
                entities[name]["deleted"] = count
        shown = self._shown()
        twins = beside_twins(self.state.db, self.state.catalog, self.parents)
        problems = [*self.source.problems, *outcome.problems, *twins, *self._unused()]
        self._name_rows([*problems, *shown])
        problems += tell_origins(self.source, shown)
        return Report(
            run=None,
            dry_run=dry_run,
            mode=self.options.mode,
            source=self.source.name,
            summary=summary,
            entities=entities,
            created_entities=self.parents.keys,
            resolved=self.resolved(),
            problems=problems,
            refused=refused,
            dropped=outcome.problems.dropped,
            changes=shown,
            questions=outcome.asked,
            refused_decisions=[missing for missing in outcome.missing.values() if missing.why],
        )
