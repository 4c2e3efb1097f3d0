"""A harbour keeps its members, boats and voyages: an application that never heard of bakeio."""

from __future__ import annotations

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    Numeric,
    String,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    false,
    func,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    """The models of the harbour."""


class Role(enum.Enum):
    """What a member may do."""

    SKIPPER = "may skipper"
    CREW = "may sail along"


class Cents(TypeDecorator[Decimal]):
    """An amount of money, kept as a whole number of cents."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(Decimal(str(value)) * 100)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Decimal(value) / 100


def now() -> datetime.datetime:
    """Return the time of the harbour, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)


class Member(Base):
    """Somebody with a boat, or with a wish to sail on one."""

    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[Role] = mapped_column(Enum(Role), default=Role.CREW)
    mentor_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    balance: Mapped[Decimal] = mapped_column(Cents, default=Decimal(0))
    joined: Mapped[datetime.datetime] = mapped_column(DateTime, default=now)
    changed: Mapped[datetime.datetime | None] = mapped_column(DateTime, onupdate=now)
    mentor: Mapped[Member | None] = relationship(remote_side=[id])


class Berth(Base):
    """A place at a jetty, known by its sign."""

    __tablename__ = "berths"
    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    length: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    side: Mapped[str] = mapped_column(String(5), server_default="port")
    __table_args__ = (
        CheckConstraint("length > 0 AND length <= 60", name="berth_length"),
        CheckConstraint("side IN ('port', 'star')", name="berth_side"),
    )


class GateKey(Base):
    """A key to the gate."""

    __tablename__ = "gate_keys"
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    lost: Mapped[bool] = mapped_column(server_default=false())
    member: Mapped[Member] = relationship()


class Boat(Base):
    """What lies in a berth."""

    __tablename__ = "boats"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60), unique=True)
    berth_code: Mapped[str | None] = mapped_column(ForeignKey("berths.code"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    berth: Mapped[Berth | None] = relationship()
    owner: Mapped[Member] = relationship()
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "boat"}  # noqa: RUF012


class Sailboat(Boat):
    """A boat with sails."""

    __tablename__ = "sailboats"
    id: Mapped[int] = mapped_column(ForeignKey("boats.id"), primary_key=True)
    sails: Mapped[int] = mapped_column(CheckConstraint("sails BETWEEN 1 AND 9"), default=2)
    __mapper_args__ = {"polymorphic_identity": "sailboat"}  # noqa: RUF012


class Motorboat(Boat):
    """A boat with an engine."""

    __tablename__ = "motorboats"
    id: Mapped[int] = mapped_column(ForeignKey("boats.id"), primary_key=True)
    power: Mapped[float]
    __mapper_args__ = {"polymorphic_identity": "motorboat"}  # noqa: RUF012


class Voyage(Base):
    """A voyage; it knows the last line of its log."""

    __tablename__ = "voyages"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    boat_id: Mapped[int] = mapped_column(ForeignKey("boats.id"))
    started: Mapped[datetime.date]
    last_entry_id: Mapped[int | None] = mapped_column(
        ForeignKey("log_entries.id", use_alter=True, name="voyages_last_entry")
    )
    boat: Mapped[Boat] = relationship()
    entries: Mapped[list[LogEntry]] = relationship(
        back_populates="voyage", foreign_keys="LogEntry.voyage_id"
    )
    last_entry: Mapped[LogEntry | None] = relationship(
        foreign_keys=[last_entry_id], post_update=True
    )


def next_line(context: Any) -> int:
    """Return the number of the next line in the log of a voyage."""
    table, voyage = LogEntry.__table__, context.get_current_parameters()["voyage_id"]
    last = select(func.max(table.c.line)).where(table.c.voyage_id == voyage)
    return (context.connection.scalar(last) or 0) + 1


class LogEntry(Base):
    """A line in the log of a voyage."""

    __tablename__ = "log_entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    voyage_id: Mapped[int] = mapped_column(ForeignKey("voyages.id"))
    line: Mapped[int] = mapped_column(default=next_line)
    said: Mapped[str]
    voyage: Mapped[Voyage] = relationship(back_populates="entries", foreign_keys=[voyage_id])
    __table_args__ = (UniqueConstraint("voyage_id", "line"),)


class Crew(Base):
    """Who was on board."""

    __tablename__ = "crew"
    voyage_id: Mapped[int] = mapped_column(ForeignKey("voyages.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    duty: Mapped[Role] = mapped_column(Enum(Role), default=Role.CREW)
    voyage: Mapped[Voyage] = relationship()
    member: Mapped[Member] = relationship()


class Booking(Base):
    """A guest in a berth."""

    __tablename__ = "bookings"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(12), unique=True)
    berth_code: Mapped[str] = mapped_column(ForeignKey("berths.code"))
    arrives: Mapped[datetime.date]
    leaves: Mapped[datetime.date]
    state: Mapped[str] = mapped_column(String(9), server_default="asked")
    berth: Mapped[Berth] = relationship()
    __table_args__ = (
        CheckConstraint("leaves > arrives", name="booking_days"),
        CheckConstraint("state = 'asked' OR state = 'paid'", name="booking_state"),
    )


class Fee(Base):
    """What a booking costs."""

    __tablename__ = "fees"
    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id"))
    amount: Mapped[Decimal] = mapped_column(Numeric(8, 2), CheckConstraint("amount >= 0"))
    version: Mapped[int] = mapped_column(default=1, onupdate=lambda: Fee.version + 1)
    booking: Mapped[Booking] = relationship()
    __table_args__ = (UniqueConstraint("booking_id", "amount"),)


# -- what the harbour keeps to itself
class SignIn(Base):
    """When a member signed in; it goes with the member."""

    __tablename__ = "sign_ins"
    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))


