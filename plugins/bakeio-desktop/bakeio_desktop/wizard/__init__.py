"""The questions of an import, one page each: questions of the core in, decisions out."""
