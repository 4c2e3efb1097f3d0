"""What `validate-export` finds: each fault by its code, with the file it is in, and all of them in
one run.
"""

from __future__ import annotations

import json
import shutil
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run, export
from support.files import (
    FILES,
    INGREDIENTS,
    INVENTORY,
    PRODUCTS,
    PURCHASES,
    SUPPLIERS,
    resign,
    sign,
    zipped,
)
from support.reports import codes_of

Faults = Callable[[Path], list[dict[str, Any]]]
MIB = 1 << 20


@pytest.fixture
def faults(run: Run) -> Faults:
    """Validate a set that has faults, for people and for programs, and return the problems."""

    def find(path: Path) -> list[dict[str, Any]]:
        people, programs = run("validate-export", path), run("validate-export", path, "--json")
        assert (people.code, programs.code) == (1, 1), people.out
        answer = programs.json
        problems: list[dict[str, Any]] = answer["problems"]
        if "error" in answer:  # there was nothing to go by
            assert answer["error"]["message"] in people.err
            return [answer["error"]]
        assert answer["valid"] is False
        for problem in problems[:1] if len(problems) > 50 else problems:
            assert problem["file"] in people.out
            assert f"[{problem['code']}]" in people.out
        return problems

    return find


def places(problems: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((problem["code"], problem["file"]) for problem in problems)


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    edit_json(folder / "manifest.json", edit)


def edit_json(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False), "utf-8")


def edit_line(path: Path, record: int, edit: Callable[[str], str]) -> None:
    """Change the text of one record of a file with one record a line."""
    lines = path.read_text("utf-8").split("\n")
    line = lines.index('  "records": [') + record
    lines[line] = edit(lines[line])
    path.write_text("\n".join(lines), "utf-8")


# -- a good set
@pytest.mark.parametrize("how", ["folder", "manifest", "--manifest", "zip", "zip of the folder"])
def test_the_same_set_is_valid_as_folder_zip_and_manifest(run: Run, folder: Path, how: str) -> None:
    if how == "zip of the folder":
        path = Path(
            shutil.make_archive(str(folder.parent / "other"), "zip", folder.parent, folder.name)
        )
    else:
        path = {"folder": folder, "zip": zipped(folder, folder.parent / "set.zip")}.get(
            how, folder / "manifest.json"
        )
    words = ["--manifest", path] if how == "--manifest" else [path]
    assert "is valid" in run("validate-export", *words).out
    done = run("validate-export", *words, "--json")
    assert done.code == 0
    assert done.err == ""
    assert done.json["valid"] is True
    assert done.json["problems"] == []


@pytest.mark.parametrize(
    "layout",
    [
        "BOM",
        "CRLF",
        "indent=4",
        "header reversed",
        "records first",
        "one line",
        "spaces after colons",
    ],
)
def test_any_layout_of_json_is_accepted_once_it_is_signed(
    run: Run, folder: Path, layout: str
) -> None:
    for name in FILES.values():
        data = (folder / name).read_bytes()
        document = json.loads(data)
        items = list(document.items())
        turned = {
            "header reversed": dict(items[-2::-1] + items[-1:]),
            "records first": dict(items[::-1]),
        }.get(layout, document)
        data = {
            "BOM": b"\xef\xbb\xbf" + data,
            "CRLF": data.replace(b"\n", b"\r\n"),
            "indent=4": json.dumps(document, indent=4).encode(),
            "one line": json.dumps(document, separators=(",", ":")).encode(),
            "spaces after colons": data.replace(b'":', b'" : '),
        }.get(layout) or json.dumps(turned, indent=2, ensure_ascii=False).encode()
        (folder / name).write_bytes(data)
    resign(folder)
    if layout in ("BOM", "CRLF"):
        manifest = (folder / "manifest.json").read_bytes()
        (folder / "manifest.json").write_bytes(
            b"\xef\xbb\xbf" + manifest if layout == "BOM" else manifest.replace(b"\n", b"\r\n")
        )
    done = run("validate-export", folder, "--json")
    assert done.code == 0
    assert done.json["problems"] == []
    assert (
        run("-d", folder.parent / "new.db", "import-complete", folder, "--json").json["summary"][
            "created"
        ]
        == 776
    )


