"""Write files that appear whole or not at all: temporary sibling, fsync, rename.

What a killed run leaves is settled by the next one. Beside its target a run makes siblings whose
names hold the number of its process: `.NAME.part-12_1` is what is being written, `.NAME.old-12_1`
a folder set aside for the new one, `.NAME.gone-12_1` one that is being deleted.

What stands at a target is replaced only where it is bakeio's own. Every writer is told how to
recognise that: by a `Foreign`, which is asked before anything is written and again in the moment of
the swap.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import itertools
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from bakeio_core.errors import BakeioError, UsageError
from bakeio_core.values.wording import shown

Foreign = Callable[[Path], "str | None"]
"""Says of what stands at a path why it must not be replaced ("holds notes.txt, ...").

None where bakeio may have written all of it.
"""
log = logging.getLogger("bakeio")


class HashedFile:
    """A file written once and hashed on the way.

    `close` brings it to the disk and returns its SHA-256 in hexadecimal digits.
    """

    def __init__(self, path: Path) -> None:
        self.file: IO[bytes] = open(path, "wb", buffering=0)
        self.restart()

    def restart(self) -> None:
        """Begin anew with an empty file."""
        self.file.seek(0)
        self.file.truncate()
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self.hash.update(data)
        view = memoryview(data)
        while view:  # an unbuffered write may take only a part
            view = view[self.file.write(view) :]
        self.size += len(data)

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fsync(self.file.fileno())

    def close(self) -> str:
        self.sync()
        self.file.close()
        return self.hash.hexdigest()


def sync_folder(path: Path) -> None:
    """Bring a rename in the folder to the disk, where the system can (Windows cannot)."""
    if os.name != "nt":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _make_folder(path: Path) -> None:
    """Make a folder and those above it, each brought to the disk."""
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


_CAUSES = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room there, or choose another place"
    ),
    **dict.fromkeys(
        (errno.EROFS, errno.EACCES, errno.EPERM), "allow writing there, or choose another place"
    ),
}


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _CAUSES.get(error.errno or 0, "remove the cause, then try again")
        message = (
            f"cannot write {path}: {reason[:1].lower()}{reason[1:]}; nothing was changed there. "
            f"To go on, {remedy}"
        )
        raise BakeioError(message, code="io-error") from error


_writing: set[str] = set()
"""The numbers of the siblings this very process is at work on.

Everything else that bears its number was left by an older one.
"""
_numbers = itertools.count(1)


@contextmanager
def _numbered(path: Path) -> Iterator[tuple[Path, Path]]:
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


@contextmanager
def atomic_file(path: Path, foreign: Foreign) -> Iterator[HashedFile]:
    """Write a file that replaces `path` in one step when the block ends well.

    A link stays, and what it leads to is replaced.

    Raises:
        BakeioError: (`io-error`) where it cannot be written.
        UsageError: where what stands there is `foreign`.
    """
    with _explained(path):
        refuse_file(path, foreign)
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        _make_folder(target.parent)
        settle(target)
        with _numbered(target) as (part, _):
            file = HashedFile(part)
            try:
                yield file
                file.close()
                refuse_file(target, foreign)
                os.replace(part, target)
            except BaseException:
                file.file.close()
                part.unlink(missing_ok=True)
                raise
            sync_folder(target.parent)


@contextmanager
def atomic_folder(path: Path, foreign: Foreign) -> Iterator[Path]:
    """Fill a new folder that becomes `path` in one step when the block ends well.

    A folder that is there is set aside, the new one put in, the old one deleted.

    Raises:
        BakeioError: (`io-error`) where it cannot be written.
        UsageError: where what stands there is `foreign`.
    """
    with _explained(path):
        refuse_folder(path, foreign)
        _make_folder(path.parent)
        with _numbered(path) as (part, old):
            part.mkdir()
            try:
                yield part
                sync_folder(part)
                _set_aside(path, old, foreign)
                _put_in(part, path)
            except BaseException:
                _settle_one(old, path)
                _delete(part)
                raise
            sync_folder(path.parent)
            _settle_one(old, path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a name beside `path` under which others may make a file.

    It becomes `path` when the block ends well and is removed otherwise.

    Raises:
        FileExistsError: where `path` is there by then: what came first is never replaced.
    """
    settle(path)
    with _numbered(path) as (part, _):
        try:
            yield part
            with _explained(path):
                with open(part, "rb") as file:
                    os.fsync(file.fileno())
                is_first = _linked(part, path)
        finally:
            for left in path.parent.glob(f"{glob.escape(part.name)}*"):
                left.unlink(missing_ok=True)
        if not is_first:
            raise FileExistsError(path)
        sync_folder(path.parent)


