"""The public face: find plugins, export, validate, plan and import.

Whoever passes a connection owns the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from bakeio_core.catalog import hookspecs
from bakeio_core.catalog.plugins import Plugins
from bakeio_core.database import writing
from bakeio_core.exporting import pages, records
from bakeio_core.files.documents.limits import Limits
from bakeio_core.host.exports import Exports
from bakeio_core.importing.run import Plan
from bakeio_core.resolving import decisions

__all__ = ["Bakeio", "Plan"]


class Bakeio(Exports):
    """Everything bakeio can do, for a program.

    Attributes:
        plugins: What was found.
        catalog: Entities and views.
        hook: Call a hook yourself.
        limits: How large a stranger's file may be.
    """

    @classmethod
    def discover(
        cls,
        *,
        block: Collection[str] = (),
        plugins: Iterable[Any] = (),
        limits: Limits | None = None,
    ) -> Bakeio:
        """Load the installed plugins: the entry points of the group `bakeio`.

        Args:
            block: Names of those to leave out.
            plugins: Objects of this process, registered after the installed ones.
            limits: How large a stranger's file may be.

        Raises:
            UsageError: A name in `block` is not installed.
            PluginError: An object has an unknown hook.
        """
        found = Plugins(hookspecs, block)
        for module in (records, pages, writing, decisions):
            found.manager.register(module)
        found.discover()
        for plugin in plugins:
            found.register(plugin)
        return cls(found, limits)
