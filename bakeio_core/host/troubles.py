"""What is wrong with each plugin: where that stands in its code, and the line to write there."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bakeio_core
from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.loading import BY_NAME, Plugin
from bakeio_core.database.view_query import kind_of_source
from bakeio_core.errors import describe, meant
from bakeio_core.host.installed import Installed

GROUPS = (packages.PLUGINS, packages.OPTIONAL, packages.COMMANDS, packages.PACKAGES)
_CORE = Path(__file__).parents[1]
_MEANT = re.compile(r"did you mean ([\w.]+)\?")
_WRONG = re.compile(r"([\w.]+)\"?,? (?:which )?is not a (?:column|foreign key|key|hook)")
_WRITE = re.compile(
    r": write (keys=.+|plugin = \w+\(\)|lookups=.+|\{\".+)$|: write (plugin = \w+\(\))"
)
_ARGUMENT = re.compile(r" is an? \w+, not ")
_CALLED = re.compile(r"bakeio_\w+")
_WORD = re.compile(r"[A-Za-z_][\w.]*")
REMEDIES = (
    (re.compile(r"is not marked with @hookimpl"), "", "@hookimpl"),
    (re.compile(r"returned nothing"), "", "return ..."),
    (re.compile(r"has no type"), "", 'Column("...", String(200))'),
    (re.compile(r"has no primary key"), "", "*identity_columns(),"),
    (re.compile(r"let one column be null"), "", "nullable=True"),
    (re.compile(r"([\w.]+) is editable, but"), "editable(", "readonly("),
    (re.compile(r"([\w.]+) is not a column of \S+, and a key"), "key(", "readonly("),
    (re.compile(r"is async, and"), "async def", "def"),
)
"""What to write where no name is nearly another one: (trouble, in place of, what).

What a trouble names is the text that stands behind what is replaced.
"""


@dataclass(frozen=True)
class Trouble:
    """One thing wrong with a plugin.

    Attributes:
        owner: Whose it is, with distribution and version.
        what: What is wrong, and what to do about it.
        file, line: Where it stands; empty and 0 where that is not known.
        write: The line to write there; empty where only `what` can tell.
    """

    owner: str
    what: str
    file: str = ""
    line: int = 0
    write: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as `--json` shows it."""
        return asdict(self)


def troubles(installed: Installed) -> list[Trouble]:
    """Return what is wrong with all that is installed, nothing where all is well."""
    for late in ("bakeio_formats", "bakeio_sample"):
        list(installed.plugins.call_each(late))  # one that raises is failed
    return [
        *_failed(installed),
        *_disabled(installed),
        *_expressions(installed),
        *_nullable_lookups(installed),
        *_samples(installed),
        *_formats(installed),
        *_commands(),
        *_groups(),
    ]


def _failed(installed: Installed) -> Iterator[Trouble]:
    for plugin in installed.plugins.all.values():
        if plugin.status == "failed":
            yield _placed(plugin, plugin.reason)


def _disabled(installed: Installed) -> Iterator[Trouble]:
    catalog = installed.catalog
    for kind, disabled, owners, known in (
        ("entity", catalog.disabled, catalog.provider, catalog.following | _all(catalog.excused)),
        (
            "view",
            catalog.disabled_views,
            catalog.view_provider,
            catalog.following_views | _all(catalog.excused_views),
        ),
    ):
        for name, why in disabled.items():
            if name not in known:
                owner = owners.get(name) or _declaring(installed, kind, name, why)
                yield _placed(owner, f"the {kind} {name} is disabled: {why}", name)


def _expressions(installed: Installed) -> Iterator[Trouble]:
    """Yield what is wrong with functions of views: they are called only for an export."""
    catalog = installed.catalog
    for view in catalog.views.values():
        entity, owner = catalog.entities[view.entity], catalog.view_provider.get(view.name)
        for name, item in view.fields.items():
            source = item.source
            if isinstance(source, str) or item.role == "list":
                continue
            where = f'view "{view.name}", field "{name}"'
            try:
                kind_of_source(catalog, entity, source)
            except Exception as error:  # a stranger's function
                function = getattr(source, "compute", source)
                file, line = _raised_in(error, function)
                said, write = describe(error), ""
                if not line and isinstance(error, TypeError):  # it was not even entered
                    said = f"its function takes one argument and no other: {error}"
                elif not line:
                    said = "its function returns no SQL expression, but something else or nothing"
                    write = "return ..."
                if not line:
                    file, line = _of_function(function)
                yield Trouble(str(owner or "bakeio"), f"{where}: {said}", file, line, write)


