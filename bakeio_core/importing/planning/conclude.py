"""What becomes of a record that was merged into its row: an update, a conflict, or nothing."""

from __future__ import annotations

from collections.abc import Collection

from bakeio_core.catalog.exchange import Change, Changes
from bakeio_core.database.rows import Row
from bakeio_core.importing.linking.claims import PartOutcome
from bakeio_core.importing.linking.drafts import Draft
from bakeio_core.importing.linking.parents import CreatedParents
from bakeio_core.importing.linking.references import References
from bakeio_core.importing.planning.merge import Merged, report_conflicts, shown_parent
from bakeio_core.importing.planning.questions import RecordQuestions
from bakeio_core.importing.state import ImportState


class MergedRecords:
    """Conclude on the records of one part that mean a row.

    Args:
        state: The import.
        outcome: What comes of the records.
        references: What they refer to.
        parents: The rows decisions create.
        questions: What is asked and decided about them.
    """

    def __init__(
        self,
        state: ImportState,
        outcome: PartOutcome,
        references: References,
        parents: CreatedParents,
        questions: RecordQuestions,
    ) -> None:
        self.state, self.outcome, self.references = state, outcome, references
        self.parents, self.questions = parents, questions
        self.entity, self.rows = outcome.entity, outcome.rows

    def conclude(
        self, draft: Draft, row: Row, merged: Merged, left: Collection[str], batch: Changes
    ) -> bool:
        """Turn what a record changes into an update, a conflict or nothing.

        Args:
            draft: The record.
            row: Its row.
            merged: What it changes.
            left: The fields in which it would change something, had nobody decided otherwise.
            batch: What is written next.

        Returns:
            Whether it changes anything, or would have.
        """
        identity, policy = row[self.rows.id_index], self.state.options.on_conflict
        if merged.conflicts and policy != "take-file":
            report_conflicts(self.outcome, draft, merged, fails=policy == "fail")
        if merged.conflicts and policy == "fail":
            ours = {name: now for name, (now, _) in merged.conflicts.items()}
            theirs = {name: shown_parent(value) for name, (_, value) in merged.conflicts.items()}
            change = Change("conflict", self.entity.name, draft.number, identity, theirs, ours)
            change.base = self.questions.bases(draft, row, merged.conflicts)
            self.outcome.count("conflicts", change, batch)
            self.questions.ask_of_conflicts(draft, row, merged)
            return True
        if not self.references.create_parents(draft, batch):
            return True
        new = draft.linked(merged.new)
        is_deferred = any(link.row_id == identity for link in self.references.deferred[-3:])
        is_rejected = self.questions.settle(draft, left)
        if not new and is_rejected and not is_deferred:
            reason = "what it changes was rejected"
            skip = Change("skip", self.entity.name, draft.number, identity, reason=reason)
            self.outcome.count("skipped", skip, batch)
            return True
        if not new and not is_deferred:
            self.outcome.counts["unchanged"] += 1
            return False
        old = {column: self.rows.value(row, column) for column in new}
        if new and "updated_at" in self.rows.index:
            old["updated_at"] = row[self.rows.index["updated_at"]]
            new["updated_at"] = self.state.now
        self.parents.need(self.entity, new)
        change = Change("update", self.entity.name, draft.number, identity, new, old)
        change.base = old if draft.base is not None and not merged.conflicts else {}
        self.outcome.count("updated", change, batch)
        return True
