"""Import edited files at a desktop: the window `bakeio desktop`, and its dialog for other programs.

`ImportViewDialog` is loaded when it is first used, so that importing the package needs no Tk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bakeio_desktop.importing.dialog import ImportViewDialog

__all__ = ["ImportViewDialog"]


def __getattr__(name: str) -> Any:
    if name != "ImportViewDialog":
        raise AttributeError(f"module bakeio_desktop has no attribute {name!r}")
    from bakeio_desktop.importing.dialog import ImportViewDialog

    return ImportViewDialog