def _raised_in(error: BaseException, function: Any) -> tuple[str, int]:
    """Return where in a function something was raised, ("", 0) where it was not in there."""
    code, trace = getattr(function, "__code__", None), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return "", 0


def _nullable_lookups(installed: Installed) -> Iterator[Trouble]:
    """Yield references whose rows cannot always be named."""
    catalog = installed.catalog
    for entity in catalog.entities.values():
        for reference in entity.references.values():
            target, names = catalog.entities[reference.target], reference.lookups.values()
            if not names or not all(target.nullable(column) for column in names):
                continue
            column = next(iter(names))
            full = [key[0] for key in target.all_keys if len(key) == 1 and key != ("uuid",)]
            better = next((c for c in full if not target.nullable(c)), "")
            what = (
                f'entity "{entity.name}": lookups of {reference.column} name "{column}", which may '
                f"be empty: a row of {target.name} without it cannot be named. Name a column that "
                "every row has" + (f"; did you mean {better}?" if better else "")
            )
            owner = catalog.provider.get(entity.name)
            file, line = _named(owner, what, entity.name)
            there = linecache.getline(file, line).strip() if file else ""
            write = there.replace(f'"{column}"', f'"{better}"', 1) if better else ""
            yield Trouble(str(owner or "bakeio"), what, file, line, write)


def _samples(installed: Installed) -> Iterator[Trouble]:
    """Yield samples that nobody could import."""
    entities = installed.catalog.entities
    for plugin, results in installed.plugins.call_each("bakeio_sample"):
        for result in results:
            if isinstance(result, Mapping) and all(map(_is_records, result.values())):
                unknown = [name for name in result if name not in entities]
                for name in unknown:
                    near = meant(str(name), entities)
                    if near:  # another package may bring what is called otherwise
                        what = f'bakeio_sample has rows of "{name}", which is not installed{near}'
                        yield _placed(plugin, what, str(name))
                continue
            what = "bakeio_sample must return {entity: list of records}"
            yield _placed(plugin, what)


def _formats(installed: Installed) -> Iterator[Trouble]:
    """Yield formats that are never reached: another one has the name or the ending."""
    taken: dict[str, str] = {"json": "bakeio itself", ".json": "bakeio itself"}
    for plugin, results in installed.plugins.call_each("bakeio_formats"):
        for known in results:
            for word in dict.fromkeys((known.name, known.suffix, *known.suffixes)):
                first = taken.setdefault(word.lower(), str(plugin))
                if first != str(plugin):
                    what = f'the format "{known.name}": {first} has "{word}": choose another one'
                    yield _placed(plugin, what, known.name)
                    break


def _is_records(records: Any) -> bool:
    return isinstance(records, Iterable) and not isinstance(records, (str, bytes, Mapping))


def _all(names: set[str]) -> dict[str, str]:
    return dict.fromkeys(names, BY_NAME)


def _declaring(installed: Installed, kind: str, name: str, why: str) -> Plugin | None:
    """Return the plugin of what has no provider because it is disabled: it names it in its code."""
    hook = "bakeio_views" if kind == "view" else "bakeio_entities"
    plugins = installed.plugins.implementing(hook)
    named = (p for p in plugins if str(p) in why or name in _texts(p))
    return next(named, None)


def _commands() -> Iterator[Trouble]:
    """Yield what is wrong with commands of plugins: they are loaded only when called."""
    from importlib_metadata import entry_points

    for entry in entry_points(group=packages.COMMANDS):
        owner = f"command {entry.name} ({entry.dist.name} {entry.dist.version})"
        try:
            command = entry.load()
        except Exception as error:  # a stranger's module
            file, line = _frame(error, None)
            what = f"it cannot be loaded: {describe(error)}"
            yield Trouble(owner, what, file, line)
            continue
        if not hasattr(command, "make_context"):
            what = f"{entry.value} is not a click command: put @click.command() above the function"
            yield Trouble(owner, what, *_of_function(command), write="@click.command()")


def _groups() -> Iterator[Trouble]:
    """Yield the entry points of groups that nobody reads, though they are nearly one of ours."""
    from importlib_metadata import entry_points

    for entry in entry_points():
        group = entry.group
        first = group.lower().replace("-", ".").replace("_", ".").split(".")[0]
        if group in GROUPS or not meant(first, [packages.PLUGINS]):
            continue
        near = (_MEANT.search(meant(group, GROUPS)) or [group, packages.PLUGINS])[1]
        header = f"[project.entry-points.{near}]" if "." not in near else ""
        owner = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.name
        what = (
            f"the entry point {entry.name} is of the group {group}, which bakeio does not read; "
            f"did you mean {near}? Correct it in pyproject.toml and install the package again"
        )
        write = header or f'[project.entry-points."{near}"]'
        yield Trouble(owner, what, write=write)


