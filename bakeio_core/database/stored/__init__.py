"""The rows of entities: found, named, and who refers to them."""
