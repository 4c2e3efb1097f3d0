"""What holds the code together: one-way imports, no word of the bakery in the core, public names
that explain themselves.
"""

from __future__ import annotations

import ast
import graphlib
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_origin

import pytest
import sqlalchemy
from support.files import syntax_of

import bakeio_core
from bakeio_core import Bakeio
from bakeio_core.catalog import hookspecs

CORE = Path(bakeio_core.__file__).parent
FILES = {
    ".".join(path.relative_to(CORE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(CORE.rglob("*.py"))
}
MODULES = sorted(FILES)
WORDS = Path(__file__).parent / "data" / "domain_words.txt"

ROOMS = [  # a room knows only itself and the rooms before it
    *["version", "errors", "values", "catalog", "database", "files", "history"],
    *["resolving", "importing", "exporting", "host", "testing", "cli", "__main__"],
]
STAGES = [
    "options",
    "reading",
    "new_ids",
    "state",
    "linking",
    "bulk",
    "matching",
    "planning",
    "applying",
    "run",
]
"""Of an import, in the order of its story."""
MOST_THINGS = 10
MOST_ROOMS = 12
"""Of the core itself: the rooms of the map, with the errors they share."""
MOST_LINES = 400
MOST_LINES_OF_A_CLASS = 300
NAMES_DIALECTS = {
    *["bakeio_core.database", "bakeio_core.catalog.entities.columns"],
    "bakeio_core.testing.databases",  # it makes a database of each system to try plugins on
}
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
    return syntax_of(FILES[module])


def room(module: str) -> str:
    """The folder, or the file beside the folders, a module stands in."""
    return module.split(".")[1] if "." in module else "the front"


def imported(module: str) -> set[str]:
    """The modules of the core a module imports, inside a function or for the type checker too."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in FILES}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: imports are absolute here"
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else str(node.module) for name in named} & FILES.keys()
    return found - {module, "bakeio_core"}


def without_front() -> list[str]:
    return [module for module in MODULES if "." in module]


def in_room(name: str) -> list[str]:
    return [module for module in MODULES if room(module) == name]


def too_long(path: Path) -> list[str]:
    """The file, and its classes, where they have more lines than one can see over."""
    lines = len(path.read_text("utf-8").splitlines())
    classes = [node for node in ast.walk(syntax_of(path)) if isinstance(node, ast.ClassDef)]
    long = {c.name: c.end_lineno - c.lineno + 1 for c in classes if c.end_lineno}
    found = [f"{path.name}: {lines} lines"] if lines > MOST_LINES else []
    return found + [
        f"{path.name}, class {name}: {lines} lines"
        for name, lines in long.items()
        if lines > MOST_LINES_OF_A_CLASS
    ]


# -- arrows
def test_every_module_stands_in_a_room() -> None:
    assert {room(module) for module in without_front()} == set(ROOMS)


def test_arrows_between_rooms_run_one_way() -> None:
    upward = []
    for module in without_front():
        below = ROOMS[: ROOMS.index(room(module)) + 1]
        upward += [(module, other) for other in imported(module) if room(other) not in below]
    assert upward == []


def test_the_stages_of_an_import_know_only_those_before_them() -> None:
    upward = []
    for module in MODULES:
        parts = module.split(".")
        if parts[1:2] == ["importing"] and len(parts) > 2:
            below = STAGES[: STAGES.index(parts[2]) + 1]
            others = (other for other in imported(module) if room(other) == "importing")
            upward += [(module, other) for other in others if other.split(".")[2] not in below]
    assert upward == []


def test_nothing_imports_itself_by_any_way_round() -> None:
    """Imports for the type checker count: who reads the code goes round in the circle as well."""
    graph = {module: imported(module) for module in without_front()}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("room", ROOMS)
def test_the_folders_of_a_room_do_not_know_each_other_round_about(room: str) -> None:
    graph: dict[str, set[str]] = {}
    for module in without_front():
        parts = module.split(".")
        if parts[1] == room and len(parts) > 2:
            inner = {other.split(".")[2] for other in imported(module) if f".{room}." in other}
            graph.setdefault(parts[2], set()).update(inner - {parts[2]})
    graphlib.TopologicalSorter(graph).prepare()


def test_the_core_imports_no_plugin() -> None:
    found = []
    for module in MODULES:
        nodes = list(ast.walk(tree(module)))
        names = [a.name for n in nodes if isinstance(n, ast.Import) for a in n.names]
        names += [n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)]
        strangers = [name for name in names if name.startswith("bakeio_")]
        found += [(module, n) for n in strangers if n.split(".")[0] != "bakeio_core"]
    assert found == []


@pytest.mark.parametrize("room", [name for name in ROOMS if name not in ("cli", "__main__")])
def test_only_the_command_line_prints_asks_or_exits(room: str) -> None:
    ends = r"(print|input|exit|quit|sys\.exit)$|(click|sys\.(stdout|stderr|stdin))\."
    found = []
    for module in in_room(room):
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Call):
                speaks = re.match(ends, ast.unparse(node.func))
            elif isinstance(node, ast.Raise) and node.exc is not None:
                speaks = re.match("SystemExit", ast.unparse(node.exc))
            else:
                continue
            found += [f"{module}, line {node.lineno}"] if speaks else []
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_only_the_room_of_databases_names_one(room: str) -> None:
    holds: dict[type, str] = {ast.Constant: "value", ast.Name: "id", ast.Attribute: "attr"}
    found = []
    for module in in_room(room):
        if module.startswith(tuple(NAMES_DIALECTS)):
            continue
        parts = list(ast.walk(tree(module)))
        told = {id(part) for node in parts for part in said_to_people(node)}
        nodes = [node for node in parts if type(node) in holds and id(node) not in told]
        values = [getattr(node, holds[type(node)]) for node in nodes]
        texts = [value for value in values if isinstance(value, str)]
        found += [(module, v) for v in texts if re.search("sqlite|postgres", v, re.IGNORECASE)]
    assert found == []


def said_to_people(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings and the help texts of options."""
    documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
    if documented and node.body and isinstance(node.body[0], ast.Expr):
        yield node.body[0].value
    if isinstance(node, ast.keyword) and node.arg == "help":
        yield from ast.walk(node.value)


def test_columns_names_a_database_only_where_it_compiles_for_it() -> None:
    module = tree("bakeio_core.catalog.entities.columns")
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    allowed = {id(part) for f in functions for d in f.decorator_list for part in ast.walk(d)}
    constants = [node for node in ast.walk(module) if isinstance(node, ast.Constant)]
    found = [node for node in constants if re.search("sqlite|postgres", str(node.value), re.I)]
    assert found
    assert all(id(node) in allowed for node in found)


# -- rooms one can see over
def test_a_folder_holds_few_things() -> None:
    folders: dict[str, set[str]] = {}
    for path in CORE.rglob("*"):
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists()):
            folders.setdefault(str(path.parent), set()).add(path.stem)
    quiet = {"__init__", "__main__", "version"}
    counts = {folder: len(things - quiet) for folder, things in folders.items()}
    assert counts.pop(str(CORE)) <= MOST_ROOMS
    assert {folder: count for folder, count in counts.items() if count > MOST_THINGS} == {}


def test_a_file_says_one_thing() -> None:
    assert [line for module in MODULES for line in too_long(FILES[module])] == []


@pytest.mark.parametrize("room", ["the front", *ROOMS])
def test_no_check_is_an_assertion_and_no_source_is_made_at_run_time(room: str) -> None:
    found = []
    for module in in_room(room):
        nodes = list(ast.walk(tree(module)))
        found += [(module, n.lineno) for n in nodes if isinstance(n, ast.Assert)]
        calls = [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
        made = [n for n in calls if getattr(n.func, "id", "") in ("exec", "eval")]
        found += [(module, n.lineno) for n in made]
    assert found == []


# -- words
def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text).lower())


