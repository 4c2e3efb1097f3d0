"""What a plugin declares of an entity: a table plus what a table cannot say.

An `Entity` checks itself when it is made, so a wrong declaration is named with its plugin before
any data is touched.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, String

from bakeio_core.catalog.entities.arguments import refuse_kinds, refuse_shape, refuse_table
from bakeio_core.catalog.entities.columns import (
    BY_TEXT,
    FilledColumns,
    ForeignKeyColumns,
    foreign_keys_of,
    unique_sets,
)
from bakeio_core.errors import PluginError, meant
from bakeio_core.values.codes import code_check
from bakeio_core.values.columns import kind_of
from bakeio_core.values.kinds.kind import Kind
from bakeio_core.values.kinds.numbers import Integer
from bakeio_core.values.kinds.text import Text

Key = tuple[str, ...]
RowValues = dict[str, Any]
"""{column: value} of a row: its key, or what a new one is to hold."""
RowId = int | str
"""What tells a row of an entity from all others: its primary key, see `catalog/keys/row_ids.py`."""
ROW_KEY = "_row_key"
"""What the id of a row is called where it is a text made of its primary key."""
_ROW_KEYS: Column[Any] = Column(ROW_KEY, String)
Check = Callable[[Any, Any], Any]
if TYPE_CHECKING:
    from bakeio_core.catalog.entities.columns import TableOf


@dataclass(frozen=True)
class Reference:
    """A foreign key of an entity.

    Args:
        column: holds the id of a row of `target`.
        target: the name of the entity it refers to.
        nullable: whether it may be empty.
        lookups: {field of the file: column of the target}, best first.
        to: the column of the target whose value `column` holds, mostly the primary key.
        is_named: whether that value says in every database which row is meant, as a code does, and
            a number given by a database does not.
        is_late: whether the row may come after those that refer to it: it is set at the end.
    """

    column: str
    target: str
    nullable: bool
    lookups: Mapping[str, str] = field(default_factory=dict)
    to: str = ""
    is_named: bool = False
    is_late: bool = False


@dataclass(frozen=True)
class Suspects:
    """Say which changes are reported as suspicious; 0 turns a warning off. They are written anyway.

    Args:
        times: a number that is so many times as large or as small as that of the row before, or as
            any other.
        days: a date so many days before the first or after the last date of the column.
        same: so many rows get the same value.
        moved: so many rows, one after another, get the value of the row beside them.
    """

    times: int = 10
    days: int = 366
    same: int = 10
    moved: int = 3


@dataclass(frozen=True, eq=False)
class Entity:
    """Let a table be exported, imported and referred to.

    Args:
        table: a SQLAlchemy `Table` built on the metadata handed to the hook (or an application's
            own), with a primary key of one or more columns: numbers, texts, uuids, dates, instants.
        keys: natural keys, best first; each a column or a tuple of columns (a foreign key column
            stands for the row it names).
        content: columns by which rows without any other identity are recognised; equal rows may
            exist more than once.
        lookups: {foreign key column: {field of the file: column of the target}}, best first; left
            out, the target's slug or uuid serves.
        polymorphic: {column with the id of a row: (column that tells of which table, {value of
            that: entity})}; such an id follows its row into other databases.
        checks: {column: function(old, new) -> value to store, or a `Problem`}; run on values people
            changed, lifted with `--allow column`.
        choices: {column: values that are offered}; other values are allowed too.
        synonyms: groups of words or phrases that mean the same when candidates are ranked, for
            this entity's rows and those that refer to them.
        lookalikes: groups of words that look alike but mean different things.
        abbreviations: {word or phrase: its abbreviations}, as tills and people in a hurry write it;
            one abbreviation may stand for several. For the same rows as `synonyms`.
        emphasis: columns whose words tell more than the other words of a row, such as its maker.
        codes: columns of standard article numbers, equal however they are padded.
        field_names: {column: other names by which files call it}; case, spaces and signs make no
            difference, and the column's own name need not be among them.
        suspects: which changes of its rows are reported as suspicious.
        label: the column (or columns) by which people call a row.
        slug_from: columns a missing `slug` is made from.
        date: what makes the entity transactional (`--no-transactional`, `--since`): a column, or
            a path over foreign keys to that of a row it belongs to, such as
            `"order_id.ordered_on"`. Left out, an entity with a required reference to a
            transactional one is dated by that.

    Raises:
        PluginError: naming the column that does not fit.
    """

    table: TableOf = MISSING  # type: ignore[assignment]  # it is required
    keys: Sequence[str | Key] = ()
    content: Key = ()
    lookups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    polymorphic: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    synonyms: Sequence[Sequence[str]] = ()
    lookalikes: Sequence[Sequence[str]] = ()
    abbreviations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    emphasis: Sequence[str] = ()
    codes: Sequence[str] = ()
    field_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    suspects: Suspects = Suspects()
    label: str | Key = ()
    slug_from: Key = ()
    date: str | None = None
    references: Mapping[str, Reference] = field(default_factory=dict, init=False)
    late_keys: frozenset[Key] = field(default=frozenset(), init=False)
    rows: str | None = field(default=None, init=False)
    has_gaps: bool = field(default=False, init=False)
    left_out: frozenset[str] = field(default=frozenset(), init=False)
    declared_by: str = field(default="", init=False)

    def __post_init__(self) -> None:
        refuse_table(self.table)
        if not self.primary_key:
            raise PluginError(
                f'entity "{self.name}": its table has no primary key, so no row can be told from '
                "another: declare one"
            )
        refuse_shape(self)
        try:
            _ = self._own_kinds
        except TypeError as error:
            raise PluginError(f'entity "{self.name}": {error}') from None
        named: dict[str, Sequence[str]] = {f"keys ({', '.join(key)})": key for key in self.all_keys}
        named |= {
            "content": self.content,
            "lookups": list(self.lookups),
            "polymorphic": [c for pair in self.polymorphic.items() for c in (pair[0], pair[1][0])],
            "checks": list(self.checks),
            "choices": list(self.choices),
            "codes": self.codes,
            "field_names": list(self.field_names),
            "emphasis": self.emphasis,
            "label": self.labels,
            "slug_from": self.slug_from,
            "date": [self.date.split(".")[0]] if self.date else [],
        }
        for what, columns in named.items():
            for column in columns:
                if column not in self.columns:
                    raise PluginError(
                        f'entity "{self.name}": {what} names "{column}", '
                        f"which is not a column of its table{meant(column, self.columns)}"
                    )
        kinds = self.kinds
        refuse_kinds(self.name, kinds, self.primary_key, [*sum(self.all_keys, ()), *self.content])
        self.resolve(_references_of(self))
        clash = [name for ref in self.references.values() for name in ref.lookups if name in kinds]
        if clash:
            said = f'the lookup field "{clash[0]}" is also a column of its table'
            raise PluginError(f'entity "{self.name}": {said}')

    def resolve(self, references: Mapping[str, Reference], late_keys: Iterable[Key] = ()) -> None:
        """Take what a catalog found out, also which foreign keys of several columns come late."""
        object.__setattr__(self, "references", references)
        object.__setattr__(self, "late_keys", self.late_keys.union(late_keys))

    @property
    def name(self) -> str:
        """The name of the entity: that of its table."""
        # SQLAlchemy's own kind of str is a stranger to encoders
        return str.__str__(self.table.name)

    def narrow(self, rows: str) -> Entity:
        """Return the entity with only the rows whose ids a SELECT in SQL gives; for exports."""
        return _changed(self, "rows", rows)

    def with_gaps(self) -> Entity:
        """Return the entity with null for each cell that no file can hold; for exports."""
        return _changed(self, "has_gaps", True)

    def without(self, columns: Collection[str]) -> Entity:
        """Return the entity without some of its references and their lookups; for exports."""
        if not columns:
            return self
        return _changed(self, "left_out", frozenset(columns))

    @cached_property
    def primary_key(self) -> Key:
        """The names of the columns of the primary key."""
        return tuple(str.__str__(column.name) for column in self.table.primary_key.columns)

    @cached_property
    def primary(self) -> str:
        """The name of the column with the id of a row: its primary key, or `ROW_KEY`."""
        first, *more = self.primary_key
        return ROW_KEY if more or isinstance(self._own_kinds[first], BY_TEXT) else first

    @cached_property
    def surrogate(self) -> str:
        """The primary key where it is a number that means nothing in another database, else ""."""
        is_number = isinstance(self._own_kinds.get(self.primary), Integer)
        return self.primary if is_number and not self.column(self.primary).foreign_keys else ""

    @cached_property
    def identity(self) -> str:
        """The name of the column by which `_rev` knows a row: `uuid`, else the primary key.

        A `uuid` that may be null tells some rows from no other.
        """
        has_uuid = "uuid" in self.columns and not self.nullable("uuid")
        return "uuid" if has_uuid else self.primary

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of what a row has, in order: the columns of its table, and `ROW_KEY`."""
        names = tuple(self._by_name)
        return (*names, ROW_KEY) if self.primary == ROW_KEY else names

    @cached_property
    def foreign_keys(self) -> tuple[ForeignKeyColumns, ...]:
        """The foreign keys of the table, in the order of its columns."""
        return foreign_keys_of(self.table)

    @cached_property
    def _by_name(self) -> dict[str, Column[Any]]:
        # the collection of a table goes by `Column.key`, files and SQL by the name
        return {str.__str__(column.name): column for column in self.table.columns}

    def column(self, name: str) -> Column[Any]:
        """Return the column of the table that the database calls so."""
        return _ROW_KEYS if name == ROW_KEY else self._by_name[name]

    def named_columns(self, keys: Iterable[str]) -> Key:
        """Return the names of the columns with these keys (`Column.key`)."""
        return tuple(str.__str__(self.table.columns[key].name) for key in keys)

    @cached_property
    def _own_kinds(self) -> dict[str, Kind]:
        return {name: kind_of(column) for name, column in self._by_name.items()}

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """What each column holds: {column: its `Kind`}."""
        kinds = dict(self._own_kinds)
        if self.primary == ROW_KEY:
            kinds[ROW_KEY] = Text()
        for code in self.codes:
            if isinstance(kind := kinds[code], Text):
                kind.is_code = True
        return kinds

    @cached_property
    def all_keys(self) -> tuple[Key, ...]:
        """All natural keys as tuples, best first.

        `uuid` comes before the declared ones, and so does a primary key that is no surrogate.
        """
        declared = [(key,) if isinstance(key, str) else tuple(key) for key in self.keys]
        if not self.surrogate and self.primary_key not in declared:
            declared.insert(0, self.primary_key)
        is_added = "uuid" in self.columns and ("uuid",) not in declared
        return (("uuid",), *declared) if is_added else tuple(declared)

    @cached_property
    def known_by(self) -> Key:
        """The columns by whose values rows are known that no key names.

        Those declared as `content`. A row that has nothing but an id, or a slug that is made for
        it, is known by all it holds; none are left where that does not tell rows apart: it holds
        lists or objects, or refers to rows that may come later in the file.
        """
        keys, filled = {key for key in self.all_keys if key != ("uuid",)}, self.filled
        is_made = keys == {("slug",)} and bool(self.slug_from)
        if self.content or not (is_made or self.may_lack_keys):
            return tuple(self.content)
        refers = any(reference.is_late for reference in self.references.values())
        made = () if self.may_lack_keys else [key[0] for key in self.all_keys]
        left = (self.primary, *made, *filled.stamps, *filled.set_on_update, *filled.computed)
        held = [column for column in self.columns if column not in left]
        is_known = not refers and all(self.kinds[column].is_scalar for column in held)
        return tuple(held) if is_known else ()

    @property
    def may_lack_keys(self) -> bool:
        """Whether a row may be known by nothing but its id: each key may be null in it."""
        return not self.content and all(map(self.nullable, sum(self.all_keys, ())))

    @cached_property
    def readable_key(self) -> Key:
        """The best natural key a person can read: no uuid, no references; else the primary key."""
        readable = (key for key in self.all_keys if not {*key} & {"uuid", *self.references})
        return next(readable, (self.primary,))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The columns by which people call a row."""
        return (self.label,) if isinstance(self.label, str) else tuple(self.label)

    @cached_property
    def calling(self) -> tuple[str, ...]:
        """The columns that say what a row is called: its label, and what tells it from others."""
        columns = dict.fromkeys((*self.labels, *self.slug_from))
        return tuple(column for column in columns if column not in self.references)

    @cached_property
    def unique(self) -> tuple[Key, ...]:
        """The natural keys the database itself keeps unique."""
        unique = {frozenset(key) for key in self.unique_sets}
        return tuple(key for key in self.all_keys if frozenset(key) in unique)

    @cached_property
    def unique_sets(self) -> list[Key]:
        """All sets of columns of which the database lets no two rows have the same."""
        return [key for key in unique_sets(self.table) if {*key} <= {*self.columns}]

    @cached_property
    def all_checks(self) -> dict[str, Check]:
        """The checks of values people changed: that of codes before the declared one."""
        return {c: _check_of(self, c) for c in (*self.codes, *self.checks)}

    @cached_property
    def _nullable(self) -> frozenset[str]:
        return frozenset(name for name, column in self._by_name.items() if column.nullable)

    def nullable(self, column: str) -> bool:
        """Tell whether a column may be null."""
        return column in self._nullable

    @cached_property
    def filled(self) -> FilledColumns:
        """What rows get in columns that nobody gives a value for."""
        return FilledColumns(self, self._by_name)

    def default(self, column: str) -> Any:
        """Return the default of a column that is known beforehand as a wire value, else None."""
        return self.filled.known(column)


def _check_of(entity: Entity, column: str) -> Check:
    declared = entity.checks.get(column)
    if column not in entity.codes and declared is not None:
        return declared
    return code_check(declared, [*column.split("_"), *entity.field_names.get(column, ())])


def _references_of(entity: Entity) -> dict[str, Reference]:
    """Return the references of a table by their columns, with the lookups that are declared."""
    found = {}
    for foreign in entity.foreign_keys:
        name = foreign.columns[0]
        if foreign.is_reference and name not in found:
            found[name] = Reference(
                name,
                foreign.target,
                entity.nullable(name),
                dict(entity.lookups.get(name, {})),
                is_late=foreign.target == entity.name,
            )
    for name in entity.lookups:
        if name not in found:
            raise PluginError(
                f'entity "{entity.name}": lookups names "{name}", which is not a foreign key'
            )
    return found


def _changed(entity: Entity, name: str, value: Any) -> Entity:
    changed = copy.copy(entity)
    object.__setattr__(changed, name, value)
    return changed
