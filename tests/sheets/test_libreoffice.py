"""A workbook that LibreOffice saves as a German CSV file; `tests/libreoffice.py` does all ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from libreoffice import EDITS, SOFFICE, came_back, edited, exported, saved


@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice (libreoffice-calc-nogui)")
def test_ten_edits_come_back_through_libreoffice_as_exactly_ten_changes(
    sample: Path, tmp_path: Path
) -> None:
    book = exported(str(sample), tmp_path, ["products"])[0]
    edited(book)
    came = came_back(str(sample), saved([book], "csv de", tmp_path))
    assert (came.created, came.fields, came.errors) == (0, EDITS, 0), came.told
