"""The kinds of values: what a column holds, and how it is read and written."""
