"""Run the command line, and turn what happens into an exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

import click

from bakeio_core.cli.commands.assistant import tickets
from bakeio_core.cli.commands.databases import init
from bakeio_core.cli.commands.exports import export_view
from bakeio_core.cli.commands.history import runs
from bakeio_core.cli.commands.imports import import_any
from bakeio_core.cli.group import bakeio
from bakeio_core.cli.installed.doctor import doctor
from bakeio_core.cli.installed.inspect import plugins
from bakeio_core.cli.installed.new_plugin import new_plugin
from bakeio_core.cli.process.collector import COLLECTOR
from bakeio_core.cli.process.interrupts import Interrupts
from bakeio_core.cli.process.streams import OUTPUT, ReaderGone, open_closed, talk
from bakeio_core.cli.review.exported import as_data
from bakeio_core.cli.session import Session, shownable

COMMANDS = (doctor, init, export_view, import_any, new_plugin, plugins, runs, tickets)
"""One command of each module: their commands join the group when they are imported."""


def _explain(error: Any, as_json: bool) -> int:
    """Print what went wrong and return the exit code it means."""
    from bakeio_core.errors import UsageError
    from bakeio_core.values.wording import printable

    code = 2 if isinstance(error, UsageError) else 1
    if as_json:
        Session.result_json(
            {
                "error": {"code": error.code, "message": str(error)},
                "problems": as_data(getattr(error, "problems", [])),
            }
        )
    else:
        talk(shownable(f"Error: {printable(str(error))}", sys.stderr))
    return code


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the process ends with the exit code of the contract."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    open_closed()
    OUTPUT.begin()
    if arguments is None:
        COLLECTOR.rest()
    with Interrupts() as interrupts:
        code = _run(words, interrupts)
        OUTPUT.flush()
        if OUTPUT.failed and not interrupts.is_late:
            code = code or 1  # the output was all there was to do
        if arguments is None:
            interrupts.ignore()
            OUTPUT.close()
            COLLECTOR.end()
    raise SystemExit(code)


def _run(words: list[str], interrupts: Interrupts) -> int:
    """Run a command and return its exit code; what goes wrong is told."""
    try:
        bakeio.main(words, prog_name="bakeio", standalone_mode=False, obj=interrupts)
        return 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt):
        talk(interrupts.said)
        return 130
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        talk(shownable(said.getvalue().rstrip("\n"), sys.stderr))
        return error.exit_code
    except ReaderGone:
        OUTPUT.abandon()
        return 0
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        from bakeio_core.errors import BakeioError

        if interrupts.is_ending:
            talk(interrupts.said)
            return 130
        if not isinstance(error, (BakeioError, OSError)):
            raise
        if isinstance(error, OSError):
            where = error.filename or "a file, or the output"
            what = (error.strerror or str(error)).lower()
            error = BakeioError(f"{where}: {what}", code="io-error")
        return _explain(error, "--json" in words)
