"""Write files that appear whole or not at all: temporary sibling, fsync, rename."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import msgspec

from bakeio_core.errors import BakeioError, UsageError
from bakeio_core.values import shown

__all__ = ["CLOSE", "HashedFile", "atomic_file", "atomic_folder", "opened_document", "pretty"]

CLOSE = b"\n  ]\n}\n"


class HashedFile:
    """A file written once and hashed on the way; `close` brings it to the disk and returns its SHA-256."""

    def __init__(self, path: Path) -> None:
        self.file: IO[bytes] = open(path, "wb", buffering=0)
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self.hash.update(data)
        view = memoryview(data)
        while view:  # an unbuffered write may take only a part
            view = view[self.file.write(view) :]
        self.size += len(data)

    def close(self) -> str:
        os.fsync(self.file.fileno())
        self.file.close()
        return self.hash.hexdigest()


def pretty(value: Any) -> bytes:
    """Return JSON for people: two spaces, UTF-8, a line feed at the end."""
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def opened_document(header: dict[str, Any]) -> bytes:
    """Return a document up to its first record: the header, then the opened list of records."""
    return pretty(header)[:-3] + b',\n  "records": [\n'


def sync_folder(path: Path) -> None:
    """Bring a rename in the folder to the disk, where the system can (Windows cannot)."""
    if os.name != "nt":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sibling(path: Path, what: str) -> Path:
    return path.parent / f".{path.name}.{what}-{os.getpid()}"


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise BakeioError(f"cannot write {path}: {reason[:1].lower()}{reason[1:]}; nothing was changed there", code="io-error") from error


@contextmanager
def atomic_file(path: Path) -> Iterator[HashedFile]:
    """Write a file that replaces `path` in one step when the block ends well; raises BakeioError (`io-error`) where it cannot."""
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = _sibling(path, "part")
        file = HashedFile(part)
        try:
            yield file
            file.close()
            os.replace(part, path)
            sync_folder(path.parent)
        except BaseException:
            file.file.close()
            part.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_folder(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Fill a new folder that becomes `path` in one step when the block ends well.

    An existing `path` is refused (UsageError) unless `force`: then the old one is set aside, the new one put in, the old one deleted.
    """
    settle_swap(path)
    if path.exists() and not force:
        raise UsageError(f"{path} exists already: choose another folder, or replace it with --force")
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part, old = _sibling(path, "part"), _sibling(path, "old")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            yield part
            sync_folder(part)
            if path.exists():
                os.rename(path, old)
            os.rename(part, path)
            sync_folder(path.parent)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            settle_swap(path)
            raise
        shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


def settle_swap(path: Path) -> list[Path]:
    """Finish or take back a swap that a killed run left half done; return the leftovers removed.

    Where `path` is missing, the old folder set aside comes back; leftovers of processes that are gone are deleted.
    """
    if not path.parent.is_dir():
        return []
    removed = []
    for left in sorted(path.parent.glob(f".{path.name}.*-*")):
        what, _, process = left.name.removeprefix(f".{path.name}.").rpartition("-")
        if what not in ("old", "part") or not process.isdigit() or (int(process) != os.getpid() and _is_running(int(process))):
            continue
        if what == "old" and not path.exists():
            os.rename(left, path)
            continue
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        removed.append(left)
    return removed


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


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode_lines(records: list[Any]) -> bytes:
    """Return records as JSON, joined by a comma and a line feed."""
    return _ENCODER.encode_lines(records)[:-1].replace(b"\n", b",\n")


def encode_as_read(value: Any) -> bytes:
    """Return a value that was read from JSON as JSON again: numbers keep their digits, halves of surrogate pairs stay escapes."""
    if isinstance(value, dict):
        return b"{" + b",".join([json.dumps(name).encode() + b":" + encode_as_read(item) for name, item in value.items()]) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join([encode_as_read(item) for item in value]) + b"]"
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        return json.dumps(shown(value)).encode()  # no JSON; in quotes it is refused when it comes back, as it was
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()
