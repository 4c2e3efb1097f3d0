"""A sound plugin with every hook, and plugins like it that are broken in one place each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Date,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    func,
    select,
    text,
)

from bakeio_core import (
    Bakeio,
    Changes,
    Decision,
    DocumentUpgrade,
    Entity,
    Format,
    Missing,
    Problem,
    Question,
    SheetRows,
    View,
    computed,
    editable,
    hookimpl,
    identity_columns,
    key,
    readonly,
    stamp_columns,
)

Batches = Iterator[list[dict[str, Any]]]


def heats(db: Connection, catalog: Any) -> dict[int, int]:
    """How often each kiln was fired."""
    firings = catalog.tables["firings"]
    counted = select(firings.c.kiln_id, func.count()).group_by(firings.c.kiln_id)
    return {row[0]: row[1] for row in db.execute(counted)}


def times(prepared: Any, ids: Sequence[int]) -> list[int]:
    return [prepared.get(id_, 0) for id_ in ids]


class Kilns:
    """A sound plugin: two entities, a view, a format, a reader, a resolver and a sample."""

    purpose = "Look after the kilns"
    prepare: Callable[..., Any] = staticmethod(heats)
    values: Callable[..., Any] = staticmethod(times)

    @staticmethod
    def tidy(old: Any, new: Any) -> Any:
        return new.strip()

    @hookimpl
    def bakeio_entities(self, metadata: MetaData) -> list[Entity]:
        kilns = Table(
            "kilns",
            metadata,
            *identity_columns(),
            Column("slug", String(50), nullable=False, unique=True),
            Column("name", String(80), nullable=False),
            Column("heat", Numeric(8, 2)),
            Column("bought_on", Date),
            *stamp_columns(),
            CheckConstraint("heat > 0", name="ck_kilns_heat"),
        )
        firings = Table(
            "firings",
            metadata,
            *identity_columns(),
            Column("kiln_id", Integer, ForeignKey("kilns.id"), nullable=False),
            Column("number", Integer, nullable=False),
            *stamp_columns(),
        )
        return [
            Entity(kilns, keys=["slug"], label="name", checks={"name": self.tidy}),
            Entity(firings, content=("kiln_id", "number")),
        ]

    def fields(self) -> dict[str, Any]:
        return {
            "kiln_id": readonly("id"),
            "slug": key("slug"),
            "firings": computed(self.prepare, self.values, Integer),
            "name": editable("name"),
            "heat": editable("heat"),
        }

    @hookimpl
    def bakeio_views(self) -> View:
        return View("kilns", "kilns", self.fields(), purpose=self.purpose)

    @hookimpl
    def bakeio_formats(self) -> Format:
        return Format(name="dashes", suffix=".dashes", write=self.write, read=self.read)

    def write(self, file: Any, sheets: Any) -> None:
        for sheet in sheets:
            for row in [[column.name for column in sheet.columns], *sheet.rows]:
                texts = ("" if cell is None else str(cell) for cell in row)
                file.write("\x1f".join(texts).encode() + b"\x1e")

    def read(self, file: Any) -> Iterator[Any]:
        lines = file.read().decode().split("\x1e")[:-1]
        yield SheetRows(name="", rows=enumerate((line.split("\x1f") for line in lines), 1))

    @hookimpl
    def bakeio_document_upgrades(self) -> DocumentUpgrade:
        return DocumentUpgrade("a kiln log", self.recognises, lambda document: iter(()))

    def recognises(self, header: Mapping[str, Any]) -> bool:
        return "heats" in header

    @hookimpl
    def bakeio_resolve_references(self, missing: Sequence[Missing]) -> dict[Missing, Decision]:
        return {item: Decision.skip() for item in missing if item.key.get("slug") == "test"}

    @hookimpl
    def bakeio_sample(self) -> dict[str, Any]:
        return {"kilns": [{"id": 1, "slug": "big", "name": "Big kiln", "heat": 1280}]}


# -- each of these is broken in one place: {class: the check that must find it}
class ForgetsToReturn(Kilns):
    @hookimpl
    def bakeio_views(self) -> Any:
        View("kilns", "kilns", self.fields(), purpose=self.purpose)


class MisspellsAColumn(Kilns):
    def fields(self) -> dict[str, Any]:
        return super().fields() | {"warmth": editable("heatt")}


class ExportsHalf(Kilns):
    @hookimpl
    def bakeio_export_records(self, db: Connection, entity: Entity) -> Batches | None:
        if entity.name != "kilns":
            return None
        rows = db.execute(select(entity.table.c.id, entity.table.c.slug, entity.table.c.name))
        return iter([[dict(row._mapping) for row in rows]])


class RoundsOnTheWay(Kilns):
    @hookimpl(wrapper=True)
    def bakeio_export_records(self, entity: Entity) -> Any:
        batches = yield
        if entity.name != "kilns":
            return batches
        return (
            [{**r, "heat": None if r["heat"] is None else int(r["heat"])} for r in batch]
            for batch in batches
        )


class LosesTheLastOfABatch(Kilns):
    @hookimpl(tryfirst=True)
    def bakeio_import_records(self, db: Connection, entity: Entity, changes: Changes) -> Any:
        if entity.name == "kilns" and len(changes.rows) > 1:
            changes.rows, changes.numbers = changes.rows[:-1], changes.numbers[:-1]


class ForgetsUpdates(Kilns):
    @hookimpl(tryfirst=True)
    def bakeio_import_records(self, entity: Entity, changes: Changes) -> Any:
        return len(changes.updates) if entity.name == "kilns" and changes.updates else None


class LooksAtTheDice(Kilns):
    values = staticmethod(lambda prepared, ids: [random.randint(0, 10**9) for _ in ids])


class CountsExports(Kilns):
    @staticmethod
    def prepare(db: Connection, catalog: Any) -> dict[int, int]:
        db.execute(text("UPDATE firings SET number = number + 1"))
        return heats(db, catalog)


class AsksForEachRow(Kilns):
    @staticmethod
    def prepare(db: Connection, catalog: Any) -> Any:
        return db, catalog.tables["firings"]

    @staticmethod
    def values(prepared: Any, ids: Sequence[int]) -> list[int]:
        db, table = prepared
        counted = select(func.count()).select_from(table)
        return [db.execute(counted.where(table.c.kiln_id == id_)).scalar_one() for id_ in ids]


class ForgetsSomeValues(Kilns):
    values = staticmethod(lambda prepared, ids: times(prepared, ids)[:-1])


class ComputesTexts(Kilns):
    @hookimpl(wrapper=True)
    def bakeio_project_view(self, view: View) -> Any:
        batches = yield
        if view.name != "kilns":
            return batches
        return ([{**record, "heat": f"{record['heat']} °C"} for record in b] for b in batches)


class StampsTwice(Kilns):
    """Its check changes what it has checked once."""

    numbers = itertools.count()

    @classmethod
    def tidy(cls, old: Any, new: Any) -> Any:
        return f"{new[:40]} {next(cls.numbers)}"


class ProjectsAtOnce(Kilns):
    @hookimpl(wrapper=True)
    def bakeio_project_view(self, view: View) -> Any:
        batches = yield
        return iter([[dict(record) for batch in batches for record in batch]])


class ProjectsBeforehand(Kilns):
    @hookimpl(wrapper=True)
    def bakeio_project_view(self, view: View) -> Any:
        batches = yield
        return iter([[dict(record) for record in batch] for batch in batches])


class ForgetsTheRevision(Kilns):
    @hookimpl(wrapper=True)
    def bakeio_project_view(self, view: View) -> Any:
        batches = yield
        if view.name != "kilns":
            return batches
        cut = ("_rev", "kiln_id", "slug")
        return ([{n: v for n, v in r.items() if n not in cut} for r in batch] for batch in batches)


class GuessesReferences(Kilns):
    @hookimpl
    def bakeio_resolve_references(self, missing: Sequence[Missing]) -> dict[Missing, Decision]:
        return {item: Decision.skip() for item in missing}


class SettlesConflicts(Kilns):
    @hookimpl
    def bakeio_answer(self, questions: Sequence[Question]) -> dict[Question, Decision]:
        return {q: Decision.take_file() for q in questions if q.kind == "conflict"}


class GuessesBadValues(Kilns):
    @hookimpl
    def bakeio_answer(self, questions: Sequence[Question]) -> dict[Question, Decision]:
        return {q: Decision.value("7") for q in questions if q.kind == "value"}


class RemembersWhatItSaw(Kilns):
    """Its check refuses what it was asked before, though nothing may have come of that."""

    seen: ClassVar[set[str]] = set()

    @classmethod
    def tidy(cls, old: Any, new: Any) -> Any:
        if new in cls.seen:
            return Problem(code="check", message="another kiln is called so")
        cls.seen.add(new)
        return new


class KeepsWhatIsCleared(Kilns):
    """It takes an edit that empties a field for a mistake."""

    @hookimpl(tryfirst=True)
    def bakeio_import_records(self, changes: Changes) -> Any:
        for change in changes.updates:
            change.new = {c: v for c, v in change.new.items() if v is not None or not change.base}


class AnswersWithAList(Kilns):
    @hookimpl
    def bakeio_resolve_references(self, missing: Sequence[Missing]) -> Any:
        return list(missing)


class DropsARow(Kilns):
    def read(self, file: Any) -> Iterator[Any]:
        (table,) = super().read(file)
        yield SheetRows(name="", rows=[*table.rows][:-1])


class TakesEveryDocument(Kilns):
    def recognises(self, header: Mapping[str, Any]) -> bool:
        return True


class TrustsHeaders(Kilns):
    def recognises(self, header: Mapping[str, Any]) -> bool:
        return bool(header["heats"])


class SamplesWhatDoesNotFit(Kilns):
    @hookimpl
    def bakeio_sample(self) -> dict[str, Any]:
        return {"kilns": [{"id": 1, "slug": "big", "name": "Big kiln", "heat": -1}]}


class SaysNothing(Kilns):
    purpose = ""


class WritesBesides(Kilns):
    @hookimpl(wrapper=True)
    def bakeio_import_records(self, db: Connection, entity: Entity) -> Any:
        written = yield
        if entity.name == "kilns":
            db.execute(text("UPDATE kilns SET bought_on = '2020-02-02'"))
        return written


BROKEN: dict[type[Kilns], str] = {
    ForgetsToReturn: "declarations",
    MisspellsAColumn: "declarations",
    ExportsHalf: "restores",
    RoundsOnTheWay: "restores",
    LosesTheLastOfABatch: "restores",
    ForgetsUpdates: "edits",
    LooksAtTheDice: "same-bytes",
    CountsExports: "same-bytes",
    AsksForEachRow: "statements",
    ForgetsSomeValues: "unedited",
    ComputesTexts: "schema",
    StampsTwice: "edits",
    ProjectsAtOnce: "memory",
    ProjectsBeforehand: "memory",
    ForgetsTheRevision: "unedited",
    GuessesReferences: "unknown-reference",
    AnswersWithAList: "unknown-reference",
    SettlesConflicts: "merge",
    RemembersWhatItSaw: "dry-run",
    KeepsWhatIsCleared: "nulls",
    GuessesBadValues: "skip-on-error",
    DropsARow: "formats",
    TakesEveryDocument: "documents",
    TrustsHeaders: "documents",
    SamplesWhatDoesNotFit: "sample",
    SaysNothing: "documented",
    WritesBesides: "undo",
}


def with_kilns(*others: Any) -> Bakeio:
    """What is installed, and the sound plugin."""
    return Bakeio.discover(plugins=[Kilns(), *others])