LITTER = (
    ".DS_Store",
    "._manifest.json",
    "Thumbs.db",
    "desktop.ini",
    "__MACOSX/._manifest.json",
    "~$01_suppliers.json",
    "@eaDir",
)


def littered(folder: Path) -> Path:
    """A folder with what file systems leave in it."""
    for name in LITTER:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\0\0\0\1Bud1")
    return folder


@pytest.mark.parametrize("how", ["folder", "folder in a folder", "zip", "zip of the folder"])
def test_what_file_systems_leave_behind_does_no_harm(
    run: Run, folder: Path, tmp_path: Path, how: str
) -> None:
    path = littered(folder)
    if how == "folder in a folder":
        (tmp_path / "unpacked").mkdir()
        shutil.move(path, tmp_path / "unpacked" / "set")
        path = littered(tmp_path / "unpacked")
    elif how.startswith("zip"):
        within = "set/" if how == "zip of the folder" else ""
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, within + file.relative_to(folder).as_posix())
            archive.writestr("__MACOSX/set/._manifest.json", b"\0\5\x16\7")
            archive.writestr("._set", b"\0\5\x16\7")
        path = tmp_path / "set.zip"
    done = run("validate-export", path)
    assert (done.code, "is valid" in done.out) == (0, True), done.out
    done = run("-d", tmp_path / "new.db", "import-complete", path)
    assert "776 created" in done.out


def test_a_file_that_only_looks_like_litter_is_told(run: Run, folder: Path) -> None:
    (folder / "thumbs.json").write_text("[]", "utf-8")
    assert run("validate-export", folder).code == 1


# -- changed, cut, lost
@pytest.mark.parametrize("name", FILES.values())
def test_one_flipped_byte_in_a_text_is_a_checksum_mismatch_and_nothing_else(
    faults: Faults, folder: Path, name: str
) -> None:
    edit_line(folder / name, 2, lambda line: line.replace('"notes":null', '"notes":"Xyz"'))
    sign(folder)
    data = bytearray((folder / name).read_bytes())
    data[data.index(b'"notes":"') + 9] ^= 1
    (folder / name).write_bytes(data)
    assert places(faults(folder)) == [("checksum-mismatch", name)]


@pytest.mark.parametrize(
    "where",
    [
        "in the header",
        "in a record",
        "in a text",
        "after a record",
        "after a comma",
        "before the bracket",
        "before the last brace",
    ],
)
@pytest.mark.parametrize("name", [SUPPLIERS, PRODUCTS, INVENTORY])
def test_a_cut_file_is_truncated_and_nothing_else(
    faults: Faults, folder: Path, name: str, where: str
) -> None:
    data = (folder / name).read_bytes()
    cut = {
        "in the header": data.index(b'"schema"'),
        "in a record": data.rindex(b'"uuid"') + 6,
        "in a text": data.rindex(b'"uuid"') + 20,
        "after a record": data.rindex(b"},\n{") + 1,
        "after a comma": data.rindex(b"},\n{") + 3,
        "before the bracket": data.rindex(b"]"),
        "before the last brace": data.rindex(b"}"),
    }[where]
    (folder / name).write_bytes(data[:cut])
    assert places(faults(folder)) == [("truncated", name)]


