"""What the kit checks, one module for each kind of thing."""
