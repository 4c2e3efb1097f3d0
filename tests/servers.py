"""Run the tests that need servers as they are run, or all of PostgreSQL without some statements.

    python tests/servers.py                 roles, policies, poolers, replicas, triggers, rules
    python tests/servers.py --portable      everything on PostgreSQL, as engines with less have it

The servers are started here and stopped again. What is not installed (PgBouncer) is skipped, and
the reason is printed. Whatever stands behind `--` goes to pytest.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pytest

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
OF_STATEMENTS = {
    "test_who_waits_in_vain_is_told_for_whom": "LOCK TABLE",
    "test_who_waits_on_a_server_and_is_let_in_goes_on": "LOCK TABLE",
    "test_an_import_that_would_end_in_a_deadlock_is_done_again": "LOCK TABLE",
    "test_a_sequence_counts_on": "ALTER SEQUENCE: a rollback gives no numbers back",
    "test_a_record_gives_one_answer_as_entity_file_and_as_view_everywhere": (
        "ALTER SEQUENCE: ids are compared after many rollbacks"
    ),
}
"""{name of a test: the statement it is about, which the portable way does without}"""


class OnPostgreSQL:
    """Select the tests that work with a server, but for those of statements that are not used."""

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        chosen = [item for item in items if _has_server(item) and not _statement(item)]
        left_out = {item.name: _statement(item) for item in items if _statement(item)}
        for name, statement in left_out.items():
            print(f"left out: {name} ({statement})")
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def _has_server(item: pytest.Item) -> bool:
    return "postgresql" in getattr(item, "fixturenames", ()) or "postgresql" in item.name


def _statement(item: pytest.Item) -> str:
    return OF_STATEMENTS.get(item.name.partition("[")[0], "")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--portable", action="store_true", help="use no statement some lack")
    parser.add_argument("pytest", nargs="*", help="options of pytest, behind --")
    arguments = parser.parse_args()
    os.chdir(TESTS.parent)
    if not arguments.portable:
        set_ups = [str(TESTS / name) for name in SET_UPS]
        return pytest.main(["-rs", *arguments.pytest, *set_ups])
    os.environ["BAKEIO_DIALECT"] = "portable"
    return pytest.main(["-rs", *arguments.pytest, str(TESTS)], plugins=[OnPostgreSQL()])


if __name__ == "__main__":
    sys.exit(main())
