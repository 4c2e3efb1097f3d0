"""Which row a record means: by `_rev`, id, key, content, or what earlier imports created."""
