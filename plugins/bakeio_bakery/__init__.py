"""The standard bakery: five entities, three views and sample data, each a plugin of its own."""