@pytest.mark.parametrize("name", FILES.values())
def test_a_missing_file_is_named(faults: Faults, folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert places(faults(folder)) == [("missing-file", name)]


def test_an_extra_file_is_named(faults: Faults, folder: Path) -> None:
    shutil.copy(folder / SUPPLIERS, folder / "01_suppliers (copy).json")
    assert places(faults(folder)) == [("unexpected-file", "01_suppliers (copy).json")]


def test_a_wrong_count_in_the_manifest_is_found(faults: Faults, folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["files"][3].update(record_count=399))
    (problem,) = faults(folder)
    assert (problem["code"], problem["file"]) == ("count-mismatch", PURCHASES)
    assert "400" in problem["message"]
    assert "399" in problem["message"]


@pytest.mark.parametrize("count", [399, "400", None, True])
def test_a_wrong_count_in_the_header_is_found(faults: Faults, folder: Path, count: Any) -> None:
    edit_json(folder / PURCHASES, lambda document: document.update(record_count=count))
    sign(folder)
    assert places(faults(folder)) == [("count-mismatch", PURCHASES)]


# -- what the manifest says
def test_an_order_that_contradicts_the_dependencies_is_found(faults: Faults, folder: Path) -> None:
    edit_manifest(
        folder,
        lambda manifest: [
            manifest["files"][place].update(import_order=order) for place, order in ((2, 4), (3, 3))
        ],
    )
    found = faults(folder)
    assert codes_of(found) == {"bad-order"}
    assert any(
        "purchases" in problem["message"] and "products" in problem["message"] for problem in found
    )


def test_an_order_that_contradicts_only_the_manifest_s_own_dependencies_is_found(
    faults: Faults, folder: Path
) -> None:
    edit_manifest(
        folder, lambda manifest: manifest["files"][0].update(dependencies=["inventory_items"])
    )
    assert codes_of(faults(folder)) == {"bad-order"}


def test_an_unknown_entity_is_named(faults: Faults, folder: Path) -> None:
    edit_manifest(folder, lambda manifest: manifest["files"][4].update(entity_type="recipes"))
    edit_json(folder / INVENTORY, lambda document: document.update(entity_type="recipes"))
    sign(folder)
    (problem,) = faults(folder)
    assert (problem["code"], problem["file"]) == ("unknown-entity", INVENTORY)
    assert "recipes" in problem["message"]


def test_a_file_that_holds_another_entity_than_the_manifest_says_is_found(
    faults: Faults, folder: Path
) -> None:
    edit_json(folder / INVENTORY, lambda document: document.update(entity_type="recipes"))
    sign(folder)
    assert ("bad-manifest", INVENTORY) in places(faults(folder))


@pytest.mark.parametrize("field", ["manifest_version", "file_version", "schema_version"])
def test_a_newer_major_version_is_refused_and_a_newer_minor_one_accepted(
    run: Run, faults: Faults, folder: Path, field: str
) -> None:
    name = SUPPLIERS if field == "file_version" else "manifest.json"
    edit_json(folder / name, lambda document: document.update({field: "1.7"}))
    sign(folder)
    assert run("validate-export", folder).code == 0
    edit_json(folder / name, lambda document: document.update({field: "2.0"}))
    sign(folder)
    (problem,) = faults(folder)
    assert (problem["code"], problem["file"], problem["field"]) == ("version-too-new", name, field)
    assert "2.0" in problem["message"]


def test_the_schema_version_of_another_application_is_ignored(run: Run, folder: Path) -> None:
    edit_manifest(
        folder, lambda manifest: manifest.update(application="bake-tracker", schema_version="9.3")
    )
    assert run("validate-export", folder).code == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        '{"files": [',
        "[]",
        "null",
        '"files"',
        "{}",
        '{"files": {}}',
        "[" * 100_000,
        "\ufeff",
        "{'files': []}",
        "UTF-16",
    ],
)
def test_a_manifest_that_is_none_is_said_to_be_bad(faults: Faults, folder: Path, text: str) -> None:
    path = folder / "manifest.json"
    path.write_bytes(
        path.read_text("utf-8").encode("utf-16") if text == "UTF-16" else text.encode()
    )
    (problem,) = faults(folder)
    assert problem["code"] == "bad-manifest"
    assert "manifest.json" in problem["message"]
    assert len(problem["message"]) < 300


