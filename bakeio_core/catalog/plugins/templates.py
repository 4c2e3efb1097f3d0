"""Templates: small documented documents for phones, scanners, assistants and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.entities.arguments import refuse_arguments
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import PluginError

TEMPLATE, LINES = "template", "lines"
"""What a document says it is of, and the list of what it tells."""


@dataclass(frozen=True)
class Totals:
    """Say that a line counts the total of all rows of a thing, not the amount of one row.

    What is more than the rows hold is added to the newest of them; what is less is taken from the
    oldest. Where there is no row yet one is created. Lines of the same thing are added up.

    Args:
        by: the references that say what is counted.
        within: columns by which a line counts only some of the rows, where it gives them.
        order: the column by which rows are older or newer; those without it are the oldest.
    """

    by: Sequence[str]
    within: Sequence[str] = ()
    order: str = ""

    def __post_init__(self) -> None:
        refuse_arguments(self, "Totals")


@dataclass(frozen=True, eq=False)
class Template:
    """Declare a small document that is filled in elsewhere and imported like a view.

    As JSON it is `{"template": NAME, FIELD: VALUE, "lines": [{FIELD: VALUE}]}`, as a sheet one row
    for each line. Its lines are records of a view of its own, in the words of the person who fills
    it in. So they are matched, linked, asked about and reported like the records of any other view.

    Args:
        view: that view; the template has its name and purpose.
        required: the fields that every line needs, in the line or once for all lines.
        once: the fields that can be given once, beside the lines, for all of them.
        given: {field: value} for lines without this field.
        of: the column that lines count, where they count.
        per: {field: `reference.column`}: that field counts packages, each of which holds what the
            column of the row referred to says; together they are `of`.
        example: a document as it may be filled in.
        instructions: what the person who fills it in has to know, one sentence each.
        totals: set where lines tell what there is altogether; without it each line is a row.

    Raises:
        PluginError: It names a field that its view does not have.

    >>> from bakeio_core import Template, View, editable, readonly
    >>> fields = {"oven": readonly("oven_id.slug"), "heat": editable("degrees")}
    >>> heats = View(name="heat_log", entity="heats", purpose="Note heats", fields=fields)
    >>> example = {"oven": "deck", "lines": [{"heat": 240}]}
    >>> template = Template(heats, required=["oven", "heat"], once=["oven"], example=example)
    """

    view: View
    required: Sequence[str]
    example: Mapping[str, Any]
    instructions: Sequence[str] = ()
    once: Sequence[str] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""
    per: Mapping[str, str] = field(default_factory=dict)
    totals: Totals | None = None

    def __post_init__(self) -> None:
        refuse_arguments(self, "Template")
        told = {name for name in self.example if name not in (TEMPLATE, LINES)}
        for name in (*self.required, *self.once, *self.given, *self.per, *told):
            if name not in self.view.fields:
                raise PluginError(f'template "{self.called}": there is no field "{name}"')
        if (self.per or self.totals) and not self.of:
            raise PluginError(f'template "{self.called}": say of which column it counts (of=)')
        if not isinstance(self.example.get(LINES), list):
            raise PluginError(f'template "{self.called}": its example has no list "{LINES}"')

    @property
    def name(self) -> str:
        """The name of its view."""
        return self.view.name

    @property
    def document(self) -> dict[str, Any]:
        """The example as a document that names its template."""
        return {TEMPLATE: self.called, **self.example}

    @property
    def filled(self) -> dict[str, Any]:
        """{field: value} that stands in a line which says nothing there."""
        return {name: value for name, value in self.given.items() if name not in self.per}

    @property
    def called(self) -> str:
        """Its name for people and in documents, such as `stock-take`."""
        return self.view.name.replace("_", "-")
