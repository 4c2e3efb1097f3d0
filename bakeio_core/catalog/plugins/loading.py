"""Find plugins through entry points and keep one broken plugin from hurting the rest."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import filterfalse
from typing import TYPE_CHECKING, Any

import pluggy

from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.guard import guarded, refuse_signature
from bakeio_core.catalog.plugins.packages import plain_name
from bakeio_core.catalog.plugins.profile import NO_PROFILE, Profile, without
from bakeio_core.errors import PluginError, UsageError, describe, meant, place_of

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

BY_NAME = "blocked by name"


@dataclass
class Plugin:
    """What is known of one plugin.

    Attributes:
        name: that of its entry point.
        distribution, version: what brought it, empty for an object of this process.
        status: active, blocked or failed.
        reason: why it is not active.
        hooks: the names of those it implements.
        module: the plugin itself.
        error: what it raised, where it failed for that.
    """

    name: str
    distribution: str = ""
    version: str = ""
    status: str = "active"
    reason: str = ""
    hooks: tuple[str, ...] = ()
    module: Any = None
    error: BaseException | None = None

    def __str__(self) -> str:
        return (
            f"plugin {self.name} ({self.distribution} {self.version})"
            if self.distribution
            else f"plugin {self.name}"
        )

    def comes_with(self, distribution: str) -> bool:
        """Tell whether a distribution brought it."""
        return plain_name(self.distribution) == plain_name(distribution)


class _Manager(pluggy.PluginManager):
    """Look at the attributes of a plugin that may be hooks, not at all that its module has."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        if not name.startswith("bakeio_"):
            return None
        return super().parse_hookimpl_opts(plugin, name)


