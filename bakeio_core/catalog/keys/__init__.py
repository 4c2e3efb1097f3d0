"""Primary keys, foreign keys and what they lead to."""
