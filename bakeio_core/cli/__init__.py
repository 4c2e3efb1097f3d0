"""The command line: the only folder that prints, asks or exits."""

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.run import main
from bakeio_core.cli.session import Session, json_option

__all__ = ["Session", "bakeio", "json_option", "main"]
