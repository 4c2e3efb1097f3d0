"""What plugins declare, and the plain values their hooks speak of."""
