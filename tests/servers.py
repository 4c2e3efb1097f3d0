"""Run the tests that need servers as they are run, or all of PostgreSQL without some statements.

    python tests/servers.py                 roles, policies, poolers, replicas, triggers, rules
    python tests/servers.py --portable      everything on PostgreSQL, as engines with less have it

The servers are started here and stopped again. What is not installed (PgBouncer) is skipped, and
the reason is printed. Whatever stands behind `--` goes to pytest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
SET_UPS = (
    "test_roles.py",
    "test_policies.py",
    "test_servers.py",
    "test_triggers.py",
    "test_unknown_columns.py",
    "test_secrets.py",
    "test_missing_tables.py",
    "test_jobs.py",
)
OF_STATEMENTS: dict[str, str] = {}
"""{test: the statement it is about, which the portable way does without}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--portable", action="store_true", help="use no statement some lack")
    parser.add_argument("pytest", nargs="*", help="options of pytest, behind --")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "pytest", "-rs", *arguments.pytest]
    environment = dict(os.environ)
    if arguments.portable:
        environment["BAKEIO_DIALECT"] = "portable"
        of_postgresql = " and ".join(["postgres", *(f"not {name}" for name in OF_STATEMENTS)])
        command += [str(TESTS), "-k", of_postgresql]
        for name, statement in OF_STATEMENTS.items():
            print(f"left out: {name} ({statement})")
    else:
        command += [str(TESTS / name) for name in SET_UPS]
    return subprocess.run(command, env=environment, cwd=TESTS.parent).returncode


if __name__ == "__main__":
    sys.exit(main())
