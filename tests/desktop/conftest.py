"""A virtual screen for the tests of the window, and the window."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bakeio_core import Bakeio


@pytest.fixture
def root(display: str) -> Iterator[Any]:
    """The window of a program that knows nothing of bakeio."""
    import customtkinter

    customtkinter.set_appearance_mode("Light")
    made = customtkinter.CTk()
    made.geometry("400x300+0+0")
    made.update()
    yield made
    made.update()
    made.destroy()


@pytest.fixture
def dialog(root: Any, core: Bakeio, sample: Path) -> Callable[..., Any]:
    """Open the dialog on the sample bakery: `dialog(file=...)`."""
    from bakeio_desktop import ImportViewDialog

    return lambda **how: ImportViewDialog(root, core, sample, **how)


@pytest.fixture
def handed_back(tmp_path: Path) -> Callable[..., Path]:
    """Write a file that somebody gives back: `handed_back(record, ..., view="purchases")`."""

    def write(*records: Any, view: str = "purchases", name: str = "back.json") -> Path:
        path = tmp_path / name
        document = {"view_name": f"{view}_complete", "records": records}
        path.write_text(json.dumps(document), "utf-8")
        return path

    return write
