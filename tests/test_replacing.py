"""What bakeio replaces: what it wrote itself, and nothing else.

Neither `--force` nor the moment of the swap changes that.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from conftest import Ran, rows_of

from bakeio_core import (
    Bakeio,
    DocumentError,
    Format,
    Sheet,
    SheetRows,
    UsageError,
    connect,
    hookimpl,
)
from bakeio_core.database.connect import begin_read

Run = Callable[..., Ran]
PAGE = "<!doctype html><html><title>A page of mine</title></html>\n"
FOREIGN: dict[str, Callable[[Path, Path], object]] = {
    "a text": lambda path, _: path.write_text("buy flour\n"),
    "a database": lambda path, sample: shutil.copyfile(sample, path),
    "another JSON": lambda path, _: path.write_text('{"records": [{"name": "mine"}]}'),
    "a JSON with a view in it": lambda path, _: path.write_text(
        '{"a": {"view_name": "products_complete", "export_type": "x"}}'
    ),
    "a text on a view": lambda path, _: path.write_text(
        'The head is {"export_type": "denormalized_view", ...\n'
    ),
    "a manifest": lambda path, _: path.write_text(
        '{"manifest_version": "1.0", "application": "bakeio", "files": []}'
    ),
    "a page": lambda path, _: path.write_text(PAGE),
    "a list": lambda path, _: path.write_text('[{"product_slug": "mine"}]'),
    "a zip": lambda path, _: zipped(path, {"notes.txt": b"mine"}),
}
ODD: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a circle of links": lambda path: path.symlink_to(path),
    "a link to a pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
}
odd = pytest.mark.parametrize("kind", ODD)
foreign = pytest.mark.parametrize("kind", FOREIGN)


def tree(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Every file, folder, link and pipe below a folder, with what it holds."""

    def content(path: Path) -> bytes | str:
        if path.is_symlink():
            return str(path.readlink())
        return path.read_bytes() if path.is_file() else ""

    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, content(path))
        for path in sorted(folder.rglob("*"))
    }


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refused(done: Ran, *said: str) -> None:
    assert done.code == 2, done
    for text in said:
        assert text in done.err + done.out, (text, done)


@pytest.fixture
def out(sample_set: Path, tmp_path: Path) -> Path:
    """A place of its own with an earlier export in it."""
    (tmp_path / "place").mkdir()
    return Path(shutil.copytree(sample_set, tmp_path / "place" / "out"))


@pytest.fixture
def view(run: Run, sample: Path, tmp_path: Path) -> Path:
    """A view of products to be imported."""
    assert run("-d", sample, "export-view", "products", "-o", tmp_path / "in.json").code == 0
    return tmp_path / "in.json"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder for what is in the way."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


# -- a set's folder
def test_an_earlier_export_and_an_empty_folder_are_replaced(
    run: Run, sample: Path, out: Path
) -> None:
    before = (out / "manifest.json").read_bytes()
    assert run("-d", sample, "export-complete", "-o", out, "--force").code == 0
    assert (out / "manifest.json").read_bytes() != before
    assert (
        run("-d", sample, "export-complete", "-o", out, "--force", "--no-transactional").code == 0
    )
    assert run("-d", sample, "export-complete", "-o", out, "--force").code == 0, (
        "a set of fewer entities"
    )
    (out / "04_purchases.json").unlink()
    assert run("-d", sample, "export-complete", "-o", out, "--force").code == 0, "an incomplete one"
    shutil.rmtree(out)
    out.mkdir()
    refused(run("-d", sample, "export-complete", "-o", out), "exists already (--force replaces it)")
    assert run("-d", sample, "export-complete", "-o", out, "--force").code == 0
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_folder_with_a_database_and_a_text_is_refused_and_named(
    run: Run, sample: Path, place: Path
) -> None:
    shutil.copyfile(sample, place / "bakeio.db")
    (place / "notes.txt").write_text("mine")
    for number in range(5):
        (place / f"x{number}").write_text("mine")
    before = tree(place)
    refused(
        run("-d", sample, "export-complete", "-o", place, "--force"),
        '"bakeio.db", "notes.txt", "x0" and 4 more',
        "move it away",
    )
    refused(run("-d", sample, "export-complete", "-o", place, "--force", "--zip"))
    assert (tree(place), tree(place.parent).get("archives")) == (before, None)


