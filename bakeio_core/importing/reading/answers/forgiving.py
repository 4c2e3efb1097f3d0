"""Find the file in what an assistant or a person's editor handed in, and what they left around it.

What is read so is told; what cannot be read is named for what it is.
"""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.views.view import plain_view_name
from bakeio_core.errors import DocumentError, Problem, Problems, counted
from bakeio_core.files.documents.composed.in_memory import InMemoryDocument
from bakeio_core.files.documents.document import RECORDS, Document
from bakeio_core.files.documents.encoding import encode_as_read
from bakeio_core.files.documents.scanner import DECODER, BrokenRecord, is_json
from bakeio_core.importing.reading.answers.relaxed import Strict, strict, told
from bakeio_core.importing.reading.answers.shapes import (
    ANSWERS,
    HEADS,
    MEANT,
    TICKET,
    best_view,
    numbered,
    wanted_shape,
)
from bakeio_core.values.wording import listed, shown

MOST_PYTHON = 1 << 18
"""Characters of a document that is tried as Python: its parser wants some hundred bytes each."""
_LOOKS_LIKE_PYTHON = re.compile(r"[:,\[{(]\s*'|\b(?:None|True|False)\b")
_BRACKET = re.compile(r"[{\[]")
_ON_A_LINE = re.compile(r"\n[ \t]*[{\[]")
_HAS_NAMES = re.compile("[\"'\u201d\u2019\u201c]\\s*:")
"""What prose in brackets does not have."""
_FENCE = re.compile(r"(?:```|~~~)[^\n`]*")
_LEAST_READ = 64
"""Characters that count as read for each bracket that is tried."""
_MOST_READ = 2
"""How many times a text is gone through in search of where a file begins in prose."""
_SEPARATORS = {"|": "a Markdown table", "\t": "a table with tabs", ";": "a table (CSV)"}
_SEPARATORS[","] = "a table (CSV)"
_MOST_SHOWN = 60


@dataclass
class _Piece:
    """One list or object of a text: as it was written, and its value."""

    found: Strict
    value: Any

    @property
    def head(self) -> str | None:
        """The view or entity it names, None where it has no header."""
        value = self.value if isinstance(self.value, dict) else {}
        if TICKET in value:
            return TICKET
        named = next((value[name] for name in HEADS if name in value), None)
        return None if named is None else plain_view_name(str(named))

    @property
    def records(self) -> list[Any]:
        """The records of a view it holds; of an entity's file none, as it is whole or nothing."""
        value = self.value
        if isinstance(value, dict):
            value = value.get(RECORDS) if "entity_type" not in value else None
        return value if isinstance(value, list) else []


