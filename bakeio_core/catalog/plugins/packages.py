"""Which package brings what is not installed: a table that is read only when something is missing.

Distributions declare it as an entry point of the group `bakeio.packages`, so that it can be read
without loading a plugin, and of a plugin that is blocked as well.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint
    from importlib_metadata import IDistribution as Distribution

PLUGINS, COMMANDS, PACKAGES = "bakeio", "bakeio.commands", "bakeio.packages"
OPTIONAL = "bakeio.optional"
"""The groups of entry points; plugins of the last are used only where a profile names them."""
READS = "reads such files"
_PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._+!-]*[A-Za-z0-9])?")
_LONGEST = 60
"""Characters of a name or a version that is repeated as it stands."""


@dataclass(frozen=True)
class KnownPackage:
    """Let messages say which package to install, if something of it is missing.

    Args:
        distribution: What pip installs, such as `bakeio-ovens`.
        commands, entities, views: The names of what it brings.
        formats: The names of the formats it brings; each is the suffix of its files as well.
        documents: How to know a file that it reads: each a group of keys that stand beside its
            records.

    >>> from bakeio_core import KnownPackage
    >>> ovens = KnownPackage("bakeio-ovens", entities=["ovens"], documents=[["oven_log", "heats"]])
    """

    distribution: str
    commands: Sequence[str] = ()
    entities: Sequence[str] = ()
    views: Sequence[str] = ()
    formats: Sequence[str] = ()
    documents: Sequence[Collection[str]] = ()


def plain_name(name: str) -> str:
    """Return a name in the one spelling of all that mean the same distribution."""
    return re.sub(r"[-_.]+", "-", name).lower()


def about(distribution: Distribution) -> tuple[str, str]:
    """Return name and version of a distribution.

    They are read from the head of its metadata: the usual way loads the parser of e-mail first.
    """
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    found = [re.search(rf"^{key}: *(\S+)$", head, re.M) for key in ("Name", "Version")]
    if None in found:
        return distribution.name, distribution.version
    name, version = (each[1] for each in found if each)
    return name, version


def announced(entry: EntryPoint) -> Any:
    """Return what an entry point announces.

    Raises:
        PluginError: It names what is not there.
    """
    try:
        return entry.load()
    except (ModuleNotFoundError, AttributeError) as error:
        module, first = sys.modules.get(entry.module), (entry.attr or "").split(".")[0]
        if isinstance(error, ModuleNotFoundError):
            is_announced = f"{entry.module}.".startswith(f"{error.name}.")
            lacks = f"there is no module {error.name}"
        else:
            is_announced = module is not None and bool(first) and not hasattr(module, first)
            lacks = f"{entry.module} has no {first}"
        if not is_announced:  # something that the module itself wants
            raise
        from bakeio_core.errors import PluginError  # --help asks this module, and fails nobody

        raise PluginError(
            f'{lacks}, which the entry point {entry.name} = "{entry.value}" names: correct it in '
            "pyproject.toml and install the package again"
        ) from error


def brings_command(distribution: str) -> bool:
    """Tell whether an installed distribution brings a command."""
    from importlib_metadata import entry_points

    return any(
        entry.dist is not None and plain_name(about(entry.dist)[0]) == plain_name(distribution)
        for entry in entry_points(group=COMMANDS)
    )


def for_command(name: str) -> str:
    """Return a sentence about the package that brings a command, empty where none is known."""
    return _sentence(lambda known: name.replace("_", "-") in known.commands)


def for_entity(name: object) -> str:
    """Return a sentence about the package that brings an entity, empty where none is known."""
    return _sentence(lambda known: name in known.entities)


def distributions() -> dict[str, str]:
    """Return {entity: the distribution that brings it} of what the tables have."""
    found: dict[str, str] = {}
    for known in _known_packages():
        for entity in known.entities:
            found.setdefault(entity, known.distribution)
    return found


def for_declarer(distribution: str, version: str) -> str:
    """Return a sentence about the package that declared an entity where a set was written.

    Args:
        distribution: What the set says: a stranger's word.
        version: That of it.

    Returns:
        Nothing where it is not a name that pip installs.
    """
    named = [distribution, *([version] if version else [])]
    if not all(_PLAIN.fullmatch(name) and len(name) <= _LONGEST for name in named):
        return ""
    declared = f"{' '.join(named)} declared it where the set was written"
    there = _installed_version(distribution)
    if there:
        return f". {declared}; here version {there} is installed: see bakeio plugins, or update it"
    return f". {declared}: if you trust that, pip install {distribution}"


def for_view(name: object) -> str:
    """Return a sentence about the package that brings a view, empty where none is known."""
    return _sentence(lambda known: name in known.views)


def for_format(name: str) -> str:
    """Return a sentence about the package that brings a format, empty where none is known."""
    return _sentence(lambda known: name.lower() in known.formats)


def for_file(name: str) -> str:
    """Return a sentence about the package that reads files with a name's suffix, or nothing."""
    suffix = PurePath(name).suffix.lower().removeprefix(".")
    if suffix in ("", "json"):  # every import asks: no table is read for what needs no package
        return ""
    return _sentence(lambda known: suffix in known.formats, READS)


def for_document(keys: Collection[str]) -> str:
    """Return a sentence about the package that reads a file which begins with some keys."""
    return _sentence(lambda known: any({*keys} >= {*group} for group in known.documents), READS)


def for_distribution(name: str) -> str:
    """Return how to install a distribution that a table has, empty where none has it."""
    for known in _known_packages():
        if plain_name(known.distribution) == plain_name(name):
            return f". It can be had: pip install {known.distribution}"
    return ""


def _sentence(brings: Callable[[KnownPackage], bool], what: str = "brings it") -> str:
    """Say how to get the first package of the tables that brings something.

    Args:
        brings: Tells of each whether it does.
        what: What it does, in words.
    """
    known = next(filter(brings, _known_packages()), None)
    if known is None:
        return ""
    version = _installed_version(known.distribution)
    if version:
        return (
            f". {known.distribution} {what}, and version {version} of it is installed: "
            "see bakeio plugins, or update it"
        )
    return f". {known.distribution} {what}: pip install {known.distribution}"


def _known_packages() -> Iterator[KnownPackage]:
    """Yield what the tables of all installed distributions hold.

    One that cannot be read is left out: a message about something else is on its way.
    """
    from importlib_metadata import entry_points

    for entry in entry_points(group=PACKAGES):
        try:
            yield from (known for known in entry.load() if isinstance(known, KnownPackage))
        except Exception:
            continue


def _installed_version(distribution: str) -> str:
    from importlib_metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
