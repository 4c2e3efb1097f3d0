"""All installed entities and views: duplicates, reference targets, import order."""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import MetaData, Table
from sqlalchemy.util import OrderedSet

from bakeio_core.catalog.keys.references import ReferenceMap, earlier, open_ring
from bakeio_core.catalog.model import Entity
from bakeio_core.catalog.plugins import Plugin, Plugins, describe
from bakeio_core.catalog.view import OfRow, View
from bakeio_core.errors import PluginError


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
        blocked: the entities of blocked plugins others refer to.
        excused: the disabled entities that only lack one of those; `excused_views` such views.
        provider: {entity: its `Plugin`}; `view_provider` the same for views.
    """

    def __init__(self) -> None:
        self.metadata = MetaData()
        self.entities: dict[str, Entity] = {}
        self.views: dict[str, View] = {}
        self.disabled: dict[str, str] = {}
        self.disabled_views: dict[str, str] = {}
        self.excused: set[str] = set()
        self.excused_views: set[str] = set()
        self.blocked: set[str] = set()
        self.provider: dict[str, Plugin] = {}
        self.view_provider: dict[str, Plugin] = {}

    @classmethod
    def assemble(cls, plugins: Plugins) -> Catalog:
        """Ask every plugin for its declarations and check how they fit together.

        What depends on a blocked, failed or missing plugin is disabled with the reason; a cycle of
        references disables its members.
        """
        catalog = cls()

        def cleaned(error: Exception) -> Exception:
            """Leave no table of a plugin that raised; name who was first to declare one."""
            for name in set(catalog.metadata.tables) - set(catalog.entities):
                catalog.metadata.remove(catalog.metadata.tables[name])
            twice = re.match(r"Table '(\w+)' is already defined", str(error))
            return (
                catalog._declared_twice(twice[1])
                if twice and twice[1] in catalog.provider
                else error
            )

        for plugin, declared in plugins.call_each(
            "bakeio_entities", cleaned, metadata=catalog.metadata
        ):
            try:
                for entity in declared:
                    catalog._add_entity(entity, plugin)
            except PluginError as error:
                plugins.fail(plugin, str(error))
                for name in [name for name, owner in catalog.provider.items() if owner is plugin]:
                    del catalog.entities[name], catalog.provider[name]
                cleaned(error)
        catalog._disable_unresolved(plugins)
        catalog._sort()
        for name in set(catalog.metadata.tables) - set(catalog.entities):
            catalog.metadata.remove(catalog.metadata.tables[name])
        for plugin, views in plugins.call_each("bakeio_views"):
            for view in views:
                try:
                    catalog._add_view(view, plugin, plugins.all)
                except PluginError as error:
                    plugins.fail(plugin, str(error))
        return catalog

    def _add_entity(self, entity: Any, plugin: Plugin) -> None:
        if not isinstance(entity, Entity):
            raise PluginError(f"bakeio_entities returned {type(entity).__name__}, not an Entity")
        if entity.name in self.entities:
            raise self._declared_twice(entity.name)
        order_indexes(entity.table)
        self.entities[entity.name], self.provider[entity.name] = entity, plugin

    def _declared_twice(self, name: str) -> PluginError:
        return PluginError(
            f'entity "{name}" is also declared by {self.provider[name]}: '
            "block or uninstall one of them"
        )

    def _disable_unresolved(self, plugins: Plugins) -> None:
        """Disable what refers to something that is not there, and what refers to that."""
        known = {name: plugin for name, plugin in plugins.all.items() if plugin.status != "active"}
        changed = True
        while changed:
            changed = False
            for entity in list(self.entities.values()):
                why = self._unresolved(entity, known)
                if why:
                    self._disable(entity.name, why)
                    changed = True
        ReferenceMap(self.entities).resolve()
        for entity in list(self.entities.values()):
            for reference in entity.references.values():
                target = self.entities[reference.target]
                wrong = [
                    column for column in reference.lookups.values() if column not in target.columns
                ]
                if wrong and entity.name in self.entities:
                    self._disable(
                        entity.name,
                        f'lookups of {reference.column} name "{wrong[0]}", '
                        f"which is no column of {target.name}",
                    )

    def _unresolved(self, entity: Entity, known: dict[str, Plugin]) -> str:
        """Return what a foreign key of an entity refers to in vain, empty where none does."""
        for foreign in entity.foreign_keys:
            column, target = ", ".join(foreign.columns), foreign.target
            if target not in self.entities:
                if self._is_blocked(target, known):
                    self.blocked.add(target)
                if target in self.excused | self.blocked:
                    self.excused.add(entity.name)
                return f"{column} refers to {target}, which is {self._why_absent(target, known)}"
            keys = {column.key for column in self.entities[target].table.columns}
            lacking = [key for key in foreign.target_keys if key not in keys]
            if lacking:
                return f"{column} refers to {target}.{lacking[0]}, which is no column of {target}"
        return ""

    @staticmethod
    def _is_blocked(target: str, known: dict[str, Plugin]) -> bool:
        """Tell whether a blocked plugin would have brought a table, going by the plugin's name."""
        return any(
            plugin.status == "blocked" and (target == name or target.startswith(f"{name}_"))
            for name, plugin in known.items()
        )

    def _why_absent(self, target: str, known: dict[str, Plugin]) -> str:
        if target in self.disabled:
            return f"disabled: {self.disabled[target]}"
        if self._is_blocked(target, known):
            return "blocked"
        if target in known:
            return known[target].status + (
                f": {known[target].reason}" if known[target].status == "failed" else ""
            )
        return "not installed"

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
                self._disable(name, f"refers to {min(graph[name] & lost)}, which is disabled")
            lost.update(users)

    def _rank(self, name: str) -> tuple[int, str]:
        """Return the place of an entity within its level: most referred to first, then by name."""
        users = {
            e.name
            for e in self.entities.values()
            if any(r.target == name for r in e.references.values())
        }
        return (-len(users), name)

    def _add_view(self, view: Any, plugin: Plugin, plugin_states: dict[str, Plugin]) -> None:
        if not isinstance(view, View):
            raise PluginError(f"bakeio_views returned {type(view).__name__}, not a View")
        if view.name in self.views:
            raise PluginError(
                f'view "{view.name}" is also declared by {self.view_provider[view.name]}: '
                "block or uninstall one of them"
            )
        if view.entity not in self.entities:
            reason = self.disabled.get(view.entity, "not installed")
            if view.entity in self.excused or self._is_blocked(view.entity, plugin_states):
                self.excused_views.add(view.name)
            self.disabled_views[view.name] = f"its entity {view.entity} is " + (
                f"disabled: {reason}" if view.entity in self.disabled else reason
            )
            return
        try:
            self._check_view(view)
        except Exception as error:  # a computed source is a stranger's function
            raise PluginError(f'view "{view.name}": {describe(error)}') from None
        kept = tuple(self._naming(view))
        self.views[view.name], self.view_provider[view.name] = replace(view, kept=kept), plugin

    def _naming(self, view: View) -> Iterator[str]:
        """Yield the fields that say which row a record is: keys, else the id and what it is of."""
        entity, keys = self.entities[view.entity], view.names("key")
        yield from keys
        for name, item in view.fields.items() if not keys else ():
            if item.source == entity.primary or self.names_a_row(entity, item.source):
                yield name

    def names_a_row(self, entity: Entity, source: object) -> bool:
        """Tell whether a source is one step over a reference, to a key or lookup of the target."""
        if not isinstance(source, str) or source.count(".") != 1:
            return False
        step, column = source.split(".")
        reference = entity.references[step]
        is_key = (column,) in self.entities[reference.target].all_keys
        return is_key or column in reference.lookups.values()

    def _check_view(self, view: View) -> None:
        entity = self.entities[view.entity]
        if view.hides is not None and view.hides not in entity.columns:
            raise PluginError(f'hides names "{view.hides}", which is no column of {entity.name}')
        for name, item in view.fields.items():
            if isinstance(item.source, str):
                self.follow(entity, item.source, where=f'field "{name}"')
            if isinstance(item.source, OfRow):
                owner, column = self.follow(entity, item.source.path, where=f'field "{name}"')
                if column not in owner.references:
                    raise PluginError(
                        f'field "{name}": {item.source.path} is no foreign key, '
                        "so it leads to no row to compute from"
                    )
            if item.role == "key" and item.source not in entity.columns:
                raise PluginError(f'field "{name}": a key is a column of {entity.name}')
            if item.role == "editable" and str(item.source).split(".")[0] in entity.primary_key:
                raise PluginError(
                    f'field "{name}": {item.source} is the primary key of {entity.name}, which '
                    "stays as it is: declare it with key() or readonly()"
                )
            if item.role == "editable" and isinstance(item.source, str) and "." in item.source:
                target, column = self.follow(entity, item.source, where=f'field "{name}"')
                lookups = entity.references[item.source.split(".")[0]].lookups.values()
                if (column,) not in target.all_keys and column not in lookups:
                    raise PluginError(
                        f'field "{name}": {item.source} is editable, '
                        f"but {column} is no key of {target.name}"
                    )

    def follow(self, entity: Entity, path: str, where: str = "path") -> tuple[Entity, str]:
        """Follow a dotted path over foreign keys to the entity and column it ends at.

        Args:
            entity: where the path begins.
            path: such as `column` or `a_id.b_id.column`.
            where: what messages call the place that names the path.

        Raises:
            PluginError: where a step does not exist.
        """
        *steps, column = path.split(".")
        for step in steps:
            if step not in entity.references:
                raise PluginError(f"{where}: {step} is no foreign key of {entity.name} (in {path})")
            entity = self.entities[entity.references[step].target]
        if column not in entity.columns:
            raise PluginError(f"{where}: {column} is no column of {entity.name} (in {path})")
        return entity, column

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
