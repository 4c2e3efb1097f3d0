"""Find plugins through entry points and keep one broken plugin from hurting the rest."""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pluggy

from bakeio_core.errors import PluginError, UsageError

GROUP = "bakeio"


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
    """

    name: str
    distribution: str = ""
    version: str = ""
    status: str = "active"
    reason: str = ""
    hooks: tuple[str, ...] = ()
    module: Any = None

    def __str__(self) -> str:
        return (
            f"plugin {self.name} ({self.distribution} {self.version})"
            if self.distribution
            else f"plugin {self.name}"
        )


class Plugins:
    """Find plugins, call them and describe them.

    Attributes:
        hook: calls all of them.
        hooks: the names of the hooks there are.
        blocked: the names of plugins that are not loaded.
        all: {name: `Plugin`}.
    """

    def __init__(self, hookspecs: Any, block: Collection[str] = ()) -> None:
        self.manager = pluggy.PluginManager("bakeio")
        self.manager.add_hookspecs(hookspecs)
        self.hooks = sorted(name for name in vars(hookspecs) if name.startswith("bakeio_"))
        self.hook = self.manager.hook
        self.blocked = set(block)
        self.all: dict[str, Plugin] = {}

    def discover(self) -> None:
        """Load every entry point of the group `bakeio`.

        One that fails is kept in `all` with its reason.

        Raises:
            UsageError: where a name to block is not installed.
        """
        import importlib_metadata

        for entry in sorted(
            importlib_metadata.entry_points(group=GROUP), key=lambda entry: entry.name
        ):
            distribution = entry.dist
            found = Plugin(
                entry.name,
                str(distribution.name) if distribution else "",
                distribution.version if distribution else "",
            )
            if entry.name in self.all:
                known = self.all[entry.name]
                if (known.distribution, known.version) == (found.distribution, found.version):
                    # found twice on the path, as an editable install may be
                    continue
                self.fail(
                    known,
                    "two distributions provide a plugin of this name, "
                    f"{known.distribution} and {found.distribution}: remove one",
                )
                continue
            self._load(found, entry.load)
        unknown = self.blocked - set(self.all)
        if unknown:
            raise UsageError(
                f'no plugin is called "{sorted(unknown)[0]}"; '
                f"installed: {', '.join(self.all) or 'none'}"
            )

    def register(self, module: Any, name: str | None = None) -> Plugin:
        """Add a plugin object of this process and return its description.

        Args:
            module: a module, or an object with hook functions.
            name: what it is called; left out, as the module or class.

        Raises:
            PluginError: where it has an unknown hook.
        """
        found = Plugin(name or str(getattr(module, "__name__", type(module).__name__)))
        self._load(found, lambda: module)
        if found.status == "failed":
            raise PluginError(f"{found}: {found.reason}")
        return found

    def _load(self, plugin: Plugin, load: Callable[[], Any]) -> None:
        self.all[plugin.name] = plugin
        if plugin.name in self.blocked:
            plugin.status, plugin.reason = "blocked", "blocked by name"
            self.manager.set_blocked(plugin.name)
            return
        try:
            plugin.module = load()
            plugin.hooks = self._check_names(plugin.module)
            self.manager.register(plugin.module, name=plugin.name)
        except (
            Exception,
            SystemExit,
        ) as error:  # a stranger's module may raise anything while it is imported
            self.fail(plugin, describe(error))

    def _check_names(self, module: Any) -> tuple[str, ...]:
        hooks = []
        for name in dir(module):
            if not name.startswith("bakeio_") or isinstance(
                getattr(module, name), types.ModuleType
            ):
                continue
            if name not in self.hooks:
                near = difflib.get_close_matches(name, self.hooks, 1)
                raise PluginError(
                    f"{name} is no hook of bakeio"
                    + (
                        f"; did you mean {near[0]}?"
                        if near
                        else f"; the hooks are {', '.join(self.hooks)}"
                    )
                )
            if not hasattr(getattr(module, name), "bakeio_impl"):
                raise PluginError(f"{name} is not marked with @hookimpl")
            hooks.append(name)
        return tuple(hooks)

    def fail(self, plugin: Plugin, reason: str) -> None:
        """Take a plugin out of use and remember why."""
        plugin.status, plugin.reason, plugin.hooks = "failed", reason, ()
        if self.manager.has_plugin(plugin.name):
            self.manager.unregister(name=plugin.name)

    def call_each(
        self,
        hook: str,
        failed: Callable[[Exception], Exception] = lambda error: error,
        **arguments: Any,
    ) -> Iterator[tuple[Plugin, list[Any]]]:
        """Call a collecting hook plugin by plugin, in the order of their names.

        A plugin that raises is failed with its reason and yields nothing.

        Args:
            hook: its name.
            failed: may clean up after an error and give a clearer one.
            arguments: those of the hook.

        Returns:
            pairs of a plugin and its results.
        """
        for plugin in list(self.all.values()):
            if hook not in plugin.hooks:
                continue
            others = [
                other
                for name, other in self.manager.list_name_plugin()
                if other is not None and name != plugin.name
            ]
            caller = self.manager.subset_hook_caller(hook, others)
            try:
                results = [
                    item
                    for result in caller(**arguments)
                    for item in (result if _is_several(result) else [result])
                ]
            except Exception as error:
                self.fail(plugin, describe(failed(error)))
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


def describe(error: BaseException) -> str:
    """Return one line saying what a plugin raised, and where in it, not in what it called."""
    if isinstance(error, PluginError):
        return str(error)
    trace, place = error.__traceback__, ""
    while trace is not None:
        if not trace.tb_frame.f_globals.get("__name__", "").startswith("sqlalchemy."):
            place = f" ({trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {' '.join(str(error).split())}{place}"


def _home(module: Any) -> Any:
    """Return the name of the module a plugin's code stands in."""
    return (
        module.__name__
        if isinstance(module, types.ModuleType)
        else getattr(module, "__module__", type(module).__module__)
    )


def _is_several(result: Any) -> bool:
    return isinstance(result, Iterable) and not isinstance(result, (Mapping, str))