class Plugins:
    """Find plugins, call them and describe them.

    Args:
        hookspecs: declares the hooks there are.
        block: names of plugins and distributions to leave out.
        profile: says which are used.

    Attributes:
        hook: calls all of them.
        hooks: the names of the hooks there are.
        blocked: the names given as `block`.
        profile: the profile that counts.
        all: {name: `Plugin`}.
    """

    def __init__(
        self, hookspecs: Any, block: Collection[str] = (), profile: Profile = NO_PROFILE
    ) -> None:
        self.manager = _Manager("bakeio")
        self.manager.add_hookspecs(hookspecs)
        self.hooks = sorted(name for name in vars(hookspecs) if name.startswith("bakeio_"))
        self.hook = self.manager.hook
        self.blocked = set(block)
        self.profile = profile
        self.all: dict[str, Plugin] = {}

    def discover(self) -> None:
        """Load every entry point of the group `bakeio` that is neither blocked nor left out.

        Those of the group `bakeio.optional` are loaded where the profile names them.

        One that fails is kept in `all` with its reason.

        Raises:
            UsageError: where a name to use or to block is not installed.
        """
        from importlib_metadata import entry_points

        announced = entry_points()
        optional = announced.select(group=packages.OPTIONAL)
        entries = [*announced.select(group=packages.PLUGINS), *optional]
        of = _distributions(entries)
        all_found = [(Plugin(entry.name, *of[entry.dist]), entry) for entry in entries]
        for found, entry in sorted(all_found, key=lambda each: str(each[0])):
            reason = self._left_out(found)
            if entry in optional and found.name not in self.profile.use:
                reason = "used only if a profile names it"
            known = self.all.get(found.name)
            if known is None:
                self.all[found.name] = found
            elif (known.distribution, known.version) == (found.distribution, found.version):
                # found twice on the path, as an editable install may be
                continue
            else:
                self._set_beside(found, known)
            if reason:
                found.status, found.reason = "blocked", reason
            elif known is None or known.status == "blocked":
                self._load(found, partial(packages.announced, entry))
            else:
                self._fail_both(known, found)
        self._refuse_unknown_names()

    def _left_out(self, plugin: Plugin) -> str:
        """Return why a plugin is not to be loaded, empty where it is."""
        if _is_among(plugin, self.blocked):
            return BY_NAME
        if _is_among(plugin, self.profile.block):
            return f"blocked by {self.profile}"
        if self.profile.use and not _is_among(plugin, self.profile.use):
            return f"not used by {self.profile}"
        return ""

    def _set_beside(self, found: Plugin, known: Plugin) -> None:
        """Keep two plugins of one name; the one that is not blocked is called by it."""
        behind = known if known.status == "blocked" else found
        self.all[f"{behind.name} ({behind.distribution} {behind.version})"] = behind
        self.all[found.name] = known if behind is found else found

    def _fail_both(self, known: Plugin, found: Plugin) -> None:
        if known.distribution == found.distribution:
            remedy = "uninstall one of them"
        else:
            remedy = without((known.distribution, found.distribution), self.profile)
        reason = (
            "two distributions have a plugin of this name, "
            f"{known.distribution} {known.version} and "
            f"{found.distribution} {found.version}, so neither is used: {remedy}"
        )
        self.fail(known, reason)
        self.fail(found, reason)

    def _refuse_unknown_names(self) -> None:
        profile = self.profile
        for name in filterfalse(self._is_known, sorted(self.blocked)):
            self._refuse_unknown(name, "")
        for name in filterfalse(self._is_known, profile.block):
            self._refuse_unknown(name, f"{profile}: block: ")
        for name in filterfalse(self._is_known, profile.use):
            if not packages.brings_command(name):
                self._refuse_unknown(name, f"{profile}: use: ")

    def _is_known(self, name: str) -> bool:
        return any(_is_among(plugin, [name]) for plugin in self.all.values())

    def _refuse_unknown(self, name: str, where: str) -> None:
        """Raise for a name of which no plugin is installed."""
        of = {plugin.distribution for plugin in self.all.values() if plugin.distribution}
        hint = packages.for_distribution(name)
        near = "" if hint else meant(name, {*self.all, *of})
        raise UsageError(
            f'{where}no plugin is called "{name}", and no distribution of plugins{near or "."} '
            "A package of your own is installed with python -m pip install -e FOLDER. "
            f"Installed are {', '.join(self.all) or 'none'}, of {', '.join(sorted(of)) or 'none'}"
            + hint
        )

    def register(self, module: Any, name: str | None = None) -> Plugin:
        """Add a plugin object of this process and return its description.

        One that is there already, such as a module that is installed as well, is used once.

        Args:
            module: a module, or an object with hook functions.
            name: what it is called; left out, as the module or class.

        Raises:
            PluginError: where it has an unknown hook or none, or another plugin is called so.
        """
        there = self._holder(module)
        found = there or Plugin(name or str(getattr(module, "__name__", type(module).__name__)))
        if there is None:
            if found.name in self.all:
                raise PluginError(
                    f"two plugins are called {found.name}: "
                    "give one of them another name or class name"
                )
            self.all[found.name] = found
            self._load(found, lambda: module)
        if found.status == "failed":
            raise PluginError(f"{found}: {found.reason}")
        if not found.hooks:
            raise PluginError(
                f"{found} has no hooks: hand in a module (not its name), or an object, with "
                "functions that are marked with @hookimpl"
            )
        return found

    def _holder(self, module: Any) -> Plugin | None:
        """Return the plugin whose hooks a module or object has already."""
        return next((known for known in self.all.values() if known.module is module), None)

    def _load(self, plugin: Plugin, load: Callable[[], Any]) -> None:
        try:
            module = load()
            known = self._holder(module)
            if known is not None:
                raise PluginError(f"its module is that of {known} already: announce it once")
            plugin.module = module
            plugin.hooks = self._check_names(plugin.module)
            self.manager.register(plugin.module, name=plugin.name)
            self._guard(plugin)
        except (
            Exception,
            SystemExit,
        ) as error:  # a stranger's module may raise anything while it is imported
            self.fail(plugin, describe(error), error)

    def _guard(self, plugin: Plugin) -> None:
        """Put what names and times a plugin around its functions."""
        for caller in self.manager.get_hookcallers(plugin.module) or ():
            for found in caller.get_hookimpls():
                if found.plugin is plugin.module:
                    found.function = guarded(  # type: ignore[misc]  # ours, nobody calls it yet
                        str(plugin),
                        caller.name,
                        found.function,
                        is_wrapper=bool(found.wrapper or found.hookwrapper),
                    )

    def _check_names(self, module: Any) -> tuple[str, ...]:
        hooks = []
        for name in dir(module):
            if not name.startswith("bakeio_") or isinstance(
                getattr(module, name), types.ModuleType
            ):
                continue
            if name not in self.hooks:
                near = meant(name, self.hooks) or f"; the hooks are {', '.join(self.hooks)}"
                place = place_of(getattr(module, name))
                raise PluginError(f"{name} is not a hook of bakeio{place}{near}")
            function = getattr(module, name)
            if not hasattr(function, "bakeio_impl"):
                raise PluginError(f"{name} is not marked with @hookimpl{place_of(function)}")
            spec = getattr(self.hook, name).spec
            refuse_signature(name, function, spec.argnames if spec is not None else ())
            hooks.append(name)
        return tuple(hooks)

    def fail(self, plugin: Plugin, reason: str, error: BaseException | None = None) -> None:
        """Take a plugin out of use and remember why."""
        plugin.error = error
        plugin.status, plugin.reason, plugin.hooks = "failed", reason, ()
        if self.manager.has_plugin(plugin.name):
            self.manager.unregister(name=plugin.name)

    def implementing(self, hook: str) -> list[Plugin]:
        """Return the active plugins with a hook, in the order of their names."""
        return [plugin for plugin in self.all.values() if hook in plugin.hooks]

    def call(self, plugin: Plugin, hook: str, **arguments: Any) -> list[Any]:
        """Call a collecting hook of one plugin, whatever it raises, and return its results.

        Raises:
            PluginError: It returned nothing, which is how a forgotten `return` looks.
        """
        others = [
            other
            for name, other in self.manager.list_name_plugin()
            if other is not None and name != plugin.name
        ]
        results = self.manager.subset_hook_caller(hook, others)(**arguments)
        if not results and not _is_wrapper(plugin, hook):
            raise PluginError(
                f"{hook} returned nothing{place_of(getattr(plugin.module, hook))}: end it with "
                "return and what it declares, or return [] if that is nothing"
            )
        return [
            item for result in results for item in (result if _is_several(result) else [result])
        ]

    def call_each(self, hook: str, **arguments: Any) -> Iterator[tuple[Plugin, list[Any]]]:
        """Call a collecting hook plugin by plugin, in the order of their names.

        A plugin that raises is failed with its reason and yields nothing.

        Args:
            hook: its name.
            arguments: those of the hook.

        Returns:
            pairs of a plugin and its results.
        """
        for plugin in self.implementing(hook):
            try:
                results = self.call(plugin, hook, **arguments)
            except Exception as error:  # a stranger's function
                self.fail(plugin, describe(error), error)
                continue
            yield plugin, results

    def culprit(self, error: BaseException) -> Plugin | None:
        """Return the plugin in whose code an error was raised, None where it was in no plugin's."""
        trace, found = error.__traceback__, None
        homes = {
            _home(plugin.module): plugin
            for plugin in self.all.values()
            if plugin.module is not None
        }
        while trace is not None:
            found = homes.get(trace.tb_frame.f_globals.get("__name__"), found)
            trace = trace.tb_next
        return found


def _distributions(
    entries: Iterable[EntryPoint],
) -> Mapping[Any, tuple[str, str]]:
    """Return name and version of what brought some entry points."""
    there = {entry.dist for entry in entries if entry.dist}
    return {None: ("", ""), **{each: packages.about(each) for each in there}}


def _is_among(plugin: Plugin, names: Collection[str]) -> bool:
    """Tell whether names mean a plugin: its own, or that of its distribution."""
    meant = {plain_name(name) for name in names}
    return not meant.isdisjoint(plain_name(name) for name in (plugin.name, plugin.distribution))


def _home(module: Any) -> Any:
    """Return the name of the module a plugin's code stands in."""
    return (
        module.__name__
        if isinstance(module, types.ModuleType)
        else getattr(module, "__module__", type(module).__module__)
    )


def _is_wrapper(plugin: Plugin, hook: str) -> bool:
    options = getattr(getattr(plugin.module, hook), "bakeio_impl", {})
    return bool(options.get("wrapper") or options.get("hookwrapper"))


def _is_several(result: Any) -> bool:
    return isinstance(result, Iterable) and not isinstance(result, (Mapping, str))
