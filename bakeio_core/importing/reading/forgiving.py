"""Read what is JSON but for what an assistant or a person's editor left around and in it.

What is read so is told; what cannot be read is named for what it is.
"""

from __future__ import annotations

import ast
import io
import json
import re
from functools import partial
from typing import Any

import msgspec

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.errors import DocumentError, Problem, Problems, counted
from bakeio_core.files.documents.document import Document
from bakeio_core.importing.reading.shapes import MEANT, best_view, wanted_shape

_SPECIAL, _IN_TEXT, _COMMA = (
    re.compile(r'"|//|/\*|#'),
    re.compile(r'["\\]'),
    re.compile(r",(?=\s*[}\]])"),
)
_FENCE, _FENCE_END = re.compile(r"```[\w+-]*[ \t]*\r?\n"), re.compile(r"\r?\n[ \t]*```")
MOST_PYTHON = 1 << 18
"""Characters of a document that is tried as Python: its parser wants some hundred bytes each."""
_LOOKS_LIKE_PYTHON = re.compile(r"[:,\[{]\s*'|\b(?:None|True|False)\b")
_SEPARATORS = {"|": "a Markdown table", "\t": "a table with tabs", ";": "a table (CSV)"}
_SEPARATORS[","] = "a table (CSV)"


def is_json(data: bytes) -> bool:
    """Tell whether bytes are one JSON value and nothing else."""
    try:
        msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


def forgiven(document: Document, data: bytes, catalog: Catalog, problems: Problems) -> Document:
    """Return the document that is meant by one which is no JSON as it stands.

    Args:
        document: The document.
        data: All its bytes.
        catalog: What is installed.
        problems: Where is told what was forgiven.

    Returns:
        What can be read; the document itself where nobody knows how, so that it is explained.

    Raises:
        DocumentError: It is plain what it is, and that it cannot be read.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return document
    text, done = _of_blocks(document.name, text)
    for read in (_without_remarks, _of_lines, _of_python):
        found = read(text)
        if found is not None:
            cleaned, how = found
            done += how
            said = f"is not strict JSON: {'; '.join(done)}"
            problems.add(
                Problem(code="bad-document", severity="warning", file=document.name, message=said)
            )
            return Document(document.name, partial(io.BytesIO, cleaned), document.limits)
    _refuse_table(document.name, text, catalog)
    return document


# -- an answer of an assistant
def _of_blocks(name: str, text: str) -> tuple[str, list[str]]:
    """Return the one block of code that is the file, else the text as it is."""
    blocks, fence = list[str](), _FENCE.search(text)
    while fence:
        end = _FENCE_END.search(text, fence.end())
        if end is None:  # never closed: the answer was cut off within
            blocks.append(text[fence.end() :])
            break
        blocks.append(text[fence.end() : end.start()])
        fence = _FENCE.search(text, end.end())
    if not blocks:
        return text, []
    if len(blocks) == 1:
        return blocks[0], ["the code block around it was taken off"]
    places = _files_among(blocks)
    if len(places) == 1:
        place = places[0]
        said = f"of its {len(blocks)} code blocks only number {place + 1} is a file, and is read"
        return blocks[place], [said]
    numbers = ", ".join(str(place + 1) for place in places)
    which = f"numbers {numbers} may be the file" if places else "none of them is a file"
    raise DocumentError(
        f"{name}: holds {len(blocks)} code blocks, and {which}: put all records into one",
        code="bad-document",
    )


def _files_among(blocks: list[str]) -> list[int]:
    """Return the indexes of the blocks that may be a file: those with a header, where any has."""
    read = {place: value for place, block in enumerate(blocks) if (value := _json_of(block))}
    headed = [
        place
        for place, value in read.items()
        if isinstance(value, dict) and {"view_name", "entity_type"} & value.keys()
    ]
    return headed or list(read)


def _json_of(text: str) -> Any:
    """Return the object or list a text is, None where it is none."""
    found = _without_remarks(text)
    try:
        value = json.loads(text if found is None else found[0])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


# -- what people and programs write for JSON
def _without_remarks(text: str) -> tuple[bytes, list[str]] | None:
    """Return JSON without comments and superfluous commas, None where that makes no JSON."""
    pieces, done = _without_comments(text), list[str]()
    bare = "".join(pieces)
    if bare != text:
        done.append("comments were left out")
    strict = "".join(
        piece if place % 2 else _COMMA.sub("", piece) for place, piece in enumerate(pieces)
    )
    if strict != bare:
        done.append("commas before a closing bracket were left out")
    cleaned = strict.strip().encode("utf-8", "surrogatepass")
    return (cleaned, done) if is_json(cleaned) else None


def _without_comments(text: str) -> list[str]:
    """Return what stands outside of quotes and what inside, in turns; comments are a space.

    Nothing is looked at twice.
    """
    at, outside, pieces = 0, list[str](), list[str]()
    while found := _SPECIAL.search(text, at):
        outside.append(text[at : found.start()])
        if found[0] == '"':
            at = found.end()
            while (mark := _IN_TEXT.search(text, at)) and mark[0] == "\\":
                at = mark.end() + 1
            at = mark.end() if mark else len(text)
            pieces += ["".join(outside), text[found.start() : at]]
            outside = []
        else:
            end = text.find("*/" if found[0] == "/*" else "\n", found.end())
            at = len(text) if end < 0 else end + (2 if found[0] == "/*" else 0)
            outside.append(" ")
    return [*pieces, "".join(outside) + text[at:]]


def _of_lines(text: str) -> tuple[bytes, list[str]] | None:
    """Return the list of objects that stand one on a line (JSON Lines)."""
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    if len(lines) < 2 or not all(line[0] == "{" and line[-1] == "}" for line in lines):
        return None
    cleaned = ("[" + ",\n".join(lines) + "]").encode("utf-8", "surrogatepass")
    said = f"its {counted(len(lines), 'line')} are read as one record each (JSON Lines)"
    return (cleaned, [said]) if is_json(cleaned) else None


def _of_python(text: str) -> tuple[bytes, list[str]] | None:
    """Return what is written as Python writes it: single quotes, None, True, False."""
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


# -- what is no JSON at all
def _refuse_table(name: str, text: str, catalog: Catalog) -> None:
    """Name a table, and show what is wanted in its place.

    Raises:
        DocumentError: The text is one.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    for separator, noun in _SEPARATORS.items():
        names = [part.strip(" \"'") for part in first.strip().strip("|").split(separator)]
        view = best_view(catalog, names)
        if len(names) > 1 and view is not None and "{" not in first:
            shape = wanted_shape(catalog, view, names)
            raise DocumentError(f"{name}: is {noun}, not JSON: {MEANT} {shape}")
