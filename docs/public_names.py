"""The pages of the public names: one page a topic, and an overview."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, is_typeddict

from docstrings import docstring, fenced, signature, written_fields

import bakeio_core
from bakeio_core import testing

# What is no class or function says nothing about itself.
VALUES = {
    "CHECKS": "The checks of the kit, in their order: `{name: function}`.",
    "Missing": (
        "Another name of [Question](#question), for one about a reference that matches no row."
    ),
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


@dataclass(frozen=True)
class Topic:
    """Names that a reader needs together, on a page of their own."""

    page: str
    title: str
    purpose: str
    names: tuple[str, ...]
    module: ModuleType = bakeio_core


TOPICS = (
    Topic(
        "imports-and-exports",
        "Imports and exports",
        "A program opens a database and exports, previews, imports and undoes. "
        "[Use it from your program](../../guides/use-from-your-program.md) shows them together.",
        (
            "Bakeio",
            "connect",
            "begin_read",
            "begin_write",
            "Plan",
            "ImportOptions",
            "ImportChoices",
            "Mode",
            "Nulls",
            "OnConflict",
            "Source",
            "Exported",
            "Limits",
            "VERSION",
        ),
    ),
    Topic(
        "reports",
        "Reports and history",
        "What an import did, and what a database remembers of earlier ones.",
        (
            "Report",
            "RunMode",
            "write_report",
            "without_options",
            "Run",
            "RowEvent",
            "Resolved",
            "ValueMark",
            "UnverifiedValue",
            "LearnedName",
            "LearnedHeadings",
            "JournalSize",
            "Pruned",
        ),
    ),
    Topic(
        "questions",
        "Questions and decisions",
        "An import asks where it must not guess. A program answers with a resolver, a form or a "
        "file of decisions.",
        (
            "Question",
            "Missing",
            "Candidate",
            "Decision",
            "Resolver",
            "RowValues",
            "FormRefused",
            "read_decisions",
            "write_decisions",
            "decisions_of",
            "entries_of",
        ),
    ),
    Topic(
        "errors",
        "Problems and exceptions",
        "A bad record is a problem of the report; an exception says why nothing was done. "
        "[Errors](../errors.md) explains every code.",
        (
            "Problem",
            "Problems",
            "Fix",
            "MeantRow",
            "BakeioError",
            "UsageError",
            "DocumentError",
            "DatabaseError",
            "ExportRefused",
            "ImportRefused",
            "PluginError",
        ),
    ),
    Topic(
        "tables-and-views",
        "Tables and views of a plugin",
        "What a plugin declares. [Hooks](../hooks.md) says where bakeio asks for it, the "
        "[tutorial](../../tutorial/first-view-plugin.md) writes one.",
        (
            "hookimpl",
            "hookspec",
            "Entity",
            "identity_columns",
            "stamp_columns",
            "Suspects",
            "View",
            "Field",
            "key",
            "editable",
            "readonly",
            "computed",
            "children",
            "Catalog",
            "KnownPackage",
        ),
    ),
    Topic(
        "formats",
        "Formats, templates and other programs' files",
        "What a plugin declares to read and write other files, and to watch what is imported.",
        (
            "Format",
            "Sheet",
            "SheetColumn",
            "SheetRows",
            "CellError",
            "Template",
            "Totals",
            "DocumentUpgrade",
            "ForeignDocument",
            "Change",
            "Changes",
        ),
    ),
    Topic(
        "commands",
        "Commands and assistants",
        "What a command of a plugin works with, and what connects bakeio with an assistant.",
        (
            "Session",
            "json_option",
            "ask_on_terminal",
            "LeanFile",
            "count_tokens",
            "data_folder",
            "write_owned",
        ),
    ),
    Topic(
        "testing",
        "The kit that tries a plugin",
        'Imported from `bakeio_core.testing`, with `pip install "bakeio[testing]"`. '
        "[Test a plugin](../../guides/test-a-plugin.md) shows how it is used.",
        ("conformance", "faults_of", "CHECKS", "Fault"),
        testing,
    ),
)
"""Where each public name has its place."""

MODULES = (bakeio_core, testing)
"""Those whose `__all__` is a promise."""

PAGE_OF = {name: topic.page for topic in TOPICS for name in topic.names}
"""{public name: its page in `reference/api/`}."""


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


def _described(name: str, module: ModuleType) -> list[str]:
    value = getattr(module, name)
    out = [f"## {name}\n"]
    if name in VALUES:
        return [*out, f"{VALUES[name]}\n"]
    if not inspect.isclass(value):
        return [*out, fenced(signature(value, name), "text"), docstring(value)]
    if issubclass(value, Exception):
        base = value.__bases__[0].__name__
        kind = f"[{base}](#{base.lower()})" if base in PAGE_OF else f"`{base}`"
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


def overview() -> str:
    """Return the page that says where each public name stands, and what it is for."""
    public = {name for module in MODULES for name in module.__all__}
    placeless = public.symmetric_difference(PAGE_OF)
    if placeless:
        raise SystemExit(
            "docs/public_names.py: TOPICS and what __all__ lists differ in "
            + ", ".join(sorted(placeless))
        )
    out = ["# Python API\n"]
    out.append(
        "These names are public: what `bakeio_core.__all__` lists, imported from `bakeio_core`. "
        "Everything else can change. How they work together: "
        "[use it from your program](../guides/use-from-your-program.md).\n"
    )
    for topic in TOPICS:
        out.append(f"## [{topic.title}](api/{topic.page}.md)\n")
        out.append("| name | what it is |\n|---|---|")
        for name in topic.names:
            gist = _gist(name, topic.module)
            out.append(f"| [{name}](api/{topic.page}.md#{name.lower()}) | {gist} |")
        out.append("")
    return "\n".join(out)


_SENTENCE = re.compile(r"(?<=\.)\s")
_PLACE = re.compile(r"(\[([^\]]+)\])\(#[^)]+\)")


def _gist(name: str, module: ModuleType) -> str:
    """Return the first sentence about a name, without links of its own."""
    said = VALUES.get(name) or inspect.cleandoc(getattr(module, name).__doc__ or "")
    first = _SENTENCE.split(" ".join(said.split("\n\n")[0].split()))[0]
    return _PLACE.sub(r"\2", first).replace("|", "\\|")


def public_names(topic: Topic) -> str:
    """Return the page of a topic: each name with its signature, meaning and members."""
    out = [f"# {topic.title}\n", f"{topic.purpose}\n"]
    for name in topic.names:
        out += _described(name, topic.module)
    return _PLACE.sub(lambda link: f"{link[1]}({_place(link[2], topic)})", "\n".join(out))


def _place(name: str, topic: Topic) -> str:
    """Return the link to another name, which may stand on another page."""
    page = PAGE_OF[name]
    return f"#{name.lower()}" if page == topic.page else f"{page}.md#{name.lower()}"
