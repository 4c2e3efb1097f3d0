"""The records of a document, read and checked."""
