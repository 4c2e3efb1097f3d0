"""What an import reads: opened, bound to columns, turned into records."""
