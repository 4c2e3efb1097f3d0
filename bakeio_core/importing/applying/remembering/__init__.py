"""What an import leaves in bakeio's own tables."""
