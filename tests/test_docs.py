"""The documentation cannot rot: generated pages are fresh, everything has a heading, links lead
somewhere, and what a reader types works.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import importlib_metadata
import pytest
from support.alone import in_company
from support.commands import Ran
from support.files import syntax_of
from support.terminal import on_terminal

import bakeio_core.testing
from bakeio_core import Bakeio, Limits, cli
from bakeio_core.errors import CODES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "plugins").glob("**/*.md"),
        *(p for p in DOCS.glob("**/*.md") if "exports" not in p.relative_to(DOCS).parts),
    ]
)
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
SERVER = "postgresql://baker@localhost/bakery"
NOT_OURS = {"--numprocesses", "--check"}  # options of other programs the documentation names


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(name: str, level: str = "## ") -> list[str]:
    return [
        line.removeprefix(level)
        for line in without_code(read(name)).splitlines()
        if line.startswith(level)
    ]


def sections(name: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", read(name), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


# -- the generated pages
def test_a_stale_page_is_told_and_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_company():
        assert generate.main(["--check"], tmp_path) == 1
        assert "cli.md is stale" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []
        assert generate.main([], tmp_path) == 0
        assert generate.main(["--check"], tmp_path) == 0
        (tmp_path / "hooks.md").write_text("old", "utf-8")
        assert generate.stale(tmp_path) == ["hooks.md"]


def test_generated_pages_are_as_the_code_has_them_whatever_the_terminal() -> None:
    """In a process of its own: other tests of this one put functions in the place of ours."""
    with in_company():
        done = subprocess.run(
            [sys.executable, DOCS / "generate.py", "--check"],
            env={**os.environ, "COLUMNS": "37", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, ""), "run: python docs/generate.py"


# -- everything has its place
def test_every_command_and_every_option_is_in_the_reference() -> None:
    there, commands = sections("docs/reference/cli.md"), generate.commands()
    assert set(there) == {f"bakeio {name}" for name in commands}
    assert {"demo", "init", "export-complete", "import-complete"} <= set(commands)
    for name, command in commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert all(option in there[f"bakeio {name}"] for option in parameter.opts), (
                    name,
                    parameter.name,
                )
        example = there[f"bakeio {name}"].split("Example:")[1]
        assert re.search(rf"^bakeio (--database \S+ )?{name}\b", example, re.MULTILINE), name
    top = read("docs/reference/cli.md").split("\n## ")[0]
    assert all(option in top for parameter in cli.bakeio.params for option in parameter.opts)


@pytest.mark.parametrize("name", sorted(generate.commands()))
def test_every_command_says_what_it_and_each_option_does(name: str) -> None:
    command = generate.commands()[name]
    assert re.match(r"[A-Z].*\.", command.help or "")
    assert [
        p.name
        for p in command.params
        if isinstance(p, click.Option) and not re.match(r"[A-Z].*\.$", p.help or "", re.DOTALL)
    ] == []


def test_every_hook_has_a_heading_with_its_signature() -> None:
    there = sections("docs/reference/hooks.md")
    assert list(there) == list(generate.hooks())
    assert all(f"{name}(" in text for name, text in there.items())


def test_every_public_name_has_a_heading() -> None:
    pages = [f"docs/reference/api/{topic.page}.md" for topic in generate.TOPICS]
    names = [name for page in pages for name in headings(page)]
    assert sorted(names) == sorted([*bakeio_core.__all__, *bakeio_core.testing.__all__])


def test_every_error_code_has_meaning_example_and_remedy() -> None:
    there = sections("docs/reference/errors.md")
    assert list(there) == sorted(CODES)
    for code, text in there.items():
        meaning, example, remedy = text.strip().split("```")
        assert len(meaning) > 30 and len(remedy) > 20, code
        assert re.match(r"text\n.*\S.*\n$", example), code


def test_the_limits_are_those_of_the_code() -> None:
    rows = dict(
        re.findall(
            r"^\| `(\w+)` \| ([\d,]+(?: [MG]iB)?) \|",
            read("docs/reference/limits.md"),
            re.MULTILINE,
        )
    )
    units = {"MiB": 1 << 20, "GiB": 1 << 30}
    told = {
        name: int(text.split()[0].replace(",", "")) * units.get(text.split()[-1], 1)
        for name, text in rows.items()
    }
    assert told == dataclasses.asdict(Limits())


def test_the_page_of_files_names_every_field_a_set_has(sample_set: Path) -> None:
    manifest = json.loads((sample_set / "manifest.json").read_text("utf-8"))
    entity = json.loads((sample_set / "03_products.json").read_text("utf-8"))
    reference = entity["schema"]["foreign_keys"]["ingredient_id"]
    names = [
        *manifest,
        *manifest["files"][0],
        *manifest["export_options"],
        *entity,
        *entity["schema"],
        *reference,
    ]
    told = read("docs/reference/files.md")
    assert [name for name in names if f"`{name}`" not in told] == []


def test_the_page_of_files_names_every_field_of_a_report(
    run: Callable[..., Ran], sample: Path, sample_set: Path
) -> None:
    report = run("-d", sample, "import-complete", sample_set, "--json").json
    told = read("docs/reference/files.md")
    assert [name for name in (*report, *report["summary"]) if f"`{name}`" not in told] == []


# -- links and words
def anchors(page: Path) -> set[str]:
    lines = [
        line for line in without_code(page.read_text("utf-8")).splitlines() if line.startswith("#")
    ]
    return {
        re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in lines
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    linked = {
        (DOCS / target.split("#")[0]).resolve()
        for target in re.findall(r"\]\(([^)\s]+)\)", read("docs/index.md"))
    }
    assert {page for page in PAGES if DOCS in page.parents} - linked - {DOCS / "index.md"} == set()


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) < 150


@pytest.mark.parametrize("name", NAMES)
def test_every_option_and_command_a_page_names_exists(name: str) -> None:
    known, commands = read("docs/reference/cli.md"), generate.commands()
    spans = re.findall(r"`([^`\n]+)`", without_code(read(name)))
    options = {
        option for span in spans for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", span)
    } - NOT_OURS
    assert sorted(option for option in options if not re.search(rf"{option}\b", known)) == []
    named = {
        match[1]
        for span in spans
        if (match := re.match(r"bakeio ([a-z]+(?:-[a-z]+)*)\b(?!\.)", span))
    }
    assert named - set(commands) == set()


# -- what a reader types
@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the comment before it, its text and where it stands.

    The comment is `tour` of lines that are typed, `asked: s, 1` of a line that is typed on a
    terminal with these answers, in a copy of the folder, `printed` of what the lines before it
    print, `file: NAME` of a file, or `skip`.
    """

    language: str
    mark: str
    text: str
    line: int