class Photo(Base):
    """A photo; it outlives its boat."""

    __tablename__ = "photos"
    id: Mapped[int] = mapped_column(primary_key=True)
    boat_id: Mapped[int | None] = mapped_column(ForeignKey("boats.id", ondelete="SET NULL"))


class PhotoTag(Base):
    """A word on a photo."""

    __tablename__ = "photo_tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))


class Reminder(Base):
    """A letter about a fee."""

    __tablename__ = "reminders"
    id: Mapped[int] = mapped_column(primary_key=True)
    fee_id: Mapped[int] = mapped_column(ForeignKey("fees.id", ondelete="CASCADE"))


def fill(session: Session) -> None:
    """Give the harbour a small season."""
    ann = Member(email="ann@x.org", name="Ann", role=Role.SKIPPER, balance=Decimal("12.50"))
    bob = Member(email="bob@x.org", name="Bob", mentor=ann, settings={"news": [1, None, "ä"]})
    jetty = [Berth(code="A1", length=Decimal("9.50")), Berth(code="B/2", length=4, side="star")]
    gull = Sailboat(name="Gull", owner=ann, berth=jetty[0], sails=3)
    hope = Motorboat(name="Hope", owner=bob, power=37.5)
    session.add_all([*jetty, ann, bob, gull, hope, GateKey(member=ann), GateKey(member=bob)])
    trip = Voyage(code="2026-1", boat=gull, started=datetime.date(2026, 5, 1))
    stay = Booking(
        number="G-1",
        berth=jetty[1],
        arrives=datetime.date(2026, 6, 1),
        leaves=datetime.date(2026, 6, 3),
    )
    fee = Fee(booking=stay, amount=Decimal("18.40"))
    session.add_all([trip, stay, fee])
    session.flush()  # where mappers refer to each other in a ring, their order is chance
    session.add(Crew(voyage=trip, member=ann, duty=Role.SKIPPER))
    session.add(Crew(voyage=trip, member=bob))
    for said in ("cast off", "wind 4 from the west"):
        session.add(LogEntry(voyage=trip, said=said))
        session.flush()
    trip.last_entry = trip.entries[-1]
    photo = Photo(boat_id=gull.id)
    session.add_all([SignIn(member_id=ann.id), photo, Reminder(fee_id=fee.id)])
    session.flush()
    session.add(PhotoTag(photo_id=photo.id))
