"""What the manifest of a set promises, and what is told where that is not so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bakeio_core.errors import Problem
from bakeio_core.errors import counted as _counted

MANIFEST = "manifest.json"
KNOWN = {
    "manifest_version": (1, 1),
    "file_version": (1, 0),
    "view_version": (1, 0),
    "schema_version": (1, 0),
}
APPLICATION = "bakeio"
ENTRY: dict[str, tuple[type, str]] = {
    "filename": (str, "a text"),
    "entity_type": (str, "a text"),
    "record_count": (int, "a whole number"),
    "checksum_sha256": (str, "a text"),
    "import_order": (int, "a whole number"),
    "dependencies": (list, "a list"),
}
PARTED: dict[str, tuple[type, str]] = {
    "part": (int, "a whole number"),
    "parts": (int, "a whole number"),
}
"""What an entry has besides where an entity has several files."""


@dataclass(frozen=True)
class Listed:
    """One file as the manifest lists it.

    `distribution` is what declared its entity where the set was written, `version` that of it.
    `part` is its number where the entity has several files, `parts` how many these are; else 0.
    """

    filename: str
    entity: str
    count: int
    sha256: str
    order: int
    dependencies: tuple[str, ...]
    distribution: str = ""
    version: str = ""
    part: int = 0
    parts: int = 0

    @property
    def written_as(self) -> str:
        """The name that bakeio gives such a file."""
        return file_name(self.order, self.entity, self.part)


def file_name(order: int, entity: str, part: int = 0) -> str:
    """Return the name of an entity's file, or of a part of it."""
    return f"{order:02d}_{entity}{f'.{part:03d}' if part else ''}.json"


def counted(header: dict[str, Any], listed: Listed, count: int) -> Iterator[Problem]:
    """Say where the number of records is not what manifest and header promise."""
    promised = {"the manifest": listed.count, "its header": header.get("record_count", count)}
    for where, number in promised.items():
        if number != count:
            said = json.dumps(number, default=str)
            message = (
                f"holds {_counted(count, 'record')}, {where} says {said}: get a complete copy, or "
                "import with --accept-edits if that was on purpose"
            )
            yield Problem(code="count-mismatch", file=listed.filename, message=message)
            return


def checksum_problem(filename: str, accepted: bool = False) -> Problem:
    """Return the problem of a changed file: a warning where edits are accepted."""
    message = "was changed after it was exported (its SHA-256 is not the manifest's)"
    message += (
        ": its edits are taken"
        if accepted
        else ". If that was on purpose, import with --accept-edits"
    )
    return Problem(
        code="checksum-mismatch",
        severity="warning" if accepted else "error",
        file=filename,
        message=message,
    )


def of_one_file(header: dict[str, Any], file: str) -> Iterator[Problem]:
    """Say what is wrong, or to be known, of an entity's file that is read without its set."""
    problem = version_problem(header, "file_version", file)
    if problem:
        yield problem
    if header.get("part"):
        message = "is one part of its entity: the others are read with the set, not with this file"
        yield Problem(code="missing-file", severity="note", file=file, message=message)


def version_problem(header: dict[str, Any], field: str, file: str) -> Problem | None:
    """Return the problem of a version field.

    A newer major version is refused, a newer minor one accepted.
    """
    given = header.get(field)
    is_number = isinstance(given, (int, float, Decimal)) and not isinstance(given, bool)
    text = str(given) if is_number else given
    match = (
        re.fullmatch(r"(\d{1,6})(?:\.(\d{1,6}))?(?:\.\d{1,6})*", text)
        if isinstance(text, str)
        else None
    )
    if text is None:
        return None
    if match is None:
        code = "bad-manifest" if file == MANIFEST else "bad-document"
        return Problem(
            code=code,
            file=file,
            field=field,
            message=f"{json.dumps(text, default=str)} is not a version such as 1.0",
        )
    if int(match[1]) > KNOWN[field][0]:
        message = (
            f"is version {text}, newer than this bakeio knows ({KNOWN[field][0]}.x): update bakeio"
        )
        return Problem(code="version-too-new", file=file, field=field, message=message)
    return None
