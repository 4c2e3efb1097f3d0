"""Write files that appear whole or not at all: temporary sibling, fsync, rename.

What a killed run leaves is settled by the next one (`leftovers`).

What stands at a target is replaced only where it is bakeio's own. Every writer is told how to
recognise that: by a `Foreign`, which is asked before anything is written and again in the moment of
the swap.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, Protocol

from bakeio_core.errors import BakeioError, UsageError
from bakeio_core.files.leftovers import delete, numbered, settle, settle_one, sync_folder

Foreign = Callable[[Path], "str | None"]
"""Says of what stands at a path why it must not be replaced ("holds notes.txt, ...").

None where bakeio may have written all of it.
"""


_before_swap: ContextVar[Callable[[], None]] = ContextVar("before_swap", default=lambda: None)


@contextmanager
def telling_swaps(tell: Callable[[], None]) -> Iterator[None]:
    """Have `tell` called in the moment before what was written is put in its place."""
    token = _before_swap.set(tell)
    try:
        yield
    finally:
        _before_swap.reset(token)


class Sink(Protocol):
    """Where bytes go: a file, a hashed one, or stdout."""

    def write(self, data: bytes, /) -> Any:
        """Write bytes."""


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


def _make_folder(path: Path) -> None:
    """Make a folder and those above it, each brought to the disk."""
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


_CAUSES = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free space there, or choose another place"
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
        with numbered(target) as (part, _):
            file = HashedFile(part)
            try:
                yield file
                file.close()
                refuse_file(target, foreign)
                _before_swap.get()()
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
        with numbered(path) as (part, old):
            part.mkdir()
            try:
                yield part
                sync_folder(part)
                _before_swap.get()()
                _set_aside(path, old, foreign)
                _put_in(part, path)
            except BaseException:
                settle_one(old, path)
                delete(part)
                raise
            sync_folder(path.parent)
            settle_one(old, path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a name beside `path` under which others may make a file.

    It becomes `path` when the block ends well and is removed otherwise.

    Raises:
        FileExistsError: where `path` is there by then: what came first is never replaced.
    """
    settle(path)
    with numbered(path) as (part, _):
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
        return "is not a regular file"
    return foreign(path) if path.stat().st_size else None


def _not_a_folder_to_replace(path: Path, foreign: Foreign) -> str | None:
    if path.is_symlink():
        return "is a symbolic link"
    if not os.path.lexists(path):
        return None
    return foreign(path) if path.is_dir() else "is not a folder"


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
        f"{path} was created or changed by another program meanwhile, and {what}: "
        "move it away, or choose another folder"
    )
