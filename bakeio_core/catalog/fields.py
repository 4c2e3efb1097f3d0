"""What a field of a file means: the one map between the fields of files and the columns of tables.

It is read both ways: an export asks for the fields in order, an import for the field that says what
a column is to hold (`own`), or what the row a reference means is called (`naming`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import ROW_KEY, Entity
from bakeio_core.catalog.views.lists import is_list, parent_column
from bakeio_core.catalog.views.view import View
from bakeio_core.values import Boolean, Json, Kind, Text
from bakeio_core.values.wording import jsonable

REV, CLEAR, DELETE = "_rev", "_clear", "_delete"


@dataclass(frozen=True)
class FileField:
    """What one field of a file means for its entity.

    `column` is the column it is about, None where it only informs. With `target` it is not the
    column's own value but that column of the row which the reference in `column` names. `role` is
    key, editable, readonly, parent, context, list, revision, clear or delete; `nullable` tells
    whether the file may say null. What is not `exported` is taken from a file all the same.
    """

    name: str
    column: str | None
    kind: Kind
    target: str | None = None
    role: str = "editable"
    nullable: bool = True
    exported: bool = True


class FieldMap:
    """The fields of one file of an entity, by name and by what they are about.

    Args:
        entity: Whose records the file holds.
        catalog: Every entity, for what references lead to.
        fields: The fields in the order of the file.
    """

    def __init__(self, entity: Entity, catalog: Catalog, fields: list[FileField]) -> None:
        self.entity, self.catalog = entity, catalog
        self.by_name = {field.name: field for field in fields}

    def __iter__(self) -> Iterator[FileField]:
        return iter(self.by_name.values())

    def unread(self, columns: Collection[str]) -> FieldMap:
        """Return the fields with those about some columns as mere context, which is not taken."""
        fields = [
            replace(field, column=None, target=None, kind=Json(), role="context")
            if field.column in columns
            else field
            for field in self
        ]
        return FieldMap(self.entity, self.catalog, fields)

    @cached_property
    def own(self) -> dict[str, str]:
        """The field that says what a column holds: {column: field}, written ones first."""
        found: dict[str, str] = {}
        for field in sorted(self, key=lambda field: field.role == "readonly"):
            if field.column is not None and field.target is None:
                found.setdefault(field.column, field.name)
        return found

    @cached_property
    def naming(self) -> dict[str, dict[str, FileField]]:
        """The fields that say what a referred row is called: {reference: {column of it: field}}.

        Best first: keys of the target in their order, then other lookups.
        """
        found = {}
        for column, reference in self.entity.references.items():
            named = {f.target: f for f in self if f.column == column and f.target is not None}
            target = self.catalog.entities[reference.target]
            best = [*(key[0] for key in target.all_keys if len(key) == 1), *named]
            found[column] = {name: named[name] for name in dict.fromkeys(best) if name in named}
        return found

    @cached_property
    def _other_names(self) -> dict[str, str | None]:
        """{other name of a field, in its plain form: the field}; None where two have it."""
        found: dict[str, str | None] = {}
        for names in (self._spellings(), self._synonyms()):
            clear: dict[str, str | None] = {}
            for other, name in names:
                plain = plain_name(other)
                clear[plain] = name if clear.get(plain, name) == name else None
            found = {**clear, **found}
        return found

    def _spellings(self) -> Iterator[tuple[str, str]]:
        yield from ((name, name) for name in self.by_name)

    def _synonyms(self) -> Iterator[tuple[str, str]]:
        """Yield (other name, field): the column's own name, lookups, what a plugin declares."""
        own = {column: name for column, name in self.own.items() if not name.startswith("_")}
        for column, name in own.items():
            yield from ((other, name) for other in (column, *self._declared(self.entity, column)))
        for column, naming in self.naming.items():
            reference = self.entity.references[column]
            target = self.catalog.entities[reference.target]
            for lookup, wanted in reference.lookups.items():
                if wanted in naming:
                    yield lookup, naming[wanted].name
            for wanted, field in naming.items():
                for other in self._declared(target, wanted):
                    yield f"{_stem(column)}_{other}", field.name
                    if wanted in target.codes:
                        yield other, field.name

    @staticmethod
    def _declared(entity: Entity, column: str) -> tuple[str, ...]:
        return (*(column,), *entity.field_names.get(column, ()))

    def named(self, name: str) -> FileField | None:
        """Return the field a file means by a name, whatever its case and signs; None for none."""
        field = self.by_name.get(name)
        if field is not None or name.startswith("_"):
            return field
        other = self._other_names.get(plain_name(name))
        return None if other is None else self.by_name[other]

    def naming_of(self, column: str) -> str:
        """Return the field by which a person tells a column, the column where there is none."""
        naming = self.naming.get(column, {}).values()
        named = sorted(naming, key=lambda field: not field.exported)
        names = [field.name for field in named if field.target != "uuid"]
        return names[0] if names else self.own.get(column, column)

    def called(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a record is called, {field: value}; empty where it does not say.

        That is its best readable key, else its id and the row it belongs to, else its label.

        Args:
            values: What the record says, by field.
        """
        for is_whole, fields in self._names_of_records:
            named = {f: jsonable(v) for f in fields if _names(v := values.get(f))}
            if named and (len(named) == len(fields) or not is_whole):
                return named
        return {}

    def label(self, values: Mapping[str, Any]) -> str:
        """Return what people call a record, else what they call the row it belongs to.

        Args:
            values: What the record says, by field.
        """
        own = [values.get(self.own.get(column, "")) for column in self.entity.calling]
        naming = (
            item
            for items in self.naming.values()
            for item in items.values()
            if item.target != "uuid" and values.get(item.name) not in (None, "")
        )
        parent = next(naming, None)
        said = [value for value in own if value not in (None, "")]
        if not said and not self.entity.calling and parent is not None:
            said = [values[parent.name]]
        return " ".join(str(jsonable(value)) for value in said)

    @cached_property
    def _names_of_records(self) -> list[tuple[bool, list[str]]]:
        """The fields that call a record, best first, and whether all of them are needed."""
        entity, parents = self.entity, list(self.naming.items())
        with_id = [self.own[entity.primary]] if entity.primary in self.own else []
        if entity.primary == ROW_KEY:
            with_id = [self.naming_of(column) for column in entity.primary_key]
        parent = [f.name for _, naming in parents for f in naming.values() if f.exported]
        key = [self.own.get(column, "") for column in entity.readable_key]
        is_key = entity.readable_key != (entity.primary,)
        labels = [self.own[column] for column in entity.labels if column in self.own]
        return [(True, key if is_key else []), (False, [*with_id, *parent[:1]]), (False, labels)]

    def of_role(self, *roles: str) -> list[FileField]:
        """Return the fields with one of these roles, in order."""
        return [field for field in self if field.role in roles]


def entity_fields(entity: Entity, catalog: Catalog) -> FieldMap:
    """Return the fields of an entity's file: its columns, lookups behind each reference."""
    fields = []
    for column in entity.columns:
        if column == ROW_KEY:
            continue
        reference = entity.references.get(column)
        is_supplied = column in (entity.surrogate, "uuid", *entity.filled.stamps) or (
            column == "slug" and bool(entity.slug_from)
        )
        optional = entity.nullable(column) or reference is not None or is_supplied
        target = reference.to if reference is not None and reference.is_named else None
        fields.append(FileField(column, column, entity.kinds[column], target, nullable=optional))
        if reference is not None:
            kinds = catalog.entities[reference.target].kinds
            for name, wanted in reference.lookups.items():
                fields.append(FileField(name, column, kinds[wanted], wanted))
    return FieldMap(entity, catalog, fields)


def alone_fields(entity: Entity, catalog: Catalog) -> FieldMap:
    """Return the fields of an entity's file that is of no set: those it has in a set, and the
    standard numbers that name the rows it refers to.
    """
    fields = list(entity_fields(entity, catalog))
    for column, reference in entity.references.items():
        kinds = catalog.entities[reference.target].kinds
        for name, code in _codes(column, catalog.entities[reference.target]).items():
            if name not in entity.columns and name not in reference.lookups:
                fields.append(FileField(name, column, kinds[code], code, exported=False))
    return FieldMap(entity, catalog, fields)


def decision_fields(entity: Entity, catalog: Catalog) -> FieldMap:
    """Return the fields of a row that a decision creates: `reference.column` names by any key."""
    fields = list(entity_fields(entity, catalog))
    for column, reference in entity.references.items():
        target = catalog.entities[reference.target]
        bound = {field.target for field in fields if field.column == column}
        for wanted in dict.fromkeys(key[0] for key in target.all_keys if len(key) == 1):
            if wanted not in bound:
                name = f"{column}.{wanted}"
                fields.append(FileField(name, column, target.kinds[wanted], wanted))
    return FieldMap(entity, catalog, fields)


def view_fields(view: View, catalog: Catalog) -> FieldMap:
    """Return the fields of a view's file. What may be written is the installed view's to say."""
    entity, fields = catalog.entities[view.entity], []
    for name, item in view.fields.items():
        source = item.source
        if isinstance(source, str) and "." not in source:
            reference = entity.references.get(source)
            target = reference.to if reference is not None and reference.is_named else None
            fields.append(FileField(name, source, entity.kinds[source], target, role=item.role))
        elif catalog.names_a_row(entity, source):
            step, wanted = str(source).split(".")
            kind = catalog.entities[entity.references[step].target].kinds[wanted]
            fields.append(FileField(name, step, kind, wanted, role=item.role))
        else:
            fields.append(FileField(name, None, Json(), role="context"))
    fields = [replace(f, exported=False) if f.role == "parent" else f for f in fields]
    fields += [FileField(name, None, Json(), role="list") for name in view.lists]
    fields += _accepted(view, entity, catalog, fields)
    fields.append(FileField(REV, None, Text(), role="revision"))
    fields.append(FileField(CLEAR, None, Json(), role="clear"))
    if is_list(view):
        fields.append(FileField(DELETE, None, Boolean(), role="delete"))
    return FieldMap(entity, catalog, fields)


def _accepted(
    view: View, entity: Entity, catalog: Catalog, fields: list[FileField]
) -> list[FileField]:
    """Return what a view takes besides its fields: the other lookups of what it names, and codes.

    A row that a field names by its name can be named by its slug as well, or by a standard number.
    """
    found = list[FileField]()
    parent = parent_column(view) if is_list(view) else ""
    for column, reference in entity.references.items():
        if column == parent:
            continue
        named = {item.target: item for item in fields if item.column == column and item.target}
        if not named:
            continue
        is_editable = any(item.role == "editable" for item in named.values())
        target = catalog.entities[reference.target]
        for name, wanted in {**reference.lookups, **_codes(column, target)}.items():
            if wanted in named or name in view.fields:
                continue
            role = "editable" if is_editable else "readonly"
            kind = target.kinds[wanted]
            named[wanted] = FileField(name, column, kind, wanted, role=role, exported=False)
            found.append(named[wanted])
    return found


def _codes(column: str, target: Entity) -> dict[str, str]:
    """Return {field: column} of the standard numbers by which a reference may name its row."""
    return {f"{_stem(column)}_{code}": code for code in target.codes}


def _names(value: Any) -> bool:
    """Tell whether a value may be what something is called."""
    return isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""


def _stem(column: str) -> str:
    """Return what a reference is called without the ending of its column."""
    return column.removesuffix("_id")


def plain_name(name: str) -> str:
    """Return a name of a field without case, spaces and signs."""
    return "".join(filter(str.isalnum, name.casefold()))
