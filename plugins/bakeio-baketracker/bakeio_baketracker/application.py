"""The tables of bake-tracker's own database, read off it: used only if a profile names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Engine, MetaData, Table, UniqueConstraint

from bakeio_core import (
    Entity,
    Field,
    PluginError,
    View,
    children,
    connect,
    editable,
    hookimpl,
    key,
    readonly,
)

NAMES = ("slug", "name", "display_name", "code")
"""Columns by which people know a row, best first."""
EDITED = {
    "products": (
        "brand",
        "product_name",
        "package_size",
        "package_type",
        "package_unit",
        "package_unit_quantity",
        "upc_code",
        "gtin",
        "notes",
        "preferred",
        "is_hidden",
    ),
    "recipes": ("name", "category", "source", "estimated_time_minutes", "notes", "is_archived"),
}
"""{view: what is edited in it}, where the tables of a version have it."""


class Application:
    """What bakeio asks a plugin for, of the tables of one database.

    Args:
        tables: Those of the application, reflected or declared by its own models.
    """

    def __init__(self, tables: Iterable[Table]) -> None:
        self.tables = {str(table.name): table for table in tables if _is_its_own(table)}

    @classmethod
    def of(cls, engine: Engine) -> Application:
        """Read the tables off a database."""
        metadata = MetaData()
        metadata.reflect(engine)
        return cls(metadata.tables.values())

    @hookimpl
    def bakeio_entities(self) -> list[Entity]:
        """Declare all tables, by the keys that the database keeps unique."""
        return [_entity(table, self.tables) for table in self.tables.values()]

    @hookimpl
    def bakeio_views(self) -> list[View]:
        """Declare what is edited: products, and recipes with their lines."""
        return [*self._products(), *self._recipes()]

    def _products(self) -> Iterator[View]:
        if "products" in self.tables:
            named = {"ingredient_name": readonly("ingredient_id.display_name")}
            yield self._view("products", "Fill in barcodes, names and notes of products", named)

    def _recipes(self) -> Iterator[View]:
        if "recipes" in self.tables:
            lists = {
                "ingredients": children(
                    "recipe_ingredients.recipe_id",
                    fields={
                        "ingredient_name": editable("ingredient_id.display_name"),
                        "quantity": editable("quantity"),
                        "unit": editable("unit"),
                        "notes": editable("notes"),
                    },
                ),
                "components": children(
                    "recipe_components.recipe_id",
                    fields={
                        "recipe_slug": editable("component_recipe_id.slug"),
                        "quantity": editable("quantity"),
                        "notes": editable("notes"),
                    },
                ),
            }
            yield self._view("recipes", "Correct recipes and their lines", lists)

    def _view(self, name: str, purpose: str, more: Mapping[str, Field]) -> View:
        there = self.tables[name].columns.keys()
        edited = {column: editable(column) for column in EDITED[name] if column in there}
        fields = {"id": readonly("id"), "uuid": key("uuid"), **edited, **more}
        return View(name, name, fields, purpose)


def _is_its_own(table: Table) -> bool:
    return not str(table.name).startswith(("bakeio_", "sqlite_"))


def _entity(table: Table, tables: dict[str, Table]) -> Entity:
    """Declare a table with what it cannot say of itself: keys, and what files call its parents."""
    unique = list(_unique(table))
    keys = [key[0] if len(key) == 1 else key for key in unique if key != ("uuid",)]
    label = next((name for name in reversed(NAMES) if name in table.columns), ())
    lookups = {}
    for column in table.columns:
        for foreign in column.foreign_keys:
            target = tables.get(foreign.target_fullname.split(".")[0])
            known = None if target is None else _known_by(target)
            field = f"{column.name.removesuffix('_id')}_{known}"
            if known is not None and field not in table.columns:
                lookups[column.name] = {field: known}
    return Entity(table, keys=keys, label=label, lookups=lookups)


def _unique(table: Table) -> Iterator[tuple[str, ...]]:
    """Yield the columns that the database keeps unique and that are never empty."""
    found = [tuple(c.name for c in index.columns) for index in table.indexes if index.unique]
    found += [
        tuple(c.name for c in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    for columns in dict.fromkeys(sorted(found, key=lambda key: (len(key), _rank(key[0])))):
        if not any(table.columns[name].nullable for name in columns):
            yield columns


def _rank(name: str) -> int:
    return NAMES.index(name) if name in NAMES else len(NAMES)


def _known_by(table: Table) -> str | None:
    """Return the column by which a file may name a row of a table, None where uuid has to do."""
    single = {key[0] for key in _unique(table) if len(key) == 1}
    return next((name for name in NAMES if name in single), None)


_OF: dict[str, Application] = {}


@hookimpl
def bakeio_entities(database: str | None) -> list[Entity]:
    """Declare the tables of the database that the profile names.

    Raises:
        PluginError: It names none.
    """
    return _application(database).bakeio_entities()


@hookimpl
def bakeio_views(database: str | None) -> list[View]:
    """Declare the views of the database that the profile names."""
    return _application(database).bakeio_views()


def _application(database: str | None) -> Application:
    if database is None:
        raise PluginError(
            "name bake-tracker's database in the profile, bakeio.toml: "
            'database = "bake_tracker.db"'
        )
    if database not in _OF:
        engine = connect(database)
        try:
            _OF[database] = Application.of(engine)
        finally:
            engine.dispose()
    return _OF[database]
