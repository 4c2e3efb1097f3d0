"""A plugin on trial: what it declares, and databases with rows that fit."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, text

from bakeio_core.catalog.entities.model import Entity
from bakeio_core.catalog.fields import FileField, view_fields
from bakeio_core.catalog.hookspecs import hookimpl
from bakeio_core.catalog.plugins.loading import Plugin
from bakeio_core.catalog.plugins.packages import plain_name
from bakeio_core.catalog.views.view import Field, View, editable, key, readonly
from bakeio_core.database.connect import ensure_begun
from bakeio_core.database.dialects import dialect_of
from bakeio_core.errors import BakeioError, PluginError
from bakeio_core.host.bakeio import Bakeio
from bakeio_core.importing.reading.building import sample_source
from bakeio_core.testing.databases import new_database
from bakeio_core.testing.faults import Fault
from bakeio_core.testing.rows import Rows
from bakeio_core.testing.values import Values

ROWS = 8
"""How many rows each table gets: enough for references to different rows, and quick."""
OWN = "conformance_"
"""What the names of the views begin with that are made of entities for the trial."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

Given = Mapping[str, Sequence[Mapping[str, Any]]]
"""Records somebody gives, as in the files of entities: {entity: records}."""


class _WholeEntities:
    """A plugin that shows each entity on trial whole, so that one without a view is tried too."""

    def __init__(self, views: Sequence[View]) -> None:
        self.views = views

    @hookimpl
    def bakeio_views(self) -> Sequence[View]:
        return self.views


@dataclass
class Trial:
    """Try plugins on one database system.

    Args:
        given: The plugins: modules, objects with hooks, or names of installed plugins and
            distributions.
        system: That of the databases.
        records: {entity: records as in its file} to begin with, where rows that fit cannot be
            guessed.

    Attributes:
        edits: {view: its file and edits of it}, what checks found out for those after them.
    """

    given: Sequence[Any]
    system: str
    records: Given = field(default_factory=dict)
    edits: dict[str, tuple[dict[str, Any], list[Any]]] = field(default_factory=dict, init=False)

    @cached_property
    def found(self) -> Bakeio:
        """All that is installed, and the plugins on trial.

        Raises:
            Fault: One of these cannot be used at all.
        """
        return self._discovered(())

    def _discovered(self, more: Sequence[Any]) -> Bakeio:
        names = [plain_name(one) for one in self.given if isinstance(one, str)]
        objects = [one for one in self.given if not isinstance(one, str)]
        there = {id(plugin.module) for plugin in Bakeio.discover().plugins.all.values()}
        added = [one for one in objects if id(one) not in there]
        try:
            found = Bakeio.discover(plugins=[*added, *more])
        except PluginError as error:
            raise Fault(str(error)) from None
        known = {plain_name(n) for p in found.plugins.all.values() for n in _names(p)}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise Fault(
                f'no plugin is called "{unknown[0]}", and no distribution of plugins: install it '
                'first (pip install --editable .), and look for it in "bakeio plugins"'
            )
        return found

    @cached_property
    def plugins(self) -> list[Plugin]:
        """The plugins on trial: of a distribution those that are used here."""
        names = {plain_name(one) for one in self.given if isinstance(one, str)}
        ids = {id(one) for one in self.given}
        return [
            plugin
            for plugin in self.found.plugins.all.values()
            if id(plugin.module) in ids
            or plain_name(plugin.name) in names
            or (plain_name(plugin.distribution) in names and plugin.status != "blocked")
        ]

    def implementing(self, hook: str) -> list[Plugin]:
        """Return those of the plugins on trial that have a hook."""
        return [plugin for plugin in self.plugins if hook in plugin.hooks]

    def is_ours(self, plugin: Plugin | None) -> bool:
        """Tell whether a plugin, of whatever discovery, is one of those on trial."""
        return plugin is not None and plugin.name in {ours.name for ours in self.plugins}

    @cached_property
    def core(self) -> Bakeio:
        """What does the work, with a view more for each entity on trial."""
        catalog = self.found.catalog
        views = [
            _whole(entity, self.found)
            for name, entity in catalog.entities.items()
            if self.is_ours(catalog.provider[name])
        ]
        return self._discovered([_WholeEntities(views)])

    @cached_property
    def entities(self) -> list[Entity]:
        """The entities on trial, in import order."""
        catalog = self.core.catalog
        return [e for n, e in catalog.entities.items() if self.is_ours(catalog.provider[n])]

    @cached_property
    def views(self) -> list[View]:
        """The views on trial, and those that show the entities on trial whole."""
        catalog = self.core.catalog
        return [
            view
            for name, view in catalog.views.items()
            if name.startswith(OWN) or self.is_ours(catalog.view_provider[name])
        ]

    @cached_property
    def values(self) -> Values:
        """Values that fit columns: given ones and those of samples before others."""
        samples: dict[str, list[Mapping[str, Any]]] = {}
        for _, results in self.found.plugins.call_each("bakeio_sample"):
            for result in results:
                for name, records in result.items() if isinstance(result, Mapping) else ():
                    samples.setdefault(name, []).extend(records)
        return Values({**samples, **{name: list(r) for name, r in self.records.items()}})

    @cached_property
    def rows(self) -> Rows:
        """Puts rows into tables."""
        return Rows(self.core.catalog, self.values)

    @cached_property
    def folder(self) -> Path:
        """A folder for files, gone when the trial is."""
        self._files = tempfile.TemporaryDirectory(prefix="bakeio-trial-")
        return Path(self._files.name)

    @cached_property
    def _needed(self) -> list[Entity]:
        """The entities on trial, those of the views on trial, and what all those refer to."""
        catalog, names = self.core.catalog, [view.entity for view in self.views]
        names += [str(f.source).split(".")[0] for v in self.views for f in v.lists.values()]
        names += [entity.name for entity in self.entities] or list(catalog.entities)
        for name in names:  # grows meanwhile
            entity = catalog.entities[name]
            targets = [target for _, ts in entity.polymorphic.values() for target in ts.values()]
            names += [n for n in [*catalog.referred(entity), *targets] if n not in names]
        return [entity for name, entity in catalog.entities.items() if name in names]

    @cached_property
    def _filled(self) -> Engine:
        engine = new_database(self.system)
        with engine.connect() as db, db.begin():
            self.core.create_tables(db)
            if self.records:
                self.core.import_(db, sample_source(self.records, self.core.catalog))
            for entity in self._needed:
                self.rows.fill(db, entity, ROWS)
        return engine

    @cached_property
    def _empty(self) -> Engine:
        engine = new_database(self.system)
        with engine.connect() as db, db.begin():
            self.core.create_tables(db)
        return engine

    @contextmanager
    def filled(self) -> Iterator[Connection]:
        """Open the database with rows; what is done to it is taken back."""
        with _taken_back(self._filled) as db:
            yield db

    @contextmanager
    def empty(self) -> Iterator[Connection]:
        """Open a database whose tables are empty; what is done to it is taken back."""
        with _taken_back(self._empty) as db:
            yield db

    def more_rows(self, db: Connection, count: int) -> None:
        """Add rows to what is on trial and all that it refers to."""
        for entity in self._needed:
            self.rows.fill(db, entity, count, begin=1000)

    # -- files
    def document(self, db: Connection, view: View, **narrowed: Any) -> dict[str, Any]:
        """Return the file of a view as data, hidden rows too.

        Args:
            db: A connection.
            view: The view.
            narrowed: As for `View.narrow`.
        """
        file = io.BytesIO()
        self.core.export_view(db, view.narrow(everything=True, **narrowed), file)
        decoded: dict[str, Any] = _DECODER.decode(file.getvalue())
        return decoded

    def opened(self, document: Mapping[str, Any]) -> Any:
        """Return a source to import of a file as data."""
        path = self.folder / "edited.json"
        path.write_bytes(_ENCODER.encode(document))
        return self.core.open(path)

    def fields(self, view: View) -> list[FileField]:
        """Return the fields of a view that imports write."""
        return view_fields(view, self.core.catalog).of_role("editable")

    def state(self, db: Connection) -> dict[str, list[tuple[Any, ...]]]:
        """Return all rows of all tables as they are stored, those on trial first."""
        dialect, found = dialect_of(db), {}
        for name, entity in self.core.catalog.entities.items():
            order = ", ".join(map(dialect.quote, entity.primary_key))
            columns = ", ".join(dialect.quote(c.name) for c in entity.table.columns)
            sql = f"SELECT {columns} FROM {dialect.format_table(entity.table)} ORDER BY {order}"
            found[name] = [tuple(row) for row in db.execute(text(sql))]
        return found


