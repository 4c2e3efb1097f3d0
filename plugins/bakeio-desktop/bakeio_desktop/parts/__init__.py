"""What the windows are made of."""
