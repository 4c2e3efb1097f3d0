"""The main window: a database, its contents, menus and keys; what it remembers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.databases import sql
from support.screen import LINE, looked_at, press, until, windows

from bakeio_core import Bakeio, Session

HandedBack = Callable[..., Path]
BEFORE = 400
"""So many purchases has the sample."""


@pytest.fixture
def window(
    display: str, core: Bakeio, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The main window on the sample bakery, of a person nobody remembers."""
    from bakeio_desktop.window.main import MainWindow

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = MainWindow(Session(str(sample), quiet=True, bakeio=core))
    until(made, lambda: made.entities.rows, "it shows the database")
    yield made
    if not made.worker._is_stopped:
        made.leave()


def item(menu: Any, *path: str) -> tuple[Any, int]:
    """Find an entry of a menu by the labels that lead to it."""
    bar = menu.nametowidget(menu.cget("menu")) if menu.winfo_class() != "Menu" else menu
    for place in range(bar.index("end") + 1):
        if bar.type(place) != "separator" and bar.entrycget(place, "label") == path[0]:
            if len(path) == 1:
                return bar, place
            return item(bar.nametowidget(bar.entrycget(place, "menu")), *path[1:])
    raise AssertionError(f"there is no {path}")


def choose(window: Any, *path: str) -> None:
    menu, place = item(window, *path)
    menu.invoke(place)


def test_it_shows_what_is_in_the_database_imports_from_its_menu_and_takes_back(
    window: Any, handed_back: HandedBack, sample: Path
) -> None:
    counts = {row.cells[0]: row.cells[1] for row in window.entities.rows}
    assert counts["suppliers"] == "8"
    choose(window, "File", "Import", "Import View …")
    dialog = window.dialog
    dialog.chooser.path.insert(0, str(handed_back({**LINE, "supplier_name": "Wegmans"})))
    press(dialog.chooser.path, "Return")
    looked_at(dialog)
    press(dialog.go, "space")
    until(dialog, lambda: dialog.summary, "it is imported")
    press(dialog.summary.close, "Return")
    until(window, lambda: len(window.runs.rows) == 2, "the list of imports has grown")
    assert window.runs.rows[0].cells[4] == "1 created"
    choose(window, "Edit", "Undo Import …")
    undo = windows(window, "UndoWindow")[0]
    until(window, lambda: undo.undo.cget("state") == "normal")
    press(undo.undo, "Return")
    until(window, lambda: len(window.runs.rows) == 3, "it was taken back")
    assert sql(sample, "SELECT count(*) FROM purchases") == [(BEFORE,)]


def test_a_database_made_before_a_package_was_installed_is_shown_without_its_tables(
    window: Any, sample: Path
) -> None:
    sql(sample, "DROP TABLE inventory_items")
    window.open_database(str(sample))
    until(window, lambda: ("inventory_items", "no table") in cells(window), "it is shown")
    assert ("suppliers", "8") in cells(window)


def cells(window: Any) -> set[tuple[str, ...]]:
    return {tuple(row.cells) for row in window.entities.rows}


def test_a_database_is_made_exported_and_remembered(
    window: Any, tmp_path: Path, core: Bakeio
) -> None:
    from bakeio_desktop.window.remembered import Remembered

    window.make_database(str(tmp_path / "mine.db"), with_sample=True)
    until(window, lambda: window.name.cget("text") == "mine.db", "it is open")
    window.make_database(str(tmp_path / "mine.db"), with_sample=False)
    message = until(window, lambda: windows(window, "Message"))[0]
    assert "exists already" in message.text
    message.close.invoke()
    window.exporting.write_set(tmp_path / "out")
    until(window, lambda: windows(window, "Message"), "it is exported")[0].close.invoke()
    assert (tmp_path / "out" / "manifest.json").exists()
    view = tmp_path / "view.json"
    window.exporting.write_view("products", view)
    until(window, lambda: windows(window, "Message"), "it is exported")[0].close.invoke()
    view.write_text(view.read_text("utf-8").replace('"notes":null', '"notes":"new"', 1), "utf-8")
    window.exporting.write_view("products", view)
    ask = until(window, lambda: windows(window, "Ask"), "it asks before it overwrites edits")[0]
    ask.no.invoke()
    assert '"new"' in view.read_text("utf-8")

    choose(window, "View", "Dark")
    window.geometry("900x600+10+20")
    window.update()
    window.leave()
    kept = Remembered.read()
    assert kept.appearance == "Dark"
    assert kept.geometry == "900x600+10+20"
    assert kept.databases[0] == str(tmp_path / "mine.db")
    assert len(kept.databases) == 2


def test_a_file_of_the_command_line_is_opened_as_soon_as_a_database_is(
    display: str,
    core: Bakeio,
    sample: Path,
    handed_back: HandedBack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bakeio_desktop.window.main import MainWindow
    from bakeio_desktop.window.remembered import Remembered

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    session = Session(str(tmp_path / "none.db"), quiet=True, bakeio=core)
    window = MainWindow(session, Remembered())
    window.import_file(handed_back({**LINE, "supplier_name": "Wegmans"}))
    window.update()
    assert window.dialog is None
    window.open_database(str(tmp_path / "nowhere.db"))
    message = until(window, lambda: windows(window, "Message"))[0]
    assert "there is no database" in message.text.lower()
    message.close.invoke()
    window.open_database(str(sample))
    dialog = until(window, lambda: window.dialog, "the dialog opens")
    assert looked_at(dialog).told.cget("text") == "1 new"
    dialog.leave()
    window.leave()


def test_passwords_are_not_remembered_and_a_spoilt_file_is_as_nothing(tmp_path: Path) -> None:
    pytest.importorskip("customtkinter")
    from bakeio_desktop.window.remembered import Remembered

    file = tmp_path / "desktop.json"
    kept = Remembered()
    kept.opened("postgresql://baker:secret@host/bakery")
    kept.write(file)
    assert "secret" not in file.read_text("utf-8")
    assert Remembered.read(file).databases == ["postgresql://baker@host/bakery"]
    file.write_text('{"databases": 3, "appearance": ["x"], "geometry": 7', "utf-8")
    assert Remembered.read(file) == Remembered()


def test_a_person_with_keyboard_alone_imports_through_the_window_system(
    window: Any, handed_back: HandedBack, sample: Path, display: str
) -> None:
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed")

    def type_(*words: str) -> None:
        subprocess.run(["xdotool", *words], env={"DISPLAY": display}, check=True)
        window.update()

    window.focus_force()
    window.update()
    type_("key", "ctrl+i")
    dialog = until(window, lambda: window.dialog, "the dialog opens")
    until(window, lambda: dialog.focus_get() is dialog.chooser.path._entry, "it has the keyboard")
    dialog.chooser.path._entry.focus_force()
    type_("type", "--delay", "2", str(handed_back({**LINE, "supplier_name": "Wegmans"})))
    type_("key", "Return")
    looked_at(dialog)
    until(window, lambda: dialog.go.cget("state") == "normal")
    for _ in range(12):
        if dialog.focus_get() is dialog.go:
            break
        type_("key", "Tab")
    assert dialog.focus_get() is dialog.go
    type_("key", "space")
    until(dialog, lambda: dialog.summary, "it is imported")
    assert sql(sample, "SELECT count(*) FROM purchases") == [(BEFORE + 1,)]
    until(window, lambda: dialog.focus_get() is dialog.summary.close)
    type_("key", "Return")
    until(window, lambda: not dialog.winfo_exists(), "it closes")