def test_a_name_that_stands_twice_in_the_manifest_is_said(faults: Faults, folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(
        path.read_text("utf-8").replace('"application"', '"application": "x",\n  "application"', 1),
        "utf-8",
    )
    (problem,) = faults(folder)
    assert problem["code"] == "bad-manifest"
    assert '"application"' in problem["message"]


@pytest.mark.parametrize(
    "key",
    ["filename", "entity_type", "record_count", "checksum_sha256", "import_order", "dependencies"],
)
def test_an_entry_of_the_manifest_that_lacks_a_key_is_said_with_its_number(
    faults: Faults, folder: Path, key: str
) -> None:
    edit_manifest(folder, lambda manifest: manifest["files"][4].pop(key))
    found = [problem for problem in faults(folder) if problem["code"] == "bad-manifest"]
    assert len(found) == 1
    assert "entry 5" in found[0]["message"]
    assert key in found[0]["message"]


def test_a_set_without_a_manifest_is_said_to_have_none(
    faults: Faults, run: Run, folder: Path
) -> None:
    (folder / "manifest.json").unlink()
    for path in (
        folder,
        zipped(folder, folder.parent / "set.zip"),
        folder / "manifest.json",
        folder / "nowhere",
    ):
        (problem,) = faults(path)
        assert problem["code"] == "missing-file"
        assert path.name in problem["message"]


# -- names that lead elsewhere
@pytest.mark.parametrize(
    "name",
    [
        "../{}",
        "/{}",
        "..\\{}",
        "sub\\{}",
        "C:{}",
        "C:\\{}",
        "./../{}",
        "\\\\host\\share\\{}",
        "absolute",
    ],
)
def test_a_manifest_cannot_name_a_file_outside_its_folder(
    faults: Faults, folder: Path, name: str
) -> None:
    shutil.copy(folder / INVENTORY, folder.parent / INVENTORY)
    name = str(folder.parent / INVENTORY) if name == "absolute" else name.format(INVENTORY)
    edit_manifest(folder, lambda manifest: manifest["files"][4].update(filename=name))
    (folder / INVENTORY).unlink()
    (problem,) = faults(folder)
    assert (problem["code"], problem["file"]) == ("unsafe-path", "manifest.json")
    assert INVENTORY in problem["message"]


@pytest.mark.parametrize(
    "name", ["../x.json", "/x.json", "a/../../x.json", "..\\x.json", "C:\\x.json"]
)
def test_a_zip_cannot_hold_a_name_that_leads_out_of_it(
    faults: Faults, folder: Path, name: str
) -> None:
    path = zipped(folder, folder.parent / "set.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), "{}")
    found = faults(path)
    assert "unsafe-path" in codes_of(found)
    assert codes_of(found) <= {"unsafe-path", "unexpected-file"}
    assert not list(folder.parent.rglob("x.json"))


@pytest.mark.parametrize("name", [INVENTORY, "manifest.json"])
def test_a_symbolic_link_in_a_folder_is_refused(faults: Faults, folder: Path, name: str) -> None:
    (folder / name).rename(folder.parent / "real.json")
    (folder / name).symlink_to(folder.parent / "real.json")
    assert places(faults(folder)) == [("symlink", name)]


def test_a_symbolic_link_in_a_zip_is_refused(faults: Faults, folder: Path) -> None:
    (folder / INVENTORY).unlink()
    path = zipped(folder, folder.parent / "set.zip")
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(INVENTORY)
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/hostname")
    assert places(faults(path)) == [("symlink", INVENTORY)]


# -- zips made to hurt, or hurt
@pytest.mark.parametrize("name", [INVENTORY, "manifest.json"])
def test_a_zip_bomb_is_refused_without_unpacking_it(
    faults: Faults, folder: Path, name: str
) -> None:
    (folder / name).unlink()
    path = zipped(folder, folder.parent / "set.zip")
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w") as bomb,
    ):
        for _ in range(200):
            bomb.write(bytes(MIB))
    start = time.perf_counter()
    found = faults(path)
    assert time.perf_counter() - start < 5
    assert codes_of(found) == {"too-large"}
    assert name in str(found)


@pytest.mark.parametrize("name", [INVENTORY, "manifest.json"])
def test_an_encrypted_zip_is_refused_with_a_hint(faults: Faults, folder: Path, name: str) -> None:
    path = zipped(folder, folder.parent / "set.zip")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        data[archive.getinfo(name).header_offset + 6] |= 1
    data[data.index(name.encode(), data.index(b"PK\1\2")) - 46 + 8] |= 1
    path.write_bytes(data)
    (problem,) = faults(path)
    assert problem["code"] == "bad-document"
    assert "encrypted" in problem["message"]
    assert name in str(problem)


@pytest.mark.parametrize(
    "how", ["cut in half", "no zip at all", "empty", "another member", "damaged manifest"]
)
def test_a_damaged_zip_is_said_to_be_damaged(faults: Faults, folder: Path, how: str) -> None:
    path = zipped(folder, folder.parent / "set.zip")
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        at = (
            archive.getinfo(
                "manifest.json" if how == "damaged manifest" else INVENTORY
            ).header_offset
            + 200
        )
    changed = {"cut in half": data[: len(data) // 2], "no zip at all": b"hello", "empty": b""}
    path.write_bytes(changed.get(how, data[:at] + b"\xff" * 20 + data[at + 20 :]))
    (problem,) = faults(path)
    assert problem["code"] in ("bad-document", "truncated")
    expected = {"another member": INVENTORY, "damaged manifest": "manifest.json"}.get(
        how, path.name
    )
    assert expected in str(problem)
    assert "copy" in problem["message"]


# -- records
BROKEN = {
    "a comma too many": lambda line: line.replace("},", ",},"),
    "a comma too few": lambda line: line.replace(',"uuid"', ' "uuid"'),
    "a value too few": lambda line: line.replace('"notes":null', '"notes":'),
    "single quotes": lambda line: line.replace('"', "'"),
    "quotes in a text": lambda line: line.replace('"notes":null', '"notes":"say "hi""'),
    "two points": lambda line: line.replace('"notes":null', '"notes":1.2.3'),
    "a tab in a text": lambda line: line.replace('"notes":null', '"notes":"a\tb"'),
    "a line end in a text": lambda line: line.replace('"notes":null', '"notes":"a\nb"'),
    "an open text": lambda line: line.replace('"notes":null', '"notes":"a'),
    "no brace at the end": lambda line: line.replace("},", ","),
    "True of Python": lambda line: line.replace('"notes":null', '"notes":True'),
    "a list": lambda line: '["a", 1],',
    "a text": lambda line: '"a",',
    "null": lambda line: "null,",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_is_told_by_its_number_and_reading_goes_on(
    faults: Faults, folder: Path, name: str
) -> None:
    path = folder / INVENTORY
    for record in (3, 7):
        edit_line(
            path,
            record,
            lambda line: line.replace(
                line[line.index('"notes":') : line.index(',"created_at"')], '"notes":null'
            ),
        )
    for record in (7, 3):  # from behind: one of them adds a line
        edit_line(path, record, BROKEN[name])
    edit_line(
        path,
        150 + path.read_text("utf-8").count("a\nb"),
        lambda line: line.replace('"product_slug":"', '"product_slug":"no_'),
    )
    sign(folder)
    found = faults(folder)
    assert [p["records"] for p in found if p["code"] == "missing-reference"] == [[150]]
    broken = [problem for problem in found if problem["code"] == "bad-json"]
    assert sorted(number for problem in broken for number in problem["records"]) == [3, 7]
    assert codes_of(found) == {"bad-json", "missing-reference"}
    assert {problem["file"] for problem in found} == {INVENTORY}


def test_a_broken_record_in_an_indented_file_is_told_by_its_number_too(
    faults: Faults, folder: Path
) -> None:
    path = folder / INVENTORY
    document = json.loads(path.read_bytes())
    document["records"][2]["notes"] = document["records"][6]["notes"] = "@"
    path.write_text(json.dumps(document, indent=2).replace('"@"', "None"), "utf-8")
    sign(folder)
    found = faults(folder)
    assert codes_of(found) == {"bad-json"}
    assert sorted(number for problem in found for number in problem["records"]) == [3, 7]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_name_that_stands_twice_in_a_record_is_told(
    faults: Faults, folder: Path, indent: int | None
) -> None:
    path = folder / INVENTORY
    if indent:
        path.write_text(json.dumps(json.loads(path.read_bytes()), indent=indent), "utf-8")
    text = path.read_text("utf-8")
    at = text.index('"quantity"', text.index("{", text.index('"records"')))
    path.write_text(text[:at] + '"quantity": 1, ' + text[at:], "utf-8")
    sign(folder)
    (problem,) = faults(folder)
    assert (problem["code"], problem["file"], problem["record"], problem["field"]) == (
        "bad-json",
        INVENTORY,
        1,
        "quantity",
    )


@pytest.mark.parametrize(
    ("name", "new"),
    [
        (PURCHASES, {"product_slug": "no_such"}),
        (PURCHASES, {"supplier_slug": "no_such"}),
        (PURCHASES, {"product_id": 99_999, "product_slug": None}),
        (INVENTORY, {"purchase_uuid": "7" * 36}),
        (PRODUCTS, {"ingredient_slug": "x"}),
    ],
)
def test_a_reference_that_names_no_row_of_the_set_is_found(
    faults: Faults, folder: Path, name: str, new: dict[str, Any]
) -> None:
    edit_json(folder / name, lambda document: document["records"][4].update(new))
    resign(folder)
    (problem,) = faults(folder)
    field, value = next(iter(new.items()))
    assert [problem[key] for key in ("code", "file", "record", "field", "value")] == [
        "missing-reference",
        name,
        5,
        field,
        value,
    ]
    assert str(value) in problem["message"]


def test_a_file_in_utf_16_is_told_to_be_saved_as_utf_8(faults: Faults, folder: Path) -> None:
    (folder / INVENTORY).write_text((folder / INVENTORY).read_text("utf-8"), "utf-16")
    sign(folder)
    (problem,) = faults(folder)
    assert (problem["code"], problem["file"]) == ("bad-document", INVENTORY)
    assert "UTF-8" in problem["message"]


def test_many_faults_of_one_set_are_all_told_in_one_run(faults: Faults, folder: Path) -> None:
    edit_line(folder / SUPPLIERS, 1, lambda line: line.replace("March", "Merch"))
    edit_json(folder / PRODUCTS, lambda document: document.update(file_version="3.0"))
    edit_line(
        folder / PURCHASES, 2, lambda line: line.replace('"product_slug":"', '"product_slug":"no_')
    )
    edit_line(folder / PURCHASES, 400, lambda line: line.replace('"id":', '"id"'))
    sign(folder)
    edit_line(folder / SUPPLIERS, 1, lambda line: line.replace("Merch", "Match"))
    (folder / "extra.json").write_text("{}")
    (folder / "link.json").symlink_to(folder / "extra.json")
    (folder / INVENTORY).write_bytes((folder / INVENTORY).read_bytes()[:-3])

    def edit(manifest: dict[str, Any]) -> None:
        manifest["files"][1]["record_count"] = 5
        for name, entity, order in (("99_gone.json", "recipes", 99), ("../up.json", "cakes", 98)):
            manifest["files"].append(
                manifest["files"][0]
                | {"filename": name, "entity_type": entity, "import_order": order}
            )
        manifest["files"].append({"filename": "incomplete.json"})
        manifest["files"][0]["import_order"] = 50

    edit_manifest(folder, edit)
    found = faults(folder)
    assert {(problem["code"], problem["file"]) for problem in found} >= {
        ("checksum-mismatch", SUPPLIERS), ("version-too-new", PRODUCTS),
        ("missing-reference", PURCHASES), ("bad-json", PURCHASES),
        ("unexpected-file", "extra.json"), ("symlink", "link.json"), ("truncated", INVENTORY),
        ("count-mismatch", INGREDIENTS),
        ("missing-file", "99_gone.json"), ("unknown-entity", "99_gone.json"),
        ("unsafe-path", "manifest.json"),
        ("bad-manifest", "manifest.json"), ("bad-order", "manifest.json"),
    }  # fmt: skip


# -- what the manifest has to say
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda manifest: manifest.pop("manifest_version"), 'has no "manifest_version"'),
        (lambda manifest: manifest.update(manifest_version=None), 'has no "manifest_version"'),
        (
            lambda manifest: manifest["files"][3]["dependencies"].append("shops"),
            'purchases depends on "shops", which is not an entity',
        ),
        (
            lambda manifest: manifest["files"][3]["dependencies"].append("purchases"),
            "purchases depends on itself",
        ),
        (lambda manifest: manifest.update(export_id="another"), "belongs to another export"),
        (lambda manifest: manifest.update(export_type="set"), 'is "set": that is said of a view'),
    ],
)
def test_what_a_manifest_says_wrongly_is_told_and_keeps_the_set_out(
    run: Run, faults: Faults, folder: Path, tmp_path: Path, edit: Any, said: str
) -> None:
    edit_manifest(folder, edit)
    problems = faults(folder)
    assert {problem["code"] for problem in problems} == {"bad-manifest"}
    assert any(said in problem["message"] for problem in problems)
    refused = run("-d", tmp_path / "new.db", "import-complete", folder)
    assert refused.code == 1
    assert said in refused.out + refused.err


def test_what_a_header_says_and_nobody_can_use_is_told(
    run: Run, faults: Faults, folder: Path, bakery: str, tmp_path: Path
) -> None:
    ours = {"exported_at": "yesterday", "database_id": 5, "export_id": "x" * 41}
    of_set: dict[str, Any] = {"gaps": {}, "aliases": [1], "layouts": "none", "visible_only": "no"}
    of_set |= {"database_kind": 3, "omitted_entities": "all", "export_options": {"date_range": []}}
    edit_manifest(folder, lambda manifest: manifest.update(ours | of_set))
    problems = faults(folder)
    assert {problem["field"] for problem in problems} == ours.keys() | of_set.keys()
    errors = {problem["field"] for problem in problems if problem["severity"] == "error"}
    assert errors == {"gaps", "export_options"}, "without them an import might empty or delete"
    view = export(run, bakery, "products", tmp_path / "v.json")
    for at, count in (("yesterday", "many"), ("2199-01-01T00:00:00Z", True), (5, -1)):
        said = ours | {"exported_at": at, "record_count": count, "export_type": "set"}
        edit_json(view, lambda whole, said=said: whole.update(said))
        done = run("-d", bakery, "import-view", view, "--json")
        told = {p["field"] for p in done.json["problems"] if p["severity"] == "warning"}
        assert (done.code, told) == (0, said.keys())
    alone = folder / SUPPLIERS
    edit_json(alone, lambda whole: whole.update({"record_count": 3, "export_type": "view"}))
    done = run("-d", bakery, "import", alone)
    assert "01_suppliers.json: holds 8 records, its header says 3" in done.out
    assert '01_suppliers.json, export_type: "view" is said of views' in done.out


# -- values
def test_values_are_checked_as_an_import_checks_them(
    run: Run, faults: Faults, folder: Path, tmp_path: Path
) -> None:
    edit_line(
        folder / PRODUCTS, 3, lambda line: line.replace('"is_hidden":false', '"is_hidden":"no"')
    )
    sign(folder)
    (problem,) = faults(folder)
    assert (problem["code"], problem["record"], problem["field"]) == ("bad-value", 3, "is_hidden")
    assert run("-d", tmp_path / "new.db", "import-complete", folder).code == 1


def test_a_blank_text_where_one_is_required_is_a_warning(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    edit_json(folder / SUPPLIERS, lambda whole: whole["records"][4].update(name=" "))
    sign(folder)
    done = run("validate-export", folder)
    assert done.code == 0
    assert f"warning: {SUPPLIERS}, record 5, name: is blank" in done.out


def test_without_values_it_is_said_that_they_were_not_checked(run: Run, folder: Path) -> None:
    edit_json(folder / SUPPLIERS, lambda whole: whole["records"][4].update(name=5))
    sign(folder)
    assert run("validate-export", folder).code == 1
    done = run("validate-export", folder, "--no-values")
    assert (done.code, "is valid. Its values were not checked." in done.out) == (0, True)
