"""What is installed: plugins, entities, views and formats, and what opens and checks a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bakeio_core.catalog import hookspecs
from bakeio_core.catalog.catalog import Catalog
from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.formats import Formats
from bakeio_core.catalog.plugins.loading import Plugins
from bakeio_core.catalog.plugins.profile import NO_PROFILE, Profile
from bakeio_core.catalog.views.view import View
from bakeio_core.errors import PluginError, Problems, UsageError, unknown
from bakeio_core.files.documents.limits import Limits
from bakeio_core.values.wording import listed

if TYPE_CHECKING:
    from typing_extensions import Self

    from bakeio_core.files.output import Foreign
    from bakeio_core.importing.reading.sources import Source


STRICT = "BAKEIO_STRICT_PLUGINS"
"""The environment variable that makes a broken plugin an error; 0 and nothing are no."""


class Installed:
    """Know the plugins, what they bring, and the files that suit it; no database is needed.

    What looks into a file is imported when it is first asked to: who only wants to know what is
    installed waits for none of that.

    Args:
        plugins: What was found.
        limits: How large a file may be.

    Raises:
        PluginError: What the plugins bring does not go together.
    """

    @classmethod
    def discover(
        cls,
        *,
        block: Collection[str] = (),
        profile: str | Path | None = None,
        plugins: Iterable[Any] = (),
        limits: Limits | None = None,
        strict: bool | None = None,
    ) -> Self:
        """Load the installed plugins: the entry points of the group `bakeio`.

        Args:
            block: Names of plugins to leave out; the name of a distribution means all its plugins.
            profile: A file that says which plugins are used, such as `bakeio.toml`; without it,
                bakeio does not search for one. Its `database` is `plugins.profile.database`, for
                `connect`.
            plugins: Objects of this process, registered after the installed ones.
            limits: How large a file may be.
            strict: Raise an error if anything is broken, with the exception of the plugin as its
                cause, instead of continuing without it; None uses `BAKEIO_STRICT_PLUGINS`.

        Raises:
            UsageError: A name to use or to block is not installed, or the profile cannot be read.
            PluginError: An object has an unknown hook, or it is strict and anything is broken.
        """
        chosen = Profile.read(Path(profile)) if profile is not None else NO_PROFILE
        found = Plugins(hookspecs, block, chosen)
        found.discover()
        for plugin in plugins:
            found.register(plugin)
        installed = cls(found, limits)
        is_strict = os.environ.get(STRICT, "0") not in ("", "0") if strict is None else strict
        if is_strict:
            installed._refuse_any_broken()
        return installed

    def __init__(self, plugins: Plugins, limits: Limits | None = None) -> None:
        self.plugins, self.limits = plugins, limits or Limits()
        self.catalog = Catalog.assemble(plugins)
        self.hook = plugins.hook

    def broken(self, *, views: bool = True) -> list[str]:
        """Return what is broken: plugins that failed, and entities and views that are disabled.

        What is missing because a plugin was blocked by name is not broken.

        Args:
            views: With the views.

        Returns:
            One line for each.
        """
        lines = [*self._failed_plugins(), *self._disabled_entities(views=views)]
        return [*lines, *self._disabled_views()] if views else lines

    def _refuse_any_broken(self) -> None:
        broken = self.broken()
        if broken:
            raised = (plugin.error for plugin in self.plugins.all.values() if plugin.error)
            raise PluginError(f"{STRICT} is set, and {'; '.join(broken)}") from next(raised, None)

    def _failed_plugins(self) -> Iterator[str]:
        for plugin in self.plugins.all.values():
            if plugin.status == "failed":
                yield f"{plugin}: {plugin.reason}"

    def _disabled_entities(self, *, views: bool) -> Iterator[str]:
        """Say of each entity that is disabled for a reason of its own why, and what goes with it.

        Args:
            views: With the views of those.
        """
        catalog = self.catalog
        alike: dict[tuple[str, str], list[str]] = {}
        for name, reason in catalog.disabled.items():
            if name not in catalog.excused | catalog.following.keys():
                owner = f"{catalog.provider[name]}: " if name in catalog.provider else ""
                alike.setdefault((owner, reason), []).append(name)
        for (owner, reason), names in alike.items():
            gone = self._going_with(names)
            with_it = gone[len(names) :] + [view for view in self._views_of(gone) if views]
            also = f"; also disabled: {', '.join(with_it)}" if with_it else ""
            verb = "is" if len(names) == 1 else "are"
            yield f"{owner}{listed(names)} {verb} disabled: {reason}{also}"

    def _going_with(self, names: Collection[str]) -> list[str]:
        """Return disabled entities and all those that are disabled because they are."""
        gone = [*names]
        for each in gone:  # grows meanwhile
            gone += [one for one, cause in self.catalog.following.items() if cause == each]
        return gone

    def _views_of(self, entities: Collection[str]) -> list[str]:
        of = self.catalog.following_views
        return [f"view {view}" for view, entity in of.items() if entity in entities]

    def _disabled_views(self) -> Iterator[str]:
        told = self.catalog.following_views.keys() | self.catalog.excused_views
        for name, reason in self.catalog.disabled_views.items():
            if name not in told:
                yield f"view {name} is disabled: {reason}"

    def _refuse_broken(self, consequence: str) -> None:
        """Raise while a plugin or an entity is broken, saying what cannot be done without it."""
        broken = self.broken(views=False)
        if broken:
            remedy = "Correct it, or leave it out with --block NAME"
            end = "" if broken[0].endswith("?") else "."
            raise PluginError(f"{consequence}. {broken[0]}{end} {remedy}")

    def view(self, name: str) -> View:
        """Return an installed view by name.

        Raises:
            UsageError: There is none; it says which there are.
        """
        plain = name.replace("-", "_").removesuffix("_complete")
        if plain in self.catalog.views:
            return self.catalog.views[plain]
        reason = self.catalog.disabled_views.get(plain)
        if reason:
            raise UsageError(f'the view "{name}" is disabled: {reason}')
        if plain in self.catalog.templates:
            told = plain.replace("_", "-")
            raise UsageError(f"{told} is a template, no view: see bakeio template {told}")
        said, hint = f'the view "{name}" is not installed', packages.for_view(plain)
        raise UsageError(unknown(said, plain, self.catalog.views, hint))

    def _entity(self, name: str) -> Entity:
        """Return an installed entity by name; raise where there is none."""
        plain = name.replace("-", "_")
        if plain not in self.catalog.entities:
            said, hint = f'there is no entity "{name}"', packages.for_entity(plain)
            raise UsageError(unknown(said, plain, self.catalog.entities, hint))
        return self.catalog.entities[plain]

    @cached_property
    def formats(self) -> Formats:
        """The formats plugins bring besides JSON: {name: `Format`}."""
        found = self.plugins.call_each("bakeio_formats")
        return Formats((known.name, known) for _, results in found for known in results)

    def validate(
        self,
        path: str | Path,
        *,
        values: bool = True,
        progress: Callable[[str, int], None] | None = None,
    ) -> Problems:
        """Check a set (folder, zip or manifest) without a database, and report all problems.

        Args:
            path: The path of the set.
            values: Also read every value as an import into the same kind of database would.
            progress: Called with (entity, records checked so far).
        """
        from bakeio_core.database.connect import streaming
        from bakeio_core.files.sets.export_set import ExportSet
        from bakeio_core.files.sets.verify import verify
        from bakeio_core.importing.reading.derived.upgraded import foreign_set
        from bakeio_core.importing.reading.records.checking import check_values

        with streaming():
            opened = ExportSet.open(Path(path), self.limits)
            if foreign := foreign_set(opened, self.catalog):
                return foreign
            problems = verify(opened, self.catalog, progress)
            if values:
                check_values(opened, self.catalog, problems, progress)
            return problems

    def open(
        self,
        path: str | Path | IO[bytes],
        *,
        accept_edits: bool = False,
        without: Collection[str] = (),
        format: str | None = None,
    ) -> Source:
        """Open what a path or a stream holds, for `plan` or `import_`.

        Args:
            path: A set's folder, zip or manifest, a view's file, an entity's file, a workbook of
                views, or a binary stream.
            accept_edits: Report changed checksums and counts of a set as warnings, not as errors.
            without: Entities of a set that are left out, with everything that needs them.
            format: One of `formats`, or `json`; by default the extension or the first bytes of the
                file decide.

        Raises:
            DocumentError: It cannot be read.
            UsageError: There is no such format, the set has no such entities, or it is not a set.
        """
        from bakeio_core.importing.reading.opening import open_source

        where = Path(path) if isinstance(path, str) else path
        source = open_source(
            where,
            self.catalog,
            self.limits,
            accept_edits=accept_edits,
            without=without,
            formats=self.formats,
            format_=format,
        )
        source.path = str(where.resolve()) if isinstance(where, Path) else None
        return source

    def convert(
        self, path: str | Path, target: str | Path, *, force: bool = False
    ) -> tuple[dict[str, int], Problems]:
        """Write another program's document as a set or view of bakeio, as `import_` would read it.

        Args:
            path: The document, a file, folder or zip that a plugin's step reads
                (`bakeio_document_upgrades`).
            target: The folder of the normalized set; of a document that is edits of a view the
                view's file.
            force: Replace what was written there before.

        Returns:
            {entity or view: number of records}, and what is to be said of the document.

        Raises:
            UsageError: bakeio reads the document itself, or anything is in the way.
            DocumentError: It cannot be read.
        """
        from bakeio_core.exporting.convert import write_converted

        source = self.open(path)
        if not source.read_as:
            raise UsageError(
                f"{source.name} needs no conversion: bakeio reads it itself. Import it: "
                f"bakeio import {path}"
            )
        counts = write_converted(source, self.catalog, Path(target), force=force)
        return counts, source.problems

    @property
    def not_as_view(self) -> Foreign:
        """A function of a path: why `refresh_view` cannot write there, None if it can."""
        from bakeio_core.importing.reading.opening import not_as_view

        return partial(not_as_view, catalog=self.catalog, limits=self.limits, formats=self.formats)
