"""Take a bakery's data out of its database as files, and bring enriched files back in.

Nothing is lost on the way. The public names are those in `__all__`; they are loaded when first
used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "bakeio_core.catalog.entities.columns": ("identity_columns", "stamp_columns"),
    "bakeio_core.catalog.catalog": ("Catalog",),
    "bakeio_core.database.connect": ("begin_read", "begin_write", "connect"),
    "bakeio_core.files.documents.limits": ("Limits",),
    "bakeio_core.errors": (
        "BakeioError",
        "DatabaseError",
        "DocumentError",
        "ExportRefused",
        "Fix",
        "MeantRow",
        "PluginError",
        "Problem",
        "Problems",
        "UsageError",
    ),
    "bakeio_core.catalog.hookspecs": ("hookimpl", "hookspec"),
    "bakeio_core.catalog.plugins.packages": ("KnownPackage",),
    "bakeio_core.catalog.plugins.templates": ("Template", "Totals"),
    "bakeio_core.catalog.plugins.upgrades": ("DocumentUpgrade", "ForeignDocument"),
    "bakeio_core.cli.process.terminal": ("ask_on_terminal",),
    "bakeio_core.cli.session": ("Session", "json_option"),
    "bakeio_core.host.bakeio": ("Bakeio",),
    "bakeio_core.cli.review.page": ("write_report",),
    "bakeio_core.resolving.decision_files.file": (
        "decisions_of",
        "entries_of",
        "read_decisions",
        "write_decisions",
    ),
    "bakeio_core.resolving.typed": ("FormRefused",),
    "bakeio_core.resolving.decisions": ("Resolver",),
    "bakeio_core.importing.reading.sources": ("Source",),
    "bakeio_core.exporting.assistant.lean": ("LeanFile",),
    "bakeio_core.exporting.assistant.tokens": ("count_tokens",),
    "bakeio_core.files.tickets": ("data_folder", "write_owned"),
    "bakeio_core.importing.options": (
        "ImportChoices",
        "ImportOptions",
        "Mode",
        "Nulls",
        "OnConflict",
    ),
    "bakeio_core.importing.run": ("Plan",),
    "bakeio_core.catalog.entities.model": ("Entity", "RowValues", "Suspects"),
    "bakeio_core.catalog.views.view": (
        "Field",
        "View",
        "children",
        "computed",
        "editable",
        "key",
        "readonly",
    ),
    "bakeio_core.catalog.exchange": (
        "Candidate",
        "Change",
        "Changes",
        "Decision",
        "Missing",
        "Question",
    ),
    "bakeio_core.catalog.plugins.formats": (
        "CellError",
        "Format",
        "Sheet",
        "SheetColumn",
        "SheetRows",
    ),
    "bakeio_core.history.journal.prune": ("JournalSize", "Pruned"),
    "bakeio_core.history.reports.told": (
        "LearnedHeadings",
        "LearnedName",
        "Resolved",
        "RowEvent",
        "Run",
        "RunMode",
        "UnverifiedValue",
        "ValueMark",
    ),
    "bakeio_core.history.reports.report": ("ImportRefused", "Report", "without_options"),
    "bakeio_core.version": ("VERSION",),
    "bakeio_core.exporting.write_set": ("Exported",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from bakeio_core.catalog.catalog import Catalog
    from bakeio_core.catalog.entities.columns import identity_columns, stamp_columns
    from bakeio_core.catalog.entities.model import Entity, RowValues, Suspects
    from bakeio_core.catalog.exchange import (
        Candidate,
        Change,
        Changes,
        Decision,
        Missing,
        Question,
    )
    from bakeio_core.catalog.hookspecs import hookimpl, hookspec
    from bakeio_core.catalog.plugins.formats import CellError, Format, Sheet, SheetColumn, SheetRows
    from bakeio_core.catalog.plugins.packages import KnownPackage
    from bakeio_core.catalog.plugins.templates import Template, Totals
    from bakeio_core.catalog.plugins.upgrades import DocumentUpgrade, ForeignDocument
    from bakeio_core.catalog.views.view import (
        Field,
        View,
        children,
        computed,
        editable,
        key,
        readonly,
    )
    from bakeio_core.cli.process.terminal import ask_on_terminal
    from bakeio_core.cli.review.page import write_report
    from bakeio_core.cli.session import Session, json_option
    from bakeio_core.database.connect import begin_read, begin_write, connect
    from bakeio_core.errors import (
        BakeioError,
        DatabaseError,
        DocumentError,
        ExportRefused,
        Fix,
        MeantRow,
        PluginError,
        Problem,
        Problems,
        UsageError,
    )
    from bakeio_core.exporting.assistant.lean import LeanFile
    from bakeio_core.exporting.assistant.tokens import count_tokens
    from bakeio_core.exporting.write_set import Exported
    from bakeio_core.files.documents.limits import Limits
    from bakeio_core.files.tickets import data_folder, write_owned
    from bakeio_core.history.journal.prune import JournalSize, Pruned
    from bakeio_core.history.reports.report import ImportRefused, Report, without_options
    from bakeio_core.history.reports.told import (
        LearnedHeadings,
        LearnedName,
        Resolved,
        RowEvent,
        Run,
        RunMode,
        UnverifiedValue,
        ValueMark,
    )
    from bakeio_core.host.bakeio import Bakeio
    from bakeio_core.importing.options import (
        ImportChoices,
        ImportOptions,
        Mode,
        Nulls,
        OnConflict,
    )
    from bakeio_core.importing.reading.sources import Source
    from bakeio_core.importing.run import Plan
    from bakeio_core.resolving.decision_files.file import (
        decisions_of,
        entries_of,
        read_decisions,
        write_decisions,
    )
    from bakeio_core.resolving.decisions import Resolver
    from bakeio_core.resolving.typed import FormRefused
    from bakeio_core.version import VERSION

__all__ = [
    "VERSION",
    "Bakeio",
    "BakeioError",
    "Candidate",
    "Catalog",
    "CellError",
    "Change",
    "Changes",
    "DatabaseError",
    "Decision",
    "DocumentError",
    "DocumentUpgrade",
    "Entity",
    "ExportRefused",
    "Exported",
    "Field",
    "Fix",
    "ForeignDocument",
    "FormRefused",
    "Format",
    "ImportChoices",
    "ImportOptions",
    "ImportRefused",
    "JournalSize",
    "KnownPackage",
    "LeanFile",
    "LearnedHeadings",
    "LearnedName",
    "Limits",
    "MeantRow",
    "Missing",
    "Mode",
    "Nulls",
    "OnConflict",
    "Plan",
    "PluginError",
    "Problem",
    "Problems",
    "Pruned",
    "Question",
    "Report",
    "Resolved",
    "Resolver",
    "RowEvent",
    "RowValues",
    "Run",
    "RunMode",
    "Session",
    "Sheet",
    "SheetColumn",
    "SheetRows",
    "Source",
    "Suspects",
    "Template",
    "Totals",
    "UnverifiedValue",
    "UsageError",
    "ValueMark",
    "View",
    "ask_on_terminal",
    "begin_read",
    "begin_write",
    "children",
    "computed",
    "connect",
    "count_tokens",
    "data_folder",
    "decisions_of",
    "editable",
    "entries_of",
    "hookimpl",
    "hookspec",
    "identity_columns",
    "json_option",
    "key",
    "read_decisions",
    "readonly",
    "stamp_columns",
    "without_options",
    "write_decisions",
    "write_owned",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module bakeio_core has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
