"""`python -m bakeio_core`."""

from bakeio_core.cli import main

main()
