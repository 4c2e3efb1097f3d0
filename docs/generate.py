"""Write the pages of the reference that come from the code.

They are the command line, the hooks and the public names. `python docs/generate.py` writes them;
`python docs/generate.py --check` writes nothing and exits 1 when one is stale.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, is_typeddict

import click

import bakeio_core
from bakeio_core.catalog import hookspecs
from bakeio_core.cli.group import bakeio, plugin_commands

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # loaded by its path, from a test or the check of the site
    sys.path.append(str(HERE))

from bundled import PACKAGES, entities_and_views, package  # noqa: E402
from command_examples import EXAMPLES, SHOWN  # noqa: E402
from docstrings import WIDTH, docstring, fenced, signature, written_fields  # noqa: E402

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = (
    "<!-- Written by docs/generate.py from the code: "
    "change the help text or docstring there, then run it again. -->\n"
)

# What is no class or function says nothing about itself.
VALUES = {
    "Mode": (
        "How an import is done: `merge` (update and add), `skip-existing` (only add), "
        "`update-only` or `replace` (delete what a set does not have)."
    ),
    "Nulls": "What null means in a view: `keep` or `clear`.",
    "OnConflict": (
        "What is done where file and database both changed: `fail`, `keep-db` or `take-file`."
    ),
    "RunMode": "How a run was done: a [Mode](#mode), or `undo`.",
    "Resolver": (
        "The type of a function that answers questions: it is called with a sequence of "
        "[Question](#question) and returns {question: [Decision](#decision)} for those it knows. "
        "`plan` and `import_` take one as `resolve`."
    ),
    "RowValues": (
        "`{column: value}` of a row: its key, or what a new row is to hold. Each value has the "
        "Python type of its column. In what a new row is to hold, `column.key`, such as "
        "`ingredient_id.slug`, names the row of a reference by a key."
    ),
    "VERSION": "The version of bakeio, as text.",
    "hookimpl": (
        "Mark a function of a plugin as a hook: `@hookimpl` above a function with the name of a "
        "hook. `@hookimpl(tryfirst=True)`, `trylast=True` and `wrapper=True` decide who is asked "
        "first, as in pluggy."
    ),
    "hookspec": (
        "Mark a function as the specification of a hook; only bakeio itself and a plugin with "
        "hooks of its own need it."
    ),
}


# -- the command line
def commands() -> dict[str, click.Command]:
    """Return the commands of bakeio and of the packages of this repository, in order of names."""
    own = dict(bakeio.commands)
    for name in command_packages():
        own.setdefault(name, plugin_commands()[name].load())
    return dict(sorted(own.items()))


def command_packages() -> dict[str, str]:
    """Return {command of a plugin: the package of this repository that brings it}."""
    found = ((name, entry.dist) for name, entry in plugin_commands().items())
    return {name: dist.name for name, dist in found if dist is not None and dist.name in PACKAGES}


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, **_names(command)
    )


def _names(command: click.Command) -> dict[str, Any]:
    found = command.context_settings.get("help_option_names")
    return {"help_option_names": found} if found else {}


def command_line() -> str:
    """Return the page of the command line: every command's `--help`."""
    group = bakeio
    context = _context(group, "bakeio")
    formatter = context.make_formatter()
    group.format_usage(context, formatter)
    group.format_help_text(context, formatter)
    # without the list of commands, which other plugins lengthen
    click.Command.format_options(group, context, formatter)
    out = [NOTE, "# Command line\n"]
    out.append(
        "Results go to stdout, progress, questions and warnings to stderr. With `--json` a command "
        "prints one JSON object on stdout and nothing else there. In names of commands, `-` and "
        "`_` are the same. What the process returns: [exit codes](exit-codes.md).\n"
    )
    out.append(fenced(formatter.getvalue(), "text"))
    out.append("| command | does |\n|---|---|")
    for name, command in commands().items():
        first = re.split(r"(?<=\.)\s", " ".join((command.help or "").split()))[0]
        out.append(f"| [{name}](#bakeio-{name}) | {first} |")
    out.append("")
    for name, command in commands().items():
        out += [
            f"## bakeio {name}\n",
            package(command_packages().get(name)),
            fenced(command.get_help(_context(command, name, context)), "text"),
            *_example(name),
        ]
    return "\n".join(out)


def _example(name: str) -> list[str]:
    """Return the example of a command, marked where the tests run it."""
    is_run = name in EXAMPLES
    shown = fenced(EXAMPLES[name] if is_run else SHOWN[name], "sh")
    return ["Example:\n", f"<!-- tour -->\n{shown}" if is_run else shown]


# -- hooks
def hooks() -> dict[str, Callable[..., Any]]:
    """Return the hooks in the order in which they are declared."""
    return {name: value for name, value in vars(hookspecs).items() if name.startswith("bakeio_")}


