"""Carry a plan out; what is left out, and what goes."""
