"""The window as a package: installed like any stranger's, gone when uninstalled."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.plugins import Environment

PACKAGE = Path(__file__).parent.parent.parent / "plugins" / "bakeio-desktop"


def test_the_command_is_there_when_installed_and_named_when_it_is_not(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    alone = Environment.alone(tmp_path_factory.mktemp("alone"))
    missing = alone.bakeio("desktop")
    assert (missing.code, "pip install bakeio-desktop" in missing.err) == (2, True)
    alone.pip("install", "--no-deps", "--no-build-isolation", "--no-index", PACKAGE)
    assert "Open the window" in alone.bakeio("desktop", "--help").out
    without_screen = alone.bakeio("-d", "none.db", "desktop")
    assert without_screen.code == 1
    assert "It needs a screen" in without_screen.err or "no Tk" in without_screen.err
    alone.pip("uninstall", "--yes", "bakeio-desktop")
    assert "pip install bakeio-desktop" in alone.bakeio("desktop").err