@contextmanager
def restored(path: Path, foreign: Foreign) -> Iterator[Callable[[], None]]:
    """Give a function that puts a file back as it is now; called when the block raises as well.

    What is `foreign` is left alone.

    Raises:
        UsageError: where the file that is there already must not be replaced.
    """
    refuse_file(path, foreign)
    before = path.read_bytes() if path.exists() else None

    def put_back() -> None:
        if _not_replaceable(path, foreign):
            return
        if before is None:
            Path(os.path.realpath(path)).unlink(missing_ok=True)
        elif not path.exists() or path.read_bytes() != before:
            with atomic_file(path, foreign) as file:
                file.write(before)

    try:
        yield put_back
    except BaseException:
        put_back()
        raise


def _linked(part: Path, path: Path) -> bool:
    """Give a file its other name; tell whether that was free."""
    try:
        try:
            os.link(part, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            os.replace(part, path)
    except FileExistsError:
        return False
    return True


# -- what may be replaced
def refuse_file(path: Path, foreign: Foreign) -> None:
    """Raise UsageError where what stands at `path` must not be replaced by a file."""
    with _explained(path):
        reason = _not_replaceable(path, foreign)
    if reason:
        raise UsageError(f"{path} {reason}: move it away, or choose another file")


def refuse_folder(path: Path, foreign: Foreign) -> None:
    """Raise UsageError where what stands at `path` must not be replaced by a folder.

    A swap that was interrupted is settled before.
    """
    with _explained(path):
        settle(path)
        reason = _not_a_folder_to_replace(path, foreign)
    if reason:
        raise UsageError(f"{path} {reason}: move it away, or choose another folder")


def _not_replaceable(path: Path, foreign: Foreign) -> str | None:
    """Say why no file may take the place of what is at `path`; an empty file is no loss."""
    if not path.exists():
        return (
            "is a symbolic link that leads in circles"
            if Path(os.path.realpath(path)).is_symlink()
            else None
        )
    if path.is_dir():
        return "is a folder"
    if not path.is_file():  # a device would be lost for the whole system, a pipe for who waits
        return "is no regular file"
    return foreign(path) if path.stat().st_size else None


def _not_a_folder_to_replace(path: Path, foreign: Foreign) -> str | None:
    if path.is_symlink():
        return "is a symbolic link"
    if not os.path.lexists(path):
        return None
    return foreign(path) if path.is_dir() else "is no folder"


def named(names: Iterable[str]) -> str:
    """Return the first few of some names, and how many more there are."""
    known = sorted(names)
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    return ", ".join(map(shown, known[:3])) + more


def _set_aside(path: Path, old: Path, foreign: Foreign) -> None:
    """Free the place of the new folder.

    What came into the old one since it was looked at is seen once nobody finds it by its name.
    """
    if not os.path.lexists(path):
        return
    reason = _not_a_folder_to_replace(path, foreign)
    if not reason:
        os.rename(path, old)
        reason = _not_a_folder_to_replace(old, foreign)
    if reason:
        raise _came_between(path, f"it {reason}")


def _put_in(part: Path, path: Path) -> None:
    try:
        os.rename(part, path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise _came_between(path, "it is in the way") from error
        raise


def _came_between(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{path} was made or changed by another program meanwhile, and {what}: "
        "move it away, or choose another folder"
    )


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
        _settle_one(path.parent / left, path.parent / found["name"], tell=True)


def settle_missing(path: Path) -> None:
    """Before reading: put the old folder back where `path` is missing for a swap was interrupted.

    Where that cannot be done nothing is said.
    """
    if not os.path.lexists(path):
        with suppress(OSError):
            settle(path)


def _settle_one(left: Path, path: Path, *, tell: bool = False) -> None:
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
        _delete(left)
    if os.path.lexists(left):
        kept = named(os.listdir(left)) if left.is_dir() else ""
        why = f"holds {kept}, which is kept" if kept else "cannot be removed"
        log.info("%s was left by a run that is over, and %s: see to it by hand", left, why)
    elif tell:
        log.info("removed %s, left by a run that was interrupted", left)


_IN_FOLDERS = re.compile(r"manifest\.json|\d{2,}_\w+\.json")
"""The names bakeio gives to files inside of a folder."""


def _delete(left: Path) -> None:
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
