"""What goes wrong is told in words, and the window goes on: no traceback, nothing half written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from support.commands import Run
from support.databases import sql
from support.screen import FLOUR, LINE, looked_at, until, windows

from bakeio_core import Bakeio, UsageError, begin_write

Dialog = Callable[..., Any]
HandedBack = Callable[..., Path]
KNOWN = {**LINE, "supplier_name": None, "supplier_slug": "wegmans_burlington_ma"}


def told(window: Any) -> str:
    """Wait for a message, and return what it says."""
    message = until(window, lambda: windows(window, "Message"), "a message")[-1]
    message.copy.invoke()
    assert message.clipboard_get() == message.text
    text: str = message.text
    message.close.invoke()
    assert "Traceback" not in text
    assert "--" not in text
    return text


def purchases(database: Path) -> int:
    count: int = sql(database, "SELECT count(*) FROM purchases")[0][0]
    return count


@pytest.fixture(autouse=True)
def quiet(capfd: pytest.CaptureFixture[str]) -> Any:
    """No test of this file leaves a traceback on the terminal."""
    yield
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_that_vanished_or_is_none_is_told_and_another_one_can_be_chosen(
    dialog: Dialog, handed_back: HandedBack, tmp_path: Path
) -> None:
    window = dialog(file=tmp_path / "nowhere.json")
    assert "nowhere.json" in told(window)
    (tmp_path / "odd.json").write_text("{}", "utf-8")
    window.open(tmp_path / "odd.json")
    assert "odd.json" in told(window)
    window.open(handed_back(KNOWN))
    assert looked_at(window).told.cget("text") == "1 new"
    window.leave()


def test_a_window_that_goes_away_takes_what_it_wanted_to_do_later_with_it(root: Any) -> None:
    """A timer left behind would call whatever Tk knows by that name later, such as Escape."""
    from bakeio_desktop.parts.messages import Message

    Message(root, "Gone", "before its timers").destroy()
    for timer in root.tk.splitlist(root.tk.call("after", "info")):
        command = root.tk.splitlist(root.tk.call("after", "info", timer))[0]
        assert root.tk.call("info", "commands", command)


def test_a_file_that_changed_or_vanished_after_it_was_looked_at_is_not_imported(
    dialog: Dialog, handed_back: HandedBack, sample: Path
) -> None:
    before, file = purchases(sample), handed_back(KNOWN)
    window = looked_at(dialog(file=file))
    handed_back(KNOWN, {**KNOWN, "unit_price": 9})
    window.go.invoke()
    assert "Look at it again" in told(window)
    window.look()
    assert looked_at(window).told.cget("text") == "2 new"
    file.unlink()
    window.go.invoke()
    assert "back.json" in told(window)
    assert purchases(sample) == before
    window.leave()


def test_forty_faults_are_forty_lines_and_the_rest_is_imported_without_them(
    dialog: Dialog, handed_back: HandedBack, sample: Path, run: Run
) -> None:
    before = purchases(sample)
    bad = [
        {**KNOWN, "unit_price": f"{day} dollars", "purchase_date": f"2026-02-{day % 28 + 1:02}"}
        for day in range(40)
    ]
    window = looked_at(dialog(file=handed_back(*bad, KNOWN)))
    problems = [row for row in window.preview.table.rows if row.kind == "error"]
    assert len(problems) == 40
    assert "Problem (40)" in window.preview.kind.cget("values")
    window.preview.text.insert(0, "40")
    window.preview._narrow()
    assert len(window.preview.table.rows) == 1
    window.preview.table.select(0)
    assert "39 dollars" in window.preview.details.get("1.0", "end")
    window.preview.text.delete(0, "end")
    window.preview.text.insert(0, "(slug")
    window.preview._narrow()
    [new] = window.preview.table.rows
    assert "supplier_name: Wegmans Burlington MA (slug wegmans_burlington_ma)" in new.cells[4]
    assert window.rest.cget("text") == "Import the rest, leave these 40 out"
    window.rest.invoke()
    summary = until(window, lambda: window.summary, "it is imported")
    assert purchases(sample) == before + 1
    summary.log.invoke()
    assert "39 dollars" in windows(summary, "Message")[0].text
    log = Path(summary.report.skipped_log)
    document = json.loads(log.read_text("utf-8"))
    assert len(document["records"]) == 40
    window.leave()


def test_while_another_program_writes_the_import_is_refused_in_words(
    root: Any, core: Bakeio, handed_back: HandedBack, sample: Path
) -> None:
    from bakeio_desktop import ImportViewDialog

    engine = create_engine(f"sqlite:///{sample}", connect_args={"timeout": 0.2})
    before = purchases(sample)
    window = looked_at(ImportViewDialog(root, core, engine, file=handed_back(KNOWN)))
    with begin_write(engine) as host:
        host.exec_driver_sql(f"UPDATE products SET notes = 'mine' WHERE slug = '{FLOUR}'")
        window.go.invoke()
        assert "writing to the database" in told(window)
    assert purchases(sample) == before
    window.go.invoke()
    until(window, lambda: window.summary, "it is imported now")
    assert purchases(sample) == before + 1
    window.leave()
    engine.dispose()


def test_a_server_that_does_not_answer_and_a_database_in_memory_are_told(
    root: Any, core: Bakeio, handed_back: HandedBack
) -> None:
    from bakeio_desktop import ImportViewDialog

    url = "postgresql://baker:secret@127.0.0.1:9/bakery"
    window = ImportViewDialog(root, core, url, file=handed_back(KNOWN))
    text = told(window)
    assert "127.0.0.1" in text
    assert "secret" not in text
    window.leave()
    inside = create_engine("sqlite://", poolclass=StaticPool)
    with pytest.raises(UsageError, match="keep it in a file"):
        ImportViewDialog(root, core, inside)


def test_an_import_that_is_cancelled_has_written_nothing(
    dialog: Dialog, tmp_path: Path, sample: Path, run: Run
) -> None:
    before, file = purchases(sample), tmp_path / "many.json"
    lines = [{**KNOWN, "purchase_date": "2026-03-01", "unit_price": n} for n in range(5000)]
    document = {"view_name": "purchases_complete", "records": lines}
    file.write_text(json.dumps(document), "utf-8")
    window = looked_at(dialog(file=file))
    window.go.invoke()
    until(window, lambda: window.progress.winfo_viewable(), "it shows how far it is")
    window.progress.cancel.invoke()
    until(window, lambda: window.progress is None, "it has stopped")
    assert (window.summary, purchases(sample)) == (None, before)

    window.go.invoke()  # and where the window above it goes away, the import is taken back too
    until(window, lambda: window.progress is not None, "it imports")
    window.destroy()
    window.worker.wait(20)
    assert purchases(sample) == before

    window = looked_at(dialog(file=file))
    window.go.invoke()  # and closing the window asks, then stops
    window.leave()
    ask = windows(window.progress, "Ask")[0]
    ask.yes.invoke()
    until(window.master, lambda: not window.winfo_exists(), "it has closed")
    assert purchases(sample) == before
