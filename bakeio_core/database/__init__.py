"""Reach a database: connections, dialects, rows, writing."""

from bakeio_core.database.connect import begin_read, begin_write, connect, translated

__all__ = ["begin_read", "begin_write", "connect", "translated"]
