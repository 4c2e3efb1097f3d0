"""Files in and out: documents, sets, archives, `_rev`, atomic output."""
