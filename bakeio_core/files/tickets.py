"""Tickets: what bakeio keeps of rows it gave to an assistant by number.

A ticket is a small file in the user's data folder, readable by its owner alone. It holds the keys
and the `_rev` of the rows, so that neither has to go out and come back. It expires.
"""

from __future__ import annotations

import os
import re
import secrets
import zlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from bakeio_core.errors import DocumentError, UsageError
from bakeio_core.files.output import atomic_file

DATA = "BAKEIO_DATA"
"""The environment variable that names another data folder."""
LABEL = "label"
"""The column of what people call a row, where nobody asked for others."""
ENDING = ".json"
DAYS = 30
"""So long a ticket is kept."""
_NAME = re.compile(r"[a-z0-9]{8}")
_LETTERS = "ABCDEGHIKLMNOPSTW"
"""Of check letters: those that are one token together with the quote before them."""
_STEP = 5
"""How far apart the letters of neighbours are. There are 17 letters, which is a prime number: so a
wrong digit, two digits exchanged and rows shifted by up to 16 all have a wrong letter."""
_ROW = re.compile(
    r"\s*(?:row\s+)?#?(?:([a-z])\s*-?\s*(\d{1,9})|(\d{1,9})\s*-?\s*([a-z]?))(?:[\s:,]+(.+?))?\s*",
    re.IGNORECASE | re.DOTALL,
)
"""A letter and a number; an assistant may put the number first, and the label behind."""


class TicketRow(msgspec.Struct):
    """What is kept of one row.

    Attributes:
        record: Its key fields and `_rev`, as the view's file would have them.
        label: What people call it.
        held: {field: value} of the editable fields that had a value.
    """

    record: dict[str, Any]
    label: str = ""
    held: dict[str, Any] = {}


class Ticket(msgspec.Struct):
    """What an answer is read by.

    Attributes:
        ticket: Its name, which the answer has too.
        view: The view its rows are of.
        header: What the view's file would have as header: whose it is.
        expires_at: When it is removed, in UTC.
        fill: The fields that were asked for.
        only_fill: Values that were there are never overwritten.
        part: Which of `parts` files it is of, from 1.
        rows: The rows, numbered from 1.
    """

    ticket: str
    view: str
    header: dict[str, Any]
    expires_at: str
    fill: list[str] = []
    only_fill: bool = False
    part: int = 1
    parts: int = 1
    rows: list[TicketRow] = []

    def row_name(self, number: int) -> str:
        """Return what a row is called in the exchange: a check letter and its number."""
        first = zlib.crc32(self.ticket.encode())
        return f"{_LETTERS[(first + number * _STEP) % len(_LETTERS)]}{number}"

    def number_of(self, name: object) -> tuple[int | None, str]:
        """Return the number of the row a name means, else None and why it means none."""
        found = _ROW.fullmatch(name) if isinstance(name, str) else None
        if found is None:
            return None, f"is not a row: rows are called as {self.row_name(1)}"
        number, letter = int(found[2] or found[3]), found[1] or found[4]
        if not 1 <= number <= len(self.rows):
            most = self.row_name(len(self.rows)) if self.rows else "none"
            return None, f"is not a row of this ticket: they are {self.row_name(1)} to {most}"
        if letter.upper() != self.row_name(number)[0]:
            said = f"its letter is wrong: row {number} is {self.row_name(number)}"
            label = self.rows[number - 1].label
            return None, f"{said} ({label})" if label else said
        label = self.rows[number - 1].label
        if found[5] is not None and found[5].strip() != label:
            return None, f"is called otherwise: {self.row_name(number)} is {label}"
        return number, ""


def new_name() -> str:
    """Return the name of a new ticket, which nobody can guess."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "".join(secrets.choice(letters) for _ in range(8))


def expiry(days: int = DAYS) -> str:
    """Return when what is made now expires, in UTC."""
    return _stamp(datetime.now(timezone.utc) + timedelta(days=days))


def _stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def data_folder(name: str) -> Path:
    """Return a folder of bakeio's own for the user's data; it is made, for its owner alone.

    Args:
        name: What is kept there.
    """
    given = os.environ.get(DATA)
    if given:
        home = Path(given)
    else:
        import platformdirs

        home = platformdirs.user_data_path("bakeio")
    folder = home / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def write_owned(path: str | Path, data: bytes) -> None:
    """Write a file of the data folder, readable by its owner alone."""
    path = Path(path)
    with atomic_file(path, lambda _: None) as file:
        file.write(data)
    path.chmod(0o600)


def keep(tickets: Iterable[Ticket]) -> None:
    """Keep the tickets of an export, and remove those that are expired.

    One that a crash cuts off is no loss: its rows are given out again.
    """
    folder = data_folder("tickets")
    oldest = (datetime.now(timezone.utc) - timedelta(days=DAYS)).timestamp()
    for entry in os.scandir(folder):
        # when one was kept tells when it expires: there may be thousands, and none is read
        if entry.name.endswith(ENDING) and entry.stat().st_mtime < oldest:
            Path(entry).unlink(missing_ok=True)
    for ticket in tickets:
        path = folder / f"{ticket.ticket}{ENDING}"
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(file, "wb") as out:
            out.write(msgspec.json.encode(ticket))


def _read(path: Path) -> Ticket | None:
    with suppress(msgspec.MsgspecError, OSError):
        return msgspec.json.decode(path.read_bytes(), type=Ticket)
    return None


def find(name: object, file: str) -> Ticket:
    """Return the ticket of an answer.

    Args:
        name: What the answer calls it.
        file: How messages call the answer.

    Raises:
        DocumentError: There is none, or it is expired.
    """
    again = "export the rows again with --for assistant"
    path = None
    plain = name.strip().lower() if isinstance(name, str) else ""
    if _NAME.fullmatch(plain):
        path = data_folder("tickets") / f"{plain}{ENDING}"
    known = _read(path) if path is not None else None
    if known is None:
        said = f'the ticket "{name}"' if isinstance(name, str) else "its ticket"
        raise DocumentError(f"{file}: {said} is not known here: {again}", code="unknown-row")
    if known.expires_at < _stamp(datetime.now(timezone.utc)):
        raise DocumentError(
            f"{file}: its ticket {known.ticket} expired at {known.expires_at}: {again}",
            code="changed-meanwhile",
        )
    return known


def all_tickets() -> list[Ticket]:
    """Return the tickets that are kept, the newest first."""
    found = (_read(path) for path in data_folder("tickets").glob(f"*{ENDING}"))
    known = [ticket for ticket in found if ticket is not None]
    return sorted(known, key=lambda ticket: ticket.expires_at, reverse=True)


def remove(name: str) -> None:
    """Remove a ticket; answers to it are no longer taken.

    Raises:
        UsageError: There is none of this name.
    """
    path = data_folder("tickets") / f"{name}{ENDING}"
    if not _NAME.fullmatch(name) or not path.exists():
        raise UsageError(f'there is no ticket "{name}"; bakeio tickets lists them')
    path.unlink()
