"""Tell of single values: which run set one, and what is known of it."""
