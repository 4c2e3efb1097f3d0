"""Which rows a set has that holds a part of a database."""
