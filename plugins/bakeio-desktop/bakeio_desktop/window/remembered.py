"""What is remembered of a person between two times: databases, size and place, looks."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import platformdirs
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

MOST_DATABASES = 8


@dataclass
class Remembered:
    """The choices of one person.

    Attributes:
        databases: The last ones opened, the latest first; URLs without their passwords.
        geometry: Size and place of the main window, as Tk has it.
        appearance: System, Light or Dark.
        scaling: How large everything is drawn, 1.0 for 100 %; 0 for what the system says.
    """

    databases: list[str] = field(default_factory=list)
    geometry: str = ""
    appearance: str = "System"
    scaling: float = 0.0

    @classmethod
    def read(cls, path: Path | None = None) -> Remembered:
        """Return what is remembered; what cannot be read is as nothing."""
        try:
            told = json.loads((path or place()).read_text("utf-8"))
        except (OSError, ValueError):
            return cls()
        made, kinds = cls(), {one.name: type(one.default) for one in fields(cls)}
        for name, kind in kinds.items():
            value = told.get(name) if isinstance(told, dict) else None
            if name == "databases" and isinstance(value, list):
                made.databases = [text for text in value if isinstance(text, str)]
            elif name != "databases" and type(value) is kind:
                setattr(made, name, value)
        return made

    def opened(self, database: str) -> None:
        """Remember that a database was opened."""
        shown = without_password(database)
        others = [one for one in self.databases if one != shown]
        self.databases = [shown, *others][:MOST_DATABASES]

    def write(self, path: Path | None = None) -> None:
        """Keep it; where that cannot be, the window opens the next time as if it were new."""
        target = path or place()
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=target.parent, prefix=target.name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(self), file, indent=1)
            os.replace(part, target)


def place() -> Path:
    """Return the file in the folder that the platform has for such things."""
    return Path(platformdirs.user_config_dir("bakeio", appauthor=False)) / "desktop.json"


def without_password(database: Any) -> str:
    """Return a path or URL as it may lie on a disk; a server asks for the password again."""
    text = str(database)
    if "://" not in text:
        return str(Path(text).absolute())
    try:
        # `set` would take None for "as it is"
        return make_url(text)._replace(password=None).render_as_string()
    except ArgumentError:
        return text
