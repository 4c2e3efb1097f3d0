"""Files made to do harm, or spoilt so that they could: each ends with an exit code and a reason,
quickly, and a terminal obeys none of it.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Ran, Run
from support.databases import rows_of
from support.files import PRODUCTS, SUPPLIERS, edit_set, lined, zipped
from support.plugins import install
from support.reports import codes

from bakeio_core import Bakeio, Limits, PluginError, View, connect, editable, key

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r"
HALF = "\ud83d"


@pytest.fixture
def view(run: Run, sample: Path, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Export a view of the sample bakery and return it parsed."""

    def export(name: str) -> dict[str, Any]:
        assert (
            run("-d", sample, "export-view", name, "-o", tmp_path / "exported.json", "--force").code
            == 0
        )
        return json.loads((tmp_path / "exported.json").read_bytes())  # type: ignore[no-any-return]

    return export


# -- names and bytes a fast decoder cannot take
@pytest.mark.parametrize(
    "name", ["a\0b", 'q"q', "back\\slash", "\x1b[31m", "\u2028", HALF, "", "x" * 100_000]
)
def test_a_field_of_any_name_is_ignored_with_a_warning(
    run: Run, sample: Path, view: Any, tmp_path: Path, name: str
) -> None:
    document = view("products")
    for record in document["records"]:
        record[name] = 1
    (tmp_path / "v.json").write_text(lined(document), "utf-8")
    done = run("-d", sample, "import-view", tmp_path / "v.json", "--json")
    assert done.code == 0
    assert done.json["summary"]["unchanged"] == 81
    assert codes(done.json) == {"unknown-field"}
    assert len(done.out) < 5000


@pytest.mark.parametrize("shown", [["Bread Flour"], {"name": "Bread Flour"}, [[]]])
def test_a_list_where_a_name_is_shown_stops_nobody_from_asking_for_the_row(
    run: Run, bakery: str, tmp_path: Path, shown: Any
) -> None:
    record = {"product_slug": "king_arthur_flour", "ingredient_name": shown, "quantity": 1}
    path = tmp_path / "v.json"
    path.write_text(json.dumps({"view_name": "inventory", "records": [record]}))
    done = run("-d", bakery, "import-view", path, "--json")
    assert done.code == 1
    (problem,) = done.json["problems"]
    assert problem["code"] == "missing-reference"
    assert len(problem["candidates"]) > 1


@pytest.mark.parametrize("place", [1, 40])
def test_bytes_that_are_no_utf8_are_a_fault_of_their_record(
    run: Run, sample: Path, view: Any, tmp_path: Path, place: int
) -> None:
    lines = lined(view("products")).encode().split(b"\n")
    first = lines.index(b'  "records": [') + 1
    lines[first + place - 1] = lines[first + place - 1].replace(b'"brand":"', b'"brand":"\xf4\xff')
    (tmp_path / "v.json").write_bytes(b"\n".join(lines))
    done = run("-d", sample, "import-view", tmp_path / "v.json", "--json")
    assert done.code == 1
    assert [(p["code"], p["records"]) for p in done.json["problems"]] == [("bad-json", [place])]


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_a_broken_first_record_leaves_the_others_readable_in_a_spread_layout(
    run: Run, sample: Path, view: Any, tmp_path: Path, indent: Any
) -> None:
    document = view("products")
    text = json.dumps(document, indent=indent) if indent else lined(document)
    (tmp_path / "v.json").write_text(text.replace('"product_id":', '"product_id"=', 1), "utf-8")
    done = run("-d", sample, "import-view", tmp_path / "v.json", "--json")
    assert [(p["code"], p["records"]) for p in done.json["problems"]] == [("bad-json", [1])]
    assert done.json["summary"]["processed"] == 81


