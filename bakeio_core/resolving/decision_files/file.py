"""Decisions as a file, to be answered in, kept and used again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bakeio_core.catalog.exchange import (
    EXISTING,
    HEADING,
    REFERENCE,
    SEEN,
    Decision,
    Missing,
    Question,
)
from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.formats import Formats
from bakeio_core.errors import DocumentError
from bakeio_core.files.documents.scanner import DECODER, explain_json
from bakeio_core.files.documents.streams import read_whole
from bakeio_core.files.output import atomic_file, refuse_file
from bakeio_core.resolving.decision_files.entry import EntryFaults, read_entry
from bakeio_core.resolving.decision_files.sheet import read_sheet, write_sheet
from bakeio_core.resolving.form import blanks

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str.__str__)
MOST_BYTES = 256 << 20
MOST_FAULTS = 50
"""So many faults of a file are told; one with more has been made by a program."""


def read_decisions(
    path: str | Path, catalog: Catalog, formats: Formats | None = None
) -> dict[Missing, Decision]:
    """Read the decisions of a file; entries without an action are left out, as nobody has answered.

    Args:
        path: The file: JSON, or a sheet where its ending says so.
        catalog: The entities that are installed.
        formats: Those of sheets (`Bakeio.formats`).

    Raises:
        DocumentError: An entry makes no sense; it is named.
    """
    return decisions_of(_entries(Path(path), catalog, formats), str(path), catalog)


def not_decisions(path: Path, catalog: Catalog, formats: Formats | None = None) -> str | None:
    """Say why a file must not be replaced by decisions.

    Returns:
        None where it holds some, which are kept.
    """
    try:
        for entry in _entries(path, catalog, formats):
            read_entry(entry, catalog)
    except (DocumentError, ValueError):
        return "is not a file of decisions"
    return None


def decisions_of(entries: object, file: str, catalog: Catalog) -> dict[Missing, Decision]:
    """Read decisions from entries as a file holds them, wherever these were kept.

    Args:
        entries: What JSON decoding gave, a list of objects or one object.
        file: Where they come from, for messages.
        catalog: The entities that are installed.

    Raises:
        DocumentError: An entry makes no sense; it is named.
    """
    found: dict[Missing, Decision] = {}
    faults: dict[str, list[int]] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        try:
            missing, decision = read_entry(entry, catalog)
            if decision is not None and missing in found:
                raise EntryFaults(f"decides {missing} a second time: keep one")
        except EntryFaults as error:
            for fault in error.faults:
                faults.setdefault(fault, []).append(number)
            continue
        if decision is not None:
            found[missing] = decision
    if faults:
        raise DocumentError(_told(file, faults))
    return found


def _told(file: str, faults: Mapping[str, Sequence[int]]) -> str:
    """Return all that is wrong with a file, each fault once with the decisions that have it."""
    lines = []
    for fault, numbers in list(faults.items())[:MOST_FAULTS]:
        more = f" and {len(numbers) - 5:,} more" if len(numbers) > 5 else ""
        named = f"{', '.join(map(str, numbers[:5]))}{more}"
        lines.append(f"decision{'s' if len(numbers) > 1 else ''} {named}: {fault}")
    if len(faults) == 1:
        return f"{file}, {lines[0]}"
    left = len(faults) - len(lines)
    lines += [f"and {left:,} faults more"] if left else []
    return "\n  ".join([f"{file}: {len(faults):,} faults", *lines])


def _entries(path: Path, catalog: Catalog, formats: Formats | None) -> list[Any]:
    known = None if formats is None else formats.by_suffix(path.name)
    if known is not None:
        return read_sheet(known, path, catalog)
    try:
        entries = DECODER.decode(read_whole(path, MOST_BYTES).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        hint = packages.for_file(path.name)
        raise DocumentError(f"{path}: {explain_json(error)}{hint}") from None
    if not isinstance(entries, list):
        raise DocumentError(f"{path}: is not a list of decisions [{{...}}, ...]")
    return entries


def write_decisions(
    path: str | Path,
    decisions: Mapping[Missing, Decision],
    unanswered: Iterable[Missing],
    catalog: Catalog,
    formats: Formats | None = None,
) -> None:
    """Write decisions as a file `--decisions` reads, in one step.

    Nothing that is in the file already is lost.

    Args:
        path: The file: JSON, or a sheet where its ending says so.
        decisions: The answers; one that could not be carried out keeps what it says, with the
            `problem`.
        unanswered: What is missing; it is in the file with `"action": null` and what it needs.
        catalog: The entities that are installed.
        formats: Those of sheets (`Bakeio.formats`).

    Raises:
        UsageError: The path holds something else, or is that of a sheet which nothing that is
            installed writes.
    """
    path = Path(path)
    known = (formats or Formats()).to_write(path)
    foreign = partial(not_decisions, catalog=catalog, formats=formats)
    refuse_file(path, foreign)
    there = _entries(path, catalog, formats) if path.exists() else ()
    before = {read_entry(entry, catalog)[0]: entry for entry in there}
    left = {item: item for item in unanswered}
    entries = []
    for missing, decision in decisions.items():
        asked = left.pop(missing, None)
        why = {"problem": asked.why or "it could not be carried out"} if asked is not None else {}
        entries.append(_entry(missing, decision) | why)
    for missing, entry in before.items():
        if missing not in decisions and (missing not in left or entry.get("action") is not None):
            left.pop(missing, None)
            entries.append(entry)
    entries += [_open(item, before.get(item, {}), catalog) for item in left]
    with atomic_file(path, foreign) as file:
        if known is not None:
            write_sheet(known, file, entries)
            return
        file.write(msgspec.json.format(_ENCODER.encode(entries), indent=2) + b"\n")


def entries_of(decisions: Mapping[Missing, Decision]) -> list[dict[str, Any]]:
    """Return decisions as the entries of a file, to be kept elsewhere than in one.

    Args:
        decisions: What was decided; `decisions_of` reads the entries again.

    Returns:
        The entries, as JSON has them.
    """
    return [_entry(question, decision) for question, decision in decisions.items()]


def decision_entries(decisions: Mapping[Missing, Decision]) -> list[dict[str, Any]]:
    """Return decisions as the entries of a file.

    Those to skip are left out: they were for that once.
    """
    return [
        _entry(missing, decision)
        for missing, decision in decisions.items()
        if decision.action not in ("skip", "leave-record")
    ]


def _entry(missing: Missing, decision: Decision) -> dict[str, Any]:
    entry = _head(missing) | {"action": decision.action}
    if decision.action == EXISTING:
        entry["target"] = dict(decision.target)
    if decision.action == "create":
        entry["values"] = dict(decision.values)
    if decision.action == "value":
        entry["value"] = decision.values.get("value")
    return entry | dict(decision.seen) | {"by": decision.by, "at": decision.at}


def _head(question: Question) -> dict[str, Any]:
    """Return what says which question an entry answers."""
    entry: dict[str, Any] = {"entity": question.entity, "key": dict(question.key)}
    if question.kind == REFERENCE:
        return entry
    field = {"field": question.field} if question.field else {}
    return {"kind": question.kind, **entry, **field}


def _open(missing: Missing, draft: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    if missing.kind != REFERENCE:
        entry = _head(missing) | {"action": None, "choose": list(missing.answers)}
        entry |= {"used_by": missing.count, "question": missing.message}
        entry |= {"problem": missing.why} if missing.why else {}
        if missing.kind == HEADING and EXISTING in missing.answers:
            entry["target"] = draft.get("target")
            entry["candidates"] = [candidate.as_dict() for candidate in missing.candidates()]
        entry |= {name: value for name, value in missing.values.items() if name in SEEN}
        return entry | ({"value": draft.get("value")} if "value" in missing.answers else {})
    form = blanks(missing, catalog)
    filled = draft.get("values") or {}
    values = {blank.name: blank.value for blank in form}
    values |= {name: value for name, value in filled.items() if value is not None}
    return {
        **_head(missing),
        "action": None,
        "choose": list(missing.answers),
        "used_by": missing.count,
        "target": draft.get("target"),
        "values": values,
        "required": [blank.name for blank in form if blank.required],
        "candidates": [candidate.as_dict() for candidate in missing.candidates()],
    }
