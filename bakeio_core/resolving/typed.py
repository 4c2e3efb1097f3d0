"""What a person types about a question, as the values of a decision: on a terminal, in a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bakeio_core.catalog.entities.model import RowValues
from bakeio_core.catalog.exchange import Candidate, Missing, Question
from bakeio_core.errors import UsageError
from bakeio_core.resolving.candidates import as_asked
from bakeio_core.resolving.form import SLUG, FormField, blanks, needs_slug
from bakeio_core.values.kinds.text import Boolean
from bakeio_core.values.wording import BadValue

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.values.kinds.kind import Kind

NO_SLUG = "No slug can be made of that: give one, in letters a to z, digits and _."
_TRUTHS = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


class FormRefused(UsageError):
    """Correct the form of a new row: some of its fields are wrong.

    `fields` says what is wrong with each: {name of the field: sentence}.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {what}" for name, what in fields.items()))
        self.fields = dict(fields)


def rows_like(question: Question, text: str, catalog: Catalog, limit: int) -> list[Candidate]:
    """Return the rows that a text may mean, where a question waits for one of them."""
    if question.search is None:
        return []
    entity = catalog.entities[question.entity]
    return question.search(Missing(entity.name, as_asked(entity, text)), limit)


def typed_value(question: Question, text: str, catalog: Catalog) -> Any:
    """Return the value of a field of a record that a text stands for.

    Raises:
        BadValue: It stands for none.
    """
    entity = catalog.entities[question.entity]
    column = next(iter(question.fields), "")
    is_own = column in entity.kinds and column not in entity.references
    return _read(entity.kinds[column], text) if is_own else text


def typed_field(
    question: Question, field: FormField, text: str, catalog: Catalog
) -> dict[str, Any]:
    """Return the values of a new row that a text in a field of its form stands for.

    Raises:
        BadValue: It stands for none.
    """
    if field.target is not None:
        return _named(question, field, text, catalog)
    return {field.name: _read(catalog.entities[question.entity].kinds[field.name], text)}


def new_row(question: Question, texts: Mapping[str, str], catalog: Catalog) -> RowValues:
    """Return the values of a new row that the texts in its form stand for.

    Args:
        question: Which row is wanted.
        texts: {name of a field: what stands in it}; an empty text leaves a field out.
        catalog: The entities that are installed.

    Raises:
        FormRefused: Something is missing, or cannot be read.
    """
    entity, values, wrong = catalog.entities[question.entity], dict[str, Any](), dict[str, str]()
    form = {field.name: field for field in blanks(question, catalog)}
    form.setdefault(SLUG.name, SLUG)
    for name, field in form.items():
        text = texts.get(name, "").strip()
        try:
            if text and text == ("" if field.value is None else str(field.value)):
                values[name] = field.value
            elif text:
                values |= typed_field(question, field, text, catalog)
            elif field.required and field is not SLUG:
                wrong[name] = "This is needed."
        except BadValue as error:
            wrong[name] = f"{str(error)[:1].upper()}{str(error)[1:]}."
    if not wrong and needs_slug(entity, values):
        wrong[SLUG.name] = NO_SLUG
    if wrong:
        raise FormRefused(wrong)
    return values


def _read(kind: Kind, text: str) -> Any:
    value = _TRUTHS.get(text.lower(), text) if isinstance(kind, Boolean) else text
    return kind.read(value, lambda note: None)


def _named(question: Question, field: FormField, text: str, catalog: Catalog) -> dict[str, Any]:
    """Return how a decision names the row of a reference.

    By its key where the text is that of a row, else by what people call it.
    """
    target = catalog.entities[str(field.target)]
    references = catalog.entities[question.entity].references
    column = next(
        (c for c, r in references.items() if field.name in r.lookups),
        field.name.split(".", maxsplit=1)[0],
    )
    asked = Missing(target.name, as_asked(target, text))
    found = question.search(asked, 1) if question.search else []
    if found and found[0].automatic:
        return {f"{column}.{name}": value for name, value in found[0].key.items()}
    known = [
        *(key[0] for key in target.all_keys if len(key) == 1 and key[0] != "uuid"),
        *references[column].lookups.values(),
    ]
    if not known:
        return {column: text}
    label = next((label for label in target.labels if label in known), known[0])
    return {f"{column}.{label}": text}
