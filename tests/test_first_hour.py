"""What people type who do not know bakeio yet, and what it answers."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from support.commands import Ran, Run, export
from support.terminal import on_terminal

from bakeio_core import (
    Bakeio,
    Entity,
    PluginError,
    connect,
    read_decisions,
    write_decisions,
    write_report,
)
from bakeio_core.errors import CODES, UsageError


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("export", "export-complete writes everything, export-view one view"),
        ("backup", "export-complete writes everything"),
        ("restore", "import-complete reads what export-complete wrote"),
    ],
)
def test_a_word_of_everyday_leads_to_the_command(typed: str, told: str, run: Run) -> None:
    done = run(typed)
    assert done.code == 2
    assert done.err.splitlines()[-1] == f"Error: No such command '{typed}': {told}"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("entities -d x.db", "-d goes before the command: bakeio -d URL|PATH entities ..."),
        ("init -q", "-q goes before the command: bakeio -q init ..."),
        ("init --profile x", "--profile goes before the command: bakeio --profile FILE init ..."),
    ],
)
def test_a_global_option_behind_the_command_is_told_its_place(
    typed: str, told: str, run: Run
) -> None:
    done = run(*typed.split())
    assert (done.code, done.err.splitlines()[-1]) == (2, f"Error: {told}")


def test_help_explains_commands_and_the_codes_of_problems(run: Run) -> None:
    assert run("help").out == run("--help").out
    assert run("help", "undo").out == run("undo", "--help").out
    assert run("help", "bad-value").out.startswith("bad-value\n\nA value does not fit")
    assert all(run("help", code).out.startswith(f"{code}\n") for code in sorted(CODES))
    wrong = run("help", "bad-valu")
    assert wrong.code == 2
    assert wrong.err.splitlines()[-1] == (
        "Error: bad-valu is neither a command nor the code of a problem; did you mean bad-value?"
    )


def test_the_demo_has_a_line_of_its_own_in_the_help(run: Run) -> None:
    assert "demo             Show what bakeio does" in run("--help").out


def test_plugins_tells_of_commands_and_formats(run: Run) -> None:
    told = run("plugins").out
    assert "demo (bakeio 0.1.0)" in told.split("Commands of plugins: ")[1].split("\n")[0]
    assert "Formats: json" in told
    as_data = run("plugins", "--json").json
    assert {"name": "demo", "of": "bakeio 0.1.0"} in as_data["commands"]
    assert as_data["formats"][0] == "json"


def test_the_commands_the_demo_prints_work_where_it_was_started(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run("demo").out.replace("\\\n", "")
    commands = [line.strip() for line in told.split("\n") if line.strip().startswith("bakeio -d")]
    commands = [words.split(": ")[0] for words in commands]
    assert len(commands) == 5
    for words in commands:
        done = run(*shlex.split(words)[1:])
        # the receipt's shop is unknown, and a run that was taken back stays so
        told_why = "Wilson's Farm" in done.out or "was undone" in done.err
        assert done.code == 0 or told_why, (words, done)


def edited(run: Run, sample: Path, view: str, field: str, value: object) -> Path:
    """Export a view and set a field of all its records."""
    path = export(run, sample, view, sample.parent / f"{view}.json")
    document = json.loads(path.read_text("utf-8"))
    for record in document["records"]:
        record[field] = value
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_who_says_no_is_told_that_nothing_was_written(run: Run, sample: Path) -> None:
    path = edited(run, sample, "products", "notes", "on offer")
    said_no = on_terminal(["-d", sample, "import-view", path], ["n"], sample.parent)
    assert said_no.code == 1
    assert said_no.out.endswith("Write this? [y/N]: n\nNot done: nothing was written.\n")
    run("-d", sample, "export-complete", "-o", sample.parent / "set")
    purchases = sample.parent / "set" / "04_purchases.json"
    text = purchases.read_text("utf-8").replace('"notes":null', '"notes":"on offer"')
    purchases.write_text(text, "utf-8")
    words = ["-d", sample, "import-complete", purchases.parent, "--accept-edits"]
    assert on_terminal(words, ["n"], sample.parent).out.endswith(said_no.out[-56:])


def test_before_many_changes_the_rows_that_will_be_created_are_shown(
    run: Run, sample: Path
) -> None:
    path = export(run, sample, "purchases", sample.parent / "p.json", "--limit", 1)
    document = json.loads(path.read_text("utf-8"))
    like = {"product_slug": document["records"][0]["product_slug"], "unit_price": 1}
    document["records"] = [
        {
            **like,
            "supplier_name": f"Shop {n}",
            "purchase_date": "2026-01-01",
            "quantity_purchased": n + 1,
        }
        for n in range(6)
    ]
    path.write_text(json.dumps(document), "utf-8")
    words = ["-d", sample, "import-view", path, "--auto-create", "suppliers"]
    told = on_terminal(words, ["n"], sample.parent).out
    assert "suppliers: 6 new" in told
    assert '"Shop 0"' in told
    assert "purchases: 6 new" in told


def test_a_dumb_terminal_and_a_pipe_get_no_bar_and_no_colours(
    run: Run, sample: Path, run_process: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = edited(run, sample, "products", "notes", "on offer")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("NO_COLOR", raising=False)
    told = on_terminal(["-d", sample, "import-view", path, "--dry-run"], [], sample.parent)
    assert "\x1b" not in told.out
    assert "\x1b" not in run_process("-d", sample, "import-view", path, "--dry-run").out


def test_long_work_shows_phase_done_total_and_time_left(capfd: pytest.CaptureFixture[str]) -> None:
    from bakeio_core.cli.process import progress

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "DELAY", 0)
        with progress.showing("importing", {"purchases": 1000}) as show:
            show("purchases", 1)
            time.sleep(0.15)  # it shows no more than ten states a second
            show("purchases", 250)
            show("products", 10)
    told = capfd.readouterr().err
    assert "importing purchases:  25%" in told
    assert "250/1000" in told
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d, +[\d.]+ records/s\]", told)  # time left and rate
    assert "importing products:" in told


def test_validation_undo_and_suggestions_tell_how_far_they_are(
    core: Bakeio, sample_set: Path, sample: Path
) -> None:
    seen: list[tuple[str, int]] = []
    core.validate(sample_set, progress=lambda name, done: seen.append((name, done)))
    assert ("purchases", 400) in seen
    assert ("values of purchases", 400) in seen
    engine, taken, looked_at = connect(sample), [], []
    with engine.begin() as db:
        shown = lambda name, done: looked_at.append((name, done))
        core.suggest(db, "suppliers", "costo", progress=shown)
        assert looked_at == [("suppliers", 8)]
        assert core.count_records(db)["purchases"] == 400
        assert core.count_records(db, [core.view("products").narrow(limit=3)]) == {"products": 3}
        core.undo(db, progress=lambda name, done: taken.append((name, done)))
    engine.dispose()
    assert taken


COMPLETIONS = {
    "bash": """
