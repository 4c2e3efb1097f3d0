"""What the code says of itself, as Markdown: docstrings and signatures."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

WIDTH = 80
"""Characters of a line."""


def fenced(text: str, language: str) -> str:
    """Return text as a block of code."""
    return f"```{language}\n{text.strip(chr(10)).rstrip()}\n```\n"


_LISTED = re.compile(r"(?:(?<=^)|(?<=[;.] ))([a-z_]+(?:, [a-z_]+)*): ", re.MULTILINE)
_AFTER = re.compile(r"(?<=\.) (?=(?:Raises|Returns|Called) [A-Z`a-z])")


def _paragraph(text: str) -> list[str]:
    """Return a paragraph of a docstring as Markdown: `name: text` becomes an item of a list."""
    lines = text.split("\n")
    starts = [
        place
        for place, line in enumerate(lines)
        if place == 0 or _LISTED.match(line) or re.match(r"(Raises|Returns|Called) ", line)
    ]
    joined = "\n".join(
        " ".join(lines[a:b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)
    )
    out = []
    for line in joined.split("\n"):
        for piece in _AFTER.split(line):
            marks = [*_LISTED.finditer(piece)]
            before = piece[: marks[0].start()] if marks else piece
            if before.strip():
                out.append(before.strip())
            ends = [*(mark.start() for mark in marks), len(piece)][1:]
            for mark, end in zip(marks, ends, strict=True):
                names = ", ".join(f"`{name}`" for name in mark[1].split(", "))
                out.append(f"- {names}: {piece[mark.end() : end].rstrip('; ').rstrip('.')}.")
    return out


_SECTION = re.compile(r"(Args|Attributes|Returns|Raises):\n")


def _section(title: str, text: str) -> str:
    """Return a section of a docstring as Markdown: a list of names, or sentences."""
    body = textwrap.dedent(text)
    items = [" ".join(item.split()) for item in re.split(r"\n(?! )", body)]
    if title == "Returns":
        return f"Returns: {' '.join(items)}\n"
    named = [item.partition(": ") for item in items]
    if title == "Raises":
        return "\n".join(f"Raises {name}: {rest}\n" for name, _, rest in named)
    shown = ((", ".join(f"`{n}`" for n in name.split(", ")), rest) for name, _, rest in named)
    return "".join(f"- {names}: {rest}\n" for names, rest in shown)


def docstring(thing: Any) -> str:
    """Return the docstring as Markdown, its doctest as a block of Python."""
    out: list[str] = []
    for part in inspect.cleandoc(thing.__doc__ or "").split("\n\n"):
        if part.startswith(">>> "):
            code = "\n".join(line[4:] for line in part.split("\n"))
            out.append(fenced(re.sub(r"(?<=\n)(?=@hookimpl)", "\n\n", code), "python"))
            continue
        section = _SECTION.match(part)
        if section:
            out.append(_section(section[1], part[section.end() :]))
            continue
        lines = _paragraph(part)
        for place, line in enumerate(lines):
            follows = (
                place + 1 < len(lines)
                and line.startswith("- ")
                and lines[place + 1].startswith("- ")
            )
            out.append(line if follows else line + "\n")
    return "\n".join(out)


def signature(thing: Any, name: str) -> str:
    """Return `name(parameters) -> result` with the annotations as they are written.

    It has one parameter a line where it grows long.
    """
    found = inspect.signature(thing)
    written = inspect.get_annotations(thing) if inspect.isclass(thing) else {}
    parameters, star = [], False
    for parameter in found.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parameters.append("*")
        star = star or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        prefix = (
            "*"
            if parameter.kind is parameter.VAR_POSITIONAL
            else "**"
            if parameter.kind is parameter.VAR_KEYWORD
            else ""
        )
        annotation = _annotation(written.get(parameter.name, parameter.annotation))
        text = f"{prefix}{parameter.name}" + (f": {annotation}" if annotation else "")
        if parameter.default is not parameter.empty:
            shown = _quoted(parameter.default)
            default = "..." if "<" in shown or len(shown) > WIDTH else shown
            text += f" = {default}" if annotation else f"={default}"
        parameters.append(text)
    result = "" if inspect.isclass(thing) else _annotation(found.return_annotation)
    tail = f" -> {result}" if result else ""
    line = f"{name}({', '.join(parameters)}){tail}"
    return (
        line
        if len(line) <= WIDTH + 10
        else f"{name}(\n" + "".join(f"    {text},\n" for text in parameters) + f"){tail}"
    )


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _annotation(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    return (value if isinstance(value, str) else inspect.formatannotation(value)).replace(
        "typing.", ""
    )


def written_fields(kind: type) -> Iterator[tuple[str, str]]:
    """Give the fields of a dictionary with their types as they are written."""
    for field, annotation in kind.__annotations__.items():
        yield field, annotation.__forward_arg__
