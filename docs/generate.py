"""Write the pages of the reference that come from the code.

They are the command line, the hooks and the public names. `python docs/generate.py` writes them;
`python docs/generate.py --check` writes nothing and exits 1 when one is stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bakeio_core.catalog import hookspecs
from bakeio_core.cli.group import bakeio, plugin_commands

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # loaded by its path, from a test or the check of the site
    sys.path.append(str(HERE))

from bundled import PACKAGES, entities_and_views, package  # noqa: E402
from command_examples import EXAMPLES, SHOWN  # noqa: E402
from docstrings import WIDTH, docstring, fenced, signature  # noqa: E402
from public_names import TOPICS, overview, public_names  # noqa: E402

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = (
    "<!-- Written by docs/generate.py from the code: "
    "change the help text or docstring there, then run it again. -->\n"
)


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


COPIES = {REFERENCE.parents[1] / "plugins/bakeio-mcp/bakeio_mcp/errors.txt": "errors.md"}
"""Pages that a distribution brings along, as they stand in the reference."""


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": command_line,
    "hooks.md": hook_reference,
    "api.md": lambda: f"{NOTE}\n{overview()}",
    **{
        f"api/{topic.page}.md": lambda topic=topic: f"{NOTE}\n{public_names(topic)}"
        for topic in TOPICS
    },
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
        folder.joinpath(name).parent.mkdir(exist_ok=True)
        folder.joinpath(name).write_text(_page(PAGES[name]), "utf-8", newline="\n")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
