"""Sets whose files were cut into parts: the same rows, whatever the size, and each part by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import Run
from support.files import document, set_contents, sign

from bakeio_core.catalog.exchange import EncodedBatch
from bakeio_core.exporting.parts.cutting import write_documents
from bakeio_core.files.documents.composed.parted import PartedDocument
from bakeio_core.files.documents.document import Document
from bakeio_core.files.documents.encoding import encode_lines
from bakeio_core.files.documents.limits import Limits

SIZE = 30_000


def test_a_set_in_parts_is_the_same_backup(
    run: Run, bakery: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    there, again, other = tmp_path / "set", tmp_path / "again", new_database()
    cut = ("export-complete", "-o", there, "--part-size", f"{SIZE / 1000}kB")
    done = run("-d", bakery, *cut, "--zip", "--prove", "--jobs", 2)
    assert done.code == 0, done.err
    files = [path for path in there.iterdir() if path.name != "manifest.json"]
    assert max(path.stat().st_size for path in files) <= SIZE
    count = len([path for path in files if "purchases" in path.name])
    assert f"  in {count} files" in done.out
    manifest = document(there / "manifest.json")
    assert manifest["manifest_version"] == "1.1"
    assert {
        (item["part"], item["parts"])
        for item in manifest["files"]
        if "purchases" in item["filename"]
    } == {(part, count) for part in range(1, count + 1)}

    archive = tmp_path / "archives" / "set.zip"
    assert run("validate-export", there).code == run("validate-export", archive).code == 0
    planned = run("-d", other, "import-complete", archive, "--dry-run", "--json")
    assert run("-d", other, "import-complete", archive).code == planned.code == 0
    assert run("-d", other, "import-complete", there, "--json").json["summary"]["created"] == 0
    for database, folder in ((bakery, tmp_path / "whole"), (other, again)):
        run("-d", database, "export-complete", "-o", folder)
    assert document(again / "manifest.json")["manifest_version"] == "1.0"
    assert set_contents(again) == set_contents(tmp_path / "whole")

    # the parts belong to the earlier export: all of them go when it is replaced
    cut = ("export-complete", "-o", there, "--part-size", "1GB", "--zip")
    assert run("-d", bakery, *cut).code == 2
    assert run("-d", bakery, *cut, "--force").err == ""
    assert set_contents(there) == set_contents(again)
    assert len(list(there.iterdir())) == len(list(again.iterdir()))
    assert {path.name for path in tmp_path.iterdir()} >= {"set", "archives"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def purchases(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in manifest["files"] if item["entity_type"] == "purchases"]


def removed(folder: Path, manifest: dict[str, Any]) -> None:
    (folder / "04_purchases.002.json").unlink()


def altered(folder: Path, manifest: dict[str, Any]) -> None:
    path = folder / "04_purchases.002.json"
    path.write_text(path.read_text("utf-8").replace('"unit_price":', '"unit_price" :', 1), "utf-8")


def copied(folder: Path, manifest: dict[str, Any]) -> None:
    shutil.copy(folder / "04_purchases.002.json", folder / "04_purchases.003.json")


def added(folder: Path, manifest: dict[str, Any]) -> None:
    shutil.copy(folder / "04_purchases.002.json", folder / "04_purchases.999.json")


def forgotten(folder: Path, manifest: dict[str, Any]) -> None:
    removed(folder, manifest)
    manifest["files"].remove(purchases(manifest)[1])


def listed_twice(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["files"].append(purchases(manifest)[1])


def numbered_twice(folder: Path, manifest: dict[str, Any]) -> None:
    purchases(manifest)[1]["part"] = 1


def numbered_by_words(folder: Path, manifest: dict[str, Any]) -> None:
    purchases(manifest)[1]["part"] = "two"


def unnumbered(folder: Path, manifest: dict[str, Any]) -> None:
    for item in purchases(manifest):
        del item["part"], item["parts"]


def of_another_order(folder: Path, manifest: dict[str, Any]) -> None:
    purchases(manifest)[1]["import_order"] = 3


FAULTS: dict[Any, tuple[str, str]] = {
    removed: ("missing-file", "04_purchases.002.json"),
    altered: ("checksum-mismatch", "04_purchases.002.json"),
    copied: ("bad-manifest", "04_purchases.003.json, part: holds part 2 of its entity"),
    added: ("unexpected-file", "04_purchases.999.json"),
    forgotten: ("missing-file", "lacks part 2 of the "),
    listed_twice: ("bad-manifest", "lists 04_purchases.002.json as part 2 of "),
    numbered_twice: ("bad-manifest", "lists 04_purchases.002.json as part 1 of "),
    numbered_by_words: ("bad-manifest", 'must have "part", a whole number'),
    unnumbered: ("bad-order", "lists an entity twice"),
    of_another_order: ("bad-order", "does not say the same of all parts of purchases"),
}


def test_what_is_wrong_with_a_part_is_told_and_nothing_is_written(
    run: Run, sample_database: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "set"
    run("-d", sample_database, "export-complete", "-o", whole, "--part-size", "20kB")
    empty = tmp_path / "empty.db"
    run("-d", empty, "init")
    for spoil, (code, said) in FAULTS.items():
        folder = tmp_path / spoil.__name__
        shutil.copytree(whole, folder)
        manifest = document(folder / "manifest.json")
        spoil(folder, manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        commands = [("validate-export", folder), ("-d", empty, "import-complete", folder)]
        # what one of them finds without a database the other one does as well
        for words in commands if spoil in (altered, copied, forgotten) else commands[:1]:
            done = run(*words)
            assert done.code == 1, spoil
            told = [line for line in (done.out + done.err).splitlines() if said in line]
            assert any(code in line for line in told), (spoil, done.out, done.err)
    assert "Nothing was imported" in run("-d", empty, "runs").out


def test_a_record_of_a_part_is_told_by_its_file_and_number_there(
    run: Run, sample_database: Path, tmp_path: Path
) -> None:
    there, log = tmp_path / "set", tmp_path / "skipped.json"
    new = ("-d", tmp_path / "new.db", "import-complete")
    run("-d", sample_database, "export-complete", "-o", there, "--part-size", "20kB")
    path = there / "04_purchases.002.json"
    spoilt = document(path)
    spoilt["records"][4] |= {"unit_price": "cheap"}
    spoilt["records"][6] |= {"supplier_id": 999, "supplier_slug": "nobody", "supplier_name": "No"}
    path.write_text(json.dumps(spoilt), "utf-8")
    sign(there)
    bad, missing = ("bad-value", path.name, 5), ("missing-reference", path.name, 7)
    validated = run("validate-export", there, "--json").json["problems"]
    assert bad in [(p["code"], p["file"], p["record"]) for p in validated]
    planned = run(*new, there, "--dry-run", "--json").json
    assert {bad, missing} <= {(p["code"], p["file"], p["record"]) for p in planned["problems"]}
    asked = [q["records"] for q in planned["questions"] if q["entity"] == "suppliers"]
    assert asked == [[{"file": path.name, "record": 7}]]
    assert run(*new, there, "--skip-on-error", "--skipped-log", log).code == 3
    skipped = [(one.get("file"), one["record_index"]) for one in document(log)["records"]]
    assert skipped[:2] == [(path.name, 5), (path.name, 7)]

    # the journal names the file as well, of rows created and of fields set later
    uuid = spoilt["records"][0]["uuid"]
    spoilt["records"] = spoilt["records"][:4]
    spoilt["records"][0] |= {"notes": "from the second part"}
    path.write_text(json.dumps(spoilt), "utf-8")
    assert run(*new, there, "--accept-edits", "--without", "inventory_items").code == 0
    why = run("-d", tmp_path / "new.db", "why", "purchases", uuid).out
    assert why.count(f"{path.name}, record 1") == 2
    alone = run("-d", tmp_path / "new.db", "import", path)
    assert "is one part of its entity" in alone.err + alone.out


def test_more_files_than_an_import_takes_are_not_written(
    run: Run, sample_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = ("export-complete", "-o", tmp_path / "set", "--part-size", "30kB")
    for members in (3, 9):  # of one entity, and of all together
        monkeypatch.setattr(Limits, "members", members)
        done = run("-d", sample_database, *cut)
        assert (done.code, (tmp_path / "set").exists()) == (2, False)
        assert "choose a larger size" in done.err
    done = run("-d", sample_database, "export-complete", "--part-size", "100")
    assert (done.code, "write 500MB" in done.err) == (2, True)


RECORDS = st.lists(st.fixed_dictionaries({"id": st.integers(), "notes": st.text()}), max_size=5)


@settings(deadline=None, max_examples=20)
@given(st.lists(RECORDS, max_size=3), st.integers(1, 600), st.integers(-1, 1), st.booleans())
def test_parts_of_any_size_are_read_as_the_records_that_were_written(
    batches: list[list[dict[str, Any]]], size: int, wrong: int, is_encoded: bool
) -> None:
    records = [record for batch in batches for record in batch]
    given = [EncodedBatch(len(b), encode_lines(b)) if is_encoded and b else b for b in batches]
    header = {"entity_type": "ovens", "record_count": max(0, len(records) + wrong), "schema": {}}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        written = write_documents(lambda part: folder / f"{part}.json", header, given, size)
        assert {file.path.name for file in written} == {path.name for path in folder.iterdir()}
        for file in written:
            assert document(file.path)["record_count"] == file.count
            assert file.path.stat().st_size <= size or file.count <= 1
        parted = PartedDocument([Document.at(file.path) for file in written])
        items = [item for block in parted.blocks() for item in block.as_dicts(parted.name)]
        assert items == list(enumerate(records, 1))
        for number, record in items:
            name, place = parted.position(number)
            assert document(folder / name)["records"][place - 1] == record
        read = [(file.count, file.sha256) for file in parted.files_read(0, "")]
        assert read == [(file.count, file.sha256) for file in written]
        with parted.open() as file_:
            together = b"".join(iter(lambda: file_.read(1 << 20), b""))
        assert together == b"".join(file.path.read_bytes() for file in written)
