"""Build the wheel and try it in an environment with nothing else: what somebody gets from pip.

    python tests/try_wheel.py

It takes half a minute and needs a package index; CI runs it, the suite does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    ["--version"],
    ["help", "bad-value"],
    ["init", "--sample"],
    ["export-complete", "--output", "backup"],
    ["validate-export", "backup"],
    ["export-view", "products", "--output", "view.json"],
    ["import-view", "view.json"],
    ["demo"],
)


def refuse(condition: bool, why: str) -> None:
    """End with a reason where something is not as it must be."""
    if condition:
        raise SystemExit(why)


def main() -> None:
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "BAKEIO"))}
    with tempfile.TemporaryDirectory(prefix="bakeio-wheel-") as name:
        folder = Path(name)
        build = [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL, env=clean)
        (wheel,) = folder.glob("bakeio-*.whl")
        with zipfile.ZipFile(wheel) as packed:
            (about,) = (n for n in packed.namelist() if n.endswith("/METADATA"))
            told = message_from_bytes(packed.read(about))
            refuse(
                "bakeio_core/errors.md" not in packed.namelist(), "the page of errors is missing"
            )
        refuse("](docs/" in str(told.get_payload()), "a link of the long description is relative")
        refuse(not told.get_all("Project-URL"), "there are no project URLs")
        venv.create(folder / "env", with_pip=True)
        programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", str(wheel)]
        subprocess.run(pip, check=True, env=clean)
        for words in COMMANDS:
            command = [str(programs / "bakeio"), *words]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, env=clean)
        print(f"{wheel.name}: {len(COMMANDS)} commands work")


if __name__ == "__main__":
    main()