def read_leniently(
    document: Document, data: bytes, catalog: Catalog, problems: Problems
) -> Document:
    """Return the document that is meant by one which is not JSON as it stands.

    Args:
        document: The document.
        data: All its bytes.
        catalog: What is installed.
        problems: Where is told what was overlooked.

    Returns:
        What can be read; the document itself where nobody knows how, so that it is explained.

    Raises:
        DocumentError: It is plain what it is, and that it cannot be read.
    """
    try:
        text = _unquoted(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return document
    pieces = list(_pieces(text))
    done = list[str]()
    if not any(piece.found.is_json for piece in pieces) and (python := _of_python(text)):
        return _read(document, *python, problems)
    if not pieces:
        _refuse_table(document.name, text, catalog)
        return document if not text.strip() else _refuse_prose(document.name, text, catalog)
    chosen = _chosen(document.name, text, pieces, done)
    if len(chosen) > 1 and chosen[0].head == TICKET:
        answers = _read(
            document, encode_as_read({ANSWERS: [p.value for p in chosen]}), done, problems
        )
        answers.is_cut = chosen[-1].found.is_cut
        return answers
    if len(chosen) > 1:
        header, records = _merged(document.name, chosen)
        if chosen[-1].found.is_cut:
            return _cut(document, header, records, chosen[-1].found, problems, done)
        merged = encode_as_read({**header, RECORDS: records} if header else records)
        return _read(document, merged, done, problems)
    piece = chosen[0]
    found = piece.found
    _say_around(text, found, done)
    done += [told(found.done)] if found.done else []
    if found.is_cut and found.is_json and piece.head == TICKET:
        answers = _read(document, _encoded(found.text), done, problems)
        answers.is_cut = True
        return answers
    if found.is_cut and found.is_json and piece.records:
        header, records = _merged(document.name, chosen)
        return _cut(document, header, records, found, problems, done)
    if found.is_cut or not found.is_json:  # as it stands, to be explained
        ends = len(text) if found.is_cut else max(text.rfind("}"), text.rfind("]")) + 1
        return _of(document, _encoded(text[found.start : max(ends, found.start + 1)]))
    return _read(document, _encoded(found.text), done, problems)


def _read(document: Document, cleaned: bytes, done: list[str], problems: Problems) -> Document:
    if done:
        said = f"is not strict JSON: {'; '.join(done)}"
        problems.add(
            Problem(code="bad-document", severity="warning", file=document.name, message=said)
        )
    return _of(document, cleaned)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _of(document: Document, cleaned: bytes) -> Document:
    return Document(document.name, partial(io.BytesIO, cleaned), document.limits)


# -- what stands around
def _unquoted(text: str) -> str:
    """Return the text that is meant by a JSON text that holds it."""
    if text.lstrip()[:1] == '"':
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return inner if isinstance(inner, str) and _BRACKET.search(inner) else text
    return text


def _pieces(text: str) -> Iterator[_Piece]:
    """Yield the lists and objects of a text that may be a file, in order; prose is passed over."""
    at, left = 0, _MOST_READ * len(text)
    while found := _BRACKET.search(text, at):
        piece = strict(text, found.start())
        left -= max(piece.end - piece.start, _LEAST_READ)
        is_prose = not piece.is_json and not _HAS_NAMES.search(text, piece.start, piece.end)
        if piece.is_json and not piece.is_cut:
            at = piece.end
            value = _decoded(piece.text)
            if _holds_objects(value):
                yield _Piece(piece, value)
        elif left > 0 and (is_prose or _begins_in_prose(text, piece)):
            at = found.end()
        else:
            yield _Piece(piece, _decoded(piece.text) if piece.is_json else None)
            return


def _begins_in_prose(text: str, piece: Strict) -> bool:
    """Tell whether a bracket that leads nowhere is prose before a file on lines of its own."""
    line = text[text.rfind("\n", 0, piece.start) + 1 : piece.start]
    return bool(line.strip()) and bool(_ON_A_LINE.search(text, piece.start + 1))


def _decoded(text: str) -> Any:
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )


def _say_around(text: str, found: Strict, done: list[str]) -> None:
    before, behind = text[: found.start], text[found.end :]
    around = _FENCE.sub("", before + behind).strip()
    if _FENCE.search(before):
        done.append("the code block around it was taken off")
    elif around:
        done.append(f"the text around it was left out ({shown(around, _MOST_SHOWN)})")


def _between(text: str, pieces: list[_Piece]) -> list[str]:
    """Return the lines that stand before, between and behind several pieces."""
    ends = [0, *(piece.found.end for piece in pieces)]
    starts = [*(piece.found.start for piece in pieces), len(text)]
    left = "\n".join(text[end:start] for end, start in zip(ends, starts, strict=True))
    lines = (line.strip(" \t\r,;[]") for line in _FENCE.sub("", left).split("\n"))
    return [line for line in lines if line]


