"""References to rows that come later in the import."""
