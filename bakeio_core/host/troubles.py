"""What is wrong with each plugin: where that stands in its code, and the line to write there."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bakeio_core.catalog.plugins import packages
from bakeio_core.catalog.plugins.loading import BY_NAME, Plugin
from bakeio_core.errors import describe, meant
from bakeio_core.host.installed import Installed

GROUPS = (packages.PLUGINS, packages.OPTIONAL, packages.COMMANDS, packages.PACKAGES)
_MEANT = re.compile(r"did you mean ([\w.]+)\?")
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
    owner = str(plugin) if plugin is not None else "bakeio"
    file, line = _frame(plugin.error, plugin) if plugin is not None else ("", 0)
    named_file, named_line = _named(plugin, what, name)
    if named_line and not (line and "Error: " in what):
        file, line = named_file, named_line
    return Trouble(owner, what, file, line, _line_to_write(what, file, line))


def _frame(error: BaseException | None, plugin: Plugin | None) -> tuple[str, int]:
    """Return the last place of the plugin's own code that an error came through."""
    home = _file(plugin.module) if plugin is not None else ""
    trace, found = error.__traceback__ if error is not None else None, ("", 0)
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        is_own = Path(file).parent == Path(home).parent if home else True
        if is_own and Path(file).is_file() and "importlib" not in file:
            found = (file, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        found = (error.filename, error.lineno or 0)
    return found


def _file(module: Any) -> str:
    try:
        return inspect.getsourcefile(module if inspect.ismodule(module) else type(module)) or ""
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
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.setdefault(node.name, node.lineno)
    return found


def _named(plugin: Plugin | None, what: str, name: str) -> tuple[str, int]:
    """Return where the first thing that a message names stands in the code of a plugin."""
    texts = _texts(plugin)
    quoted = re.findall(r'"([^"]+)"', what)
    words = [*reversed(quoted), *_CALLED.findall(what), *_WORD.findall(what)]
    wrong = re.search(r"([\w.]+)\"?,? (?:which )?is not a (?:column|foreign key|key|hook)", what)
    ordered = [*([wrong[1]] if wrong else []), *words, name]
    for word in ordered:
        if word == name and word is not ordered[-1]:
            continue
        line = texts.get(word) or next((n for t, n in texts.items() if _holds(t, word)), 0)
        if line:
            return _file(plugin.module) if plugin is not None else "", line
    return "", 0


def _holds(text: str, word: str) -> bool:
    return len(text) < 100 and "." in text and word in text.split(".")


def _line_to_write(what: str, file: str, line: int) -> str:
    """Return the line as it should be, where the message tells; empty where it does not."""
    there = linecache.getline(file, line).rstrip("\n") if file else ""
    near = _MEANT.search(what)
    if near:
        words = [*re.findall(r'"([^"]+)"', what), *_CALLED.findall(what), *_WORD.findall(what)]
        for word in [*words, *(part for one in words for part in one.split("."))]:
            is_wrong = word != near[1] and re.search(rf"\b{re.escape(word)}\b", there)
            if is_wrong and meant(word, [near[1]]):
                return re.sub(rf"\b{re.escape(word)}\b", near[1], there, count=1).strip()
        return near[1]
    for pattern, old, new in REMEDIES:
        found = pattern.search(what)
        if found and old:
            named = rf"{re.escape(old)}(?=[\"']{re.escape(found[1])}[\"'])"
            return re.sub(named, new, there, count=1).strip()
        if found:
            return new
    return ""