# -- where it stands
def _placed(plugin: Plugin | None, what: str, name: str = "") -> Trouble:
    owner, what = str(plugin) if plugin is not None else "bakeio", what + _nearly(what)
    file, line = _frame(plugin.error, plugin) if plugin is not None else ("", 0)
    named_file, named_line = _named(plugin, what, name)
    is_in_the_call = "Error: " in what or _WRITE.search(what) or _ARGUMENT.search(what)
    if named_line and not (line and is_in_the_call):
        file, line = named_file, named_line
    return Trouble(owner, what, file, line, _line_to_write(what, file, line))


def _nearly(what: str) -> str:
    """Return what is said of a name of bakeio that does not exist, and is nearly another one."""
    imported = re.search(r"cannot import name '(\w+)' from 'bakeio_core'", what)
    if imported:
        return meant(imported[1], bakeio_core.__all__)
    given = re.search(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", what)
    declared = getattr(bakeio_core, given[1], None) if given else None
    if given is None or not inspect.isclass(declared):
        return ""
    known = inspect.signature(declared).parameters
    return meant(given[2], known) or f"; it takes {', '.join(known)}"


def _frame(error: BaseException | None, plugin: Plugin | None) -> tuple[str, int]:
    """Return the last place of the plugin's own code that an error came through."""
    home = _file(plugin.module) if plugin is not None else ""
    trace, found = error.__traceback__ if error is not None else None, ("", 0)
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        is_own = Path(file).parent == Path(home).parent if home else _CORE not in Path(file).parents
        if is_own and Path(file).is_file() and "importlib" not in file:
            found = (file, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        found = (error.filename, error.lineno or 0)
    return found


def _file(module: Any) -> str:
    try:
        is_code = inspect.ismodule(module) or inspect.isclass(module)
        return inspect.getsourcefile(module if is_code else type(module)) or ""
    except (TypeError, OSError):
        return ""


def _of_function(function: Any) -> tuple[str, int]:
    code = getattr(function, "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)


def _texts(plugin: Plugin | None) -> dict[str, int]:
    """Return the texts and names in the code of a plugin, {text: its first line}."""
    file = _file(plugin.module) if plugin is not None else ""
    found: dict[str, int] = {}
    try:
        parsed = ast.parse(Path(file).read_text("utf-8")) if file else ast.Module([], [])
    except (OSError, SyntaxError, UnicodeDecodeError):
        return found
    for node in ast.walk(parsed):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.setdefault(node.value, node.lineno)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.setdefault(node.name, node.lineno)
    return found


def _named(plugin: Plugin | None, what: str, name: str) -> tuple[str, int]:
    """Return where the first thing that a message names stands in the code of a plugin."""
    texts = _texts(plugin)
    quoted = re.findall(r'"([^"]+)"', what)
    words = [*reversed(quoted), *_CALLED.findall(what), *_WORD.findall(what)]
    ordered = [*_wrong(what), *words, name]
    for word in ordered:
        if word == name and word is not ordered[-1]:
            continue
        line = texts.get(word) or next((n for t, n in texts.items() if _holds(t, word)), 0)
        if line:
            return _file(plugin.module) if plugin is not None else "", line
    return "", 0


def _wrong(what: str) -> list[str]:
    """Return the name that a message calls wrong, where it does."""
    return _WRONG.findall(what)[:1]


def _holds(text: str, word: str) -> bool:
    return len(text) < 100 and "." in text and word in text.split(".")


def _line_to_write(what: str, file: str, line: int) -> str:
    """Return the line as it should be, where the message tells; empty where it does not."""
    there = linecache.getline(file, line).rstrip("\n") if file else ""
    told = _WRITE.search(what)
    if told:
        return told[1] or told[2]
    near = _MEANT.search(what)
    if near:
        words = [
            *_wrong(what),
            *re.findall(r'"([^"]+)"', what),
            *_CALLED.findall(what),
            *_WORD.findall(what),
        ]
        for word in [*words, *(part for one in words for part in one.split("."))]:
            is_wrong = word != near[1] and re.search(rf"\b{re.escape(word)}\b", there)
            if is_wrong and meant(word, [near[1]]):
                return re.sub(rf"\b{re.escape(word)}\b", near[1], there, count=1).strip()
        return near[1]
    for pattern, old, new in REMEDIES:
        found = pattern.search(what)
        if found and old:
            behind = rf"(?=[\"']{re.escape(found[1])}[\"'])" if pattern.groups else ""
            return re.sub(re.escape(old) + behind, new, there, count=1).strip()
        if found:
            return new
    return ""
