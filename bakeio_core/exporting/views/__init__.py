"""Views as files: page by page, and brought up to date after an import."""
