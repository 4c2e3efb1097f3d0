"""The bakery alone, whatever else is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ALONE = Path(__file__).resolve().parent.parent / "data" / "bakery_alone"
"""Stands before what is installed, and hides the packages of the repository that bring tables."""


def stand_alone() -> None:
    """Hide what else is installed from this process, and from those it starts."""
    if str(ALONE) not in sys.path:
        sys.path.insert(0, str(ALONE))
        paths = [str(ALONE), os.getenv("PYTHONPATH")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


@contextmanager
def in_company() -> Iterator[None]:
    """Show all that is installed, as the reference does."""
    with pytest.MonkeyPatch.context() as patch:
        others = [path for path in sys.path if path != str(ALONE)]
        patch.setattr(sys, "path", others)
        before = os.getenv("PYTHONPATH", "").split(os.pathsep)
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in before if path != str(ALONE)))
        yield
