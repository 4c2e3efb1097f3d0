"""What a column holds, in JSON: one `Kind` per column reads what people write.

Between the files and the database every value has one form, the *wire value*: str, int, float,
bool or None, dates as `YYYY-MM-DD`, instants as `YYYY-MM-DDTHH:MM:SS[.ffffff]Z` (UTC). No
arithmetic is done on numbers: a decimal of up to 15 digits keeps its digits as the double next to
it (IEEE 754: DBL_DIG is 15), longer ones stay `Decimal`.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from bakeio_core.values.wording import BadValue, Note, shown


class Kind:
    """Read, check and describe one column's values; one subclass per family of SQLAlchemy types.

    Attributes:
        is_scalar: whether a value is not a list or object, so that values can be looked up.
        sql_convertible: whether the database itself can turn the stored value into the wire value
            (and back) in SQL.
        fast: the type a decoder gives these values.
        as_text: whether the database gives and takes a text, which `from_text` and `to_text`
            read and make.
        typed: whether a value decoded as `fast` is right; else `all_valid` looks at it.
        decoded: what makes the wire value of one decoded as `fast`, None where it is that already.
        noun: what a value is called in messages.
        choices: the texts a person chooses from, where there are no others.
    """

    is_scalar: ClassVar[bool] = True
    sql_convertible: ClassVar[bool] = True
    as_text: bool = False
    typed: bool = False
    fast: Any = Any
    decoded: Callable[[Any], Any] | None = None
    noun: ClassVar[str] = "a value"
    choices: Sequence[str] = ()

    def read(self, value: object, note: Note) -> Any:
        """Return the wire value of what a file holds.

        Args:
            value: what was decoded from JSON, numbers with a point as `Decimal`.
            note: is told of every liberty taken.

        Raises:
            BadValue: where it cannot be taken.
        """
        raise BadValue(f"{shown(value)} is not {self.noun}")

    def all_valid(self, values: Sequence[Any]) -> bool:
        """Tell whether wire values decoded by type alone (`fast`) need no second look."""
        try:
            return all(
                value is None or self.read(value, lambda note: None) == value for value in values
            )
        except BadValue:
            return False

    def stored(self, value: Any) -> Any:
        """Return the wire value of what a database holds that does not enforce its types.

        Where the meaning is plain, it is what the column would have held: `true` for the word
        'true', UTC for another zone. What has an exact form in JSON and only breaks the column's
        own declaration, such as a text that is too long, stays as it is.

        Raises:
            BadValue: It has no such form, or no plain meaning in this column.
        """
        return value

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        """Return `stored` of every cell of a column; null stays null.

        Raises:
            BadValue: where `stored` does.
        """
        return [None if cell is None else self.stored(cell) for cell in cells]

    @property
    def is_checked(self) -> bool:
        """Whether the table's CHECK constraints say something of its values: `check_range`."""
        return False

    def check_range(self, wire: Any) -> None:
        """Raise BadValue where the table's CHECK constraints let no row have a wire value."""

    def kept(self, value: Any) -> Any:
        """Return the wire value of what a file has from the same kind of database.

        So a value that only breaks the column's declaration comes back as it was stored.

        Raises:
            BadValue: `stored` would have written something else.
        """
        return self.read(value, lambda note: None)

    def kept_as_stored(self, value: Any) -> Any:
        """Do what `kept` does, for kinds of which `stored` takes more than `read`."""
        wire = self.stored(value)
        if type(wire) is not type(value) or wire != value:
            raise BadValue(f"{shown(value)} is not {self.noun}")
        return wire

    def same(self, one: Any, other: Any) -> bool:
        """Tell whether two wire values are one."""
        return bool(one == other)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of a value that is not null."""
        return {}

    def to_python(self, value: Any) -> Any:
        """Return the object the SQLAlchemy type takes as a parameter for this wire value."""
        return value

    def from_python(self, value: Any) -> Any:
        """Return the wire value of what the SQLAlchemy type gives as a result."""
        return value

    def from_driver(
        self, declared: TypeEngine[Any], dialect: Dialect, codes: Mapping[type, int]
    ) -> Callable[[Any], Any]:
        """Return what makes wire values of what the driver gives of a column.

        Args:
            declared: The column's type.
            dialect: SQLAlchemy's, of the database.
            codes: {kind: what the driver calls the type of such results}.
        """
        process = declared.dialect_impl(dialect).result_processor(dialect, self.code(codes))
        return (lambda cell: self.from_python(process(cell))) if process else self.from_python

    def type_of_parameters(self, dialect: Dialect) -> str:
        """Return the name of the type parameters must be given, empty where none is needed."""
        return ""

    def code(self, codes: Mapping[type, int]) -> int | None:
        """Return what the driver calls the type of the results; see `from_driver`."""
        return codes.get(type(self))

    def to_driver(self, declared: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
        """Return what makes the driver's parameters of wire values; see `from_driver`."""
        process = declared.dialect_impl(dialect).bind_processor(dialect)
        return (lambda wire: process(self.to_python(wire))) if process else self.to_python

    def from_text(self, cell: Any) -> Any:
        """Return the wire value of the text the database gives, where it does (`as_text`).

        Raises:
            BadValue: The text is none of this kind.
        """
        return cell

    def to_text(self, wire: Any) -> str:
        """Return the text the database takes for a wire value, where it does (`as_text`)."""
        return str(wire)

    def from_json(self, value: Any) -> Any:
        """Return the wire value of one that was written as JSON, numbers given as `Decimal`."""
        return float(value) if isinstance(value, decimal.Decimal) else value
