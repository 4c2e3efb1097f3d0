"""Plans that wait for a person: kept in the user's data folder, readable by its owner alone.

A plan is up to four files: the plan, the approval that `bakeio approve` writes, what became of it,
and the plan that replaces it where a person approved a part.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from bakeio_core import UsageError, data_folder, write_owned
from bakeio_mcp.refusals import Refused

HOURS = 24
"""So long a plan can be approved and applied."""
_ID = re.compile(r"[0-9a-f]{32}")
_AGAIN = "plan the changes again with plan_changes"


class KeptPlan(msgspec.Struct, frozen=True):
    """One plan, as it was shown.

    Attributes:
        kind: `import` or `undo`.
        about: Of an import the view, of an undo the number of the run.
        answer: What the assistant answered; empty of an undo.
        database: Which database it is of.
        place: What people call that.
        options: How it is imported.
        decisions: What a person decided about its records, as a file of decisions has it.
        outcome: The digest of what it comes to.
        changes: Every change, as a report has it.
        preview: The same in words, for a person.
        created_at, expires_at: In UTC.
        nonce: What tells it from the same plan made once more.
    """

    kind: str
    about: str
    answer: str
    database: str
    place: str
    options: dict[str, Any]
    decisions: list[Any]
    outcome: str
    changes: list[Any]
    preview: str
    created_at: str
    expires_at: str
    nonce: str

    @property
    def id(self) -> str:
        """The plan's id: a hash over all of it."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


class Approval(msgspec.Struct):
    """That a person agreed to a plan.

    Attributes:
        plan: Its id.
        sha256: Of the file they saw.
        by: Who they are on this machine.
        at: When, in UTC.
    """

    plan: str
    sha256: str
    by: str
    at: str


class Outcome(msgspec.Struct):
    """What became of a plan: begun, and once it is written the number of its run."""

    plan: str
    at: str
    run: int | None = None
    is_done: bool = False


def stamp(moment: datetime | None = None) -> str:
    """Return a moment in UTC as plans have it; None is now."""
    known = datetime.now(timezone.utc) if moment is None else moment.astimezone(timezone.utc)
    return known.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def keep(now: datetime | None = None, **parts: Any) -> KeptPlan:
    """Keep a plan for a day, and remove those that expired more than a day ago.

    Args:
        now: When it is made; None is now.
        parts: What a `KeptPlan` has.
    """
    made = datetime.now(timezone.utc) if now is None else now
    day = timedelta(hours=HOURS)
    for path in _folder().glob("*.plan.json"):
        old = _read(path)
        if old is not None and old.expires_at < stamp(made - day):
            _remove(path.name.split(".")[0])
    plan = KeptPlan(
        **parts, created_at=stamp(made), expires_at=stamp(made + day), nonce=secrets.token_hex(8)
    )
    write_owned(_path(plan.id, "plan"), msgspec.json.encode(plan))
    return plan


def _folder() -> Path:
    return data_folder("plans")


def _path(plan: str, what: str) -> Path:
    return _folder() / f"{plan}.{what}.json"


def forget(plan: KeptPlan) -> None:
    """Remove a plan that nobody is to apply."""
    _remove(plan.id)


def _remove(plan: str) -> None:
    for what in ("approved", "applied", "replaced", "plan"):
        _path(plan, what).unlink(missing_ok=True)


def _read(path: Path) -> KeptPlan | None:
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=KeptPlan, strict=True)
    return None


