"""What plugins declare: a name that two of them declare belongs to neither."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import MetaData
from sqlalchemy.exc import InvalidRequestError

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.plugins.loading import Plugin, Plugins
from bakeio_core.catalog.plugins.profile import without
from bakeio_core.catalog.plugins.templates import Template
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import PluginError, describe

T = TypeVar("T", Entity, View, Template)
ENTITIES, VIEWS, TEMPLATES = "bakeio_entities", "bakeio_views", "bakeio_templates"


@dataclass
class Declared(Generic[T]):
    """What plugins declare with one hook.

    Attributes:
        found: {name: what is declared} for each name that one plugin alone declares.
        provider: {name: that `Plugin`}.
        contested: {name: why it is nobody's} for each name that several declare.
    """

    found: dict[str, T] = field(default_factory=dict)
    provider: dict[str, Plugin] = field(default_factory=dict)
    contested: dict[str, str] = field(default_factory=dict)


def declared_entities(plugins: Plugins, metadata: MetaData) -> Declared[Entity]:
    """Ask every plugin for its entities; one that raises is failed with its reason.

    Args:
        plugins: Those that are loaded.
        metadata: What all of them build their tables on.
    """
    claims: list[tuple[Plugin, Entity]] = []
    for plugin in plugins.implementing(ENTITIES):
        there = set(metadata.tables)
        try:
            claims += [(plugin, entity) for entity in _entities_of(plugin, plugins, metadata)]
        except Exception as error:  # a stranger's function
            _forget(metadata, metadata.tables.keys() - there)
            plugins.fail(plugin, describe(error), error)
    return _settled(claims, plugins)


def _entities_of(plugin: Plugin, plugins: Plugins, metadata: MetaData) -> list[Entity]:
    """Return the entities of a plugin, also where another one has built a table of that name."""
    there = set(metadata.tables)
    try:
        return _checked(_entities(plugin, plugins, metadata), Entity, ENTITIES)
    except InvalidRequestError:
        # Only a plugin that is sound by itself contests a name of another one.
        alone = MetaData()
        _checked(_entities(plugin, plugins, alone), Entity, ENTITIES)
        contested = alone.tables.keys() & there
        if not contested:
            raise
        _forget(metadata, (metadata.tables.keys() - there) | contested)
        return _checked(_entities(plugin, plugins, metadata), Entity, ENTITIES)


def _entities(plugin: Plugin, plugins: Plugins, metadata: MetaData) -> list[Any]:
    database = plugins.profile.database
    return plugins.call(plugin, ENTITIES, metadata=metadata, database=database)


def _forget(metadata: MetaData, names: Iterable[str]) -> None:
    for name in names:
        metadata.remove(metadata.tables[name])


def declared_views(plugins: Plugins) -> Declared[View]:
    """Ask every plugin for its views; one that raises is failed with its reason."""
    claims: list[tuple[Plugin, View]] = []
    for plugin in plugins.implementing(VIEWS):
        try:
            views = _checked(
                plugins.call(plugin, VIEWS, database=plugins.profile.database), View, VIEWS
            )
        except Exception as error:  # a stranger's function
            plugins.fail(plugin, describe(error), error)
        else:
            claims += [(plugin, view) for view in views]
    return _settled(claims, plugins)


def declared_templates(plugins: Plugins) -> Declared[Template]:
    """Ask every plugin for its templates; one that raises is failed with its reason."""
    claims: list[tuple[Plugin, Template]] = []
    for plugin in plugins.implementing(TEMPLATES):
        try:
            templates = _checked(plugins.call(plugin, TEMPLATES), Template, TEMPLATES)
        except Exception as error:  # a stranger's function
            plugins.fail(plugin, describe(error), error)
        else:
            claims += [(plugin, template) for template in templates]
    return _settled(claims, plugins)


def _checked(items: list[Any], kind: type[T], hook: str) -> list[T]:
    """Return what a hook of one plugin gave.

    Raises:
        PluginError: Something of it is of another kind, or has the name of something else of it.
    """
    names = set()
    for item in items:
        if not isinstance(item, kind):
            article = "an" if kind is Entity else "a"
            returned = type(item).__name__
            raise PluginError(f"{hook} returned {returned}, not {article} {kind.__name__}")
        if item.name in names:
            raise PluginError(f"{hook} returned two items named {item.name}")
        names.add(item.name)
    return items


def _settled(claims: list[tuple[Plugin, T]], plugins: Plugins) -> Declared[T]:
    """Tell what is one plugin's from what several of them declare."""
    declared: Declared[T] = Declared()
    by_name: dict[str, list[tuple[Plugin, T]]] = {}
    for plugin, item in claims:
        by_name.setdefault(item.name, []).append((plugin, item))
    contested: dict[str, list[Plugin]] = {}
    for name, group in by_name.items():
        if len(group) == 1:
            declared.provider[name], declared.found[name] = group[0]
        else:
            contested[name] = [plugin for plugin, _ in group]
    for name, owners in contested.items():
        whose = " and ".join(map(str, owners))
        remedy = without(_names_of(owners, [*contested.values()]), plugins.profile)
        declared.contested[name] = f"{whose} declare it, so neither is used: {remedy}"
    return declared


def _names_of(owners: list[Plugin], all_owners: list[list[Plugin]]) -> list[str]:
    """Return the names by which one of some plugins can be left out.

    Where their distributions contest several names, one line leaves out all of a distribution.
    """
    of = [plugin.distribution for plugin in owners]
    times = sum([plugin.distribution for plugin in others] == of for others in all_owners)
    is_between_distributions = all(of) and len({*of}) == len(of)
    return of if times > 1 and is_between_distributions else [plugin.name for plugin in owners]
