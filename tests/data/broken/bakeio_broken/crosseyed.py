"""Declare a view of a column that does not exist."""

from bakeio_core import View, editable, hookimpl, key


@hookimpl
def bakeio_views() -> View:
    """Declare `colours`."""
    return View(
        name="colours",
        entity="suppliers",
        purpose="Paint shops",
        fields={"slug": key("slug"), "colour": editable("colour")},
    )
