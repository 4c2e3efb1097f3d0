"""Sheets: views, templates to fill in, whole sets to read."""
