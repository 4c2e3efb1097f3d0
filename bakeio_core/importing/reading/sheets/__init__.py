"""Read the sheets of a file as documents: headings, rows, cells."""
