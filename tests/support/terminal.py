"""A terminal on which somebody answers."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from support.commands import Ran

CTRL_C = "\x03"


def on_terminal(
    words: Sequence[object], answers: Iterable[Any], folder: Path, stdin: Path | None = None
) -> Ran:
    """Run the command line on a terminal of 80 columns; `answers` are typed at its questions, a
    callable is called instead.

    Where there are none left, Ctrl-C is. stdin: a file the command reads there.
    """
    arguments = [sys.executable, "-W", "ignore", "-m", "bakeio_core", *map(str, words)]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what runs in the background ignores it
        if stdin is not None:
            os.dup2(os.open(stdin, os.O_RDONLY), 0)
        os.execve(
            sys.executable,
            arguments,
            {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        )
    told, left = b"", iter(answers)
    try:
        while True:
            if not select.select([terminal], [], [], 60)[0]:
                raise AssertionError(f"it waits for something: {told.decode()[-500:]}")
            try:
                data = os.read(terminal, 1 << 16)
            except OSError:
                break
            if not data:
                break
            told += data
            # a line may come in pieces: it is a question when nothing follows
            if told.endswith(b": ") and not select.select([terminal], [], [], 0.03)[0]:
                answer = next(left, CTRL_C)
                while callable(answer):
                    answer()
                    answer = next(left, CTRL_C)
                os.write(terminal, answer.encode() + (b"" if answer in (CTRL_C, "\x04") else b"\n"))
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)
        status = os.waitpid(child, 0)[1]
    text = re.sub(r"\r?\x1b\[K", "", told.decode("utf-8")).replace("\r\n", "\n")
    assert "Traceback" not in text, text
    return Ran(os.waitstatus_to_exitcode(status), text, "")


def piped(words: Iterable[object], answers: Iterable[str], folder: Path) -> Ran:
    """Run the command line with its answers piped in."""
    command = [sys.executable, "-W", "ignore", "-m", "bakeio_core", *map(str, words)]
    said = "".join(f"{answer}\n" for answer in answers).encode()
    done = subprocess.run(
        command,
        input=said,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
