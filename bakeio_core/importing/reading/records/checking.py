"""Check the values of a set as an import would read them, without a database."""

from __future__ import annotations

import operator
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.errors import DocumentError, Problem, Problems
from bakeio_core.files.documents.blocks import Block
from bakeio_core.files.sets.export_set import ExportSet
from bakeio_core.files.sets.verify import Progress
from bakeio_core.importing.reading.building import of_set
from bakeio_core.importing.reading.records.reader import Reader
from bakeio_core.importing.reading.sources import Part
from bakeio_core.values import Text


def check_values(
    opened: ExportSet,
    catalog: Catalog,
    problems: Problems,
    progress: Progress | None = None,
) -> None:
    """Tell what the kind of database a set is from would refuse of its values, or warn of.

    Args:
        opened: The set.
        catalog: What is installed.
        problems: Where it is told, beside what else is wrong with the set.
        progress: Told of (values of an entity, records checked so far).
    """
    source = of_set(opened, catalog)
    if source.database_kind is not None:
        source.goes_into(source.database_kind)
    for part in source.parts:
        checked = _Checked(part)
        checked.problems.where = source.where
        try:
            for block in part.document.blocks():
                checked.check(block)
                if progress is not None:
                    progress(f"values of {part.entity.name}", checked.reader.total)
        except (DocumentError, OSError):
            continue  # told already, by who read its bytes
        for problem in (*checked.problems, *checked.reader.known.problems()):
            if problem.code in ("bad-value", "unknown-field"):  # the others were told already
                problems.add(problem)


BLANK = "is blank, though a value is required: it is accepted as it is"


def is_blank(value: object) -> bool:
    """Tell whether a value is a text without any sign but spaces."""
    return isinstance(value, str) and not value.strip()


class _Checked:
    """The values of one file."""

    def __init__(self, part: Part) -> None:
        self.part, self.problems = part, Problems()
        self.reader = Reader(part, self.problems)
        self.required = [
            item.name for item in part.fields if not item.nullable and isinstance(item.kind, Text)
        ]

    def check(self, block: Block) -> None:
        typed = self.reader.typed(block)
        if typed is None:
            for record in self.reader.read_dicts(block):
                for name in self.required:
                    self._check_blank(name, record.values.get(name), record.number)
            return
        self.reader.accept(len(typed))
        for name in self.required:
            if name in self.reader.names:
                texts = list(map(operator.attrgetter(self.reader.names[name]), typed))
                if not all(map(str.strip, texts)):
                    for number, text in enumerate(texts, block.first):
                        self._check_blank(name, text, number)

    def _check_blank(self, name: str, text: Any, number: int) -> None:
        if is_blank(text):
            self.problems.add(
                Problem(
                    code="bad-value",
                    severity="warning",
                    file=self.part.file,
                    record=number,
                    entity=self.part.entity.name,
                    field=name,
                    value=text,
                    message=BLANK,
                )
            )
