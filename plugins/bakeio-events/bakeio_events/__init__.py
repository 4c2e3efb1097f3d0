"""Events: who gets which packages, what is in them, and what must be baked for that."""
