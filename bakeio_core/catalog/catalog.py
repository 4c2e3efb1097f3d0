"""All installed entities and views: duplicates, reference targets, import order."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.sql import visitors
from sqlalchemy.util import OrderedSet

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.keys.dating import wrong_date
from bakeio_core.catalog.keys.references import ReferenceMap, earlier, open_ring, wrong_reference
from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.declared import (
    Declared,
    declared_entities,
    declared_templates,
    declared_views,
)
from bakeio_core.catalog.plugins.loading import BY_NAME, Plugin, Plugins
from bakeio_core.catalog.plugins.sound import check_view, followed
from bakeio_core.catalog.plugins.templates import Template
from bakeio_core.catalog.plugins.upgrades import DocumentUpgrade, declared_upgrades
from bakeio_core.catalog.views.lists import list_views
from bakeio_core.catalog.views.view import OfRow, View
from bakeio_core.errors import PluginError, describe, meant


def order_indexes(table: Table) -> None:
    """Give a table's indexes one order, by name: a set has another one in every process."""
    table.indexes = OrderedSet(sorted(table.indexes, key=lambda index: str(index.name)))


class Catalog:
    """Look up what is installed, and why something is not.

    Attributes:
        metadata: what is handed to plugins: the tables of the working entities that were declared
            on it.
        entities: {name: `Entity`} in import order.
        views: {name: `View`}.
        disabled: {entity: reason} for what cannot work; `disabled_views` the same for views.
        following: {disabled entity: the disabled one it refers to, which is why};
            `following_views` the same for views.
        blocked: the entities of blocked plugins others refer to.
        excused: the disabled entities that only lack one of those; `excused_views` such views.
        unused: {name: `Plugin`} of the blocked and failed ones.
        provider: {entity: its `Plugin`}; `view_provider` the same for views.
        upgrades: (`Plugin`, `DocumentUpgrade`) of what plugins read besides.
        templates: {name: `Template`}; `disabled_templates` {name: reason} for what cannot work.
    """

    def __init__(self) -> None:
        self.metadata = MetaData()
        self.entities: dict[str, Entity] = {}
        self.views: dict[str, View] = {}
        self.disabled: dict[str, str] = {}
        self.disabled_views: dict[str, str] = {}
        self.unused: dict[str, Plugin] = {}
        self.following: dict[str, str] = {}
        self.following_views: dict[str, str] = {}
        self.excused: set[str] = set()
        self.excused_views: set[str] = set()
        self.blocked: set[str] = set()
        self.provider: dict[str, Plugin] = {}
        self.view_provider: dict[str, Plugin] = {}
        self.upgrades: list[tuple[Plugin, DocumentUpgrade]] = []
        self.templates: dict[str, Template] = {}
        self.disabled_templates: dict[str, str] = {}
        self.template_provider: dict[str, Plugin] = {}

    @classmethod
    def assemble(cls, plugins: Plugins) -> Catalog:
        """Ask every plugin for its declarations and check how they fit together.

        What depends on a blocked, failed or missing plugin is disabled with the reason, and so is
        what two plugins declare; a cycle of references disables its members.
        """
        catalog = cls()
        entities = declared_entities(plugins, catalog.metadata)
        catalog.entities, catalog.provider = entities.found, entities.provider
        catalog.disabled = entities.contested
        for name, entity in catalog.entities.items():
            order_indexes(entity.table)
            object.__setattr__(entity, "declared_by", str(catalog.provider[name]))
        catalog.unused = {
            name: plugin for name, plugin in plugins.all.items() if plugin.status != "active"
        }
        catalog._disable_unresolved()
        catalog._sort()
        for name in set(catalog.metadata.tables) - set(catalog.entities):
            catalog.metadata.remove(catalog.metadata.tables[name])
        views = declared_views(plugins)
        catalog.disabled_views = views.contested
        catalog.upgrades = declared_upgrades(plugins)
        for name, view in views.found.items():
            try:
                catalog._add_view(view, views.provider[name])
            except PluginError as error:
                plugins.fail(views.provider[name], str(error), error)
        catalog._add_templates(declared_templates(plugins), plugins)
        return catalog

    def _add_templates(self, declared: Declared[Template], plugins: Plugins) -> None:
        """Take over the templates whose views are sound and bear a name of their own."""
        self.disabled_templates = declared.contested
        for name, template in declared.found.items():
            absent = self._absent(template.view, declared.provider[name])
            if absent is not None:
                why = self._why_absent(absent)
                self.disabled_templates[name] = f"its entity {absent} is {why}"
                continue
            try:
                if name in self.views:
                    raise PluginError(f'template "{template.called}": a view has this name')
                view = self._sound(template.view)
            except PluginError as error:
                plugins.fail(declared.provider[name], str(error), error)
            else:
                self.templates[name] = replace(template, view=view)
                self.template_provider[name] = declared.provider[name]

    @property
    def readable(self) -> dict[str, View]:
        """{name: `View`} of everything records may be of: the views, and those of templates."""
        return {**self.views, **{name: item.view for name, item in self.templates.items()}}

    def _disable_unresolved(self) -> None:
        """Disable what refers to something that is not there, and what refers to that."""
        while wrong := {
            name: why for name, entity in self.entities.items() if (why := self._unresolved(entity))
        }:
            for name, why in wrong.items():
                self._disable(name, why)
        ReferenceMap(self.entities).resolve()

    def _unresolved(self, entity: Entity) -> str:
        """Return what an entity names in vain in others: foreign keys, lookups, its date."""
        for foreign in entity.foreign_keys:
            column, target = ", ".join(foreign.columns), foreign.target
            if target not in self.entities:
                if self.is_blocked(target):
                    self.blocked.add(target)
                if target in self.excused | self.blocked:
                    self.excused.add(entity.name)
                if target in self.disabled:
                    self.following[entity.name] = target
                return f"{column} refers to {target}, which is {self._why_absent(target)}"
            keys = {column.key for column in self.entities[target].table.columns}
            lacking = [key for key in foreign.target_keys if key not in keys]
            if lacking:
                said = (
                    f"{column} refers to {target}.{lacking[0]}, which is not a column of {target}"
                )
                return said + meant(lacking[0], keys)
        for column, (_, targets) in entity.polymorphic.items():
            for target in targets.values():
                if target == entity.name or target not in self.entities:
                    why = "itself" if target == entity.name else self._why_absent(target)
                    return f"polymorphic names {target} for {column}, which is {why}"
        return wrong_reference(entity, self.entities) or wrong_date(entity, self.entities) or ""

    def is_blocked(self, table: str) -> bool:
        """Tell whether a blocked plugin would have brought a table, as far as names tell it."""
        return table not in self.entities and self._blocked_plugin(table) is not None

    def _blocked_plugin(self, table: str) -> Plugin | None:
        """Return the blocked plugin that would have brought a table, as far as names tell it."""
        blocked = [plugin for plugin in self.unused.values() if plugin.status == "blocked"]
        for plugin in blocked:
            if table == plugin.name or table.startswith(f"{plugin.name}_"):
                return plugin
        known = self._distributions.get(table) if blocked else None
        return next((plugin for plugin in blocked if known and plugin.comes_with(known)), None)

    @cached_property
    def _distributions(self) -> dict[str, str]:
        """The distributions that bring entities, installed or not."""
        return packages.distributions()

    def _why_absent(self, target: str) -> str:
        if target in self.disabled:
            return f"disabled: {self.disabled[target]}"
        blocked = self._blocked_plugin(target)
        if blocked is not None:
            why = "blocked" if blocked.reason == BY_NAME else blocked.reason
            other = self.provider[target] if target in self.entities else None
            return f"{why}; the one of that name is of {other}" if other else why
        if target in self.unused:
            return f"failed: {self.unused[target].reason}"
        return f"not installed{packages.for_entity(target) or meant(target, self.entities)}"

    def _disable(self, name: str, reason: str) -> None:
        self.disabled[name] = reason
        self.entities.pop(name, None)

    def _sort(self) -> None:
        """Put the entities into import order: by level, parents first, then by `_rank`."""
        sorter = self._sorter()
        while sorter is None:
            sorter = self._sorter()
        order: list[str] = []
        while sorter.is_active():
            level = sorted(sorter.get_ready(), key=self._rank)
            order += level
            sorter.done(*level)
        self.entities = {name: self.entities[name] for name in order}

    def _sorter(self) -> graphlib.TopologicalSorter[str] | None:
        """Return what sorts the entities, None where a cycle had to be opened or disabled first."""
        graph = {entity.name: earlier(entity) for entity in self.entities.values()}
        sorter = graphlib.TopologicalSorter(graph)
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            if not open_ring(error.args[1], self.entities):
                self._disable_ring(error.args[1], graph)
            return None
        return sorter

    def _disable_ring(self, ring: list[str], graph: dict[str, set[str]]) -> None:
        """Disable the members of a cycle of required references, and what refers to them.

        Args:
            ring: The members, each referred to by the next one, the first once more at the end.
            graph: What every entity refers to.
        """
        members = list(dict.fromkeys(reversed(ring)))
        for name in members:
            self._disable(
                name,
                f"references form a cycle: {' -> '.join([*members, members[0]])}; all of them are "
                "required, so none of the rows can be written first: let one column be null",
            )
        lost = set(members)
        while users := [name for name in self.entities if graph[name] & lost]:
            for name in users:
                self.following[name] = min(graph[name] & lost)
                self._disable(name, f"refers to {self.following[name]}, which is disabled")
            lost.update(users)

    def _rank(self, name: str) -> tuple[int, str]:
        """Return the place of an entity within its level: most referred to first, then by name."""
        users = {
            e.name
            for e in self.entities.values()
            if any(r.target == name for r in e.references.values())
        }
        return (-len(users), name)

    def _add_view(self, view: View, plugin: Plugin) -> None:
        absent = self._absent(view, plugin)
        if absent is not None:
            if absent in self.excused or self._blocked_plugin(absent) is not None:
                self.excused_views.add(view.name)
            if absent in self.disabled:
                self.following_views[view.name] = absent
            why = self._why_absent(absent)
            self.disabled_views[view.name] = f"its entity {absent} is {why}"
            return
        self.views[view.name], self.view_provider[view.name] = self._sound(view), plugin

    def _absent(self, view: View, plugin: Plugin) -> str | None:
        """Return an entity that a plugin's view needs and that is not there."""
        needed = [view.entity, *(str(i.source).split(".")[0] for i in view.lists.values())]
        return next(
            (n for n in needed if n not in self.entities or self._is_other(n, plugin)), None
        )

    def _is_other(self, name: str, plugin: Plugin) -> bool:
        """Tell whether an entity is a stranger's to a plugin, whose own one is blocked."""
        if self.provider[name].distribution == plugin.distribution:
            return False
        own = [p for p in self.unused.values() if p.distribution == plugin.distribution]
        return any(p.status == "blocked" for p in own) and self._blocked_plugin(name) in own

    def _sound(self, view: View) -> View:
        """Return a view with the fields that say which row a record is.

        Raises:
            PluginError: It is wrong.
        """
        try:
            if "." in view.name:
                raise PluginError("a name must be lower-case letters, digits and _")
            for one in (view, *list_views(view, self.entities).values()):
                check_view(one, self.entities)
        except Exception as error:  # a computed source is a stranger's function
            raise PluginError(f'view "{view.name}": {describe(error)}') from None
        return replace(view, kept=tuple(self._naming(view)))

    def _naming(self, view: View) -> Iterator[str]:
        """Yield the fields that say which row a record is: keys, else the id and what it is of."""
        entity, keys = self.entities[view.entity], view.names("key")
        yield from keys
        for name, item in view.fields.items() if not keys else ():
            if item.source == entity.primary or self.names_a_row(entity, item.source):
                yield name

    def names_a_row(self, entity: Entity, source: object) -> bool:
        """Tell whether a source is a key, lookup or code of the row that a reference means."""
        if not isinstance(source, str) or source.count(".") != 1:
            return False
        step, column = source.split(".")
        reference = entity.references[step]
        target = self.entities[reference.target]
        is_key = (column,) in target.all_keys or column in target.codes
        return is_key or column in reference.lookups.values()

    def follow(self, entity: Entity, path: str, where: str = "path") -> tuple[Entity, str]:
        """Follow a dotted path over foreign keys to the entity and column it ends at; `followed`.

        Raises:
            PluginError: where a step does not exist.
        """
        return followed(self.entities, entity, path, where)

    @property
    def tables(self) -> dict[str, Table]:
        """The tables of the entities, on whatever metadata they were declared."""
        return {name: entity.table for name, entity in self.entities.items()}

    def referred(self, entity: Entity) -> list[str]:
        """Return the other entities this one refers to, in import order."""
        targets = {foreign.target for foreign in entity.foreign_keys} - {entity.name}
        return [name for name in self.entities if name in targets]

    def dependencies(self, entity: Entity) -> list[str]:
        """Return the entities whose rows must be there before this one's, in import order."""
        targets = earlier(entity)
        return [name for name in self.entities if name in targets]


def made_of(catalog: Catalog, entity: Entity, source: object) -> set[tuple[str, str]] | None:
    """Return the columns a field of a view is made from, also those it only compares.

    Args:
        catalog: What is installed.
        entity: The view's.
        source: Of the field.

    Returns:
        (table, column) of each; None where code computes it, of which nobody can tell.
    """
    if isinstance(source, str):
        target, column = catalog.follow(entity, source)
        return {(target.name, column)}
    if isinstance(source, OfRow):
        # the id of the row the path leads to
        target, _ = catalog.follow(entity, source.path)
        reference = target.references.get(source.path.split(".")[-1])
        row = catalog.entities[reference.target] if reference else target
        expression = source.compute(row.table.c)
    elif callable(source):
        expression = source(catalog.tables)
    else:
        return None
    parts = visitors.iterate(expression)
    columns = {c for part in parts for c in getattr(part, "base_columns", ())}
    return {(c.table.name, c.name) for c in columns if isinstance(c, Column)}
