"""How much of a run is spent in calling plugins, and not in what they do.

    python benchmarks/dispatch.py [--n 1000000]

A bakery of so many purchases is exported as a set and as a view, and the set is imported into empty
tables, in this process. What the calls of hooks take besides the functions that are called is the
dispatch.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from generate import make  # type: ignore[import-not-found]

from bakeio_core import Bakeio, begin_read, begin_write, connect


class Clock:
    """Take the time of all hook calls, and of the functions in them."""

    def __init__(self, core: Bakeio) -> None:
        self.calls, self.all, self.inner = 0, 0.0, 0.0
        manager = core.plugins.manager
        execute = manager._inner_hookexec
        for _, plugin in manager.list_name_plugin():
            for caller in manager.get_hookcallers(plugin) or ():
                for found in caller.get_hookimpls():
                    if found.plugin is plugin and not (found.wrapper or found.hookwrapper):
                        found.function = self.timed(found.function)

        def timed(*arguments: Any) -> Any:
            self.calls += 1
            began = time.perf_counter()
            try:
                return execute(*arguments)
            finally:
                self.all += time.perf_counter() - began

        manager._inner_hookexec = timed

    def timed(self, function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self.inner += time.perf_counter() - began

        return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1_000_000, help="how many purchases")
    count = parser.parse_args().n
    core = Bakeio.discover()
    clock = Clock(core)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(count, folder / "made")
        source, target = connect(folder / "made" / "full.db"), connect(folder / "b.db")
        began = time.perf_counter()
        with begin_read(source) as db:
            core.export_complete(db, folder / "set")
            core.export_view(db, "purchases", folder / "view.json")
        with begin_write(target) as db:
            core.create_tables(db)
            report = core.import_complete(db, folder / "set")
        took = time.perf_counter() - began
    dispatch = clock.all - clock.inner
    print(
        f"{report.summary['created']:,} rows out and in, {count:,} in a view: {took:.1f} s, "
        f"{clock.calls:,} calls of hooks, {1000 * dispatch:.1f} ms of dispatch, "
        f"{100 * dispatch / took:.3f} %"
    )


if __name__ == "__main__":
    main()
