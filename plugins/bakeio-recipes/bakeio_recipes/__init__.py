"""Recipes: what they are made of, nested ones included, and what they cost."""
