"""Link references to rows: by what the file calls them, by what this import moved, by id.

An id counts only where it is of this database or of a row of the same set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from bakeio_core.catalog.entities.model import Entity, Reference, RowId
from bakeio_core.catalog.exchange import Missing
from bakeio_core.catalog.fields import FieldMap, FileField
from bakeio_core.database.stored.rows import Row, Rows
from bakeio_core.importing.linking.drafts import LinkError
from bakeio_core.importing.state import ImportState
from bakeio_core.values.folding import padded
from bakeio_core.values.wording import shown

REMEMBERED = 200_000
"""How many links and names are remembered from batch to batch, some hundred bytes each."""
Names = dict[str, tuple[tuple[str, ...], dict[Any, Row]]]
"""What rows refer to is called: {reference: (columns of the target, {id: their values})}."""
Remembered = TypeVar("Remembered")


def to_look_up(known: dict[Remembered, Any], wanted: Iterable[Remembered]) -> set[Remembered]:
    """Return what of some keys is not remembered, and must be looked up.

    Where too much is remembered all is forgotten first: forgotten later, what was remembered a
    moment ago would neither be known nor be looked up.
    """
    if len(known) > REMEMBERED:
        known.clear()
    return set(wanted).difference(known)


class Linker:
    """Link references of one import, a batch at a time; what was found is remembered."""

    def __init__(self, state: ImportState) -> None:
        self.state, self.catalog = state, state.catalog
        self._known: dict[tuple[str, str, str, Row], RowId] = {}
        self._names: dict[tuple[str, str, tuple[str, ...]], dict[Any, Row]] = {}

    def forget(self) -> None:
        """Forget links remembered: what they point to may have been rolled back."""
        self._known.clear()

    def link(
        self,
        reference: Reference,
        owner: Entity,
        keys: Iterable[Row],
        columns: Mapping[str, str],
        *,
        is_exact: bool = False,
    ) -> dict[Row, RowId | LinkError]:
        """Link distinct keys of one reference.

        Args:
            reference: The reference.
            owner: The entity that has it.
            keys: Tuples of values of the target's `columns`, then the id in the file or None.
            columns: Columns of the target, best first, and what the file calls each.
            is_exact: Take no row that is equal only after folding: the very row may still come.

        Returns:
            {key: what the reference is to hold, mostly the row's id, or why there is no such row}.
        """
        target = self.catalog.entities[reference.target]
        found: dict[Row, RowId | LinkError] = {}
        wanted = set(keys)
        if target is not owner:
            for key in wanted:
                known = self._known.get((owner.name, reference.column, target.name, key))
                if known is not None:
                    found[key] = known
        left = wanted - found.keys()
        exact = self.link_exact(reference, list(columns), left)
        found |= exact
        left -= exact.keys()
        if left:
            found |= self._link_carefully(reference, target, left, columns, is_exact)
        if len(self._known) > REMEMBERED:
            self._known.clear()
        for key in wanted if target is not owner else ():
            link = found[key]
            if isinstance(link, RowId):
                self._known[owner.name, reference.column, target.name, key] = link
        return found

    def link_exact(
        self, reference: Reference, columns: Sequence[str], keys: Iterable[Row]
    ) -> dict[Row, RowId]:
        """Link the keys whose best lookup names one row that agrees in the others.

        Almost all of them are linked so, by one SELECT of the lookups alone.
        """
        left, target = list(keys), self.catalog.entities[reference.target]
        if not all(target.kinds[column].sql_convertible for column in columns):
            return {}
        linked: dict[Row, RowId] = {}
        for index, column in enumerate(columns):
            some = [key for key in left if key[index] is not None]
            linked |= self._link_by(reference, column, index, columns, some)
            left = [key for key in left if key[index] is None] if len(some) < len(left) else []
        return linked

    def _link_by(
        self,
        reference: Reference,
        column: str,
        index: int,
        columns: Sequence[str],
        keys: Sequence[Row],
    ) -> dict[Row, RowId]:
        """Link keys by one lookup, where it names one row and the others are that row's too."""
        if not keys:
            return {}
        rows = self.state.tables.rows(self.catalog.entities[reference.target])
        wanted, at = {key[index] for key in keys}, rows.index[reference.to]
        found: dict[Any, Row | None] = {}
        planned = rows.pending.by((column,)) if rows.pending else {}
        for value in wanted if planned else ():
            for row in planned.get((value,), ()):
                named = (row[at], *rows.key_of(row, tuple(columns)))
                found[value] = None if value in found else named
        for row in rows.select((reference.to, *columns), wanted, column):
            named = row[1:]
            value = named[1 + index]
            found[value] = None if value in found else named
        linked = {}
        for key in keys:
            hit = found.get(key[index])
            if hit is not None and _agree(key[:-1], hit[1:]):
                linked[key] = hit[0]
        return linked

    def _link_carefully(
        self,
        reference: Reference,
        target: Entity,
        keys: set[Row],
        columns: Mapping[str, str],
        is_exact: bool,
    ) -> dict[Row, RowId | LinkError]:
        rows = self.state.tables.rows(target)
        by_column = [
            rows.find((column,), {(key[index],) for key in keys if key[index] is not None})
            for index, column in enumerate(columns)
        ]
        by_id = [key[-1] for key in keys if not _is_named(key) and key[-1] is not None]
        counts = self.state.same_database or target.name in self.state.fully_imported
        existing = rows.existing_ids(by_id) if by_id and counts else set()
        existing = self.state.without_foreign_ids(target, existing)
        links: dict[Row, RowId | LinkError] = {}
        for key in keys:
            if not _is_named(key):
                links[key] = self._by_id(reference, target, existing, key[-1])
                continue
            hits = [
                (column, value, self._held(reference, column, value, by_column[index], is_exact))
                for index, (column, value) in enumerate(zip(columns, key, strict=False))
                if value is not None
            ]
            links[key] = _agreed(reference, target, hits, columns, self._must_name(target))
        return links

    def _must_name(self, target: Entity) -> set[str]:
        """Return the lookups that must name a row where a better or worse one does.

        In a set a name may be that of another time or bakery; a key may not, nor may a code, which
        somebody wrote into it.
        """
        keys = {key[0] for key in target.all_keys if len(key) == 1 and key != ("uuid",)}
        is_view = self.state.records_kind == "view"
        return set(target.columns) if is_view else {*keys, *target.codes}

    def _held(
        self,
        reference: Reference,
        column: str,
        value: Any,
        found: Mapping[Row, list[Row]],
        is_exact: bool,
    ) -> tuple[RowId, ...]:
        """Return what a reference holds for the rows a lookup names.

        They are named exactly, as this import moved them, or after folding.
        """
        rows = self.state.tables.rows(self.catalog.entities[reference.target])
        if exact := found.get((value,)):
            return tuple([row[rows.index[reference.to]] for row in exact])
        ids = self.state.id_maps[reference.target].get(column, value)
        if not ids and not is_exact:
            ids = tuple(rows.folded((column,), (value,))) or self._by_code(rows, value)
        return self.state.tables.held(reference, ids)

    @staticmethod
    def _by_code(rows: Rows, value: Any) -> tuple[RowId, ...]:
        """Return the rows that have a standard number which stands where a key should."""
        codes = rows.entity.codes if padded(value) else ()
        return tuple(i for code in codes for i in rows.folded((code,), (value,)))

    def _by_id(
        self, reference: Reference, target: Entity, existing: set[RowId], identity: Any
    ) -> RowId | LinkError:
        found = self.state.id_maps[target.name].of_id(reference.to, identity)
        if len(found) > 1:
            said = f"{reference.to} {identity} is that of {len(found)} records of {target.name}"
            return LinkError("ambiguous-key", f"{said}: give each of them its own", ids=found)
        if found or identity in existing:
            return found[0] if found else identity
        missing = Missing(target.name, {reference.to: identity}, nullable=reference.nullable)
        message = f"{reference.column} {identity} is not a row of {target.name}"
        if not self.state.same_database:
            # the row may well be there: nobody knows that it is the one
            by = '. If it is, give it the "database_id" that exports have'
            if reference.lookups:
                by = f"; name it by {' or '.join(reference.lookups)}"
            message = (
                f"{reference.column} {identity} tells no row of {target.name}: the file does not "
                f"say that it is of this database, so ids count for rows in the file alone{by}"
            )
        return LinkError("missing-reference", message, missing)

    # -- what referred rows are called
    def names(
        self, reference: Reference, held: Iterable[Any], columns: tuple[str, ...]
    ) -> dict[Any, Row]:
        """Return {what a reference holds: values of the columns} of rows; others are not in it."""
        known = self._names.setdefault((reference.target, reference.to, columns), {})
        wanted = to_look_up(known, (value for value in held if value is not None))
        if wanted:
            rows = self.state.tables.rows(self.catalog.entities[reference.target])
            known.update(rows.known(reference.to, wanted, columns))
        return known

    def names_of(self, fields: FieldMap, rows: Sequence[Row]) -> Names:
        """Return what the rows that some rows refer to are called now."""
        own, names = self.state.tables.rows(fields.entity), Names()
        for column, naming in fields.naming.items():
            if naming:
                held = {row[own.index[column]] for row in rows}
                reference = fields.entity.references[column]
                names[column] = (tuple(naming), self.names(reference, held, tuple(naming)))
        return names

    @staticmethod
    def current(field: FileField, row: Row, names: Names, rows: Rows) -> Any:
        """Return what the database has now for a field of a file."""
        if field.column is None:
            return None
        if field.target is None:
            return rows.value(row, field.column)
        columns, by_id = names[field.column]
        known = by_id.get(row[rows.index[field.column]])
        return known[columns.index(field.target)] if known else None


def _is_named(key: Row) -> bool:
    """Tell whether a key of a reference gives any lookup: then the id does not count."""
    return any(value is not None for value in key[:-1])


def _agree(given: Row, there: Row) -> bool:
    known = zip(given, there, strict=True)
    return given == there or all(value is None or value == cell for value, cell in known)


def _agreed(
    reference: Reference,
    target: Entity,
    hits: list[tuple[str, Any, tuple[RowId, ...]]],
    names: Mapping[str, str],
    must_name: set[str],
) -> RowId | LinkError:
    """Return the one row all lookups that name any agree on, or why there is none."""

    def said(keys: Iterable[tuple[str, Any]]) -> str:
        return " and ".join(f"{names[column]} {shown(value)}" for column, value in keys)

    key = {column: value for column, value, _ in hits}
    named = [(column, value, ids) for column, value, ids in hits if ids]
    vain = [(c, value) for c, value, ids in hits if not ids and (not named or c in must_name)]
    fields = {column: name for column, name in names.items() if not name.endswith(".uuid")}
    if vain:
        missing = Missing(target.name, key, nullable=reference.nullable, fields=fields)
        message = f"no row of {target.name} has {said(vain)}"
        if named:
            message += f", while {said([named[0][:2]])} is there: leave one of the two out"
        return LinkError("missing-reference", message, missing, vain=vain[0][0])
    common = set(named[0][2])
    for column, value, ids in named[1:]:
        if not common & set(ids):
            what = said([named[0][:2], (column, value)])
            message = f"{what} name two different rows of {target.name}: correct one of them"
            return LinkError("identity-mismatch", message, ids=(*common, *ids))
        common &= set(ids)
    if len(common) == 1:
        return next(iter(common))
    ids = tuple(sorted(common))
    told = ids if reference.to == target.primary else ()
    missing = Missing(
        target.name, key, nullable=reference.nullable, ambiguous_ids=told, fields=fields
    )
    what = said((column, value) for column, value, _ in named)
    return LinkError("ambiguous-key", f"{len(ids)} rows of {target.name} have {what}", missing, ids)
