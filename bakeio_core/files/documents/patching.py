"""Change a JSON text in places, and leave the rest of it as somebody wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_DECODER = json.JSONDecoder(parse_float=Decimal)
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass
class Piece:
    """A part of a text.

    Attributes:
        before: What stands between it and the part before: white space, a comma.
        text: Its own text.
    """

    before: str
    text: str


class ObjectText:
    """The text of one JSON object, whose members can be set without touching the others.

    `members` are {name: the text of its value}, `end` is where the object ends in the text.

    Args:
        text: A text that holds the object.
        start: Where it begins.

    Raises:
        ValueError: There is not JSON object.
    """

    def __init__(self, text: str, start: int = 0) -> None:
        self.members: dict[str, str] = {}
        self._pieces: dict[str, Piece] = {}
        self._colon = ":"
        at, mark = _after(text, start, "{"), start + 1
        while not text.startswith("}", at):
            name, after = _DECODER.raw_decode(text, at)
            colon = _SPACE.match(text, after)
            value = _after(text, colon.end() if colon else after, ":")
            end = _end_of_value(text, value, name)
            if not isinstance(name, str) or name in self.members:
                raise ValueError("no name of a member, or one that appears twice")
            self._colon = text[after:value]
            self._pieces[name] = Piece(text[mark:at], text[at:end])
            self.members[name] = text[value:end]
            mark, at = end, _skip(text, end)
            if text.startswith(",", at):
                at = _skip(text, at + 1)
            elif not text.startswith("}", at):
                raise ValueError("neither a comma nor the end of an object")
        self._tail = text[mark:at]
        self.end = at + 1

    def patched(
        self, new: Mapping[str, str], left_out: Collection[str] = (), before: str | None = None
    ) -> str:
        """Return the text of the object with other values.

        Args:
            new: {name: the text of its value}; members the object lacks are added in the layout of
                the others.
            left_out: The names of members to leave out.
            before: The member before which members are added; else they are the last ones.
        """
        lead = next((piece.before for piece in self._pieces.values()), "")
        joint = self._joint(lead)
        added = [
            Piece(joint, self._member(name, value))
            for name, value in new.items()
            if name not in self._pieces
        ]
        pieces: list[Piece] = []
        for name, piece in self._pieces.items():
            if name == before:
                pieces, added = [*pieces, *added], []
            if name not in left_out:
                told = self._member(name, new[name]) if name in new else piece.text
                pieces.append(Piece(joint if piece.before == lead else piece.before, told))
        pieces += added
        if pieces:
            pieces[0].before = lead
        return "{" + "".join([piece.before + piece.text for piece in pieces]) + self._tail + "}"

    def _member(self, name: str, value: str) -> str:
        return f"{json.dumps(name, ensure_ascii=False)}{self._colon}{value}"

    def _joint(self, lead: str) -> str:
        """Return what stands between two members."""
        if len(self._pieces) > 1:
            return list(self._pieces.values())[1].before
        is_spaced = "\n" not in lead and self._colon != ":"
        return "," + (lead or " " * is_spaced)


class ListText:
    """The text of a JSON list, by its items; a line that is not JSON counts as one item.

    `items` are their texts, `end` is where the list ends in the text.

    Raises:
        ValueError: There is no list, or it cannot be told where an item ends.
    """

    def __init__(self, text: str, start: int) -> None:
        self._pieces: list[Piece] = []
        at, mark = _after(text, start, "["), start + 1
        while not text.startswith("]", at):
            end = _end_of_item(text, at)
            self._pieces.append(Piece(text[mark:at], text[at:end]))
            mark, at = end, _skip(text, end)
            if text.startswith(",", at):
                at = _skip(text, at + 1)
            elif not text.startswith("]", at):
                raise ValueError("neither a comma nor the end of a list")
        self._tail = text[mark:at]
        self.end = at + 1

    @property
    def items(self) -> list[str]:
        return [piece.text for piece in self._pieces]

    def patched(self, new: Mapping[int, str]) -> str:
        """Return the text of the list with other items; `new` is {place from 0: text}."""
        told = [
            piece.before + new.get(place, piece.text) for place, piece in enumerate(self._pieces)
        ]
        return "[" + "".join(told) + self._tail + "]"


def same_json(text: str, value: Any) -> bool:
    """Tell whether a JSON text is of a value, numbers by what they amount to: 5.00 is 5."""
    known = json.loads(text, parse_float=Decimal)
    if isinstance(known, bool) or isinstance(value, bool):
        return known is value
    if isinstance(known, (int, Decimal)) and isinstance(value, (int, float, Decimal)):
        return known == (Decimal(repr(value)) if isinstance(value, float) else value)
    return type(known) is type(value) and bool(known == value)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after(text: str, at: int, mark: str) -> int:
    """Return where what follows a mark begins."""
    if not text.startswith(mark, at):
        raise ValueError(f"no {mark}")
    return _skip(text, at + 1)


def _end_of_value(text: str, at: int, name: Any) -> int:
    if name == "records" and text.startswith("[", at):
        return ListText(text, at).end
    return int(_DECODER.raw_decode(text, at)[1])


def _end_of_item(text: str, at: int) -> int:
    try:
        return int(_DECODER.raw_decode(text, at)[1])
    except (ValueError, RecursionError):
        line = text[at:].split("\n", 1)[0]
        begins_line = not text[text.rfind("\n", 0, at) + 1 : at].strip()
        if not begins_line or "\n" not in text[at:]:
            raise ValueError("an item that is not JSON") from None
        return at + len(line.rstrip().removesuffix(",").rstrip())
