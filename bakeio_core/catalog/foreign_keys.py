"""What a table says of its keys, as names: foreign ones, whose targets need not be declared yet."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint


@dataclass(frozen=True)
class ForeignKeyColumns:
    """One foreign key.

    Args:
        columns: the columns that hold it.
        target: the name of the table it refers to.
        target_keys: the columns there, by their keys (`Column.key`).
    """

    columns: tuple[str, ...]
    target: str
    target_keys: tuple[str, ...]

    @property
    def is_reference(self) -> bool:
        """Whether one column holds it, so that it may be the reference of a field."""
        return len(self.columns) == 1


def foreign_keys_of(table: Table) -> tuple[ForeignKeyColumns, ...]:
    """Return the foreign keys of a table, in the order of the first column of each."""
    places = {column.name: place for place, column in enumerate(table.columns)}
    found = []
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            elements = list(constraint.elements)
            # `schema.table.column` or `table.column`; a table of the same schema is meant by both
            *_, target, _ = elements[0].target_fullname.split(".")
            keys = tuple(element.target_fullname.rsplit(".", 1)[1] for element in elements)
            columns = tuple(str.__str__(element.parent.name) for element in elements)
            found.append(ForeignKeyColumns(columns, target, keys))
    return tuple(sorted(found, key=lambda foreign: places[foreign.columns[0]]))


def unique_sets(table: Table) -> list[tuple[str, ...]]:
    """Return the columns of which no two rows have the same, set by set, the primary key first.

    Args:
        table: The table; what is declared nowhere but in the database is not known.
    """
    found = [[*table.primary_key.columns]]
    found += [[*index.columns] for index in table.indexes if index.unique]
    found += [[column] for column in table.columns if column.unique]
    found += [[*c.columns] for c in table.constraints if isinstance(c, UniqueConstraint)]
    named = (tuple([str(column.name) for column in columns]) for columns in found if columns)
    return list({frozenset(names): names for names in named}.values())
