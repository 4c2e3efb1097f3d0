"""Make strict JSON of what people, programs and assistants write for it.

Only the way of writing is changed, never what a value says; where two values could be meant nothing
is made of it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from bakeio_core.values.wording import listed

CLOSERS = {
    '"': '"',
    "'": "'",
    "\u2018": "\u2019\u2018'",
    "\u201c": '\u201d\u201c"',
    "\u201d": '\u201d"',
    "\u201e": '\u201c\u201d"',
    "\u201f": '\u201d"',
    "\u00ab": "\u00bb",
}
"""What may end a text, by what began it."""
_BLANK = re.compile(r"[\s\ufeff\u200b]+")
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_NUMBER = re.compile(r"-?\d[\d.eE+-]*")
_WORD = re.compile(r"[^\W\d][\w$]*|-?Infinity|-?inf\b")
_IN_TEXT = re.compile(r'["\\\x00-\x1f]')
_IN_QUOTES = re.compile(r"[\\\x00-\x1f\"'\u2019\u2018\u201c\u201d\u00bb]")
_ENDS = re.compile(r"\s*(?:[,:}\]]|\Z)")
_ESCAPE = re.compile(r'["\\/bfnrt]|u[0-9a-fA-F]{4}')
_OF_MARKDOWN = "_*-[](){}#.!+`~>|'"
"""Signs that Markdown and JavaScript put a backslash before."""
_WORDS = {
    **{"null": "null", "true": "true", "false": "false"},
    **{"None": "null", "True": "true", "False": "false", "undefined": "null"},
    **{"NaN": "NaN", "nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"},
    **{"Infinity": "Infinity", "-Infinity": "-Infinity"},
}
COMMENTS, COMMAS = "comments were removed", "extra commas were removed"
_QUOTES, _NAMES = "quotes were made plain", "names were put in quotes"
_PYTHON, _BREAKS = "it is written as Python writes it", "line breaks inside of texts were kept"
_BACKSLASHES, _SPACES = "extra backslashes were removed", "unusual spaces were removed"


class _Stop(Exception):
    """Nobody can tell what is meant from here on, or (`cut`) the text ends."""


@dataclass
class Strict:
    """A value that was found in a text, made strict.

    Attributes:
        text: JSON, or nearly so where something else is wrong with it.
        start: Where the value begins in the text that was given.
        end: Where it ends there, or where nobody can tell what is meant.
        is_json: Whether `text` is JSON.
        is_cut: Whether the text ended before the value did; then `text` has what was whole.
        done: What was changed, in words.
    """

    text: str
    start: int
    end: int
    is_json: bool
    is_cut: bool = False
    done: list[str] = field(default_factory=list)


@dataclass
class _Open:
    """A list or an object that is not closed yet.

    Attributes:
        closer: What closes it.
        whole: How many pieces there were behind its last whole member.
    """

    closer: str
    whole: int


def strict(text: str, start: int) -> Strict:
    """Return the list or object that begins at a place of a text as strict JSON.

    Args:
        text: What somebody wrote.
        start: The place of its `{` or `[`.
    """
    reading = _Reading(text, start)
    try:
        reading.read()
    except _Stop:
        seen = text[start : reading.at]
        return Strict(seen, start, reading.at, is_json=False, done=reading.done)
    if reading.opened:
        made = reading.whole_part()
        return Strict(made, start, len(text), _is_json(made), is_cut=True, done=reading.done)
    made = "".join(reading.pieces)
    return Strict(made, start, reading.at, _is_json(made), done=reading.done)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class _Reading:
    """Go through one value, sign by sign, and write it down strictly in `pieces`."""

    def __init__(self, text: str, start: int) -> None:
        self.text, self.at = text, start
        self.pieces: list[str] = []
        self.done: list[str] = []
        self.opened: list[_Open] = []
        self._has_comma = False
        self._before = ""

    def read(self) -> None:
        """Read to the end of the value, or of the text."""
        while self.at < len(self.text):
            sign = self.text[self.at]
            if not self._passed_blank(sign):
                self._take(sign)
                if not self.opened:
                    return

    def whole_part(self) -> str:
        """Return what was whole of a value the text cuts off, its lists and objects closed.

        What is in the middle of the outermost list goes; so do members behind it.
        """
        place = next((n for n, one in enumerate(self.opened) if one.closer == "]"), 0)
        kept = self.pieces[: self.opened[place].whole]
        return "".join([*kept, *(one.closer for one in reversed(self.opened[: place + 1]))])

    def _say(self, what: str) -> None:
        if what not in self.done:
            self.done.append(what)

    def _passed_blank(self, sign: str) -> bool:
        """Go past white space and comments; tell whether there were any."""
        blank = _BLANK.match(self.text, self.at)
        if blank:
            odd = blank[0].strip(" \t\r\n")
            if odd:
                self._say(_SPACES)
            self.pieces.append(blank[0] if not odd else " ")
            self.at = blank.end()
            return True
        if sign in "/#" and (comment := _COMMENT.match(self.text, self.at)):
            self._say(COMMENTS)
            self.pieces.append(" ")
            self.at = comment.end()
            return True
        return False

    def _take(self, sign: str) -> None:
        """Take one sign that counts, or one text, number or word."""
        if sign in "}]":
            self._close(sign)
        elif sign == ",":
            if self._before in ("", "{", "[", ",", ":"):
                raise _Stop
            if self.opened:  # what stands before the comma is whole
                self.opened[-1].whole = len(self.pieces)
            self._has_comma, self._before = True, sign
            self.at += 1
        else:
            if sign in "{[" and self._before == "{":
                raise _Stop
            self._write_comma()
            if sign in "{[":
                self.opened.append(_Open("}" if sign == "{" else "]", len(self.pieces) + 1))
                self._put(sign, 1)
            elif sign == ":":
                self._put(sign, 1)
            elif sign in CLOSERS:
                self._text(sign)
            else:
                self._word()

    def _write_comma(self) -> None:
        if self._has_comma:
            self.pieces.append(",")
            self._has_comma = False

    def _put(self, piece: str, length: int) -> None:
        self.pieces.append(piece)
        self._before = piece[0]
        self.at += length

    def _close(self, sign: str) -> None:
        if not self.opened or self.opened[-1].closer != sign:
            raise _Stop
        if self._has_comma:
            self._say(COMMAS)
            self._has_comma = False
        self.opened.pop()
        self._put(sign, 1)
        if self.opened and self.opened[-1].closer == "]":
            self.opened[-1].whole = len(self.pieces)

    def _text(self, quote: str) -> None:
        """Take a text in whatever quotes."""
        closers, at = CLOSERS[quote], self.at + 1
        search = _IN_TEXT.search if quote == '"' else _IN_QUOTES.search
        parts = ['"']
        while found := search(self.text, at):
            parts.append(self.text[at : found.start()])
            sign, at = found[0], found.end()
            if sign == "\\":
                escape = _ESCAPE.match(self.text, at)
                if escape:
                    parts.append("\\" + escape[0])
                    at = escape.end()
                elif self.text[at : at + 1] in _OF_MARKDOWN and at < len(self.text):
                    parts.append(self.text[at])
                    at += 1
                    self._say(_BACKSLASHES)
                else:
                    raise _Stop
            elif sign in closers and (quote == '"' or _ENDS.match(self.text, at)):
                if quote != '"' or sign != '"':
                    self._say(_QUOTES)
                self._put("".join([*parts, '"']), at - self.at)
                return
            elif sign < " ":
                self._say(_BREAKS)
                parts.append(json.dumps(sign)[1:-1])
            else:
                parts.append('\\"' if sign == '"' else sign)
        self.at = len(self.text)  # it ends inside of the text

    def _word(self) -> None:
        """Take a number, one of the words that stand for values, or a name without quotes."""
        number = _NUMBER.match(self.text, self.at)
        if number:
            return self._put(number[0], len(number[0]))
        word = _WORD.match(self.text, self.at)
        if not word:
            raise _Stop
        behind = _BLANK.match(self.text, word.end())
        end = behind.end() if behind else word.end()
        if self.text[end : end + 1] == ":" and self._before in ("{", ","):
            self._say(_NAMES)
            return self._put(json.dumps(word[0]), len(word[0]))
        if word[0] not in _WORDS:
            if end < len(self.text):
                raise _Stop
            self.at = len(self.text)  # cut off in the middle of it
            return None
        if word[0] in ("None", "True", "False", "nan", "inf"):
            self._say(_PYTHON)
        return self._put(_WORDS[word[0]], len(word[0]))


def told(done: list[str]) -> str:
    """Return what was changed as one phrase."""
    return listed(done)
