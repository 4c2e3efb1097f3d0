"""An application as its programmer writes it; `make types` reads it, nobody runs it.

What a type checker must refuse is marked, and the mark is refused where it does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ForeignKey, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bakeio_core import Bakeio, Decision, Entity, ImportRefused, Missing, Question, hookimpl


class Base(DeclarativeBase):
    """What the models of the application share."""


class Maker(Base):
    """A model of the application."""

    __tablename__ = "makers"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(50), unique=True)


class Oven(Base):
    """A model that refers to another one."""

    __tablename__ = "ovens"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(50), unique=True)
    maker_id: Mapped[int] = mapped_column(ForeignKey("makers.id"))


class Ovens:
    """The plugin of the application."""

    @hookimpl
    def bakeio_entities(self) -> list[Entity]:
        return [Entity(Maker.__table__, keys=["slug"]), Entity(Oven.__table__, keys=["slug"])]


def first_candidate(missing: Sequence[Missing]) -> dict[Question, Decision]:
    """Answer what is likely."""
    answers: dict[Question, Decision] = {}
    for item in missing:
        for candidate in item.candidates(1):
            if candidate.score > 0.9 and not candidate.warning:
                answers[item] = Decision.existing("application", **candidate.key)
    return answers


def told(path: str) -> list[str]:
    """Import a file, and tell what came of it."""
    bakeio = Bakeio.discover(plugins=[Ovens()])
    lines: list[str] = []
    with Session(create_engine("sqlite:///ovens.db")) as session:
        db = session.connection()
        try:
            report = bakeio.import_(db, path, mode="update-only", resolve=first_candidate)
        except ImportRefused as refused:
            for problem in refused.problems:
                lines += [row["label"] for row in problem.candidates]
                lines += [f"{problem.code}: {problem.fix.get('field', '')}"]
            return lines
        lines += [f"{one['entity']}: {one['action']}" for one in report.resolved]
        lines += [str(key.get("slug")) for key in report.created_entities.get("makers", [])]
        lines += [f"{run['id']}: {run['source']}, {run['counts']['created']}"
                  for run in bakeio.runs(db)]  # fmt: skip
        lines += [f"{event['run']}: {event['field']}" for event in bakeio.why(db, "ovens", "deck")]
        lines += [str(known["row"]) for known in bakeio.aliases(db)]
        plan = bakeio.plan(db, path, mode="upsert")  # type: ignore[arg-type]
        return [*lines, plan.preview()]
