"""Sheets of cells: what stands in them, and what a spreadsheet makes of it."""
