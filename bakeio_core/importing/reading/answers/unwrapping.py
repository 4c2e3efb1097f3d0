"""Find the records in a document that has them elsewhere than in its list "records".

They may stand in an object around them, by their keys, as columns and rows, or as one change each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bakeio_core.catalog.fields import FieldMap, plain_name
from bakeio_core.files.documents.document import RECORDS
from bakeio_core.files.documents.scanner import DECODER, Duplicated
from bakeio_core.values.wording import listed, shown

_DEEPEST = 6
"""How many objects around records are taken off."""
_CHANGED = ("value", "newvalue", "new", "to")
"""What says, in plain form, the value of a change or of a cell."""
_FIELD = ("field", "fieldname", "column")
_KEY = ("key", "id", "slug", "row", "record")
_BESIDE = frozenset(
    ["op", "operation", "action", "old", "oldvalue", "from", "previous", "reason", "confidence"]
)
"""What may stand beside a change and says nothing of the new value."""
_SETTING = frozenset(["replace", "set", "update", "add", "fill", "change"])
_HEAD = ("view_name", "entity_type")


@dataclass
class Nested:
    """Records that stand within something else.

    Attributes:
        place: Where, such as `result.data`.
        records: They, as they are in a list "records".
        header: What stands beside them.
        done: What is to be told, in words.
    """

    place: str
    records: list[Any]
    header: dict[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    @property
    def top(self) -> str:
        """The field of the document it stands in."""
        return self.place.split(".")[0]


class Unwrapping:
    """Find records within a document.

    Args:
        known: The fields records may have: those of one view or entity, or of any.
    """

    def __init__(self, known: Sequence[FieldMap]) -> None:
        self.known = known

    def of_document(self, header: Mapping[str, Any]) -> list[Nested]:
        """Return the records in a document without a list of them, from every place they stand."""
        if isinstance(header, Duplicated):
            return []
        table = self._table(header)
        if table is not None:
            return [table]
        found = list(self._within(header, "", 0))
        if found:
            return found
        named = {name: value for name, value in header.items() if name not in _HEAD}
        return [Nested("", [named], done=[])] if self._is_record(named) else []

    def of_records(self, records: Sequence[Mapping[str, Any]]) -> Nested | None:
        """Return a list of changes of one field each as records, None where it is none."""
        return self._changes(records, "")

    def _within(self, value: Mapping[str, Any], place: str, depth: int) -> Iterator[Nested]:
        """Yield the records in the fields of an object."""
        keyed = self._by_key(value, place)
        if keyed is not None:
            yield keyed
            return
        header = {name: item for name, item in value.items() if name in _HEAD}
        for name, item in value.items():
            inner = f"{place}.{name}" if place else name
            for found in self._of_value(item, inner, depth + 1):
                found.header = {**header, **found.header}
                yield found

    def _of_value(self, value: Any, place: str, depth: int) -> Iterator[Nested]:
        value = _parsed(value)
        said = f'has no list "records"; {shown(place)} is read as that'
        if place == RECORDS:
            held = "a text that holds a list" if isinstance(value, list) else "an object, no list"
            said = f'its "records" is {held}, and is read as that'
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            changes = self._changes(value, place)
            if changes is not None:
                changes.done = [said, *changes.done]
                yield changes
            elif any(self._is_record(item) for item in value):
                yield Nested(place, value, done=[said])
        if not isinstance(value, dict) or isinstance(value, Duplicated) or depth > _DEEPEST:
            return
        table = self._table(value, place)
        if table is not None:
            yield table
            return
        found = list(self._within(value, place, depth))
        if found:
            yield from found
        elif self._is_record(value) and RECORDS not in value:
            yield Nested(place, [value], done=[said])

    def _is_record(self, value: Mapping[str, Any]) -> bool:
        """Tell whether an object has a field of a record, or an object full of them."""
        for fields in self.known:
            for name, item in value.items():
                inner = item if isinstance(item, dict) and item else {}
                if name[:1] == "_":
                    continue
                if fields.named(name) is not None or (inner and all(map(fields.named, inner))):
                    return True
        return False

    def _keys(self) -> set[str]:
        """Return the fields that name a record, each known map having at most one that counts."""
        return {item.name for fields in self.known for item in fields.of_role("key")}

    def _by_key(self, value: Mapping[str, Any], place: str) -> Nested | None:
        """Return records that stand by their keys, {key: record}, None where none do."""
        inner = [_parsed(item) for item in value.values()]
        if not inner or not all(isinstance(item, dict) and item for item in inner):
            return None
        if any(self._named(name) for name in value) or RECORDS in value:
            return None
        keys = [
            item.name
            for fields in self.known
            if all(all(map(fields.named, one)) for one in inner)
            for item in fields.of_role("key")[:1]
        ]
        if len(set(keys)) != 1 or any(self._says(one, keys[0]) for one in inner):
            return None
        said = f'has no list "records"; its objects are read as records by {keys[0]}'
        records = [{keys[0]: name, **one} for name, one in zip(value, inner, strict=True)]
        return Nested(place or next(iter(value)), records, done=[said])

    def _says(self, record: Mapping[str, Any], key: str) -> bool:
        named = (fields.named(name) for fields in self.known for name in record)
        return any(item is not None and item.name == key for item in named)

    def _named(self, name: str) -> bool:
        return any(fields.named(name) is not None for fields in self.known)

    def _table(self, value: Mapping[str, Any], place: str = "") -> Nested | None:
        """Return the records of columns and rows; None where that is no table."""
        columns, rows = value.get("columns"), value.get("rows")
        is_table = isinstance(columns, list) and isinstance(rows, list) and columns and rows
        if not is_table or not all(isinstance(name, str) for name in columns or ()):
            return None
        names = list[str](columns or [])
        whole = [row for row in rows or () if isinstance(row, list) and len(row) == len(names)]
        if len(whole) < len(rows or ()) or len(set(names)) < len(names):
            return None
        said = 'has no list "records"; its rows are read as that, by its columns'
        records = [dict(zip(names, row, strict=True)) for row in whole]
        header = {n: v for n, v in value.items() if n not in ("columns", "rows")}
        return Nested(place or "rows", records, header, [said])

    # -- changes
    def _changes(self, items: Sequence[Mapping[str, Any]], place: str) -> Nested | None:
        """Return what a list of changes, each of one field, says of records.

        An item names a record, a field and its new value.
        """
        records, beside = dict[str, dict[str, Any]](), set[str]()
        for item in items:
            read = self._change(item)
            if read is None:
                return None
            naming, name, value, left = read
            beside |= left
            record = records.setdefault(repr(sorted(naming.items(), key=str)), dict(naming))
            if name in record:
                return None
            record[name] = value
        if not records:
            return None
        said = "its changes of one field each are read as records"
        also = f" ({listed(sorted(beside))} is not read)" if beside else ""
        return Nested(place, list(records.values()), done=[said + also])

    def _change(self, item: Mapping[str, Any]) -> tuple[dict[str, Any], str, Any, set[str]] | None:
        """Return what one change names, its field and value, and what was not read."""
        plain = {plain_name(name): name for name in item}
        by_field = [plain[name] for name in _FIELD if name in plain and not self._named(name)]
        by_value = [plain[name] for name in _CHANGED if name in plain and not self._named(name)]
        if len(by_field) != 1 or len(by_value) != 1 or not isinstance(item[by_field[0]], str):
            return None
        rest = {n: v for n, v in item.items() if n not in (by_field[0], by_value[0])}
        left = {name for name in rest if plain_name(name) in _BESIDE and not self._named(name)}
        kinds = [item[name] for name in left if plain_name(name) in ("op", "operation", "action")]
        if not all(isinstance(kind, str) and kind.lower() in _SETTING for kind in kinds):
            return None
        naming = {name: value for name, value in rest.items() if name not in left}
        unknown = [name for name in naming if not self._named(name)]
        keys = self._keys_for(str(item[by_field[0]]))
        if len(unknown) == 1 and plain_name(unknown[0]) in _KEY and len(keys) == 1:
            naming[keys.pop()] = naming.pop(unknown[0])
        return (naming, str(item[by_field[0]]), item[by_value[0]], left) if naming else None

    def _keys_for(self, name: str) -> set[str]:
        """Return the key fields of what has a field."""
        return {
            item.name
            for fields in self.known
            if fields.named(name) is not None
            for item in fields.of_role("key")[:1]
        }


def _parsed(value: Any) -> Any:
    """Return the object or list a text is, else the value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return DECODER.decode(value)
        except (ValueError, RecursionError):
            return value
    return value
