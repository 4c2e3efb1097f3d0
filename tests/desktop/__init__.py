"""The window, on a virtual screen."""
