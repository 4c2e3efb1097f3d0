"""Commands about what is installed: what it is, what is wrong with it, how to begin another."""
