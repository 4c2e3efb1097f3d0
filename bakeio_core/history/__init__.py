"""bakeio's own tables: runs, journal, aliases, undo."""
