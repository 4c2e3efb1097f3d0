"""The command that writes the package of a new plugin."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import click

from bakeio_core.cli.group import bakeio
from bakeio_core.cli.installed import kinds
from bakeio_core.cli.session import Session, json_option

if TYPE_CHECKING:
    from bakeio_core.catalog.entities.model import Entity
    from bakeio_core.host.installed import Installed

PREFIX = "bakeio-"
_PLAIN = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MOST_FIELDS = 3
ROLES = ("key", "editable", "readonly")
Files = dict[str, str]
"""{path within the package: what stands in it}."""


@bakeio.command("new-plugin")
@click.argument("name")
@click.option("--view", "chosen", flag_value="view", multiple=True, help="A view for editing rows.")
@click.option("--entity", "chosen", flag_value="entity", multiple=True, help="A table of its own.")
@click.option(
    "--format", "chosen", flag_value="format", multiple=True, help="A file format for views."
)
@click.option(
    "--resolver",
    "chosen",
    flag_value="resolver",
    multiple=True,
    help="Answers to references that match no row.",
)
@click.option(
    "--command", "chosen", flag_value="command", multiple=True, help="A command of bakeio."
)
@click.option("--of", metavar="ENTITY", help="The entity that a view or a resolver is about.")
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The new folder; by default bakeio-NAME here.",
)
@json_option
@click.pass_obj
def new_plugin(
    session: Session,
    name: str,
    chosen: Sequence[str],
    of: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write a package that works: pyproject, typed modules, tests and a README.

    Without an option it brings a view; several options bring one module each.
    """
    from bakeio_core.errors import UsageError

    plain = name.lower().replace("_", "-").removeprefix(PREFIX)
    if not _PLAIN.fullmatch(plain):
        raise UsageError(f'"{name}" cannot be a plugin: use lower-case letters, digits and hyphens')
    folder = output or Path(f"{PREFIX}{plain}")
    if folder.exists():
        raise UsageError(f"{folder} exists already: choose another name, or --output DIR")
    selected = list(dict.fromkeys(chosen)) or ["view"]
    installed = session.installed
    _refuse_taken(installed, plain)
    files = package(installed, plain, selected, of)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8", newline="\n")
    if as_json:
        session.result_json({"folder": str(folder), "files": sorted(files)})
        return
    for path in sorted(files):
        session.result(str(folder / path))
    session.say(f'Next: python -m pip install --editable "{folder}[test]"')
    session.say(f"then: python -m pytest {folder}")


def package(installed: Installed, name: str, selected: Sequence[str], of: str | None) -> Files:
    """Return the files of a package.

    Args:
        installed: What is installed: a view or a resolver is about one of its entities.
        name: What the plugin is called, without `bakeio-`.
        selected: The kinds of plugins it brings.
        of: The entity a view or a resolver is about; the first that is installed by default.

    Raises:
        UsageError: There is no such entity.
    """
    module = f"{PREFIX}{name}".replace("-", "_")
    words = {
        "distribution": f"{PREFIX}{name}",
        "module": module,
        "name": name.replace("-", "_"),
        "command": name,
        "needs": _listed("bakeio", *(["click>=8.1"] if "command" in selected else [])),
    }
    if {"entity", "command"} & {*selected}:
        words["needs"] = words["needs"] + ', "sqlalchemy>=2.0.30"'
    if {"view", "resolver"} & {*selected}:
        words |= _about(installed, of, words["name"] if "entity" in selected else None)
    words["points"] = "".join(_points(words["name"], module, selected))
    words["about"] = "\n\n".join(_filled(kinds.ABOUT[kind], words) for kind in selected)
    files = {
        "pyproject.toml": _filled(kinds.PYPROJECT, words),
        "README.md": _filled(kinds.README, words),
        f"{module}/__init__.py": f'"""A plugin for bakeio: {", ".join(selected)}."""\n',
        f"{module}/py.typed": "",
    }
    files |= {f"{module}/{k}.py": _filled(kinds.MODULES[k], words) for k in selected}
    if {*selected} - {"command"}:
        files[f"tests/test_{module}.py"] = _filled(kinds.TEST, words)
    if "command" in selected:
        files[f"tests/test_{module}_command.py"] = _filled(kinds.TEST_OF_COMMAND, words)
    return files


