"""What columns hold: kinds of values, their wording, folding."""

from bakeio_core.values.kinds.choices import Choice
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.nested import Array, Json
from bakeio_core.values.kinds.numbers import Decimal, Float, Integer, Interval
from bakeio_core.values.kinds.text import Boolean, Bytes, Charset, Identifier, RuledText, Text
from bakeio_core.values.kinds.times import Date, DateTime, Time
from bakeio_core.values.wording import BadValue

__all__ = [
    "Array",
    "BadValue",
    "Boolean",
    "Bytes",
    "Charset",
    "Choice",
    "Date",
    "DateTime",
    "Decimal",
    "Float",
    "Identifier",
    "Integer",
    "Interval",
    "Json",
    "Kind",
    "RuledText",
    "Text",
    "Time",
]