def differences(
    before: Mapping[str, Sequence[Any]], after: Mapping[str, Sequence[Any]], trial: Trial
) -> str:
    """Say where two states of a database differ first; nothing where they are the same."""
    for name, rows in before.items():
        others = after[name]
        if len(rows) != len(others):
            return f"{name} had {len(rows)} rows and has {len(others)}"
        columns = [column.name for column in trial.core.catalog.entities[name].table.columns]
        for row, other in zip(rows, others, strict=True):
            for column, one, two in zip(columns, row, other, strict=True):
                if one != two:
                    return f"{name}.{column} was {one!r} and is {two!r}"
    return ""


def _names(plugin: Plugin) -> tuple[str, str]:
    return plugin.name, plugin.distribution


@contextmanager
def _taken_back(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as db:
        ensure_begun(db)
        yield db
        db.rollback()


def _whole(entity: Entity, core: Bakeio) -> View:
    """Return a view of all that can be edited of an entity."""
    fields: dict[str, Field] = {}
    names = entity.readable_key
    alone = names[0] if len(names) == 1 and names[0] not in entity.references else ""
    left = {"uuid", *entity.filled.stamps, *entity.filled.set_on_update}
    for column in entity.columns:
        reference = entity.references.get(column)
        if column in left:
            continue
        if column == alone and column != entity.surrogate:
            fields[column] = key(column)
        elif reference is not None and reference.lookups and column not in entity.primary_key:
            wanted = next(iter(reference.lookups.values()))
            fields[f"{column}_{wanted}"] = editable(f"{column}.{wanted}")
        elif (
            column in entity.primary_key
            or column not in {c.name for c in entity.table.columns}
            or column in entity.filled.computed
            or column in entity.polymorphic
            or reference is not None
        ):
            fields[column] = readonly(column)
        else:
            fields[column] = editable(column)
    return View(f"{OWN}{entity.name.lower()}", entity.name, fields, purpose="All of it")


def said(error: BakeioError) -> str:
    """Return what an error says, with the first problem where it has some."""
    problems = getattr(error, "problems", ())
    return f"{error} ({problems[0]})" if problems else str(error)
