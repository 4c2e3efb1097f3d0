"""Kinds of days, instants and times of day."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timezone
from typing import Any

from bakeio_core.errors import Advice
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.wording import BadValue, Note, day_hint, shown

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


_STORED_DAY = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?)?", re.ASCII
)
"""A day, or midnight of it: programs that know instants only write days so."""
_STORED_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?"
    r"[T ]?(?:([Zz])|([+-]\d\d):?(\d\d)?)?)?",
    re.ASCII,
)


class _Known(dict[str, bool]):
    """Remember answers, so that each of a file's few different days and times is looked at once."""

    def __init__(self, pattern: str, valid: Callable[[str], object]) -> None:
        self.pattern, self.valid = re.compile(pattern, re.ASCII), valid

    def __missing__(self, text: str) -> bool:
        try:
            good = bool(self.pattern.fullmatch(text) and self.valid(text))
        except ValueError:
            good = False
        if len(self) > 200_000:
            self.clear()
        self[text] = good
        return good

    def all(self, texts: Iterable[str]) -> bool:
        return all(map(self.__getitem__, texts))


_DAYS = _Known(r"\d{4}-\d\d-\d\d", date.fromisoformat)
_HOURS = {f"{hour:02}" for hour in range(24)}
_DIGITS = str.maketrans("123456789", "000000000")


class Date(Kind):
    """Days of the calendar, `YYYY-MM-DD`."""

    noun = "a date"
    fast = str

    def read(self, value: object, note: Note) -> str:
        if not isinstance(value, str):
            raise BadValue(f'{shown(value)} is not a date: write "YYYY-MM-DD"')
        match = _DAY.fullmatch(value)
        if match:
            try:
                date.fromisoformat(value)
            except ValueError:
                raise BadValue(f"{shown(value)} is not a day of the calendar") from None
            return value
        if re.match(r"\d{4}-\d{2}-\d{2}[T ]\s*\S", value):
            message = f"{shown(value)} is a date with a time: write only {value[:10]}"
            raise BadValue(Advice(message, value[:10]))
        hint = day_hint(value)
        if " or " in hint:
            raise BadValue(hint.within(f"{shown(value)} can be read in more than one way: "))
        advice = hint if hint else Advice("write YYYY-MM-DD")
        raise BadValue(advice.within(f"{shown(value)} is not a date: "))

    def stored(self, value: Any) -> Any:
        match = _STORED_DAY.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise BadValue(f"{shown(value)} is not a date")
        if not _DAYS[match[1]]:
            raise BadValue(f"{shown(value)} is not a day of the calendar")
        return match[1]

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        with contextlib.suppress(TypeError):  # what is not a text
            if _DAYS.all(filter(None, cells) if None in cells else cells):
                return cells
        return super().tidied(cells)

    def all_valid(self, values: Sequence[Any]) -> bool:
        return _DAYS.all(set(values) - {None})

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else date.fromisoformat(value)

    def from_python(self, value: Any) -> Any:
        return value.isoformat()[:10] if isinstance(value, date) else value


class DateTime(Kind):
    """Instants, in UTC; a time without a zone is read as UTC."""

    noun = "a date and time"
    fast = str

    def __init__(self, zoned: bool = True) -> None:
        self.zoned = zoned

    def read(self, value: object, note: Note) -> str:
        if not isinstance(value, str) or not re.match(
            r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value, re.ASCII
        ):
            raise BadValue(f"{shown(value)} is not a date and time: write YYYY-MM-DDTHH:MM:SSZ")
        text = value.replace("Z", "+00:00").replace("z", "+00:00")
        text = re.sub(r"[.,](\d{1,9})", lambda m: "." + (m[1] + "00000")[:6], text)
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                note("has no time zone and is read as UTC")
                moment = moment.replace(tzinfo=timezone.utc)
            wire: str = self.from_python(moment)
            return wire
        except (ValueError, OverflowError):
            raise BadValue(
                f"{shown(value)} is not a date and time of the calendar: write YYYY-MM-DDTHH:MM:SSZ"
            ) from None

    def stored(self, value: Any) -> Any:
        match = _STORED_INSTANT.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise BadValue(f"{shown(value)} is not a date and time")
        day, minute, second, fraction, _, hours, minutes = match.groups()
        micro = ((fraction or "") + "000000")[:6]
        text = f"{day}T{minute or '00:00'}{second or ':00'}.{micro}"
        zone = f"{hours}:{minutes or '00'}" if hours else "+00:00"
        try:
            return self.from_python(datetime.fromisoformat(text + zone))
        except (ValueError, OverflowError):
            if hours:
                raise BadValue(f"{shown(value)} is not a date and time of the calendar") from None
        # laid out as one, though no calendar has it: it comes back as it is
        return f"{text.removesuffix('.000000')}Z"

    def kept(self, value: Any) -> Any:
        return self.kept_as_stored(value)

    def tidied(self, cells: Sequence[Any]) -> Sequence[Any]:
        return cells if self.all_valid(cells) else super().tidied(cells)

    def all_valid(self, values: Sequence[Any]) -> bool:
        if None in values:
            values = [value for value in values if value is not None]
        # All at once: every value must be laid out as YYYY-MM-DDTHH:MM:SSZ, and its parts within
        # the clock and the calendar.
        try:
            size, text = len(values), "".join(values)
        except TypeError:  # what is not a text
            return False
        return (
            len(text) == 20 * size
            and text.translate(_DIGITS) == "0000-00-00T00:00:00Z" * size
            and (not size or (max(text[14::20]) <= "5" and max(text[17::20]) <= "5"))
            and {value[11:13] for value in values} <= _HOURS
            and _DAYS.all({value[:10] for value in values})
        )

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def to_python(self, value: Any) -> Any:
        if value is None:
            return None
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment if self.zoned else moment.replace(tzinfo=None)

    def from_python(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        if value.tzinfo is not None:
            value = value.astimezone(timezone.utc).replace(tzinfo=None)
        return value.isoformat() + "Z"


class Time(Kind):
    """A time of day without a date."""

    sql_convertible = False
    noun = "a time of day"

    def read(self, value: object, note: Note) -> str:
        try:
            return time.fromisoformat(value).isoformat()  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise BadValue(f"{shown(value)} is not a time of day: write HH:MM:SS") from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "time"}

    def to_python(self, value: Any) -> Any:
        return None if value is None else time.fromisoformat(value)

    def from_python(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, time) else value