def hook_reference() -> str:
    """Return the page of the hooks: signature, meaning and example of each."""
    out = [NOTE, "# Hooks\n"]
    out.append(
        "A plugin is a module named by an entry point of the group `bakeio`. It implements hooks: "
        "functions of these names at the top of the module, marked with `@hookimpl`. A function "
        "can leave out parameters that it does not use. Most plugins need only the first two "
        "hooks; the [tutorial](../tutorial/first-view-plugin.md) writes one.\n"
    )
    out.append(
        "A misspelled name that begins with `bakeio_` is an error, and the message suggests the "
        "right hook.\n"
    )
    for name, hook in hooks().items():
        first = bool((getattr(hook, "bakeio_spec", None) or {}).get("firstresult"))
        called = (
            "Plugins are called until one returns something other than None; bakeio's own answer "
            "comes last."
            if first
            else "Called for every plugin that implements it, in the order of their names."
        )
        out += [
            f"## {name}\n",
            fenced(signature(hook, name), "text"),
            docstring(hook),
            f"{called}\n",
        ]
    return "\n".join(out)


# -- public names
def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Give the public methods and properties of a class that say what they do.

    Those it inherits are among them, but not from a public class, which has a place of its own.
    """
    public = {getattr(bakeio_core, name) for name in bakeio_core.__all__ if name not in VALUES}
    seen: set[str] = set()
    for part in kind.__mro__:
        if (part is not kind and part in public) or not part.__module__.startswith("bakeio_core"):
            continue
        for name, value in vars(part).items():
            plain = getattr(value, "__func__", value)
            documented = inspect.isfunction(plain) or isinstance(plain, (property, cached_property))
            is_new = not name.startswith("_") and name not in seen
            if is_new and documented and (plain.__doc__ or "").strip():
                seen.add(name)
                yield name, value


def _described(name: str) -> list[str]:
    value = getattr(bakeio_core, name)
    out = [f"## {name}\n"]
    if name in VALUES:
        return [*out, f"{VALUES[name]}\n"]
    if not inspect.isclass(value):
        return [*out, fenced(signature(value, name), "text"), docstring(value)]
    if issubclass(value, Exception):
        base = value.__bases__[0].__name__
        kind = f"[{base}](#{base.lower()})" if base != "Exception" else "`Exception`"
        code = (
            f" Its `code` is `{getattr(value, 'code', None)}` where nothing more exact is known."
            if getattr(value, "code", None)
            else ""
        )
        out += [f"An exception, a kind of {kind}.{code}\n"]
    elif is_typeddict(value):
        fields = "".join(f"    {field}: {kind}\n" for field, kind in written_fields(value))
        out += [fenced(f"class {name}(TypedDict):\n{fields}", "text")]
    else:
        out += [fenced(signature(value, name), "text")]
    out += [docstring(value)]
    for member, item in _members(value):
        plain = getattr(item, "__func__", item)
        out.append(f"### {name}.{member}\n")
        if inspect.isfunction(plain):
            out.append(fenced(signature(plain, member), "text"))
        out.append(docstring(plain))
    return out


def public_names() -> str:
    """Return the page of the public names: everything in `bakeio_core.__all__`."""
    out = [NOTE, "# Python API\n"]
    out.append(
        "These names are public: what `bakeio_core.__all__` lists, imported from `bakeio_core`. "
        "Everything else can change. How they work together: "
        "[use it from your program](../guides/use-from-your-program.md).\n"
    )
    out.append(" · ".join(f"[{name}](#{name.lower()})" for name in bakeio_core.__all__) + "\n")
    for name in bakeio_core.__all__:
        out += _described(name)
    return "\n".join(out)


COPIES = {REFERENCE.parents[1] / "plugins/bakeio-mcp/bakeio_mcp/errors.txt": "errors.md"}
"""Pages that a distribution brings along, as they stand in the reference."""


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": command_line,
    "hooks.md": hook_reference,
    "api.md": public_names,
    "entities.md": lambda: f"{NOTE}\n{entities_and_views()}",
}


def stale(folder: Path = REFERENCE) -> list[str]:
    """Return the names of the generated pages that are missing or not as the code has them now."""
    there = {
        name: (folder / name).read_text("utf-8") if (folder / name).exists() else None
        for name in PAGES
    }
    return [name for name, make in PAGES.items() if there[name] != _page(make)]


def _page(make: Callable[[], str]) -> str:
    parts = re.split(r"(```.*?\n```\n)", make(), flags=re.DOTALL)
    parts[::2] = [
        re.sub(r"\n{2,}$", "\n\n", re.sub(r"\n{3,}", "\n\n", text)) for text in parts[::2]
    ]
    return "".join(parts).rstrip() + "\n"


def main(arguments: list[str], folder: Path = REFERENCE) -> int:
    """Write the pages, or with `--check` only tell which are stale; return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python docs/generate.py [--check]", file=sys.stderr)
        return 2
    old = stale(folder)
    copied = {target: (REFERENCE / name).read_text("utf-8") for target, name in COPIES.items()}
    lagging = [target for target, text in copied.items() if target.read_text("utf-8") != text]
    if arguments:
        for target in lagging:
            print(f"{target} is stale: run python docs/generate.py", file=sys.stderr)
        for name in old:
            print(f"docs/reference/{name} is stale: run python docs/generate.py", file=sys.stderr)
        return 1 if old or lagging else 0
    for target in lagging:
        target.write_text(copied[target], "utf-8", newline="\n")
        print(f"wrote {target}")
    for name in old:
        folder.joinpath(name).write_text(_page(PAGES[name]), "utf-8", newline="\n")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