INTO: dict[str, Callable[[Path], object]] = {
    "notes.txt": lambda out: (out / "notes.txt").write_text("mine"),
    ".hidden": lambda out: (out / ".hidden").write_text("mine"),
    "sub": lambda out: (out / "sub").mkdir(),
    "bakeio.db": lambda out: (out / "bakeio.db").write_bytes(b"SQLite format 3\0"),
    "06_mine.json": lambda out: (out / "06_mine.json").write_text("[]"),
    "pipe": lambda out: os.mkfifo(out / "pipe"),
    "01_suppliers.json": lambda out: relinked(out / "01_suppliers.json"),
    "manifest.json": lambda out: relinked(out / "manifest.json"),
}


def relinked(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere.json")
    path.symlink_to(path.parent.parent / "elsewhere.json")


@pytest.mark.parametrize("name", INTO)
def test_whatever_lies_beside_the_files_of_an_export_keeps_it(
    run: Run, sample: Path, out: Path, name: str
) -> None:
    INTO[name](out)
    before = tree(out.parent)
    refused(run("-d", sample, "export-complete", "-o", out, "--force"), f'holds "{name}"')
    assert tree(out.parent) == before


def listing(manifest: Any) -> None:
    manifest["files"].append(
        {
            **manifest["files"][0],
            "filename": "bakeio.db",
            "entity_type": "bakeio",
            "import_order": 6,
        }
    )


MANIFESTS: dict[str, Callable[[Any], object]] = {
    "of another program": lambda manifest: manifest.update(application="other"),
    "that names none": lambda manifest: manifest.pop("application"),
    "without files": lambda manifest: manifest.pop("files"),
    "that lists a file under a name bakeio never gives": listing,
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_makes_no_export_of_any_folder(
    run: Run, sample: Path, out: Path, kind: str
) -> None:
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    MANIFESTS[kind](manifest)
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (out / "bakeio.db").write_bytes(b"SQLite format 3\0")
    before = tree(out.parent)
    refused(
        run("-d", sample, "export-complete", "-o", out, "--force"),
        "bakeio.db" if kind.startswith("that lists") else "which no export",
    )
    (out / "bakeio.db").unlink()
    if not kind.startswith("that lists"):
        refused(
            run("-d", sample, "export-complete", "-o", out, "--force"),
            '"01_suppliers.json", "02_ingredients.json"',
        )
        assert tree(out.parent) == {
            name: what for name, what in before.items() if name != "out/bakeio.db"
        }


@pytest.mark.parametrize("kind", ["a file", "an empty file", "a link", "a broken link", "a pipe"])
def test_where_a_file_or_a_link_stands_no_folder_is_put(
    run: Run, sample: Path, out: Path, kind: str
) -> None:
    target = out.parent / "target"
    {
        "a file": lambda: target.write_text("mine"),
        "an empty file": target.touch,
        "a link": lambda: target.symlink_to(out),
        "a broken link": lambda: target.symlink_to("nowhere"),
        "a pipe": lambda: os.mkfifo(target),
    }[kind]()
    before = tree(out.parent)
    for words in ([], ["--force"], ["--force", "--zip"]):
        refused(
            run("-d", sample, "export-complete", "-o", target, *words),
            "is a symbolic link" if "link" in kind else "is not a folder",
        )
    assert tree(out.parent) == before


def test_what_comes_into_a_folder_before_the_swap_is_kept(
    core: Bakeio, sample: Path, out: Path
) -> None:
    def come(entity: str, done: int) -> None:
        (out / "precious.txt").write_text("mine")

    engine, manifest = connect(sample), (out / "manifest.json").read_bytes()
    with (
        pytest.raises(
            UsageError, match=r'changed by another program meanwhile, and it holds "precious.txt"'
        ),
        begin_read(engine) as db,
    ):
        core.export_complete(db, out, force=True, progress=come)
    engine.dispose()
    assert ((out / "manifest.json").read_bytes(), (out / "precious.txt").read_text()) == (
        manifest,
        "mine",
    )
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("moment", ["before it is set aside", "while it is set aside"])
def test_what_comes_into_a_folder_in_the_moment_of_the_swap_is_put_back(
    run: Run, sample: Path, out: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    rename = os.rename

    def come(old: Any, new: Any) -> None:
        aside = ".old-" in Path(new).name
        if aside and moment.startswith("before"):
            (out / "precious.txt").write_text("mine")
        rename(old, new)
        if aside and moment.startswith("while"):
            Path(new, "precious.txt").write_text("mine")

    monkeypatch.setattr(os, "rename", come)
    manifest = (out / "manifest.json").read_bytes()
    refused(run("-d", sample, "export-complete", "-o", out, "--force"), "precious.txt")
    assert ((out / "manifest.json").read_bytes(), (out / "precious.txt").read_text()) == (
        manifest,
        "mine",
    )
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_what_comes_into_the_old_folder_while_it_is_deleted_is_kept_and_told(
    run: Run, sample: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def come(old: Any, new: Any) -> None:
        rename(old, new)
        if ".gone-" in Path(new).name:
            Path(new, "precious.txt").write_text("mine")
            Path(new, "sub").mkdir()
            Path(new, "sub", "01_suppliers.json").write_text("mine too")

    monkeypatch.setattr(os, "rename", come)
    for _ in range(2):  # the next run keeps it as well
        done = run("-d", sample, "export-complete", "-o", out, "--force")
        assert (done.code, 'holds "precious.txt", "sub", which is kept' in done.err) == (0, True)
        kept = [path for path in out.parent.iterdir() if ".gone-" in path.name]
        assert all((path / "precious.txt").read_text() == "mine" for path in kept) and kept
        assert all((path / "sub" / "01_suppliers.json").read_text() == "mine too" for path in kept)
    assert run("validate-export", out).code == 0


# -- its archive
def test_an_archive_is_replaced_by_force_alone_and_only_an_earlier_one(
    run: Run, sample: Path, place: Path
) -> None:
    archive = place / "archives" / "out.zip"
    assert run("-d", sample, "export-complete", "-o", place / "out", "--zip").code == 0
    shutil.rmtree(place / "out")
    before = archive.read_bytes()
    refused(
        run("-d", sample, "export-complete", "-o", place / "out", "--zip"),
        f"{archive} exists already (--force replaces it)",
    )
    assert (archive.read_bytes(), sorted(path.name for path in place.iterdir())) == (
        before,
        ["archives"],
    )
    assert run("-d", sample, "export-complete", "-o", place / "out", "--zip", "--force").code == 0
    assert archive.read_bytes() != before
    assert run("validate-export", archive).code == 0


def spoilt(archive: Path, kind: str) -> None:
    if kind == "with a text in it":
        with zipfile.ZipFile(archive, "a") as zipped_:
            zipped_.writestr("out/notes.txt", "mine")
    elif kind == "with a text beside its folder":
        with zipfile.ZipFile(archive, "a") as zipped_:
            zipped_.writestr("notes.txt", "mine")
    elif kind == "with a folder in it":
        with zipfile.ZipFile(archive, "a") as zipped_:
            zipped_.writestr("out/sub/", "")
    elif kind == "with something before it":
        archive.write_bytes(b"SQLite format 3\0" + archive.read_bytes())
    elif kind == "cut short":
        archive.write_bytes(archive.read_bytes()[:-30])
    else:
        archive.unlink()
        FOREIGN.get(kind, lambda path, _: ODD[kind](path))(archive, Path(__file__))


@pytest.mark.parametrize(
    "kind",
    [
        "with a text in it",
        "with a text beside its folder",
        "with a folder in it",
        "with something before it",
        "cut short",
        *FOREIGN,
        *ODD,
    ],
)
def test_no_other_file_is_replaced_by_an_archive(
    run: Run, sample: Path, place: Path, kind: str
) -> None:
    assert run("-d", sample, "export-complete", "-o", place / "out", "--zip").code == 0
    spoilt(place / "archives" / "out.zip", kind)
    before = tree(place)
    for words in ([], ["--force"]):
        refused(run("-d", sample, "export-complete", "-o", place / "out", "--zip", *words))
    assert tree(place) == before


# -- a view's file
@foreign
def test_no_other_file_is_replaced_by_a_view(
    run: Run, sample: Path, place: Path, kind: str
) -> None:
    FOREIGN[kind](place / "v.json", sample)
    before = tree(place)
    for words in ([], ["--force"]):
        refused(
            run("-d", sample, "export-view", "products", "-o", place / "v.json", *words),
            "is not a view that bakeio wrote",
            "move it away",
        )
    assert tree(place) == before


@pytest.mark.parametrize("kind", ["an entity's file", "a log of skipped records", "an archive"])
def test_bakeios_own_files_of_another_kind_are_not_replaced_by_a_view(
    run: Run, sample: Path, out: Path, kind: str
) -> None:
    target = out.parent / "v.json"
    if kind == "an entity's file":
        shutil.copyfile(out / "01_suppliers.json", target)
    elif kind == "an archive":
        zipped(target, {f"out/{path.name}": path.read_bytes() for path in out.iterdir()})
    else:
        target.write_text(
            '{"skipped_at": "x", "total_skipped": 1, "records": '
            '[{"view_name": "products_complete", "record_data": {}}]}'
        )
    before = target.read_bytes()
    for words in ([], ["--force"]):
        refused(run("-d", sample, "export-view", "products", "-o", target, *words), "is not a view")
    assert target.read_bytes() == before


def edited(path: Path, kind: str) -> None:
    document = json.loads(path.read_text("utf-8"))
    document["records"][0]["notes"] = "an edit of mine"
    text = json.dumps(document)
    path.write_text({
        "edited": text,
        "broken in a record": text.replace('"brand"', '"brand', 1),
        "broken in its head": text.replace('"documentation"', "documentation", 1),
        "cut short": text[: len(text) // 2],
        "in a block of code": f"```json\n{text}```\n",
        "empty": "",
    }[kind], "utf-8")  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    [
        "edited",
        "broken in a record",
        "broken in its head",
        "cut short",
        "in a block of code",
        "empty",
    ],
)
def test_a_view_is_known_by_its_head_even_where_it_is_broken(
    run: Run, sample: Path, view: Path, kind: str
) -> None:
    whole = json.loads(view.read_text("utf-8"))["records"]
    edited(view, kind)
    before = view.read_bytes()
    done = run("-d", sample, "export-view", "products", "-o", view, "--json")
    assert (done.code, done.json["error"]["code"], view.read_bytes()) == (1, "blocked", before)
    assert run("-d", sample, "export-view", "products", "-o", view, "--force").code == 0
    assert json.loads(view.read_text("utf-8"))["records"] == whole


@odd
def test_a_view_replaces_regular_files_only(run: Run, sample: Path, place: Path, kind: str) -> None:
    ODD[kind](place / "v.json")
    before = tree(place)
    for words in ([], ["--force"]):
        refused(
            run("-d", sample, "export-view", "products", "-o", place / "v.json", *words),
            f"{place / 'v.json'} is ",
        )
    assert tree(place) == before


def test_a_device_is_refused_not_replaced(run: Run, sample: Path, view: Path, place: Path) -> None:
    before = os.lstat(os.devnull)
    (place / "link").symlink_to(os.devnull)
    for target in (os.devnull, place / "link"):
        refused(
            run("-d", sample, "export-view", "products", "-o", target, "--force"),
            "is not a regular file",
        )
        refused(
            run("-d", sample, "import-view", view, "--skipped-log", target), "is not a regular file"
        )
        refused(run("-d", sample, "import-view", view, "--report", target), "is not a regular file")
        refused(
            run("-d", sample, "import-view", view, "--no-input", "--decisions", target),
            "is not a regular file",
        )
        refused(run("-d", sample, "export-complete", "-o", target, "--force"))
    after = os.lstat(os.devnull)
    assert (after.st_ino, after.st_mode, after.st_rdev) == (
        before.st_ino,
        before.st_mode,
        before.st_rdev,
    )


def test_a_link_to_a_view_is_followed_and_stays(
    run: Run, sample: Path, view: Path, place: Path
) -> None:
    view.rename(place / "real.json")
    view.symlink_to(place / "real.json")
    edited(view, "edited")
    assert run("-d", sample, "export-view", "products", "-o", view, "--force").code == 0
    assert (view.is_symlink(), "an edit of mine" in (place / "real.json").read_text("utf-8")) == (
        True,
        False,
    )
    assert [path.name for path in place.iterdir()] == ["real.json"]
    (place / "real.json").write_text("mine")
    refused(
        run("-d", sample, "export-view", "products", "-o", view, "--force"), f"{view} is not a view"
    )
    (place / "real.json").unlink()
    assert run("-d", sample, "export-view", "products", "-o", view).code == 0
    assert (view.is_symlink(), (place / "real.json").is_file()) == (True, True)


def test_a_file_that_comes_while_a_view_is_written_is_kept(
    core: Bakeio, sample: Path, place: Path
) -> None:
    def come(name: str, done: int) -> None:
        (place / "v.json").write_text("mine")

    engine = connect(sample)
    with pytest.raises(UsageError, match="is not a view"), begin_read(engine) as db:
        core.export_view(db, "products", place / "v.json", force=True, progress=come)
    engine.dispose()
    assert {path.name: path.read_text() for path in place.iterdir()} == {"v.json": "mine"}


def write(file: IO[bytes], sheets: Sequence[Sheet]) -> None:
    (sheet,) = sheets
    file.write(b"LINES\n")
    for row in ([column.name for column in sheet.columns], *sheet.rows):
        file.write(json.dumps(list(row), default=float).encode() + b"\n")


def read(file: IO[bytes]) -> Iterator[SheetRows]:
    if file.readline() != b"LINES\n":
        raise DocumentError("does not begin with LINES")
    yield SheetRows("", enumerate(map(json.loads, file), 1))


class Lines:
    @staticmethod
    @hookimpl
    def bakeio_formats() -> Format:
        return Format(name="lines", suffix=".lines", write=write, read=read)


def test_a_format_replaces_only_what_it_can_read_as_a_view(sample: Path, place: Path) -> None:
    core, engine = Bakeio.discover(plugins=[Lines]), connect(sample)
    for kind, make in FOREIGN.items():
        target = place / f"{kind}.lines"
        make(target, sample)
        before = target.read_bytes()
        with (
            begin_read(engine) as db,
            pytest.raises(UsageError, match="is not a view in the format lines"),
        ):
            core.export_view(db, "products", target, format="lines", force=True)
        with begin_read(engine) as db, pytest.raises(UsageError, match="is not a view"):
            core.export_view(db, "products", target, force=True)
        assert target.read_bytes() == before
    own = place / "own.lines"
    for _ in range(2):
        with begin_read(engine) as db:
            assert core.export_view(db, "products", own, format="lines", force=True) == 81
    before = own.read_bytes()
    refused = pytest.raises(UsageError, match="is not a view that bakeio wrote")
    with begin_read(engine) as db, refused:
        core.export_view(db, "products", own, format="json", force=True)
    with begin_read(engine) as db, pytest.raises(UsageError, match="only new files can be written"):
        core.refresh_view(db, own)
    engine.dispose()
    assert own.read_bytes() == before


# -- what an import writes
def bad_and_good(view: Path) -> Path:
    """Make the first record a bad one and the second one an edit."""
    document = json.loads(view.read_text("utf-8"))
    document["records"][0]["package_size"] = "plenty"
    document["records"][1]["notes"] = "a new note"
    view.write_text(json.dumps(document), "utf-8")
    return view


@foreign
@pytest.mark.parametrize("option", ["--skipped-log", "--report"])
def test_an_import_replaces_only_its_own_kind_of_file_and_says_so_before_it_begins(
    run: Run, sample: Path, view: Path, place: Path, kind: str, option: str
) -> None:
    FOREIGN[kind](place / "file", sample)
    before, rows = tree(place), rows_of(sample)
    for words in ([], ["--dry-run"]):
        refused(
            run(
                "-d",
                sample,
                "import-view",
                bad_and_good(view),
                "--skip-on-error",
                option,
                place / "file",
                *words,
            ),
            str(place / "file"),
        )
    assert (tree(place), rows_of(sample)) == (before, rows)


@odd
@pytest.mark.parametrize("option", ["--skipped-log", "--report", "--decisions"])
def test_an_import_writes_regular_files_only(
    run: Run, sample: Path, view: Path, place: Path, kind: str, option: str
) -> None:
    ODD[kind](place / "file")
    before, rows = tree(place), rows_of(sample)
    words = ["--no-input", "--skipped-log", place / "log.json"]
    refused(
        run(
            "-d",
            sample,
            "import-view",
            bad_and_good(view),
            "--skip-on-error",
            *words,
            option,
            place / "file",
        ),
        str(place / "file"),
    )
    assert (tree(place), rows_of(sample)) == (before, rows)


def test_an_earlier_log_and_an_earlier_report_are_replaced(
    run: Run, sample: Path, view: Path, place: Path
) -> None:
    words = [
        "--skip-on-error",
        "--skipped-log",
        place / "log.json",
        "--report",
        place / "page.html",
    ]
    (place / "page.html").touch()
    assert run("-d", sample, "import-view", bad_and_good(view), *words).code == 3
    first = tree(place)
    assert run("-d", sample, "import-view", view, *words).code == 3
    assert tree(place) != first and tree(place).keys() == first.keys()


def test_a_log_somebody_puts_a_file_in_the_place_of_is_no_log_to_take_back(
    core: Bakeio, place: Path
) -> None:
    from bakeio_core.files.output import restored
    from bakeio_core.importing.applying.left_out.log import not_a_log

    with pytest.raises(KeyError), restored(place / "log.json", not_a_log):
        (place / "log.json").write_text("mine")
        raise KeyError
    assert (place / "log.json").read_text() == "mine"


@foreign
def test_a_file_of_other_contents_is_never_merged_with_decisions(
    run: Run, sample: Path, tmp_path: Path, place: Path, kind: str
) -> None:
    receipt = tmp_path / "receipt.json"
    record = {
        "product_slug": "nobody_knows_it",
        "supplier_name": "Costco",
        "purchase_date": "2025-12-20",
    }
    record |= {"unit_price": 1, "quantity_purchased": 1}  # type: ignore[dict-item]
    receipt.write_text(json.dumps({"view_name": "purchases", "records": [record]}), "utf-8")
    FOREIGN[kind](place / "d.json", sample)
    before = tree(place)
    assert run(
        "-d", sample, "import-view", receipt, "--no-input", "--decisions", place / "d.json"
    ).code in (1, 2)
    assert tree(place) == before
    (place / "d.json").unlink()
    for _ in range(2):
        assert (
            run(
                "-d", sample, "import-view", receipt, "--no-input", "--decisions", place / "d.json"
            ).code
            == 1
        )
        assert len(json.loads((place / "d.json").read_text("utf-8"))) == 1


def test_a_refreshed_file_is_written_through_a_link(
    run: Run, sample: Path, view: Path, place: Path
) -> None:
    view.rename(place / "real.json")
    view.symlink_to(place / "real.json")
    edited(view, "edited")
    before = view.read_bytes()
    assert run("-d", sample, "import-view", view, "--refresh").code == 0
    assert (view.is_symlink(), (place / "real.json").read_bytes() != before) == (True, True)


# -- the demo
def test_a_demo_replaces_an_earlier_demo_and_no_work_that_was_put_into_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    for _ in range(2):
        assert run("demo").code == 0
        assert (
            run(
                "-d", "demo/bakery.db", "export-view", "products", "-o", "mine.json", "--force"
            ).code
            == 0
        ), "looking changes nothing"
    assert run("demo").code == 0
    edited(tmp_path / "mine.json", "edited")
    assert run("-d", "demo/bakery.db", "import-view", "mine.json").code == 0
    before = rows_of(tmp_path / "demo" / "bakery.db")
    refused(run("demo"), "bakery.db")
    assert rows_of(tmp_path / "demo" / "bakery.db") == before


@pytest.mark.parametrize(
    "name", ["bakery.db", "backup/notes.txt", "demo.json", "view_products.json", "backup/"]
)
def test_a_demo_keeps_off_files_of_the_names_it_gives(run: Run, tmp_path: Path, name: str) -> None:
    target = tmp_path / "d" / name
    target.parent.mkdir(parents=True)
    target.mkdir() if name.endswith("/") else target.write_text("{}")
    before = tree(tmp_path)
    refused(run("demo", tmp_path / "d"), "choose a new folder")
    assert tree(tmp_path) == before
