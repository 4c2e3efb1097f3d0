"""The standard bakery: five entities, five views and sample data, each a plugin of its own."""
