"""Plugins really installed: by pip into an environment of their own, or as a distribution on the
path of this process.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

import bakeio_bakery
import bakeio_core
from support.commands import Ran
from support.files import DATA


@dataclass
class Environment:
    """A fresh virtual environment that sees bakeio and what it needs, and to which pip adds."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Environment:
        venv.EnvBuilder(
            with_pip=importlib.util.find_spec("pip") is None, symlinks=os.name != "nt"
        ).create(folder)
        made = cls(folder)
        code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        packages = subprocess.run(
            [made.python, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        paths = sysconfig.get_paths()
        lent = [
            Path(bakeio_core.__file__).parent.parent,
            Path(bakeio_bakery.__file__).parent.parent,
            *sorted(Path(bakeio_bakery.__file__).parent.parent.glob("bakeio-*")),
            paths["purelib"],
            paths["platlib"],
            # those of this repository, where they are installed as they are edited
            *sorted(Path(__file__).parents[2].glob("plugins/bakeio-*")),
        ]
        (Path(packages) / "lent.pth").write_text("\n".join(dict.fromkeys(map(str, lent))), "utf-8")
        return made

    @classmethod
    def alone(cls, folder: Path) -> Environment:
        """Make one that sees bakeio and what it needs, but no other distribution of ours."""
        made, lent = cls.make(folder / "env"), folder / "lent"
        lent.mkdir()
        for source in {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}:
            for entry in Path(source).iterdir():
                if "bakeio" not in entry.name and entry.suffix != ".pth":
                    (lent / entry.name).symlink_to(entry)
        for entry in Path(sysconfig.get_paths()["purelib"]).glob("bakeio-*.dist-info"):
            (lent / entry.name).symlink_to(entry)
        homes = (bakeio_core.__file__, bakeio_bakery.__file__)
        seen = [lent, *(Path(home).parent.parent for home in homes)]
        next((folder / "env").rglob("lent.pth")).write_text("\n".join(map(str, seen)))
        return made

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def pip(self, *words: object) -> None:
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr

    def install(self, *names: str) -> None:
        self.pip(
            "install",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            *[DATA / name for name in names],
        )

    def bakeio(self, *words: object) -> Ran:
        ours = ("BAKEIO_DATABASE", "BAKEIO_PROFILE")
        env = {name: value for name, value in os.environ.items() if name not in ours}
        command = [str(self.python), "-m", "bakeio_core", *map(str, words)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=env,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)


def install(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    code: str,
    version: str = "1.0",
    entry_points: str = "",
) -> None:
    """Put a plugin of one module on the path, as a distribution of its own.

    Args:
        folder: Where its files go.
        monkeypatch: Takes it off the path again.
        name: That of the module, the distribution and the plugin.
        code: What stands in the module.
        version: Of the distribution.
        entry_points: Others than the one plugin.
    """
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}.py").write_text(code, "utf-8")
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8"
    )
    entries = entry_points or f"[bakeio]\n{name} = {name}\n"
    (info / "entry_points.txt").write_text(entries, "utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
