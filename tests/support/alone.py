"""The bakery alone, whatever else is installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ALONE = Path(__file__).resolve().parent.parent / "data" / "bakery_alone"
"""Stands before what is installed, and hides the packages of the repository that bring tables."""


def stand_alone() -> None:
    """Hide what else is installed from this process, and from those it starts."""
    if str(ALONE) not in sys.path:
        sys.path.insert(0, str(ALONE))
        paths = [str(ALONE), os.getenv("PYTHONPATH")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
