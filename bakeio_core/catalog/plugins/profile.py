"""The profile: a file that says which plugins are used, and of which database."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakeio_core.errors import UsageError

NAME = "bakeio.toml"
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Profile:
    """What a profile says; without a file it says nothing, and all that is installed is used.

    Attributes:
        path: The file.
        use: The plugins and distributions that are used; empty for all of them.
        block: Those that are left out.
        database: The database where nobody names one: a URL, or a path of an SQLite file.
    """

    path: Path | None = None
    use: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    database: str | None = None

    def __str__(self) -> str:
        return str(self.path or "no profile")

    @classmethod
    def find(cls, beside: Path | None) -> Profile:
        """Read the `bakeio.toml` that counts where nobody names one.

        Args:
            beside: The folder of the database's file, None where there is none. Without a profile
                there, that of the current folder counts.
        """
        for folder in (beside, Path()):
            if folder is not None and (folder / NAME).exists():
                return cls.read(folder / NAME)
        return cls()

    @classmethod
    def read(cls, path: Path) -> Profile:
        """Read a profile.

        Raises:
            UsageError: It cannot be read, or says something it cannot mean.
        """
        said = _toml(path)
        for key in said:
            if key not in _READERS:
                import difflib

                near = difflib.get_close_matches(key, _READERS, 1)
                meant = f": did you mean {near[0]}?" if near else "."
                raise UsageError(f'{path}: "{key}" is not known{meant} It may hold {_KEYS}')
        values = {key: _READERS[key](value, f"{path}: {key}") for key, value in said.items()}
        both = {*values.get("use", ())} & {*values.get("block", ())}
        if both:
            raise UsageError(f'{path}: "{min(both)}" is in use and in block: take one of them out')
        if "database" in values:
            values["database"] = _beside(path, values["database"])
        return cls(path, **values)


NO_PROFILE = Profile()


def _toml(path: Path) -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)  # a device would never end
        if len(data) > MOST_BYTES:
            raise UsageError(f"{path}: has more than {MOST_BYTES:,} bytes: is it a profile?")
        return tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        what = error.strerror or str(error)
        raise UsageError(f"{path}: the profile cannot be read: {what.lower()}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: the profile is not UTF-8: save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        example = 'a line is such as use = ["bakeio"]'
        raise UsageError(f"{path}: the profile is not TOML: {error}; {example}") from None


def _names(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise UsageError(f'{where} must be a list of names, such as ["bakeio"]')
    return tuple(value)


def _used(value: Any, where: str) -> tuple[str, ...]:
    names = _names(value, where)
    if not names:
        raise UsageError(
            f"{where} names nothing: leave the line out to use everything that is installed"
        )
    return names


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f'{where} must be a path or a URL, such as "bakeio.db"')
    return value


def _beside(path: Path, database: str) -> str:
    """Return a database as it is called from here: its path begins in the profile's folder."""
    is_url = re.match(r"[a-z][a-z0-9+]+:", database)  # one letter alone is a drive
    return database if is_url else str(path.parent / database)


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "use": _used,
    "block": _names,
    "database": _text,
}
_KEYS = ", ".join(_READERS)


def without(names: Collection[str], profile: Profile) -> str:
    """Return what to write so that one of some plugins alone is used.

    Args:
        names: Those of the plugins or distributions.
        profile: The one that counts.
    """
    lines = " or ".join(f'block = ["{name}"]' for name in dict.fromkeys(names))
    options = " or ".join(f"--block {name}" for name in dict.fromkeys(names))
    return f"leave out all but one: {lines} in {profile.path or NAME}, or {options}"
