"""Decisions in files that people and programs fill in."""
