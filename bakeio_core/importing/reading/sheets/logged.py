"""What the sheet of a log of skipped records has besides the records."""

from __future__ import annotations

LOG_OF = "log_of"
"""What such a sheet says of itself: the SHA-256 of the file its records come from."""
REASON = "skip_reason"
INDEX = "record_index"
"""Columns with why a record was left out, and its number in that file."""