def _filled(text: str, words: dict[str, str]) -> str:
    return Template(text).substitute(words)


def _listed(*names: str) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _points(name: str, module: str, selected: Sequence[str]) -> Iterator[str]:
    """Yield the entry points that announce the modules."""
    plugins = [kind for kind in selected if kind != "command"]
    if plugins:
        yield "\n[project.entry-points.bakeio]\n"
        for kind in plugins:
            called = name if len(plugins) == 1 else f"{name}_{kind}"
            yield f'{called} = "{module}.{kind}"\n'
    if "command" in selected:
        yield '\n[project.entry-points."bakeio.commands"]\n'
        yield f'{name.replace("_", "-")} = "{module}.command:command"\n'


def _about(installed: Installed, of: str | None, own: str | None) -> dict[str, str]:
    """Return the words about the entity that a view or a resolver is of.

    Args:
        installed: What is installed.
        of: The entity somebody names.
        own: The entity that the package brings itself, which it is about where nobody names one.
    """
    from bakeio_core.errors import UsageError, unknown

    if of is None and own is not None:
        columns = ("slug", "name", "notes")
        roles = ("key", "editable", "editable")
        lines = [f'"{c}": {role}("{c}"),' for c, role in zip(columns, roles, strict=True)]
        return {"entity": own, "key": columns[0]} | _fields(lines)
    entities = installed.catalog.entities
    if not entities:
        raise UsageError("no entity is installed that it could be about: begin with --entity")
    plain = (of or next(iter(entities))).replace("-", "_")
    if plain not in entities:
        raise UsageError(unknown(f'there is no entity "{of}"', plain, entities))
    entity = entities[plain]
    known = entity.readable_key[0]
    return {"entity": plain, "key": known} | _fields([*_field_lines(entity)])


def _fields(lines: Sequence[str]) -> dict[str, str]:
    """Return the words about the fields of a view: their lines, and the roles to import."""
    roles = {role for role in ROLES for line in lines if f": {role}(" in line}
    return {
        "fields": "\n".join(f"            {line}" for line in lines),
        "roles": ", ".join(sorted({*roles, "hookimpl"})),
    }


def _field_lines(entity: Entity) -> Iterator[str]:
    """Yield the lines that declare some fields of a view: what names the row, and what is plain."""
    alone = entity.readable_key[0] if len(entity.readable_key) == 1 else ""
    if alone and alone not in entity.references and alone != entity.surrogate:
        yield f'"{alone}": key("{alone}"),'
    else:
        yield f'"id": readonly("{entity.primary}"),'
    for column, reference in entity.references.items():
        wanted = next(iter(reference.lookups.values()), None)
        if wanted is not None:
            yield f'"{column.removesuffix("_id")}_{wanted}": readonly("{column}.{wanted}"),'
    left: set[Any] = {alone, "uuid", *entity.primary_key, *entity.references, *entity.polymorphic}
    left |= {*entity.filled.stamps, *entity.filled.computed}
    plain = [c.name for c in entity.table.columns if c.name not in left]
    for column in plain[:MOST_FIELDS]:
        yield f'"{column}": editable("{column}"),'


def _refuse_taken(installed: Installed, name: str) -> None:
    """Raise where something of that name is installed: two of one name would be used by nobody."""
    from bakeio_core.errors import UsageError

    plain, catalog = name.replace("-", "_"), installed.catalog
    taken: dict[str, Collection[str]] = {
        "plugin": installed.plugins.all,
        "entity": catalog.entities,
        "view": catalog.views,
        "distribution": {p.distribution for p in installed.plugins.all.values()},
    }
    for what, names in taken.items():
        if plain in names or f"{PREFIX}{name}" in names:
            raise UsageError(f'"{name}" is the name of an installed {what}: choose another one')
