"""Ask a person for the fields of a row that is to be created."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.exchange import Missing
from bakeio_core.resolving.asking.prompts import WENT_BACK, Prompt, Talk, picked, short, wrapped
from bakeio_core.resolving.form import SLUG, FormField, blanks, needs_slug
from bakeio_core.resolving.typed import NO_SLUG, typed_field
from bakeio_core.values.wording import BadValue

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog

BACK, NOTHING = "<", "-"


class NewRowForm:
    """The form of one row, field after field.

    Args:
        catalog: The entities that are installed.
        item: The question whose row it is.
        typed: What was typed into it before, {name of a field: text}; it grows.
    """

    def __init__(self, catalog: Catalog, item: Missing, typed: dict[str, str]) -> None:
        self.catalog, self.item, self.typed = catalog, item, typed

    def fill(self) -> Talk:
        """Ask for each field; return the values of the row, or `WENT_BACK` from the first."""
        fields = [blank for blank in blanks(self.item, self.catalog) if blank != SLUG]
        entity = self.catalog.entities[self.item.entity]
        hint = f"Enter takes the value in brackets, {NOTHING} empties it, {BACK} goes a field back."
        head = ["", *wrapped(f"New row of {self.item.entity}. {hint}", "  ")]
        given: dict[str, dict[str, Any]] = {}
        place = 0
        while True:
            values = {name: value for known in given.values() for name, value in known.items()}
            if place == len(fields):
                if not needs_slug(entity, values):
                    return values
                field, head = SLUG, wrapped(NO_SLUG, "    ")
            elif place > len(fields):
                return values
            else:
                field = fields[place]
            value = yield from self._ask(field, head)
            head = []
            if value is not WENT_BACK:
                given[field.name] = value
                place += 1
            elif place == 0:
                return WENT_BACK
            else:
                given.pop(field.name, None)
                place -= 1

    def _ask(self, field: FormField, head: Sequence[str]) -> Talk:
        """Ask for one field until what is typed can be taken."""
        told = "" if field.value is None else str(field.value)
        there = self.typed.get(field.name, told)
        lines = list(head)
        for number, choice in enumerate(field.choices, 1):
            lines.append(f"    {number:>2}  {choice}")
        lines += ["        a number, or a text of your own"] if field.choices else []
        known = f" [{short(there, 36)}]" if there else ""
        needed = "" if field.required or there else " (may be empty)"
        while True:
            text = (yield Prompt(lines, f"  {field_title(field.name)}{known}{needed}: ")).strip()
            if text == BACK:
                return WENT_BACK
            if text == NOTHING and there and not field.required:
                there, text = "", ""
            text = text or there
            if chosen := picked(text, field.choices):
                text = chosen
            value, lines = self._read(field, text, told)
            if not lines:
                self.typed[field.name] = text
                return value

    def _read(self, field: FormField, text: str, told: str) -> tuple[dict[str, Any], list[str]]:
        """Return what a text comes to, or what is wrong with it."""
        if text and text == told:
            return {field.name: field.value}, []
        if not text:
            return {}, [f"    {field_title(field.name)} is needed."] if field.required else []
        if field.choices and text.isdecimal():
            return {}, [f"    The numbers go from 1 to {len(field.choices)}."]
        try:
            return typed_field(self.item, field, text, self.catalog), []
        except BadValue as error:
            return {}, wrapped(f"{error}.", "    ")


def field_title(path: str) -> str:
    """Return a field of a form as a person reads it: `oven_id.slug` is the oven's slug."""
    column, _, wanted = path.partition(".")
    return f"{column.removesuffix('_id')} {wanted}" if wanted else column
