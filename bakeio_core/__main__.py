"""`python -m bakeio_core`."""

from bakeio_core.cli.run import main

main()
