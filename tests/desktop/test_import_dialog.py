"""The dialog that imports a file: seen, answered, imported and taken back, as a person does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.databases import sql
from support.screen import LINE, looked_at, until, windows

ROOT = Path(__file__).parents[2]
Dialog = Callable[..., Any]
HandedBack = Callable[..., Path]


def named_farm(database: Path) -> list[Any]:
    query = (
        "SELECT s.name, count(p.id) FROM suppliers s JOIN purchases p ON p.supplier_id = s.id "
        "WHERE s.name = 'Wilson''s Farm' GROUP BY s.name"
    )
    return sql(database, query)


def test_an_unknown_supplier_is_created_in_the_wizard_imported_and_taken_back(
    dialog: Dialog, handed_back: HandedBack, sample: Path
) -> None:
    window = looked_at(dialog(file=handed_back(LINE, {**LINE, "unit_price": 6.5})))
    assert window.go.cget("text") == "Answer 1 question"
    window.go.invoke()
    wizard = until(window, lambda: window.wizard)
    assert wizard.heading.cget("text") == "1 of 1: suppliers “Wilson's Farm”"
    assert wizard.waiting.cget("text") == f"2 records of {window.file.path.name} wait for this"
    wizard.next.invoke()
    assert wizard.told.cget("text") == "Choose one of these first."
    wizard.page.way_create.invoke()
    wizard.next.invoke()
    looked_at(window)
    assert window.told.cget("text") == "2 new"
    assert named_farm(sample) == []
    window.go.invoke()
    summary = until(window, lambda: window.summary, "it is imported")
    assert named_farm(sample) == [("Wilson's Farm", 2)]
    assert summary.report.summary["created"] == 2
    summary.undo.invoke()
    (undo,) = windows(window, "UndoWindow")
    until(window, lambda: undo.undo.cget("state") == "normal", "it shows what goes")
    assert named_farm(sample) == [("Wilson's Farm", 2)]
    undo.undo.invoke()
    until(window, lambda: not undo.winfo_exists(), "it is taken back")
    assert named_farm(sample) == []
    assert sql(sample, "SELECT count(*) FROM suppliers WHERE name = 'Wilson''s Farm'") == [(0,)]
    summary.close.invoke()
    assert not window.winfo_exists()


def test_the_program_of_the_guide_shows_the_dialog_above_its_own_window(
    display: str, sample: Path, handed_back: HandedBack, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "guides" / "desktop.md").read_text("utf-8")
    code = text.split("<!-- file: till.py -->\n```python\n")[1].split("```")[0]
    sample.rename(sample.with_name("till.db"))
    monkeypatch.chdir(sample.parent)
    program: dict[str, Any] = {"__name__": "till"}
    exec(compile(code, "till.py", "exec"), program)
    root = program["root"]
    window = program["open_dialog"]()
    window.open(handed_back({**LINE, "supplier_name": "Wegmans"}))
    looked_at(window).go.invoke()
    summary = until(root, lambda: window.summary, "it is imported")
    assert program["told"].cget("text") == "1 new, 0 changed"
    summary.close.invoke()
    assert program["root"].winfo_exists()
    root.destroy()
    program["engine"].dispose()
