"""What holds the code together: one-way imports, no word of the bakery in the core, public names
that explain themselves.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bakeio_core
from bakeio_core import Bakeio, hookspecs

CORE = Path(bakeio_core.__file__).parent
MODULES = sorted(path.stem for path in CORE.glob("*.py"))
TESTS = Path(__file__).resolve().parent
WORDS = TESTS / "data" / "domain_words.txt"

ORDER = [  # a module imports only from modules before it
    *["errors", "version", "values", "columns", "revision", "model", "hookspecs", "plugins",
      "catalog"],
    *["dialects", "database", "ledger", "documents", "output", "sets"],
    *["export", "projection", "sources", "words", "candidates", "resolve", "dialogue", "linking"],
    *["changes", "reading", "records", "plan", "sieve", "merge", "loading", "journal", "apply",
      "undo"],
    *["skipped", "opening", "writing"],
    *["report", "difference", "page", "schema", "samples", "host", "testing", "session",
      "importing", "cli", "__init__", "__main__"],
]  # fmt: skip
COMMAND_LINE = {"session", "importing", "cli"}
NAMES_DIALECTS = {"dialects", "database", "columns"}
GENERAL = {  # see the head of domain_words.txt
    *[
        "item",
        "items",
        "name",
        "slug",
        "note",
        "notes",
        "id",
        "uuid",
        "date",
        "code",
        "created",
        "updated",
        "addition",
        "at",
    ],
    *["state", "location", "display", "size", "unit", "package", "zip", "hidden", "is"],
}


def tree(module: str) -> ast.Module:
    return ast.parse((CORE / f"{module}.py").read_text("utf-8"))


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, but for what stands under `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            for other in child.orelse:
                yield other
                yield from executed(other)
            continue
        yield child
        yield from executed(child)


def imported(module: str) -> set[str]:
    """The modules of the core a module imports, at its top or inside a function."""
    found = set()
    for node in executed(tree(module)):
        if isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1]
                for alias in node.names
                if alias.name.startswith("bakeio_core.")
            }
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: imports are absolute here"
            package, _, name = (node.module or "").partition(".")
            if package == "bakeio_core":
                found |= (
                    {name.split(".")[0]}
                    if name
                    else {a.name if a.name in MODULES else "__init__" for a in node.names}
                )
    return found


# -- arrows
def test_every_module_has_its_place_in_the_order() -> None:
    assert set(MODULES) - set(ORDER) == set()
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module: str) -> None:
    earlier = ORDER[: ORDER.index(module)]
    assert imported(module) - set(earlier) == set()


@pytest.mark.parametrize("module", MODULES)
def test_the_core_imports_no_plugin(module: str) -> None:
    names = [a.name for n in ast.walk(tree(module)) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in ast.walk(tree(module)) if isinstance(n, ast.ImportFrom)]
    assert not [
        name for name in names if name.startswith("bakeio_") and name.split(".")[0] != "bakeio_core"
    ]


@pytest.mark.parametrize("module", [name for name in MODULES if name not in COMMAND_LINE])
def test_only_the_command_line_prints_asks_or_exits(module: str) -> None:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "input", "exit", "quit", "sys.exit"), (
                f"{module}, line {node.lineno}"
            )
            assert not re.match(r"(click|sys\.(stdout|stderr|stdin))\.", called), (
                f"{module}, line {node.lineno}"
            )
        elif isinstance(node, ast.Raise) and node.exc is not None:
            assert not ast.unparse(node.exc).startswith("SystemExit"), (
                f"{module}, line {node.lineno}"
            )


@pytest.mark.parametrize("module", [name for name in MODULES if name not in NAMES_DIALECTS])
def test_only_the_modules_of_databases_name_one(module: str) -> None:
    parsed = tree(module)
    told = {id(part) for node in ast.walk(parsed) for part in said_to_people(node)}
    holds: dict[type, str] = {ast.Constant: "value", ast.Name: "id", ast.Attribute: "attr"}
    values = [
        getattr(node, holds[type(node)])
        for node in ast.walk(parsed)
        if type(node) in holds and id(node) not in told
    ]
    assert [
        value
        for value in values
        if isinstance(value, str) and re.search("sqlite|postgres", value, re.I)
    ] == []


def said_to_people(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings and the help texts of options."""
    if (
        isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    ):
        yield node.body[0].value
    if isinstance(node, ast.keyword) and node.arg == "help":
        yield from ast.walk(node.value)


def test_columns_names_a_database_only_where_it_compiles_for_it() -> None:
    module = tree("columns")
    allowed = {
        id(part)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef)
        for d in node.decorator_list
        for part in ast.walk(d)
    }
    found = [
        n
        for n in ast.walk(module)
        if isinstance(n, ast.Constant) and re.search("sqlite|postgres", str(n.value), re.I)
    ]
    assert found and all(id(node) in allowed for node in found)