def find(plan: str, database: str | None = None) -> KeptPlan:
    """Return a plan that can still be applied, approved or not.

    Args:
        plan: Its id.
        database: Which database it must be of, where that matters.

    Raises:
        Refused: It cannot; as data, with what to do next.
    """
    path = _path(plan, "plan") if _ID.fullmatch(plan) else None
    if path is None or not path.exists():
        raise Refused("unknown-plan", "there is no such plan, or it expired long ago", _AGAIN)
    known = _read(path)
    if known is None or known.id != plan:
        raise Refused("tampered", "this plan is not what was planned: it was changed", _AGAIN)
    if database not in (None, known.database):
        raise Refused(
            "foreign-plan", "this plan is of another database", "apply it where it was planned"
        )
    done = outcome(plan)
    if done is not None:
        told = "it was applied" if done.is_done else "applying it was begun and did not end"
        raise Refused(
            "applied",
            f"a plan is applied once, and {told}",
            f"look at runs; for more changes {_AGAIN}",
            **({"run": done.run} if done.run is not None else {}),
        )
    other = _replaced_by(plan)
    if other is not None:
        raise Refused(
            "replaced", "a person approved a part of this plan", f"apply plan {other}", plan=other
        )
    if known.expires_at < stamp():
        raise Refused("expired", f"this plan expired at {known.expires_at}", _AGAIN)
    return known


def replace(plan: KeptPlan, other: KeptPlan) -> None:
    """Note that another plan stands for one: that of the part a person agreed to."""
    write_owned(_path(plan.id, "replaced"), msgspec.json.encode(other.id))


def _replaced_by(plan: str) -> str | None:
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(_path(plan, "replaced").read_bytes(), type=str)
    return None


def outcome(plan: str) -> Outcome | None:
    """Return what became of a plan, None where nothing has yet."""
    path = _path(plan, "applied")
    if not path.exists():
        return None
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=Outcome)
    return Outcome(plan, "")


def named(start: str) -> str:
    """Return the id of the one plan that begins so.

    Raises:
        UsageError: There is none, or several.
    """
    found = sorted(
        path.name.split(".")[0]
        for path in _folder().glob("*.plan.json")
        if path.name.startswith(start)
    )
    if len(found) != 1 or len(start) < 4 or not _ID.fullmatch(found[0]):
        told = f"{len(found)} plans begin" if found else "no plan begins"
        raise UsageError(f'{told} with "{start}"; bakeio approve lists those that wait')
    return found[0]


def waiting() -> list[KeptPlan]:
    """Return the plans that nobody has approved yet, the latest first."""
    known = (_read(path) for path in _folder().glob("*.plan.json"))
    plans = [plan for plan in known if plan is not None]
    left = [p for p in plans if p.expires_at >= stamp() and not _path(p.id, "applied").exists()]
    done = ("approved", "replaced")
    left = [plan for plan in left if not any(_path(plan.id, what).exists() for what in done)]
    return sorted(left, key=lambda plan: plan.created_at, reverse=True)


def _sha256(plan: str) -> str:
    return hashlib.sha256(_path(plan, "plan").read_bytes()).hexdigest()


def approve(plan: KeptPlan) -> Approval:
    """Note that a person has agreed to a plan as they saw it."""
    approval = Approval(plan.id, _sha256(plan.id), getpass.getuser(), stamp())
    write_owned(_path(plan.id, "approved"), msgspec.json.encode(approval))
    return approval


def is_approved(plan: KeptPlan) -> bool:
    """Tell whether a person agreed to a plan as it is."""
    with suppress(OSError, msgspec.MsgspecError):
        data = _path(plan.id, "approved").read_bytes()
        approval = msgspec.json.decode(data, type=Approval)
        return approval.plan == plan.id and approval.sha256 == _sha256(plan.id)
    return False


class Claim:
    """Apply a plan once: whoever makes the file first does.

    Raises:
        Refused: Somebody else did.
    """

    def __init__(self, plan: KeptPlan) -> None:
        self.plan, self._file = plan, _path(plan.id, "applied")
        try:
            number = os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            find(plan.id, plan.database)
            raise
        os.close(number)

    def give_up(self) -> None:
        """Let it be applied another time: nothing was written."""
        self._file.unlink(missing_ok=True)

    def done(self, run: int | None) -> None:
        """Note that it was applied."""
        outcome = Outcome(self.plan.id, stamp(), run, is_done=True)
        write_owned(self._file, msgspec.json.encode(outcome))