def blocks(name: str) -> Iterator[Block]:
    text = read(name)
    for found in re.finditer(
        r"(?:^<!-- ([^\n]*?) -->\n)?^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE
    ):
        yield Block(found[2], found[1] or "", found[3], text[: found.start(3)].count("\n") + 1)


def typed(block: Block) -> list[str]:
    """The commands of a block of shell, one a line."""
    return [
        line
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]


BAKEIO_LINES = [
    pytest.param(line, id=f"{name}:{block.line}:{line[:40]}")
    for name in NAMES
    for block in blocks(name)
    if block.language in ("sh", "console")
    for line in typed(block)
    if re.match(r"(\.venv/bin/)?bakeio ", line)
]


@pytest.mark.parametrize("line", BAKEIO_LINES)
def test_every_command_line_in_the_documentation_makes_sense(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    with cli.bakeio.make_context("bakeio", list(words)) as context:
        place = next((n for n, word in enumerate(words) if word in generate.commands()), None)
        assert place is not None, f"no command of bakeio in: {line}"
        command = cli.bakeio.get_command(context, words[place])
        assert command is not None
        try:
            command.make_context(words[place], words[place + 1 :], parent=context)
        except click.ClickException as error:
            pytest.fail(f"{line}: {error.format_message()}")


RUN = [
    name
    for name in NAMES
    if any(
        b.mark == "tour" or b.mark.startswith("file:") or b.language == "python"
        for b in blocks(name)
    )
]


@pytest.mark.parametrize("name", RUN)
def test_what_a_page_tells_to_type_works(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    sample_database: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """All blocks of a page in their order, in one new folder with a sample bakery (unless the page
    makes its own).
    """
    page = list(blocks(name))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("BAKEIO_DATABASE", raising=False)
    installed = re.findall(r"pip install (bakeio-[a-z-]+)", "\n".join(b.text for b in page))
    only_bundled_plugins(monkeypatch, tmp_path, installed)
    if not any(b.mark == "tour" and "bakeio init" in b.text for b in page):
        Path("bakeio.db").write_bytes(sample_database.read_bytes())
    server = (
        request.getfixturevalue("new_postgresql")()
        if any(b.mark == "tour" and SERVER in b.text for b in page)
        else SERVER
    )
    if "ImportViewDialog" in "".join(block.text for block in page):
        request.getfixturevalue("display")
    scope: dict[str, Any] = {"__name__": "__page__"}
    printed: set[str] = set()
    for block in page:
        if block.mark == "tour":
            for line in typed(block):
                type_line(line.replace(SERVER, server), tmp_path)
            printed |= said("".join(capfd.readouterr()))
        elif block.mark.startswith("asked: "):
            printed |= said(on_terminal_beside(block, tmp_path))
        elif block.mark == "printed":
            assert said(block.text) - printed == set()
        elif block.mark.startswith("file: "):
            write_file(block, block.mark.removeprefix("file: "), monkeypatch)
        elif block.language == "python":
            code = compile(block.text, f"{name}:{block.line}", "exec", dont_inherit=True)
            if block.mark != "skip":
                exec(code, scope)


def only_bundled_plugins(
    monkeypatch: pytest.MonkeyPatch, folder: Path, installed: Sequence[str]
) -> None:
    """Hide what else is installed here; what the page itself installs stays."""
    if "bakeio-recipes" in installed:  # which the other tests do not see
        monkeypatch.setattr(sys, "path", [p for p in sys.path if Path(p).name != "bakery_alone"])
    all_entry_points = importlib_metadata.entry_points

    def entry_points(**selected: Any) -> Any:
        kept = []
        for entry in all_entry_points(**selected):
            home = (
                Path(str(entry.dist.locate_file(""))).resolve()
                if entry.dist is not None
                else Path()
            )
            names = ("bakeio", *installed)
            if entry.dist is not None and (entry.dist.name in names or home == folder.resolve()):
                kept.append(entry)
        return importlib_metadata.EntryPoints(kept)

    monkeypatch.setattr(importlib_metadata, "entry_points", entry_points)


def write_file(block: Block, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a file the page shows; a module with hooks must be a good plugin as it stands."""
    Path(name).write_text(block.text, "utf-8", newline="\n")
    if name.endswith(".py"):
        compile(block.text, name, "exec", dont_inherit=True)
        monkeypatch.delitem(sys.modules, Path(name).stem, raising=False)
        importlib.invalidate_caches()
        module = importlib.import_module(Path(name).stem)
        monkeypatch.setitem(sys.modules, Path(name).stem, module)
        installed = {entry.value for entry in importlib_metadata.entry_points(group="bakeio")}
        has_hooks = any(
            callable(vars(module)[name]) for name in vars(module) if name[:7] == "bakeio_"
        )
        handed_in = [module] if has_hooks and module.__name__ not in installed else []
        assert Bakeio.discover(plugins=handed_in).broken() == []


def said(text: str) -> set[str]:
    """The lines of a text, with every time as the same."""
    times = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z")
    return {times.sub("TIME", line).rstrip() for line in text.splitlines()}


def on_terminal_beside(block: Block, folder: Path) -> str:
    """Type the line of a block on a terminal in a copy of the folder; return what it prints."""
    beside = folder.with_name(f"{folder.name}_asked")
    shutil.copytree(folder, beside)
    answers = block.mark.removeprefix("asked: ").split(", ")
    return on_terminal(shlex.split(block.text)[1:], answers, beside).out


def type_line(line: str, folder: Path) -> None:
    """Run one line as a reader would, and look at its exit code: 0, or what a comment after it
    says.
    """
    words = shlex.split(line, comments=True)
    wanted = int(match[1]) if (match := re.search(r"# exit code (\d+)$", line)) else 0
    if words[0] == "bakeio":
        with pytest.raises(SystemExit) as left:
            cli.main(words[1:])
        assert int(left.value.code or 0) == wanted, line
    elif words == ["python", "-m", "pip", "install", "-e", "."]:
        install_here(folder)
    else:
        command = [sys.executable, *words[1:]] if words[0] == "python" else words
        assert subprocess.run(command, stdin=subprocess.DEVNULL).returncode == wanted, line


def install_here(folder: Path) -> None:
    """Do what an editable install does, without a network: leave the metadata of `pyproject.toml`
    beside the module.
    """
    text = (folder / "pyproject.toml").read_text("utf-8")
    name, version = (
        re.search(rf'^{key} = "(.+)"$', text, re.MULTILINE) for key in ("name", "version")
    )
    points = re.search(
        r"^\[project\.entry-points\.bakeio\]\n((?:\w+ = \".+\"\n)+)", text, re.MULTILINE
    )
    assert name and version and points
    info = folder / f"{name[1].replace('-', '_')}-{version[1]}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name[1]}\nVersion: {version[1]}\n", "utf-8"
    )
    (info / "entry_points.txt").write_text("[bakeio]\n" + points[1].replace('"', ""), "utf-8")
    importlib.invalidate_caches()


def test_the_readme_has_a_tour_that_is_run() -> None:
    tours = [block for block in blocks("README.md") if block.mark == "tour"]
    assert {
        "init",
        "export-complete",
        "validate-export",
        "import-complete",
        "export-view",
        "import-view",
    } <= {word for block in tours for line in typed(block) for word in shlex.split(line)}


def test_the_package_of_the_tutorial_is_the_one_in_the_repository() -> None:
    """The files a reader writes in the tutorial are those of plugins/bakeio-view-reorder, word for
    word.
    """
    shown = {
        b.mark.removeprefix("file: "): b.text
        for b in blocks("docs/tutorial/first-view-plugin.md")
        if b.mark.startswith("file: ")
    }
    folder = ROOT / "plugins" / "bakeio-view-reorder"
    assert folder.is_dir(), (
        "plugins/bakeio-view-reorder is missing: make it of the blocks of "
        "docs/tutorial/first-view-plugin.md"
    )
    assert {name: (folder / name).read_text("utf-8") for name in shown} == shown


# -- the map of the code
MAP = "docs/explanation/architecture.md"
CORE = ROOT / "bakeio_core"
ROOMS = {p.stem for p in CORE.iterdir() if p.name[0] not in "_." and p.suffix in ("", ".py")}
ROOMS -= {"version"}  # a number, which needs no place in the picture


def is_place(span: str) -> bool:
    """Tell whether the map means a file, a folder or a room by it."""
    return span in ROOMS or bool(re.fullmatch(r"[\w/-]+(/|\.py)", span))


def files_of(place: str) -> list[Path]:
    """The modules at a place of the core or of the repository; none where there is no such place.

    A room may be a file today and a folder tomorrow.
    """
    for base in (CORE, ROOT):
        path = base / place
        if path.is_dir():
            return sorted(path.rglob("*.py"))
        file = path if path.suffix else path.with_suffix(".py")
        if file.is_file():
            return [file]
    return []


def defined(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    """The functions, classes, methods and values that are made in a module or a class."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield owner + node.name
        if isinstance(node, ast.ClassDef):
            yield from defined(node.body, f"{owner}{node.name}.")
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (owner + target.id for target in targets if isinstance(target, ast.Name))


def named_at(line: str) -> list[tuple[str, str]]:
    """What a line of the map names: (place, "") and (place, name) of each name right behind it."""
    found, place, end = list[tuple[str, str]](), "", 0
    for span in re.finditer(r"`([^`]+)`", line):
        if is_place(span[1]):
            place = span[1]
            found.append((place, ""))
        elif place and line[end : span.start()] in (" ", ", ", " and "):
            found.append((place, span[1]))
        else:
            place = ""
        end = span.end()
    return found


def map_lines() -> list[str]:
    return without_code(read(MAP)).splitlines()


def test_every_place_the_map_names_is_there() -> None:
    places = {place for line in map_lines() for place, _ in named_at(line)}
    assert len(places) > 50
    assert sorted(place for place in places if not files_of(place)) == []


def test_everything_the_map_names_is_in_the_file_it_names() -> None:
    named = {(place, name) for line in map_lines() for place, name in named_at(line) if name}
    known = {
        place: {name for file in files_of(place) for name in defined(syntax_of(file).body)}
        for place, _ in named
    }
    assert len(named) > 100
    assert sorted(pair for pair in named if pair[1] not in known[pair[0]]) == []


def test_every_step_and_every_answer_of_the_map_names_a_file_and_what_is_in_it() -> None:
    steps = [line for line in map_lines() if re.match(r"\d+\. ", line)]
    answers = [line for line in map_lines() if re.match(r"\| (Where|a|an) |\| \w+ \| .*\?", line)]
    assert len(steps) > 15 and len(answers) > 40
    assert [line for line in steps + answers if not any(name for _, name in named_at(line))] == []


def test_the_picture_of_the_map_has_every_room() -> None:
    picture = next(block.text for block in blocks(MAP) if block.language == "text")
    shown = re.findall(r"^(\w+)  ", picture, re.MULTILINE)
    assert sorted(shown) == sorted(ROOMS)
