"""What stands beside a target while it is written, and what a killed run leaves there.

Beside its target a run makes siblings whose names hold the number of its process: `.NAME.part-12_1`
is what is being written, `.NAME.old-12_1` a folder set aside for the new one, `.NAME.gone-12_1` one
that is being deleted.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bakeio_core.values.wording import shown

log = logging.getLogger("bakeio")

_writing: set[str] = set()
"""The numbers of the siblings this very process is at work on.

Everything else that bears its number was left by an older one.
"""
_numbers = itertools.count(1)


@contextmanager
def numbered(path: Path) -> Iterator[tuple[Path, Path]]:
    """Give the names (part, old) of two siblings nobody else uses while the block lasts."""
    number = f"{os.getpid()}_{next(_numbers)}"
    _writing.add(number)
    try:
        yield (
            path.parent / f".{path.name}.part-{number}",
            path.parent / f".{path.name}.old-{number}",
        )
    finally:
        _writing.discard(number)


def sync_folder(path: Path) -> None:
    """Bring a rename in the folder to the disk, where the system can (Windows cannot)."""
    if os.name != "nt":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def named(names: Iterable[str]) -> str:
    """Return the first few of some names, and how many more there are."""
    known = sorted(names)
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    return ", ".join(map(shown, known[:3])) + more


_MADE_UP = r"\d{4}-\d\d-\d\d_\d{6}_[0-9a-f]{6}(?:\.zip)?|import_skipped_\d{4}-\d\d-\d\d_\d{6}\.json"


def settle(path: Path) -> None:
    """Finish or take back what a killed run left beside `path`, and tell the log `bakeio` of it.

    Where `path` is missing, the old folder set aside comes back. Leftovers of processes that are
    still running are left to them. A name made up for this run is never used again, so what is left
    of other such names is settled with it.
    """
    if not path.parent.is_dir():
        return
    names = _MADE_UP if re.fullmatch(_MADE_UP, path.name) else re.escape(path.name)
    name = re.compile(
        rf"\.(?P<name>{names})\.(?:part|old|gone)-(?P<number>(?P<process>\d+)_\d+)(?:-\w+)?"
    )
    for left in sorted(entry.name for entry in os.scandir(path.parent)):
        found = name.fullmatch(left)
        if (
            found is None
            or found["number"] in _writing
            or (int(found["process"]) != os.getpid() and _is_running(int(found["process"])))
        ):
            continue
        settle_one(path.parent / left, path.parent / found["name"], tell=True)


def settle_missing(path: Path) -> None:
    """Before reading: put the old folder back where `path` is missing for a swap was interrupted.

    Where that cannot be done nothing is said.
    """
    if not os.path.lexists(path):
        with suppress(OSError):
            settle(path)


def settle_one(left: Path, path: Path, *, tell: bool = False) -> None:
    """Put an old folder back where there is no new one, else delete what is left.

    Never leave a half that could be put back.
    """
    if not os.path.lexists(left):
        return
    what = left.name.removeprefix(f".{path.name}.")
    if what.startswith("old-"):
        if not os.path.lexists(path):
            os.rename(left, path)
            sync_folder(path.parent)
            if tell:
                log.info(
                    "put %s back: a run that was interrupted had set it aside as %s",
                    path,
                    left.name,
                )
            return
        gone = path.parent / f".{path.name}.gone-{what.removeprefix('old-')}"
        os.rename(left, gone)
        left = gone
    if what.startswith("part-") or (
        left.is_dir() and not left.is_symlink()
    ):  # no file or link was ever ours to set aside
        delete(left)
    if os.path.lexists(left):
        kept = named(os.listdir(left)) if left.is_dir() else ""
        why = f"holds {kept}, which is kept" if kept else "cannot be removed"
        log.info("%s was left by a run that is over, and %s: remove it by hand", left, why)
    elif tell:
        log.info("removed %s, left by a run that was interrupted", left)


_IN_FOLDERS = re.compile(r"manifest\.json|\d{2,}_\w+(?:\.\d{3})?\.\w+")
"""The names bakeio gives to files inside of a folder, of whichever format."""


def delete(left: Path) -> None:
    """Delete a file, or a folder as far as its files are bakeio's by their names.

    A folder with anything else in it stays.
    """
    if left.is_symlink() or not left.is_dir():
        left.unlink(missing_ok=True)
        return
    with suppress(OSError):
        for entry in list(os.scandir(left)):
            if _IN_FOLDERS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                os.unlink(entry)
        left.rmdir()


def _is_running(process: int) -> bool:
    if os.name == "nt":
        return True  # asking would end it: signals are not questions there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
