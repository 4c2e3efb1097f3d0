"""Prove a set: restore it into a scratch database, export that again, and compare the two."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeio_core.database.connect import begin_read, begin_write, connect_scratch
from bakeio_core.errors import BakeioError, DatabaseError
from bakeio_core.exporting.proving.scratch import make_scratch_tables
from bakeio_core.files.sets.export_set import differences
from bakeio_core.history.reports.report import ImportRefused, Report
from bakeio_core.resolving.decisions import now

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bakeio_core.catalog.catalog import Catalog


def prove_set(
    folder: Path,
    catalog: Catalog,
    restore: Callable[[Connection, Path], Report],
    export: Callable[[Connection, Path], object],
) -> dict[str, Any]:
    """Make sure that a set rebuilds its database: a backup that nobody ever restored is none.

    Args:
        folder: The set, complete with its manifest.
        catalog: The entities whose tables are made for it.
        restore: Imports the set of a folder into empty tables inside the open transaction.
        export: Writes a database as a set into a new folder.

    Returns:
        What the manifest says of it: {proved_at, records, identical, how}.

    Raises:
        BakeioError: The set cannot be restored, or comes out as another one; it names the first
            difference.
    """
    with tempfile.TemporaryDirectory(prefix="bakeio-proof-") as scratch:
        schemas = {table.schema for table in catalog.tables.values() if table.schema}
        engine, again = connect_scratch(Path(scratch), schemas), Path(scratch) / "again"
        try:
            with begin_write(engine) as db:
                _make_tables(db, catalog)
                report = restore(db, folder)
            with begin_read(engine) as db:
                export(db, again)
        except ImportRefused as refused:
            raise _no_backup(refused) from None
        finally:
            engine.dispose()
        for difference in differences(folder, again):
            raise BakeioError(
                f"restored and exported again the set is another one: {difference}",
                code="checksum-mismatch",
            )
    return {
        "proved_at": now(),
        "records": report.summary["created"],
        "identical": True,
        "how": "restored into an empty database and exported again: "
        "the same records, byte for byte",
    }


def _make_tables(db: Connection, catalog: Catalog) -> None:
    try:
        make_scratch_tables(db, catalog)
    except DatabaseError as error:
        raise DatabaseError(
            f"the set cannot be proved, as no scratch database has its tables: {error}. "
            "Export it without a proof",
            code=error.code,
        ) from error


def _no_backup(refused: ImportRefused) -> BakeioError:
    errors = [problem for problem in refused.problems if problem.severity == "error"]
    first = str(errors[0]) if errors else str(refused)
    return BakeioError(
        f"the set could not be restored, so it is not a backup: {first}", code="checksum-mismatch"
    )
