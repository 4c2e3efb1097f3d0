"""A normalized set: manifest, files, checks."""
