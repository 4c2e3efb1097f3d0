"""What plugins declare of views, and the JSON Schema of them."""
