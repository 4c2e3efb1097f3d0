"""The public face: find plugins, export, validate, plan and import.

Whoever passes a connection owns the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from bakeio_core.catalog import hookspecs
from bakeio_core.catalog.plugins.loading import Plugins
from bakeio_core.catalog.plugins.profile import NO_PROFILE, Profile
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
        profile: str | Path | None = None,
        plugins: Iterable[Any] = (),
        limits: Limits | None = None,
    ) -> Bakeio:
        """Load the installed plugins: the entry points of the group `bakeio`.

        Args:
            block: Names of those to leave out; that of a distribution means all its plugins.
            profile: A file that says which are used, such as `bakeio.toml`; left out, none is
                looked for. Its `database` is `plugins.profile.database`, for `connect`.
            plugins: Objects of this process, registered after the installed ones.
            limits: How large a stranger's file may be.

        Raises:
            UsageError: A name to use or to block is not installed, or the profile cannot be read.
            PluginError: An object has an unknown hook.
        """
        chosen = Profile.read(Path(profile)) if profile is not None else NO_PROFILE
        found = Plugins(hookspecs, block, chosen)
        for module in (records, pages, writing, decisions):
            found.manager.register(module)
        found.discover()
        for plugin in plugins:
            found.register(plugin)
        return cls(found, limits)
