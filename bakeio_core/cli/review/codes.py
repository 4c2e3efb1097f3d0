"""What the code of a problem means: its section of the page on errors."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from bakeio_core.errors import CODES


def explanation(code: str) -> str | None:
    """Return what a code means and what to do, None where there is no such code."""
    if code not in CODES:
        return None
    lines = _page().split("\n")
    start = lines.index(f"## {code}")
    rest = lines[start + 1 :]
    end = next((n for n, line in enumerate(rest) if line.startswith("## ")), len(rest))
    return "\n".join([code, *rest[:end]]).strip()


def _page() -> str:
    """Return the page: it travels with the package, and lies among the docs in a checkout."""
    packed = files("bakeio_core") / "errors.md"
    if packed.is_file():
        return packed.read_text("utf-8")
    docs = Path(__file__).resolve().parents[3] / "docs"
    return (docs / "reference" / "errors.md").read_text("utf-8")
