"""What earlier imports learned: which rows names mean, and what headings of sheets mean."""
