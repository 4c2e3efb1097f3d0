"""One import of a file, in steps that a worker does; nothing of it is drawn."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bakeio_core import (
    Bakeio,
    BakeioError,
    Decision,
    ImportRefused,
    Plan,
    Question,
    Report,
    Session,
    Source,
    read_decisions,
    write_decisions,
)
from bakeio_desktop.work.worker import Job


@dataclass(frozen=True)
class Opened:
    """A file that was opened.

    Attributes:
        source: What the library read of it.
        is_own: Whether it was exported from this database; None where it does not say.
        kept: Answers that were kept of it earlier.
        not_kept: Why they could not be read; empty where they could.
    """

    source: Source
    is_own: bool | None
    kept: Mapping[Question, Decision] = field(default_factory=dict)
    not_kept: str = ""


class FileImport:
    """Import one file: `open` it, `plan` it as often as it takes, `write` it once.

    Args:
        bakeio: The library with its plugins.
        session: The database.
        path: The file, or the folder of a set.
    """

    def __init__(self, bakeio: Bakeio, session: Session, path: Path) -> None:
        self.bakeio, self.session, self.path = bakeio, session, path
        self.decisions_file = path.with_name(f"{path.stem or path.name}.decisions.json")
        self._source: Source | None = None

    def open(self, job: Job[Any]) -> Opened:
        """Find out what is in it, without its records."""
        source = self._source = self.bakeio.open(self.path)
        with self.session.reading() as db:
            mine = self.bakeio.database_id(db)
        is_own = source.database_id == mine if source.database_id else None
        try:
            kept = self._kept()
        except BakeioError as error:
            return Opened(source, is_own, not_kept=str(error))
        return Opened(source, is_own, kept)

    def plan(
        self, job: Job[Any], answers: Mapping[Question, Decision], options: Mapping[str, Any]
    ) -> Plan:
        """Find out what the import would do with some answers."""
        job.begin_phase()
        # what is on the disk now, which is not what it was when it was opened
        source = self.bakeio.open(self.path)
        with self.session.reading() as db:
            return self.bakeio.plan(db, source, decisions=answers, progress=job.progress, **options)

    def write(self, job: Job[Any], plan: Plan, *, skip_errors: bool) -> Report:
        """Import what was planned: all of it, or nothing.

        Args:
            job: Told how far it is; what it raises ends the import.
            plan: What was looked at.
            skip_errors: Leave out what cannot be imported, and log it beside the file.

        Raises:
            ImportRefused: Nothing was written.
        """
        now = datetime.now(timezone.utc)
        log = self.path.with_name(f"import_skipped_{now:%Y-%m-%d_%H%M%S}.json")

        def work(db: Connection) -> Report:
            log.unlink(missing_ok=True)  # another attempt may have logged
            job.begin_phase()
            return self.bakeio.apply(
                db, plan, skip_errors=skip_errors, skipped_log=log, progress=job.progress
            )

        try:
            return self.session.write(work)
        except BaseException:
            with contextlib.suppress(OSError):
                log.unlink(missing_ok=True)
            raise

    def keep(self, answers: Mapping[Question, Decision]) -> None:
        """Keep answers beside the file; they are offered when it is opened again."""
        if answers:
            write_decisions(self.decisions_file, answers, (), self.bakeio.catalog)

    def _kept(self) -> Mapping[Question, Decision]:
        if not self.decisions_file.exists():
            return {}
        return read_decisions(self.decisions_file, self.bakeio.catalog)


def refused_report(error: Exception) -> Report | None:
    """Return the report that comes with a refusal, None where it is none."""
    return error.report if isinstance(error, ImportRefused) else None
