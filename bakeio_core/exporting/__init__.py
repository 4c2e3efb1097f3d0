"""The way out: records, views, sets."""