def domain_words() -> set[str]:
    lines = WORDS.read_text("utf-8").splitlines()
    return {word for line in lines if not line.startswith("#") for word in line.split()}


@pytest.mark.parametrize("room", ["the front", *ROOMS])
def test_the_core_contains_no_word_of_the_bakery(room: str) -> None:
    """Names, texts, docstrings and comments alike."""
    domain = domain_words()
    assert [
        (module, number, word)
        for module in in_room(room)
        for number, line in enumerate(FILES[module].read_text("utf-8").splitlines(), 1)
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
        bakeio_core.Bakery


def test_no_public_name_takes_one_of_sqlalchemy_away() -> None:
    """Whoever hands tables in imports names of both; `*` of both must leave either whole."""
    assert set(dir(sqlalchemy)) & {*bakeio_core.__all__} == set()


def test_every_public_name_imports_and_says_what_it_is() -> None:
    for name in bakeio_core.__all__:
        value = getattr(bakeio_core, name)
        home = importlib.import_module(bakeio_core._HOME_OF[name])
        assert value is getattr(home, name), name
        is_alias = get_origin(value) is not None  # one is a class to Python 3.10
        if (inspect.isclass(value) and not is_alias) or inspect.isfunction(value):
            first = (value.__doc__ or "").split("\n")[0]
            assert re.fullmatch(r"[A-Z].*\.", first), f"{name}: {first}"


SHAPELESS = {"typed_value", "new_row", "confirm", "schema", "template_schema"}
"""What gives values of fields, or a JSON Schema: their types are not ours to say."""


def test_what_a_program_gets_back_has_a_type() -> None:
    returned = {
        name: str(inspect.signature(value).return_annotation)
        for name, value in inspect.getmembers(Bakeio, inspect.isfunction)
        if not name.startswith("_") and name not in SHAPELESS
    }
    assert {name: told for name, told in returned.items() if re.search(r"\bAny\b", told)} == {}
    fields = {**inspect.get_annotations(bakeio_core.Report), **vars(bakeio_core.ImportRefused)}
    assert (fields["resolved"], fields["mode"]) == ("list[Resolved]", "RunMode")


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
    light = ("bakeio_bakery", "bakeio_bakery.demo")  # the help line of bakeio's own command
    found = [name for name in loaded if name.split(".")[0] in heavy and name not in light]
    assert found == []


# -- packages of their own in this repository
PACKAGES = sorted((CORE.parent / "plugins").glob("bakeio-*/bakeio_*/"))
OF_PACKAGES = [path for package in PACKAGES for path in sorted(package.rglob("*.py"))]


@pytest.mark.parametrize(
    "path", OF_PACKAGES, ids=lambda path: path.relative_to(CORE.parent / "plugins").as_posix()
)
def test_a_package_uses_public_names_alone_and_says_one_thing_in_a_file(path: Path) -> None:
    parsed = syntax_of(path)
    imports = [node for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom)]
    of_core = [node for node in imports if (node.module or "").startswith("bakeio_core")]
    assert {node.module for node in of_core} <= {"bakeio_core"}
    assert {alias.name for node in of_core for alias in node.names} <= {*bakeio_core.__all__}
    assert too_long(path) == []
    assert [node.lineno for node in ast.walk(parsed) if isinstance(node, ast.Assert)] == []