# -- headers
@pytest.mark.parametrize("entity", ["[]", "{}", "1", "null", '"\\ud83d"', "[[]]"])
def test_a_file_of_an_entity_that_is_no_name_is_refused(
    run: Run, sample: Path, tmp_path: Path, entity: str
) -> None:
    (tmp_path / "e.json").write_text(f'{{"entity_type": {entity}, "records": []}}', "utf-8")
    done = run("-d", sample, "import", tmp_path / "e.json", "--json")
    assert done.code == 1
    assert codes(done.json) == {"unknown-entity"}


@pytest.mark.parametrize("said", [HALF, "a\0b", "x" * 10_000, "\x1b[31m", 5, []])
def test_what_a_header_says_of_its_origin_counts_only_where_it_can_be_kept(
    run: Run, new_database: Callable[[], str], folder: Path, said: Any
) -> None:
    url, manifest = new_database(), json.loads((folder / "manifest.json").read_bytes())
    manifest |= {"export_id": said, "database_id": said, "exported_at": said}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert run("-d", url, "import-complete", folder, "--json").json["summary"]["created"] == 776
    assert run("-d", url, "runs", "--json").json["runs"][0]["export_id"] is None
    assert run("-d", url, "runs").code == 0


# -- archives
@pytest.mark.parametrize("at", range(0, 4))
def test_a_zip_member_with_a_broken_head_is_damaged(
    run: Run, folder: Path, tmp_path: Path, at: int
) -> None:
    path = zipped(folder, tmp_path / "set.zip")
    with zipfile.ZipFile(path) as archive:
        head = archive.getinfo(PRODUCTS if at else "manifest.json").header_offset
    data = bytearray(path.read_bytes())
    data[head + at] ^= 0xFF
    path.write_bytes(data)
    for command in (["validate-export"], ["-d", tmp_path / "new.db", "import-complete"]):
        done = run(*command, path, "--json")
        assert done.code == 1, done.out
        assert codes(done.json) - {"missing-reference"} == {"truncated"}, done.out
    assert not (tmp_path / "new.db").exists()


