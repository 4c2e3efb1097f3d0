"""The hooks a plugin may implement: module-level functions of these names, marked with `@hookimpl`.

The first two are all most plugins need. Parameters a plugin does not use may be left out of its
function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData

    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.catalog.entities.model import Entity
    from bakeio_core.catalog.exchange import Batch, Changes, Decision, Missing, Question
    from bakeio_core.catalog.plugins.formats import Format
    from bakeio_core.catalog.plugins.templates import Template
    from bakeio_core.catalog.plugins.upgrades import DocumentUpgrade
from bakeio_core.catalog.views.view import View

hookspec = pluggy.HookspecMarker("bakeio")
hookimpl = pluggy.HookimplMarker("bakeio")


@hookspec
def bakeio_entities(  # type: ignore[empty-body]
    metadata: MetaData, database: str | None
) -> Entity | Sequence[Entity]:
    """Declare entities: tables that can be exported, imported and referred to.

    Called once for each plugin; an exception disables only that plugin.

    Args:
        metadata: the SQLAlchemy `MetaData` that all plugins share, so that foreign keys are strings
            and no plugin imports another.
        database: the database that the profile names, a URL or the path of an SQLite file, for
            plugins that reflect its tables; None if the profile names none.

    >>> from sqlalchemy import Column, Integer, String, Table
    >>> from bakeio_core import Entity, hookimpl
    >>> @hookimpl
    ... def bakeio_entities(metadata):
    ...     number = Column("id", Integer, primary_key=True)
    ...     ovens = Table("ovens", metadata, number, Column("slug", String(50), unique=True))
    ...     return Entity(ovens, keys=["slug"])
    """


@hookspec
def bakeio_views(database: str | None) -> View | Sequence[View]:  # type: ignore[empty-body]
    """Declare views: denormalized files that people and assistants edit.

    Args:
        database: the same as in `bakeio_entities`.

    >>> from bakeio_core import View, editable, hookimpl, key
    >>> @hookimpl
    ... def bakeio_views():
    ...     fields = {"slug": key("slug"), "title": editable("title")}
    ...     return View(name="ovens", entity="ovens", purpose="Rename ovens", fields=fields)
    """


@hookspec(firstresult=True)
def bakeio_export_records(
    db: Connection, entity: Entity, catalog: Catalog
) -> Iterable[Batch] | None:
    """Yield the records of an entity in batches, in file order; None asks the next plugin.

    Args:
        db: a connection inside a snapshot.
        entity: whose rows.
        catalog: every entity and view.

    Returns:
        an iterable of batches, each a sequence of records (dictionaries of JSON values).

    >>> from bakeio_core import hookimpl
    >>> @hookimpl
    ... def bakeio_export_records(db, entity):
    ...     if entity.name == "ovens":
    ...         return iter([[{"id": 1, "slug": "deck"}]])
    """


@hookspec(firstresult=True)
def bakeio_project_view(db: Connection, view: View, catalog: Catalog) -> Iterable[Batch] | None:
    """Yield the records of a view in batches; None asks the next plugin.

    Args:
        db: a connection inside a snapshot.
        view: possibly narrowed (`view.narrow(...)`).
        catalog: every entity and view.

    Returns:
        an iterable of batches, each a sequence of records (dictionaries of JSON values).

    >>> from bakeio_core import hookimpl
    >>> @hookimpl
    ... def bakeio_project_view(db, view):
    ...     if view.name == "ovens":
    ...         return iter([[{"slug": "deck", "title": "Deck oven"}]])
    """


@hookspec
def bakeio_resolve_references(
    db: Connection, missing: Sequence[Missing]
) -> Mapping[Missing, Decision] | None:
    """Answer references that match no row; the next plugin gets what is left out.

    The first answer is used.

    Args:
        db: a connection, for reading only.
        missing: each key once, with its count, records and candidates.

    Returns:
        {missing: decision} for those that it knows.

    >>> from bakeio_core import Decision, hookimpl
    >>> @hookimpl
    ... def bakeio_resolve_references(missing):
    ...     return {item: Decision.skip() for item in missing if item.key.get("slug") == "test"}
    """


@hookspec
def bakeio_answer(
    db: Connection, questions: Sequence[Question]
) -> Mapping[Question, Decision] | None:
    """Answer questions of any kind; the next plugin gets what is left out.

    The kinds are: references that match no row, conflicts, values that cannot be read, failed
    checks, suspicious changes, and new rows that are similar to others. The first answer is used.

    Args:
        db: a connection, for reading only.
        questions: each once, with its kind, key, field, records, values and possible answers.

    Returns:
        {question: decision} for those that it knows.

    >>> from bakeio_core import Decision, hookimpl
    >>> @hookimpl
    ... def bakeio_answer(questions):
    ...     conflicts = [item for item in questions if item.kind == "conflict"]
    ...     return {item: Decision.take_file() for item in conflicts if item.field == "title"}
    """


@hookspec(firstresult=True)
def bakeio_import_records(db: Connection, entity: Entity, changes: Changes) -> Any:
    """Write one batch of planned changes; None asks the next plugin.

    A plugin that only observes wraps the hook (`hookimpl(wrapper=True)`).

    Args:
        db: a connection inside the import's transaction.
        entity: whose rows.
        changes: rows to create, and updates by id.

    Returns:
        the number of rows written.

    >>> from bakeio_core import hookimpl
    >>> @hookimpl(wrapper=True)
    ... def bakeio_import_records(entity, changes):
    ...     written = yield
    ...     return written
    """


@hookspec
def bakeio_formats() -> Format | Sequence[Format]:  # type: ignore[empty-body]
    """Declare other formats than JSON: how views are written as sheets, and how cells are read.

    A format need not know values: bakeio finds headings and records, and reverses what a
    spreadsheet changed.

    >>> from bakeio_core import Format, SheetRows, hookimpl
    >>> @hookimpl
    ... def bakeio_formats():
    ...     def write(file, sheets):
    ...         for row in ([column.name for column in sheets[0].columns], *sheets[0].rows):
    ...             file.write(("|".join("" if c is None else str(c) for c in row)).encode())
    ...             file.write(b"\\n")
    ...     def read(file):
    ...         lines = (line.decode().rstrip("\\n").split("|") for line in file)
    ...         yield SheetRows(name="", rows=enumerate(lines, 1))
    ...     return Format(name="bars", suffix=".bars", write=write, read=read)
    """


@hookspec
def bakeio_document_upgrades() -> DocumentUpgrade | Sequence[DocumentUpgrade]:  # type: ignore[empty-body]
    """Declare how documents of other programs, or of older versions, are read.

    A document that bakeio reads itself is never passed to them. A document that two of them
    recognize is refused.

    >>> from bakeio_core import DocumentUpgrade, hookimpl
    >>> @hookimpl
    ... def bakeio_document_upgrades():
    ...     def heats(document):
    ...         for heat in document.header["heats"]:
    ...             yield "ovens", {"slug": heat["oven"]}
    ...     return DocumentUpgrade("an oven log", lambda header: "heats" in header, heats)
    """


@hookspec
def bakeio_templates() -> Template | Sequence[Template]:  # type: ignore[empty-body]
    """Declare templates: small documents that phones, scanners, assistants and people fill in.

    Each is a view of its own, in the words of the person who fills it in, with an example and
    instructions. `bakeio template` shows them, and their documents are imported like every other
    file.

    >>> from bakeio_core import Template, View, editable, hookimpl, readonly
    >>> @hookimpl
    ... def bakeio_templates():
    ...     fields = {"oven": readonly("oven_id.slug"), "heat": editable("degrees")}
    ...     view = View(name="heat_log", entity="heats", purpose="Note heats", fields=fields)
    ...     example = {"lines": [{"oven": "deck", "heat": 240}]}
    ...     return Template(view, required=["oven", "heat"], example=example)
    """


@hookspec
def bakeio_sample() -> Mapping[str, Iterable[Mapping[str, Any]]]:  # type: ignore[empty-body]
    """Give sample records for `bakeio init --sample`: {entity: records as in its file}.

    >>> from bakeio_core import hookimpl
    >>> @hookimpl
    ... def bakeio_sample():
    ...     return {"ovens": [{"id": 1, "slug": "deck"}]}
    """
