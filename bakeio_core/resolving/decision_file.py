"""Decisions as a file, to be answered in, kept and used again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bakeio_core.catalog.exchange import (
    ACTIONS,
    ANSWERS,
    CHANGE,
    EXISTING,
    HEADING,
    REFERENCE,
    SEEN,
    Decision,
    Missing,
    Question,
)
from bakeio_core.catalog.model import Entity
from bakeio_core.errors import DocumentError
from bakeio_core.files.documents.scanner import DECODER, explain_json
from bakeio_core.files.output import atomic_file, refuse_file
from bakeio_core.resolving.form import blanks
from bakeio_core.values.wording import shown

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str.__str__)
_PLAIN = (str, int, float, Decimal)


def read_decisions(path: Path, catalog: Catalog) -> dict[Missing, Decision]:
    """Read the decisions of a file; entries without an action are left out, as nobody has answered.

    Raises:
        DocumentError: An entry makes no sense; it is named.
    """
    return decisions_of(_entries(path), str(path), catalog)


def not_decisions(path: Path, catalog: Catalog) -> str | None:
    """Say why a file must not be replaced by decisions.

    Returns:
        None where it holds some, which are kept.
    """
    try:
        for entry in _entries(path):
            _read_entry(entry, catalog)
    except (DocumentError, ValueError):
        return "is no file of decisions"
    return None


def decisions_of(entries: object, file: str, catalog: Catalog) -> dict[Missing, Decision]:
    """Read decisions from entries as a file holds them.

    Args:
        entries: What JSON decoding gave, a list of objects or one object.
        file: Where they come from, for messages.
        catalog: The entities that are installed.

    Raises:
        DocumentError: An entry makes no sense; it is named.
    """
    found: dict[Missing, Decision] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        try:
            missing, decision = _read_entry(entry, catalog)
            if decision is not None and missing in found:
                raise ValueError(f"decides {missing} a second time: keep one")
        except ValueError as error:
            raise DocumentError(f"{file}, decision {number}: {error}") from None
        if decision is not None:
            found[missing] = decision
    return found


def _entries(path: Path) -> list[Any]:
    try:
        entries = DECODER.decode(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: {explain_json(error)}") from None
    if not isinstance(entries, list):
        raise DocumentError(f"{path}: is no list of decisions [{{...}}, ...]")
    return entries


def _read_entry(entry: Any, catalog: Catalog) -> tuple[Missing, Decision | None]:
    """Return what an entry decides, None while it is open.

    Raises:
        ValueError: It makes no sense; the text says why.
    """
    if not isinstance(entry, dict):
        raise ValueError("is not an object {...}")
    action = entry.get("action")
    if entry.get("kind") == HEADING:
        if action is not None and action not in ANSWERS[HEADING]:
            _kind_of(entry, action)
        return _about_headings(entry, Question(str(entry.get("entity") or ""), {}, kind=HEADING))
    entity = catalog.entities.get(str(entry.get("entity")))
    if entity is None:
        known, wrong = ", ".join(catalog.entities), shown(entry.get("entity"))
        raise ValueError(f'"entity" is one of {known}, not {wrong}')
    if action is not None and action not in ACTIONS:
        known = f"{', '.join(ACTIONS)}, or null while it is open"
        raise ValueError(f'"action" is one of {known}, not {shown(action)}')
    kind = _kind_of(entry, action)
    names = entity.columns if kind == REFERENCE else {*_creatable(entity, catalog), "record"}
    missing = Missing(entity.name, _fields(entry, "key", names), kind=kind)
    if not missing.key:
        raise ValueError('needs "key": {column: value}, as the question has it')
    if kind != REFERENCE:
        return _about_record(entry, missing, action, entity)
    target = _fields(entry, "target", entity.columns) if action == EXISTING else {}
    values = _fields(entry, "values", _creatable(entity, catalog)) if action == "create" else {}
    if action is None:
        return missing, None
    if (action == EXISTING and not target) or (action == "create" and not values):
        wanted = '"existing" needs "target"' if action == EXISTING else '"create" needs "values"'
        raise ValueError(f"{wanted}: {{column: value}}")
    by, at = (text if isinstance(text := entry.get(name), str) else "" for name in ("by", "at"))
    return missing, Decision(action, target, values, by or "--decisions", at)


def _kind_of(entry: Mapping[str, Any], action: Any) -> str:
    """Return which kind of question an entry answers; one written by hand need not say."""
    kind = entry.get("kind")
    if kind is None:
        is_reference = action is None or action in ANSWERS[REFERENCE]
        return REFERENCE if is_reference and not entry.get("field") else CHANGE
    if kind not in ANSWERS:
        raise ValueError(f'"kind" is one of {", ".join(ANSWERS)}, not {shown(kind)}')
    if action is not None and action not in ANSWERS[kind]:
        known = ", ".join(ANSWERS[kind])
        raise ValueError(f'"action" of a {kind} is one of {known}, not {shown(action)}')
    return str(kind)


def _about_record(
    entry: Mapping[str, Any], question: Question, action: str | None, entity: Entity
) -> tuple[Question, Decision | None]:
    """Return what an entry decides about a record, or a field of it."""
    field = entry.get("field") or ""
    if not isinstance(field, str):
        raise ValueError(f'"field" is the name of a field of the file, not {shown(field)}')
    question.field = field
    if action is None:
        return question, None
    if not field and action not in ("leave-record", EXISTING, "accept"):
        raise ValueError(f'"{action}" needs "field": the field of the file that is meant')
    values: dict[str, Any] = {}
    if action == "value":
        values = {"value": entry.get("value")}
        if not isinstance(values["value"], (*_PLAIN, type(None))) or "value" not in entry:
            raise ValueError('"value" needs "value": a text, number, true, false or null')
    target = _fields(entry, "target", entity.columns) if action == EXISTING else {}
    if action == EXISTING and not target:
        raise ValueError('"existing" needs "target": {column: value}')
    seen = {name: entry[name] for name in SEEN if name in entry}
    by, at = (text if isinstance(text := entry.get(name), str) else "" for name in ("by", "at"))
    return question, Decision(action, target, values, by or "--decisions", at, seen)


def _about_headings(
    entry: Mapping[str, Any], question: Question
) -> tuple[Question, Decision | None]:
    """Return what an entry decides about the columns of a sheet that is of no view."""
    action = entry.get("action")
    question.key = _fields(entry, "key", ("view", "heading", "constant", "pattern"))
    if len(question.key) != 1:
        raise ValueError('needs "key" with a heading, view, constant or pattern, as the question')
    question.field = str(entry.get("field") or "")
    if action is None:
        return question, None
    target = _fields(entry, "target", ("view", "field", "is")) if action == EXISTING else {}
    if action == EXISTING and len(target) != 1:
        raise ValueError('"existing" needs "target", as one of the candidates has it')
    values = {"value": entry.get("value")} if action == "value" else {}
    if action == "value" and not isinstance(values["value"], _PLAIN):
        raise ValueError('"value" needs "value": a text or a number')
    by, at = (text if isinstance(text := entry.get(name), str) else "" for name in ("by", "at"))
    return question, Decision(action, target, values, by or "--decisions", at)


def _fields(entry: Mapping[str, Any], name: str, known: Collection[str]) -> dict[str, Any]:
    """Return the {column: value} of an entry without those that are null."""
    fields = entry.get(name)
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise ValueError(f'"{name}" is {{column: value}}, not {shown(fields)}')
    for column, value in fields.items():
        if column not in known:
            import difflib

            near = difflib.get_close_matches(column, known, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise ValueError(f'"{name}": there is no {shown(column)}{hint}')
        if value is not None and not isinstance(value, _PLAIN):
            raise ValueError(
                f'"{name}", {column}: {shown(value)} is no text, number, true, false or null'
            )
    return {column: value for column, value in fields.items() if value is not None}


def _creatable(entity: Entity, catalog: Catalog) -> set[str]:
    """Return the names of a new row's values: columns, lookup fields and `reference.column`."""
    names = set(entity.columns)
    for column, reference in entity.references.items():
        target = catalog.entities[reference.target]
        names |= {f"{column}.{key[0]}" for key in target.all_keys if len(key) == 1}
        names |= {f"{column}.{wanted}" for wanted in reference.lookups.values()}
        names |= set(reference.lookups)
    return names


def write_decisions(
    path: Path,
    decisions: Mapping[Missing, Decision],
    unanswered: Iterable[Missing],
    catalog: Catalog,
) -> None:
    """Write decisions as a file `--decisions` reads, in one step.

    Nothing that is in the file already is lost.

    Args:
        path: The file.
        decisions: The answers; one that could not be carried out keeps what it says, with the
            `problem`.
        unanswered: What is missing; it is in the file with `"action": null` and what it needs.
        catalog: The entities that are installed.

    Raises:
        UsageError: The path holds something else.
    """
    foreign = partial(not_decisions, catalog=catalog)
    refuse_file(path, foreign)
    before = {
        _read_entry(entry, catalog)[0]: entry for entry in (_entries(path) if path.exists() else ())
    }
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
        file.write(msgspec.json.format(_ENCODER.encode(entries), indent=2) + b"\n")


def all_entries(decisions: Mapping[Missing, Decision]) -> list[dict[str, Any]]:
    """Return decisions as the entries of a file, whatever was decided."""
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
