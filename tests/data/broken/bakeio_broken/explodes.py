"""Raise while being imported."""

raise ZeroDivisionError("dividing the dough by nobody")