eval "$(_BAKEIO_COMPLETE=bash_source bakeio)"
COMP_WORDS=(bakeio export); COMP_CWORD=1
_bakeio_completion bakeio
echo "${COMPREPLY[@]}"
""",
    "zsh": """
autoload -Uz compinit && compinit -u
eval "$(_BAKEIO_COMPLETE=zsh_source bakeio)"
words=(bakeio export); CURRENT=2
compadd() { print -r -- "$@" }
_describe() { print -r -- ${(P)3} ${(P)2} }
_bakeio_completion
""",
}


@pytest.mark.parametrize("shell", sorted(COMPLETIONS))
def test_the_tab_key_completes_commands(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [shell, "-c", COMPLETIONS[shell]],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        cwd=tmp_path,
    )
    assert "export-complete" in done.stdout, done.stderr
    assert "export-view" in done.stdout


class Base(DeclarativeBase):
    pass


class Oven(Base):
    __tablename__ = "ovens"
    id: Mapped[int] = mapped_column(primary_key=True)


def test_what_a_program_hands_in_wrongly_is_told_in_words(sample: Path, sample_set: Path) -> None:
    core, engine = Bakeio.discover(), connect(sample)
    for wrong, called in ((engine, "an Engine"), (Session(engine), "a Session")):
        with pytest.raises(
            UsageError, match=f"a connection is expected, not {called}: with engine"
        ):
            core.import_(wrong, sample_set)  # type: ignore[arg-type]
    with engine.begin() as db:
        for choices in ({"create": "suppliers"}, {"allow": "upc_code"}):
            report = core.import_(db, sample_set, dry_run=True, **choices)  # type: ignore[arg-type]
            assert report.summary["unchanged"] == 776
        for no_file in ({"records": []}, io.StringIO("{}")):
            told = f"a file is expected, not a {type(no_file).__name__}: give its path, or a binary"
            with pytest.raises(UsageError, match=told):
                core.import_(db, no_file)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r"a plan is expected, not a \w+: what `plan`"):
            core.apply(db, sample_set)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r"a day is expected, not a str: a datetime\.date"):
            core.export_complete(db, sample.parent / "x", since="2025-01-01")  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r'no entity "supplier": did you mean suppliers\?'):
            core.import_(db, sample_set, create=["supplier"])
        with pytest.raises(UsageError, match=r'check of "upc" to lift: did you mean upc_code\?'):
            core.import_(db, sample_set, allow=["upc"])
        with pytest.raises(
            UsageError, match=r'"product" is not installed: did you mean products\?'
        ):
            core.view("product")
        with pytest.raises(UsageError, match=r'no entity "supplier": did you mean suppliers\?'):
            core.suggest(db, "supplier", "wegmans")
        with pytest.raises(UsageError, match="a text is expected, not a dict: the slug, uuid, id"):
            core.why(db, "suppliers", {"slug": "wegmans"})  # type: ignore[arg-type]
        # a path may be a text wherever a file is named
        page, asked = str(sample.parent / "page.html"), str(sample.parent / "a.decisions.json")
        write_report(core.import_(db, sample_set, dry_run=True), page)
        write_decisions(asked, {}, [], core.catalog)
        assert read_decisions(asked, core.catalog) == {}
    engine.dispose()
    with pytest.raises(PluginError, match=r"str has no hooks: hand in a module \(not its"):
        Bakeio.discover(plugins=["bakeio_ovens"])
    for wrong, said in ((Oven, r"Oven: write Oven.__table__"), ("ovens", "a str")):
        with pytest.raises(PluginError, match=f"an entity takes a table, not {said}"):
            Entity(wrong)  # type: ignore[arg-type]
