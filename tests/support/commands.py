"""What a command did, and commands nearly every test begins with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]
"""The fixtures `run` and `run_process`: `run("-d", path, "init")`."""


def export(run: Run, url: str | Path, view: str, path: Path, *words: object) -> Path:
    """Export a view to a path and return the path."""
    done = run("-d", url, "export-view", view, "-o", path, *words)
    assert done.code == 0, done.err
    return path
