"""Columns that plugins and databases do not both have."""
