"""How much of a stranger's file is taken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much of a stranger's file is taken, in bytes and counts; raise one with `Bakeio.discover(limits=Limits(record=...))`."""

    record: int = 16 << 20
    manifest: int = 16 << 20
    members: int = 1000
    ratio: int = 200
    unpacked: int = 64 << 30
    forgiven: int = 4 << 20
    depth: int = 100