# -- tests
TEST_FILES = [
    path.relative_to(TESTS).as_posix()
    for path in sorted([*TESTS.glob("*.py"), *TESTS.glob("support/*.py")])
]


def imports_of(path: Path) -> set[str]:
    """The modules a file imports, at its top or elsewhere; a relative one begins with its dots."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return {name.removeprefix("tests.") for name in names}


@pytest.mark.parametrize("name", TEST_FILES)
def test_nothing_in_tests_imports_a_test_module(name: str) -> None:
    """What several use is in `support`, and fixtures come from `conftest` without an import."""
    first_names = {module.split(".")[0] for module in imports_of(TESTS / name)}
    assert "" not in first_names, "imports are absolute here"
    assert [module for module in sorted(first_names) if module.startswith("test_")] == []
    assert "conftest" not in first_names
    if name.startswith("support/"):
        assert first_names & {path.stem for path in TESTS.glob("*.py")} == set(), (
            "what is shared needs no command"
        )


# -- words
def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text).lower())


def domain_words() -> set[str]:
    lines = WORDS.read_text("utf-8").splitlines()
    return {word for line in lines if not line.startswith("#") for word in line.split()}


@pytest.mark.parametrize("module", MODULES)
def test_the_core_contains_no_word_of_the_bakery(module: str) -> None:
    """Names, texts, docstrings and comments alike."""
    domain = domain_words()
    lines = (CORE / f"{module}.py").read_text("utf-8").splitlines()
    assert [
        (number, word)
        for number, line in enumerate(lines, 1)
        for word in words_of(line)
        if word in domain
    ] == []


def test_the_words_cover_every_installed_entity_view_and_column(core: Bakeio) -> None:
    names = {*core.catalog.entities, *core.catalog.views}
    names |= {column for entity in core.catalog.entities.values() for column in entity.columns}
    names |= {
        field
        for entity in core.catalog.entities.values()
        for ref in entity.references.values()
        for field in ref.lookups
    }
    domain, words = domain_words(), {word for name in names for word in words_of(name)}
    assert len(names) > 30
    assert words - GENERAL - domain == set()
    assert domain & GENERAL == set()
    for word in words & domain:
        plural = {f"{word}s", f"{word[:-1]}ies", word} if not word.endswith(("ed", "s")) else {word}
        assert domain & (plural - {word}) or word.endswith(("ed", "s")), (
            f"the plural of {word} is not in the list"
        )


# -- public names
def test_what_is_public_is_what_the_package_exposes() -> None:
    assert dir(bakeio_core) == sorted(bakeio_core.__all__)
    assert len(bakeio_core.__all__) == len(set(bakeio_core.__all__))
    assert set(bakeio_core._HOME_OF) == set(bakeio_core.__all__)
    with pytest.raises(AttributeError, match="Bakery"):
        bakeio_core.Bakery  # noqa: B018


@pytest.mark.parametrize("name", bakeio_core.__all__)
def test_every_public_name_imports_and_says_what_it_is(name: str) -> None:
    value = getattr(bakeio_core, name)
    assert value is getattr(importlib.import_module(bakeio_core._HOME_OF[name]), name)
    if inspect.isclass(value) or inspect.isfunction(value):
        first = (value.__doc__ or "").split("\n")[0]
        assert re.fullmatch(r"[A-Z].*\.", first), first


@pytest.mark.parametrize("name", [name for name in vars(hookspecs) if name.startswith("bakeio_")])
def test_every_hook_says_what_it_does_with_an_example(name: str) -> None:
    first, _, rest = (getattr(hookspecs, name).__doc__ or "").partition("\n")
    assert re.fullmatch(r"[A-Z].*\.", first.rstrip()), first
    assert ">>> @hookimpl" in rest and f"def {name}(" in rest


# -- cheap to start
@pytest.mark.parametrize(
    "code",
    [
        "import bakeio_core",
        "from bakeio_core import VERSION",
        "from bakeio_core import __all__, cli",
        "from bakeio_core.cli import main; main(['--help'])",
        "from bakeio_core.cli import main; main(['--version'])",
        "from bakeio_core.cli import main; main(['import-complete', '--help'])",
    ],
)
def test_what_needs_no_database_loads_no_heavy_module_and_no_plugin(code: str) -> None:
    heavy = ("sqlalchemy", "msgspec", "bakeio_bakery", "psycopg", "sqlite3")
    script = (
        "import atexit, json, sys\natexit.register(lambda: "
        f"print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n{code}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stderr.splitlines()[-1])
    assert [name for name in loaded if name.split(".")[0] in heavy] == []
