"""What a check of the kit says where a plugin does not conform."""

from __future__ import annotations


class Fault(AssertionError):
    """Repair the plugin: its text says what was tried, what came out, and what to do."""