def _is_value(line: str) -> bool:
    """Tell whether a line is a value of JSON, which stands where a record should."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


# -- several
def _chosen(name: str, text: str, pieces: list[_Piece], done: list[str]) -> list[_Piece]:
    """Return the pieces that are the file; several are to be read as one.

    Raises:
        DocumentError: It cannot be told which are.
    """
    if len(pieces) == 1:
        return pieces
    broken = [place for place, piece in enumerate(pieces, 1) if not piece.found.is_json]
    heads = dict.fromkeys(piece.head for piece in pieces if piece.head is not None)
    headed = [place for place, piece in enumerate(pieces, 1) if piece.head is not None]
    seen = f"{name}: holds {len(pieces)} JSON texts"
    if broken:
        raise DocumentError(
            f"{seen}, and number {broken[0]} is not JSON: put all records into one list",
        )
    if len(heads) > 1:
        raise DocumentError(f"{seen} of {listed(list(heads))}: make a file of each, one alone")
    is_whole = not pieces[-1].found.is_cut
    if len(headed) == 1 and is_whole and _has_list(pieces[headed[0] - 1].value):
        said = f"of its {len(pieces)} JSON texts only number {headed[0]} names a view, and is read"
        done.append(said)
        return [pieces[headed[0] - 1]]
    done.append(f"its {len(pieces)} JSON texts are read as one list of records")
    if between := _between(text, pieces):
        spoilt = [line for line in between if line.startswith("{") or _is_value(line)]
        if spoilt:
            said = f"{shown(spoilt[0], _MOST_SHOWN)} beside them is no record {{...}}"
            raise DocumentError(f"{seen}, and {said}: correct it, or take it out", code="bad-json")
        done.append(f"the text around them was left out ({shown(' '.join(between), _MOST_SHOWN)})")
    done += [said for piece in pieces for said in piece.found.done if said not in done]
    return pieces


def _has_list(value: dict[str, Any]) -> bool:
    """Tell whether a header has records, as far as they are not those of the next text."""
    return value.get(RECORDS) != [] and any(
        isinstance(item, (list, dict)) for item in value.values()
    )


def _merged(name: str, pieces: list[_Piece]) -> tuple[dict[str, Any], list[Any]]:
    """Return the first header of several JSON texts, and the records of all.

    Raises:
        DocumentError: One with a header has no list of records.
    """
    header, records = dict[str, Any](), list[Any]()
    for piece in pieces:
        value = piece.value
        if piece.head is None and RECORDS not in (value or {}):
            is_one = isinstance(value, dict) and not piece.found.is_cut
            records += value if isinstance(value, list) else [value] if is_one else []
            continue
        inner = value.get(RECORDS, [])
        if not isinstance(inner, list):
            raise DocumentError(
                f"{name}: holds {counted(len(pieces), 'JSON text')}, and not each has a "
                'list "records": put all records into one'
            )
        header = header or {name: item for name, item in value.items() if name != RECORDS}
        records += inner
    return header, records


def _cut(
    document: Document,
    header: dict[str, Any],
    records: list[Any],
    found: Strict,
    problems: Problems,
    done: list[str],
) -> Document:
    """Return what was whole of a document that was cut off, and the record where it ended."""
    items = numbered(document, records)
    last = next((item for _, item in reversed(items) if isinstance(item, dict)), {})
    named = ", ".join(f"{name} {shown(cell, 40)}" for name, cell in list(last.items())[:2])
    number = len(records) + 1
    message = (
        f"the file ends in the middle of it: record {len(records)} is the last complete one"
        f"{f' ({named})' if named else ''}: continue after it"
    )
    known = {"code": "truncated", "file": document.name, "record": number, "message": message}
    items.append((number, BrokenRecord.of(found.text[-1000:], **known)))
    _read(document, b"", done, problems)
    return InMemoryDocument(document, header, items)


# -- Python
def _of_python(text: str) -> tuple[bytes, list[str]] | None:
    """Return what only Python writes so: tuples, texts in three quotes, prefixes of texts."""
    if len(text) > MOST_PYTHON or not _LOOKS_LIKE_PYTHON.search(text):
        return None
    try:
        tree = ast.parse(text.strip(), mode="eval")
        if any(_has_a_name_twice(node) for node in ast.walk(tree) if isinstance(node, ast.Dict)):
            return None
        cleaned = json.dumps(ast.literal_eval(tree), allow_nan=False).encode()
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return (cleaned, ["it is written as Python writes it"]) if is_json(cleaned) else None


def _has_a_name_twice(node: ast.Dict) -> bool:
    names = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    return len(set(names)) < len(names)


# -- what is not JSON at all
def _refuse_prose(name: str, text: str, catalog: Catalog) -> Document:
    """Name a text without any JSON, and show what is wanted in its place.

    Raises:
        DocumentError: Always.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", text)))
    keyed = [name for name, item in catalog.views.items() if item.names("key")]
    # the view whose fields the text names; where it names none, nobody knows which is meant
    fits = {name: len(catalog.views[name].fields.keys() & set(words)) for name in keyed}
    view = max(keyed, key=lambda name: fits[name], default="")
    shape = f": {MEANT} {wanted_shape(catalog, view, words)}" if view else ""
    if view and not fits[view]:
        shape += f", with the fields of the view you mean: {', '.join(catalog.views)}"
    seen = shown(" ".join(text.split()), _MOST_SHOWN)
    raise DocumentError(f"{name}: holds no JSON document, only text ({seen}){shape}")


def _refuse_table(name: str, text: str, catalog: Catalog) -> None:
    """Name a table, and show what is wanted in its place.

    Raises:
        DocumentError: The text is one.
    """
    lines = [line for line in text.splitlines() if line.strip() and not _FENCE.match(line)]
    for first in lines[:20]:
        for separator, noun in _SEPARATORS.items():
            names = [part.strip(" \"'") for part in first.strip().strip("|").split(separator)]
            view = best_view(catalog, names)
            if len(names) > 1 and view is not None:
                shape = wanted_shape(catalog, view, names)
                raise DocumentError(f"{name}: is {noun}, not JSON: {MEANT} {shape}")
