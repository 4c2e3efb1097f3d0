"""How much of a stranger's file is taken, and how large one's own become."""

from __future__ import annotations

from dataclasses import dataclass

PART_SIZE = 1_000_000_000
"""How many bytes a file of a set has at most, where nothing else is wanted."""


@dataclass(frozen=True)
class Limits:
    """How large a file may be.

    Raise one with `Bakeio.discover(limits=Limits(record=...))`.

    Args:
        record: bytes of a record or another value.
        manifest: bytes of a manifest.
        members: files of a set.
        ratio: how many times larger than in the archive a file may be.
        unpacked: bytes of all files of an archive.
        lenient: bytes of a document that is read although it is not exactly JSON.
        spooled: bytes of a document that comes through a pipe.
        depth: levels of nesting in a record.
    """

    record: int = 16 << 20
    manifest: int = 16 << 20
    members: int = 1000
    ratio: int = 200
    unpacked: int = 64 << 30
    lenient: int = 4 << 20
    spooled: int = 1 << 30
    depth: int = 100
