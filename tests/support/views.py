"""Views as a program takes them out and brings them in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bakeio_core import Bakeio, ImportRefused, Report, connect
from bakeio_core.database import begin_write


def exported(core: Bakeio, url: str, view: str, path: Path) -> dict[str, Any]:
    """Export a view and return the file's contents, for as many records as a test leaves."""
    engine = connect(url)
    with engine.connect() as db:
        core.export_view(db, view, path)
    engine.dispose()
    contents: dict[str, Any] = json.loads(path.read_text("utf-8"))
    del contents["record_count"]
    return contents


def imported(
    core: Bakeio, url: str, contents: dict[str, Any], path: Path, **options: Any
) -> Report:
    """Import contents, and return the report also where it is refused."""
    path.write_text(json.dumps(contents), "utf-8")
    engine = connect(url)
    try:
        with begin_write(engine) as db:
            return core.import_(db, path, **options)
    except ImportRefused as refused:
        return refused.report
    finally:
        engine.dispose()
