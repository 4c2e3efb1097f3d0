"""Rows that are created for references which name none."""
