"""What a program needs that asks people itself, and what people confirm or forget."""
