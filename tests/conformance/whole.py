"""Try all that is installed with every check of the kit, on each system that can be had.

python tests/conformance/whole.py [DISTRIBUTION ...]
"""

from __future__ import annotations

import sys
import time

from bakeio_core import Bakeio
from bakeio_core.testing import CHECKS, faults_of
from bakeio_core.testing.databases import SYSTEMS, why_not


def main(names: list[str]) -> int:
    """Print what each distribution comes to; return 1 where one does not conform."""
    plugins = Bakeio.discover().plugins.all.values()
    failed = 0
    for name in names or sorted({p.distribution for p in plugins if p.status == "active"}):
        for system in SYSTEMS:
            if missing := why_not(system):
                print(f"{name:<22} {system:<12} not tried: {missing}")
                continue
            began = time.perf_counter()
            faults = faults_of(name, system=system)
            took = time.perf_counter() - began
            done = f"{len(CHECKS) - len(faults)} of {len(CHECKS)} checks, {took:.1f} s"
            print(f"{name:<22} {system:<12} {done}")
            for check, fault in faults.items():
                failed = 1
                print(f"  {check}: {fault}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
