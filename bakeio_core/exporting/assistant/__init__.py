"""The lean exchange with an assistant: rows by number, cut to fit, under a ticket."""
