"""Try a plugin on real databases, with one line in a file of tests.

```python
from bakeio_core.testing import conformance

test_ovens = conformance("bakeio-ovens")
```

pytest then runs every check on SQLite and, where it can be had, on PostgreSQL. Install it with
`pip install "bakeio[testing]"`.
"""

from __future__ import annotations

from bakeio_core.testing.conformance import CHECKS, conformance, faults_of
from bakeio_core.testing.faults import Fault

__all__ = ["CHECKS", "Fault", "conformance", "faults_of"]
