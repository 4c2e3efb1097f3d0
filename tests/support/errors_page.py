"""The page of errors shows what the program prints: one example for each code."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["hold_to_page"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"


def hold_to_page(code: str, printed: str, home: Path) -> None:
    """Compare what was printed with the example of a code; paths are shown without their folder.

    With BAKEIO_WRITE_GOLDEN=1 the example is written, to be read before it is committed.
    """
    said = printed.replace(f"{home}{os.sep}", "").splitlines()
    marked = [line for line in said if line.endswith(f"[{code}]")]
    (line, *_) = marked or [line for line in said if line.startswith("Error: ")]
    page = PAGE.read_text("utf-8")
    found = re.search(rf"^## {code}\n.*?```text\n(.*?)\n```", page, re.DOTALL | re.MULTILINE)
    assert found, code
    if os.environ.get("BAKEIO_WRITE_GOLDEN"):
        PAGE.write_text(page[: found.start(1)] + line + page[found.end(1) :], "utf-8")
    else:
        assert found[1] == line