def test_a_manifest_one_folder_up_does_not_move_the_set(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    def up(info: zipfile.ZipInfo) -> None:
        info.filename = f"../{info.filename}" if info.filename == "manifest.json" else info.filename

    done = run("validate-export", zipped(folder, tmp_path / "set.zip", up), "--json")
    assert done.code == 1
    assert codes(done.json) == {"unsafe-path"}


def test_a_manifest_that_lists_one_file_many_times_is_refused_at_once(
    run: Run, folder: Path
) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"] = manifest["files"] * 20_000
    (folder / "manifest.json").write_text(json.dumps(manifest, separators=(",", ":")), "utf-8")
    assert (folder / "manifest.json").stat().st_size < 32 << 20
    began = time.process_time()
    assert codes(run("validate-export", folder, "--json").json) <= {"too-large"}
    manifest["files"] = manifest["files"][:1000]
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert codes(run("validate-export", folder, "--json").json) == {"bad-manifest", "bad-order"}
    assert time.process_time() - began < 3


# -- skipped logs
def log_of(*entries: dict[str, Any], **header: Any) -> str:
    return json.dumps({"skipped_at": "2026-01-01T00:00:00Z", **header, "records": list(entries)})


def test_a_log_numbers_its_records_as_they_stand_in_it(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    bad = {"slug": 5}
    text = log_of(
        {"entity_type": "ingredients", "record_data": {"slug": "fine", "display_name": "Fine",
                                                       "category": "Flour"}},
        {"entity_type": "suppliers", "record_data": bad},
        {"entity_type": "ingredients", "record_data": bad},
    )  # fmt: skip
    (tmp_path / "log.json").write_text(text, "utf-8")
    again = tmp_path / "again.json"
    done = run(
        "-d",
        sample,
        "import",
        tmp_path / "log.json",
        "--skip-on-error",
        "--skipped-log",
        again,
        "--json",
    )
    assert done.code == 3
    assert done.json["summary"]["created"] == 1
    assert sorted((p["entity"], p["records"]) for p in done.json["problems"]) == [
        ("ingredients", [3]),
        ("suppliers", [2]),
    ]
    left = json.loads(again.read_bytes())["records"]
    assert sorted((entry["entity_type"], entry["record_index"]) for entry in left) == [
        ("ingredients", 3),
        ("suppliers", 2),
    ]


def test_a_log_keeps_what_no_database_can_store_and_is_refused_for_it_again(
    run: Run, sample: Path, view: Any, tmp_path: Path
) -> None:
    document, log = view("products"), tmp_path / "log.json"
    document["records"] = document["records"][:2]
    document["record_count"] = 2
    document["records"][0] |= {
        "notes": HALF,
        HALF: 1,
        "package_size": float("nan"),
        "package_unit_quantity": 12345678901234567890.5,
    }
    (tmp_path / "v.json").write_text(json.dumps(document), "utf-8")
    done = run(
        "-d",
        sample,
        "import-view",
        tmp_path / "v.json",
        "--skip-on-error",
        "--skipped-log",
        log,
        "--json",
    )
    assert done.code == 3
    assert codes(done.json) == {"bad-value", "unknown-field"}
    kept = json.loads(log.read_bytes(), parse_constant=pytest.fail)["records"][0]["record_data"]
    assert (kept["notes"], kept[HALF], kept["package_size"]) == (HALF, 1, "NaN")
    again = run("-d", sample, "import", log, "--json")
    assert again.code == 1
    assert codes(again.json) == {"bad-value", "unknown-field"}


def test_a_field_that_stands_twice_in_a_log_is_refused_as_anywhere(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    entry = '{"entity_type": "suppliers", "record_data": {"slug": "a", "name": "A", "name": "B"}}'
    (tmp_path / "log.json").write_text(f'{{"skipped_at": "x", "records": [{entry}]}}', "utf-8")
    done = run("-d", sample, "import", tmp_path / "log.json", "--json")
    assert done.code == 1
    assert codes(done.json) == {"bad-json"}


# -- one key, different records
def doubled(records: list[dict[str, Any]], **changed: Any) -> None:
    records.append(records[0] | changed)


@pytest.mark.parametrize("fresh", [True, False], ids=["created", "updated"])
def test_nothing_of_records_that_contradict_each_other_is_written(
    run: Run, sample: Path, folder: Path, tmp_path: Path, fresh: bool
) -> None:
    edit_set(
        folder,
        SUPPLIERS,
        lambda records: (records[0].update(notes="first"), doubled(records, notes="second")),
        layout=lined,
    )
    url = tmp_path / "new.db" if fresh else sample
    before = None if fresh else rows_of(sample)["suppliers"]
    done = run(
        "-d",
        url,
        "import-complete",
        folder,
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
        "--json",
    )
    assert done.code == 3, done.out
    counts = done.json["entities"]["suppliers"]
    assert (counts["errors"], counts["created"], counts["updated"], counts["unchanged"]) == (
        2,
        7 * fresh,
        0,
        7 * (not fresh),
    )
    after = rows_of(url)["suppliers"]
    assert (len(after) == 7) if fresh else (after == before)
    assert not any(row[8] in ("first", "second") for row in after)
    if fresh:
        assert {p["code"] for p in done.json["problems"]} == {"duplicate-key", "missing-reference"}
        assert sum(counts["processed"] for counts in done.json["entities"].values()) == 777


def test_nothing_of_view_records_that_contradict_each_other_is_written(
    run: Run, sample: Path, view: Any, tmp_path: Path
) -> None:
    document, before = view("products"), rows_of(sample)["products"]
    document["records"][0]["notes"] = "first"
    document["records"].append(document["records"][0] | {"notes": "second"})
    (tmp_path / "v.json").write_text(lined(document), "utf-8")
    done = run(
        "-d",
        sample,
        "import-view",
        tmp_path / "v.json",
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
        "--json",
    )
    assert done.code == 3
    assert done.json["summary"]["errors"] == 2
    assert done.json["summary"]["unchanged"] == 80
    assert rows_of(sample)["products"] == before


def test_a_file_is_refused_whole_where_a_contradiction_was_written_before_it_was_seen(
    run: Run, sample: Path, view: Any, tmp_path: Path
) -> None:
    document, before = view("products"), rows_of(sample)["products"]
    document["records"][0]["notes"] = "first"
    for record in document["records"][1:]:
        record["notes"] = "x" * 20_000
    document["records"].append(document["records"][0] | {"notes": "second"})
    (tmp_path / "v.json").write_text(lined(document), "utf-8")
    assert (tmp_path / "v.json").stat().st_size > 1 << 20
    done = run(
        "-d",
        sample,
        "import-view",
        tmp_path / "v.json",
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
        "--json",
    )
    assert done.code == 1
    assert codes(done.json) >= {"duplicate-key", "count-mismatch"}
    assert rows_of(sample)["products"] == before
    assert not (tmp_path / "log.json").exists()


def test_counts_add_up_where_a_contradiction_is_refused_by_the_database_as_well(
    run: Run, sample: Path, folder: Path
) -> None:
    def spoil(records: list[dict[str, Any]]) -> None:
        records[0]["slug"] = records[1]["slug"]
        records.append(records[0] | {"notes": "other"})

    edit_set(folder, SUPPLIERS, spoil, layout=lined)
    done = run("-d", sample, "import-complete", folder, "--json")
    counts = done.json["entities"]["suppliers"]
    assert done.code == 1
    assert min(counts.values()) == 0
    assert (
        counts["processed"]
        == sum(
            counts[n] for n in ("created", "updated", "unchanged", "skipped", "conflicts", "errors")
        )
        == 9
    )


def test_a_record_that_contradicts_one_that_changes_nothing_is_refused_with_it(
    run: Run, sample: Path, view: Any, tmp_path: Path
) -> None:
    document = view("products")
    document["records"].append(document["records"][0] | {"notes": "second"})
    (tmp_path / "v.json").write_text(lined(document), "utf-8")
    done = run(
        "-d",
        sample,
        "import-view",
        tmp_path / "v.json",
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
        "--json",
    )
    assert done.code == 3
    assert done.json["summary"]["errors"] == 2
    assert done.json["summary"]["unchanged"] == 80


# -- numbers
@pytest.mark.parametrize(
    "token",
    [
        "1e999999999999",
        "-1e999999999999",
        "1e-999999999999",
        "9" * 5000,
        "0." + "9" * 5000,
        "1." + "0" * 30 + "1",
    ],
)
@pytest.mark.parametrize("field", ["package_size", "package_unit_quantity"])
def test_no_number_is_too_large_to_be_refused(
    run: Run, sample: Path, view: Any, tmp_path: Path, token: str, field: str
) -> None:
    document = view("products")
    document["records"][0][field] = "@"
    (tmp_path / "v.json").write_text(lined(document).replace('"@"', token), "utf-8")
    done = run("-d", sample, "import-view", tmp_path / "v.json", "--json")
    assert done.code == 1
    assert codes(done.json) == {"bad-value"}
    assert len(done.out) < 5000


def test_letters_between_digits_are_no_unit_to_be_left_out(
    run: Run, sample: Path, view: Any, tmp_path: Path
) -> None:
    document = view("products")
    document["records"][0]["package_size"] = "1e99999"
    (tmp_path / "v.json").write_text(lined(document), "utf-8")
    (problem,) = run("-d", sample, "import-view", tmp_path / "v.json", "--json").json["problems"]
    assert "write" not in problem["message"]


# -- nesting
DEEP = {99: True, 101: False, 900: False, 100_000: False}


@pytest.mark.parametrize("depth", DEEP)
@pytest.mark.parametrize("layout", ["lines", "spread", "log"])
def test_records_nested_too_deeply_are_refused_one_by_one(
    run: Run, sample: Path, tmp_path: Path, depth: int, layout: str
) -> None:
    deep = '{"slug":"a","name":"A","deep":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"
    records = [deep, '{"slug":"b","name":"B"}']
    if layout == "log":
        records = [f'{{"entity_type":"suppliers","record_data":{record}}}' for record in records]
        text = '{\n"skipped_at": "x",\n"records": [\n' + ",\n".join(records) + "\n]\n}\n"
    else:
        separator = ",\n" if layout == "lines" else "\n,\n"
        text = (
            '{\n"entity_type": "suppliers",\n"records": [\n' + separator.join(records) + "\n]\n}\n"
        )
    (tmp_path / "e.json").write_text(text, "utf-8")
    done = run(
        "-d",
        sample,
        "import",
        tmp_path / "e.json",
        "--json",
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
    )
    if layout == "log" and not DEEP[depth]:
        assert done.code == 1
        assert codes(done.json) == {"too-large"}
    elif DEEP[depth]:
        assert done.code == 0
        assert done.json["summary"]["created"] == 2
        assert codes(done.json) == {"unknown-field"}
    else:
        assert done.code == 3
        assert done.json["summary"]["created"] == 1
        assert codes(done.json) == {"too-large"}


# -- nothing takes long
def timed(run: Run, *words: object) -> Ran:
    began = time.process_time()
    done = run(*words)
    assert time.process_time() - began < 3
    return done


@pytest.mark.parametrize("text", [
    "/*" * 150_000, "```a\nx" * 100_000, '"' + '\\"' * 250_000, '"' * 299_999,
    "," + " " * 600_000, "[" * 300_000, '{"a":' * 60_000,
    "#" * 300_000, "//\n" * 150_000, "\\" * 300_000,
    '{"records": [' + "{}," * 60_000, "{" * 300_000 + "}" * 300_000,
    '{"view_name": "products", "records": [\n' + "{x\n," * 60_000, "```\n" * 100_000,
], ids=lambda text: text[:12])  # fmt: skip
def test_text_that_is_almost_json_is_refused_quickly(
    run: Run, sample: Path, tmp_path: Path, text: str
) -> None:
    (tmp_path / "v.json").write_text(text, "utf-8")
    assert timed(run, "-d", sample, "import", tmp_path / "v.json", "--json").code == 1


def test_many_different_unknown_fields_are_told_quickly(
    run: Run, sample: Path, view: Any, tmp_path: Path
) -> None:
    document = view("products")
    for number, record in enumerate(document["records"]):
        record.update({f"product_nam{number}x{n}": n for n in range(1000)})
    (tmp_path / "v.json").write_text(lined(document), "utf-8")
    done = timed(run, "-d", sample, "import-view", tmp_path / "v.json", "--json")
    assert done.code == 0
    assert len(done.json["problems"]) == 1001
    assert done.json["problems"][-1]["field"] == "(other names)"
    assert sum(problem["count"] for problem in done.json["problems"]) == 81_000


def test_many_products_whose_slugs_would_be_equal_get_theirs_quickly(
    run: Run, sample: Path, view: Any, tmp_path: Path
) -> None:
    header = {name: value for name, value in view("products").items() if name != "records"}
    records = [
        {
            "ingredient_slug": "all_purpose_flour",
            "product_name": chr(0x4E00 + n),
            "package_unit": "kg",
            "package_unit_quantity": 1,
        }
        for n in range(3000)
    ]
    (tmp_path / "v.json").write_text(
        lined({**header, "record_count": 3000, "records": records}), "utf-8"
    )
    assert (
        timed(run, "-d", sample, "import-view", tmp_path / "v.json", "--json").json["summary"][
            "created"
        ]
        == 3000
    )


def test_many_contradicting_records_are_told_quickly(
    run: Run, sample: Path, tmp_path: Path
) -> None:
    records = [
        {"slug": f"s{n}", "name": f"N{n}", "notes": str(twice)}
        for n in range(3000)
        for twice in (1, 2)
    ]
    (tmp_path / "e.json").write_text(
        lined({"entity_type": "suppliers", "records": records}), "utf-8"
    )
    done = timed(
        run,
        "-d",
        sample,
        "import",
        tmp_path / "e.json",
        "--skip-on-error",
        "--skipped-log",
        tmp_path / "log.json",
        "--json",
    )
    assert done.code == 3
    assert done.json["summary"]["errors"] == 6000


def test_many_slugs_that_change_hands_are_written_quickly(run: Run, tmp_path: Path) -> None:
    records = [
        {"uuid": f"00000000-0000-0000-0000-{n:012}", "slug": f"s{n}", "name": f"N{n}"}
        for n in range(4000)
    ]
    run("-d", tmp_path / "a.db", "init")
    (tmp_path / "e.json").write_text(
        lined({"entity_type": "suppliers", "records": records}), "utf-8"
    )
    assert run("-d", tmp_path / "a.db", "import", tmp_path / "e.json").code == 0
    for n, record in enumerate(records):
        record["slug"] = f"s{(n + 1) % 4000}"
    (tmp_path / "e.json").write_text(
        lined({"entity_type": "suppliers", "records": records}), "utf-8"
    )
    done = timed(run, "-d", tmp_path / "a.db", "import", tmp_path / "e.json", "--json")
    assert done.code == 0
    assert done.json["summary"]["updated"] == 4000


# -- standard input
def test_a_long_stream_waits_in_a_temporary_file_and_leaves_none(
    run_process: Any, sample: Path, tmp_path: Path
) -> None:
    records = [{"slug": f"s{n}", "name": f"N{n}", "notes": "x" * 1000} for n in range(6000)]
    text = lined({"entity_type": "suppliers", "records": records})
    assert len(text) > Limits().lenient
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "bakeio_core", "-d", sample, "import", "-", "--json"],
        input=text.encode(), capture_output=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(done.stdout)["summary"]["created"] == 6000
    assert list((tmp_path / "tmp").iterdir()) == []


# -- what a terminal would obey
@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view whose every text holds escape sequences, and a plugin that fails with some."""
    home = tmp_path / "plugins"
    home.mkdir()
    view = (
        "from bakeio_core import View, editable, hookimpl, key\n@hookimpl\ndef bakeio_views():\n"
        f"    return View(name='evil', entity='suppliers', purpose={ESCAPES!r}, "
        f"fields={{'slug': key('slug'), 'notes': editable('notes')}})\n"
    )
    install(home, monkeypatch, "evilview", view, version="1\x1b[2J")
    install(
        home,
        monkeypatch,
        "evilfails",
        f"raise RuntimeError({ESCAPES + chr(10) + 'Imported: 5 created.'!r})\n",
    )


def assert_harmless(*done: Ran) -> None:
    for ran in done:
        for line in (ran.out + ran.err).split("\n"):
            assert line.isprintable(), line


def test_nothing_a_plugin_says_reaches_the_terminal_as_a_command(
    run: Run, sample: Path, evil: None, tmp_path: Path
) -> None:
    shown = [
        run("-d", sample, *words)
        for words in (
            ["plugins"],
            ["views"],
            ["entities"],
            ["export-complete", "-o", tmp_path / "x"],
            ["--block", ESCAPES, "views"],
        )
    ]
    shown += [run("--help"), run("schema", "evil"), run("export-view", ESCAPES), run(ESCAPES)]
    assert_harmless(*shown)
    assert any("\\x1b[2J" in ran.out + ran.err for ran in shown)
    assert run("-d", sample, "export-view", "evil", "-o", tmp_path / "v.json").code == 0
    document = json.loads((tmp_path / "v.json").read_bytes())
    document["records"][0][ESCAPES] = ESCAPES
    (tmp_path / "v.json").write_text(json.dumps(document), "utf-8")
    assert_harmless(
        run("-d", sample, "import-view", tmp_path / "v.json", "--dry-run"),
        run("-d", sample, "import-view", tmp_path / "v.json"),
    )


@pytest.mark.skipif(os.name == "nt", reason="no file can have such a name there")
def test_nothing_a_file_holds_or_is_called_reaches_the_terminal_as_a_command(
    run: Run, sample: Path, folder: Path, view: Any, tmp_path: Path
) -> None:
    named = f"v{ESCAPES}\n.json"
    document = view("purchases")
    document["records"][0] |= {"supplier_name": ESCAPES, ESCAPES: 1, "notes": ESCAPES}
    document["records"][1] |= {"notes": ESCAPES, "_clear": [ESCAPES]}
    document["records"][2] |= {"notes": ESCAPES, "purchase_date": ESCAPES, "unit_price": ESCAPES}
    (tmp_path / named).write_text(json.dumps(document), "utf-8")
    good = view("products")
    good["records"][0]["notes"] = ESCAPES
    (tmp_path / f"good{named}").write_text(json.dumps(good), "utf-8")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][0] |= {"filename": ESCAPES, "entity_type": ESCAPES}
    manifest["manifest_version"] = ESCAPES
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (folder / f"more{ESCAPES}").write_text("x")
    (tmp_path / "unknown.json").write_text(
        json.dumps({"view_name": ESCAPES, "records": []}), "utf-8"
    )
    (tmp_path / "entity.json").write_text(
        json.dumps({"entity_type": ESCAPES, "records": []}), "utf-8"
    )
    (tmp_path / "twice.json").write_text(
        json.dumps({"view_name": "products", ESCAPES: 1})[:-1]
        + f', {json.dumps(ESCAPES)}: 1, "records": []}}',
        "utf-8",
    )
    assert_harmless(
        run("-d", sample, "import-view", tmp_path / named),
        run("-d", sample, "import-view", tmp_path / named, "--skip-on-error", "--dry-run"),
        run("-d", sample, "import-view", tmp_path / f"good{named}", "--dry-run"),
        run("-d", sample, "import-view", tmp_path / f"good{named}"),
        run("-d", sample, "runs"), run("validate-export", folder),
        run("-d", sample, "import-complete", folder),
        run("-d", sample, "import", tmp_path / f"none{named}"), run("-d", tmp_path / named, "runs"),
        *(run("-d", sample, "import", tmp_path / f"{n}.json")
          for n in ("unknown", "entity", "twice")),
    )  # fmt: skip
    runs = run("-d", sample, "runs").out
    assert len(runs.splitlines()) == 2


# -- text stays text
HARMFUL = [
    "'; DROP TABLE suppliers; --", "=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)",
    "<script>alert(1)</script>", "../../etc/passwd", "$(rm -rf /)",
    "%s%n", "\\", ESCAPES,
]  # fmt: skip


def test_sql_formulas_and_escapes_are_plain_data_that_comes_back(
    run: Run, sample: Path, new_database: Callable[[], str], view: Any, tmp_path: Path
) -> None:
    document = view("products")
    for record, text in zip(document["records"], HARMFUL, strict=False):
        record |= {"notes": text, "brand": text}
    (tmp_path / "v.json").write_text(lined(document), "utf-8")
    assert run("-d", sample, "import-view", tmp_path / "v.json", "--json").json["summary"][
        "updated"
    ] == len(HARMFUL)
    url = new_database()
    assert run("-d", sample, "export-complete", "-o", tmp_path / "out").code == 0
    assert run("-d", url, "import-complete", tmp_path / "out").code == 0
    assert rows_of(url) == rows_of(sample)
    texts = {
        record["product_slug"]: (record["notes"], record["brand"])
        for record in document["records"][: len(HARMFUL)]
    }
    assert {
        row[2]: (row[12], row[4]) for row in rows_of(url)["products"] if row[2] in texts
    } == texts


# -- names that lead elsewhere
def test_the_name_of_a_view_or_plugin_leads_to_no_file(
    run: Run, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for name in ("../products", "/etc/passwd", "..", "products/../../x", "a\\b"):
        assert run("-d", sample, "export-view", name).code == 2
        (tmp_path / "v.json").write_text(json.dumps({"view_name": name, "records": []}), "utf-8")
        assert codes(run("-d", sample, "import", tmp_path / "v.json", "--json").json) == {
            "unknown-view"
        }
    assert sorted({*tmp_path.rglob("*")} - {tmp_path / "v.json"}) == before


def test_a_view_or_entity_with_a_name_that_is_a_path_is_no_good_declaration(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "from bakeio_core import View, editable, hookimpl, key\n@hookimpl\ndef bakeio_views():\n"
        "    return View(name='../../evil', entity='suppliers', purpose='x', fields={'slug': "
        "key('slug'), 'notes': editable('notes')})\n"
    )
    install(tmp_path, monkeypatch, "pathview", code)
    found = {plugin["name"]: plugin for plugin in run("plugins", "--json").json["plugins"]}
    assert found["pathview"]["status"] == "failed"
    assert "../../evil" in found["pathview"]["reason"]
    assert "../../evil" not in {row["name"] for row in run("views", "--json").json["views"]}


def test_a_field_name_that_a_terminal_would_obey_is_no_good_declaration() -> None:
    for name in (ESCAPES, 'a"b', "a\\b", "a\nb"):
        with pytest.raises(PluginError, match="must be printable"):
            View(
                name="evil",
                entity="suppliers",
                purpose="x",
                fields={"slug": key("slug"), name: editable("notes")},
            )


def test_a_plugin_that_takes_the_name_of_another_takes_neither_its_place_nor_its_entities(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Path
) -> None:
    info = tmp_path / "shadow-1.0.dist-info"
    info.mkdir()
    (tmp_path / "shadow.py").write_text(
        "from bakeio_core import hookimpl\n@hookimpl\ndef bakeio_import_records():\n    return 0\n"
    )
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shadow\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[bakeio]\nsuppliers = shadow\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    found = {plugin["name"]: plugin for plugin in run("plugins", "--json").json["plugins"]}
    assert found["suppliers"]["status"] == "failed"
    assert "shadow" in found["suppliers"]["reason"]
    done = run("-d", sample, "export-complete", "-o", tmp_path / "x", "--json")
    assert done.code == 1
    assert codes(done.json) == {"plugin-error"}


# -- raised limits
def test_a_program_can_raise_the_depth_and_what_is_mended(sample: Path, tmp_path: Path) -> None:
    document = {
        "entity_type": "suppliers",
        "records": [{"slug": "a", "name": "A", "deep": json.loads("[" * 200 + "]" * 200)}],
    }
    (tmp_path / "e.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "c.json").write_text(
        json.dumps({"entity_type": "suppliers", "records": []})[:-1]
        + " /* "
        + "x" * (5 << 20)
        + "*/}",
        "utf-8",
    )
    engine = connect(sample)
    for limits, problems in ((Limits(), 1), (Limits(depth=300), 0)):
        core = Bakeio.discover(limits=limits)
        with engine.connect() as db:
            errors = [
                problem
                for problem in core.plan(db, tmp_path / "e.json").report.problems
                if problem.severity == "error"
            ]
        assert len(errors) == problems
    assert (
        Bakeio.discover(limits=Limits(lenient=16 << 20)).open(tmp_path / "c.json").kind == "entity"
    )
    engine.dispose()


def test_memory_stays_small_for_one_value_that_never_ends(
    run_process: Any, sample: Path, tmp_path: Path
) -> None:
    with open(tmp_path / "v.json", "wb") as file:
        file.write(b'{"view_name": "products", "records": [{"notes": "')
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b'"}]}')
    # Linux counts in `ru_maxrss` what the process that began this one had, in VmHWM its own alone
    script = """
import pathlib, re, resource, sys
from bakeio_core.cli import main

def peak():
    status = pathlib.Path("/proc/self/status")
    own = re.search(r"VmHWM:\\s+(\\d+)", status.read_text()) if status.exists() else None
    return int(own[1]) if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

try:
    main(sys.argv[1:])
finally:
    print(peak(), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "-d", sample, "import", tmp_path / "v.json", "--json"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "too-large"
    assert int(done.stderr) < 300_000
