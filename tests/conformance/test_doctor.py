"""`bakeio doctor`: every typical mistake is said with its file and line, and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run
from support.mistakes import MISTAKES
from support.plugins import install

from bakeio_core import Bakeio, Decision, Entity, PluginError, connect, hookimpl

Troubles = list[dict[str, Any]]


@pytest.fixture
def all_wrong(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Troubles]:
    """Every mistake, installed beside the others."""
    for name, mistake in MISTAKES.items():
        install(
            tmp_path / name, monkeypatch, name, mistake.module, entry_points=mistake.entry_points
        )

    def ask() -> Troubles:
        done = run("doctor", "--json")
        assert done.code == 1, done.err
        found: Troubles = done.json["troubles"]
        return found

    return ask


def test_every_typical_mistake_can_be_mended_from_what_the_doctor_says(
    all_wrong: Callable[[], Troubles], tmp_path: Path
) -> None:
    found = all_wrong()
    assert len(MISTAKES) >= 20
    for name, mistake in MISTAKES.items():
        told = [t for t in found if name in t["owner"].split() and mistake.said in t["what"]]
        assert len(told) == 1 or mistake.entry_points, (name, found)
        told = told or [t for t in found if mistake.said in t["what"]]
        (trouble,) = told
        assert name in trouble["owner"]
        if mistake.marked:
            assert trouble["file"] == str(tmp_path / name / f"{name}.py"), trouble
            there = Path(trouble["file"]).read_text("utf-8").splitlines()[trouble["line"] - 1]
            assert mistake.marked in there, (name, trouble)
        assert mistake.write in trouble["write"] and bool(mistake.write) == bool(trouble["write"])
    assert len(found) == len(MISTAKES)


def test_the_doctor_says_so_where_all_is_well(run: Run) -> None:
    done = run("doctor")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"All is well: \d+ plugins\.\n", done.out)


def test_a_trouble_is_told_in_three_lines(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "new", monkeypatch, "warm", MISTAKES["wrong_column_in_a_view"].module)
    assert run("--quiet", "doctor").out.splitlines() == [
        f"plugin warm (warm 1.0), {tmp_path / 'new' / 'warm.py'}:7",
        '  view "warm": field "city": citi is not a column of suppliers (in citi); '
        "did you mean city?",
        '  write: fields = {"slug": key("slug"), "city": editable("city")}',
    ]


def test_strict_makes_a_broken_plugin_an_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "new", monkeypatch, "lost", MISTAKES["exception_in_views"].module)
    assert run("views").code == 0
    monkeypatch.setenv("BAKEIO_STRICT_PLUGINS", "1")
    done = run("views")
    assert done.code == 1
    assert "BAKEIO_STRICT_PLUGINS is set, and plugin lost (lost 1.0): IndexError" in done.err
    assert run("doctor").code == 1
    with pytest.raises(PluginError) as raised:
        Bakeio.discover()
    assert isinstance(raised.value.__cause__, IndexError)


def test_each_call_of_a_plugin_is_traced_with_its_time(run: Run, sample: Path) -> None:
    # tests load each choice of plugins once; no other one leaves out just this
    alone = ("--block", "view_ingredients")
    done = run("--quiet", "--trace-plugins", *alone, "-d", sample, "entities")
    lines = done.err.splitlines()
    assert len(lines) > 9
    timed = re.compile(r"trace: plugin \w+ \([\w-]+ 0\.1\.0\): bakeio_\w+ \d+\.\d ms")
    assert [line for line in lines if not timed.fullmatch(line)] == []


class Lost:
    """A plugin whose hooks fail while work is done."""

    @hookimpl
    def bakeio_project_view(self, view: Any) -> Any:
        return iter([{"slug": "no batch"}]) if view.name == "suppliers" else self.batches(view)

    def batches(self, view: Any) -> Iterator[Any]:
        raise KeyError(view.name)
        yield []

    @hookimpl
    def bakeio_export_records(self, entity: Entity) -> Any:
        return entity.nothing  # type: ignore[attr-defined]

    @hookimpl
    def bakeio_resolve_references(self, missing: Any) -> Any:
        return dict.fromkeys(missing, "skip") if len(missing) > 1 else missing[5]

    @hookimpl
    def bakeio_answer(self, questions: Any) -> Any:
        return [Decision.skip() for _ in questions] if len(questions) > 5 else {}


def test_what_fails_while_work_is_done_names_the_plugin_the_hook_and_the_line(
    sample: Path, tmp_path: Path
) -> None:
    lost, engine = Bakeio.discover(plugins=[Lost()]), connect(sample)
    file = tmp_path / "view.json"
    with engine.connect() as db:
        for work, said in (
            (lambda: lost.export_view(db, "suppliers", file), "gave a dict, not a batch: yield"),
            (lambda: lost.export_view(db, "products", file), r"failed: KeyError: 'products' \(te"),
            (lambda: lost.export_complete(db, tmp_path / "set"), "failed: AttributeError: "),
        ):
            with pytest.raises(PluginError, match=rf"plugin Lost: bakeio_\w+ {said}"):
                work()
        Bakeio.discover().export_view(db, "purchases", file)
        text = file.read_text("utf-8")
        for names, said in (
            (1, r"plugin Lost: bakeio_resolve_references failed: "),
            (2, r"the answer is a str, not a Decision such as Decision\.skip\(\)"),
            (9, r"questions were answered with a list, not with \{question: decision\}"),
        ):
            new = text
            for number in range(names):
                new = new.replace('"supplier_name":"Costco"', f'"supplier_name":"No {number}"', 1)
            file.write_text(new, "utf-8")
            with pytest.raises(PluginError, match=said):
                lost.plan(db, file)
    engine.dispose()


def test_two_plugins_of_one_class_are_told_apart_by_name() -> None:
    with pytest.raises(PluginError, match="two plugins are called Lost: give one of them another"):
        Bakeio.discover(plugins=[Lost(), Lost()])
