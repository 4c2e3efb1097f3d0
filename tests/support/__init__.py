"""What several test modules and the commands beside them use, once each.

Fixtures are in `conftest.py`. Nothing here imports a test module, `conftest` or a command, so that
a command can import from here and be run as `python tests/NAME.py`.
"""
