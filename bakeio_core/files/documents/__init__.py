"""One document: a header and records, in any layout, in blocks."""
