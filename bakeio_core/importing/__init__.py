"""The way in: read, match, link, merge, plan, apply."""
