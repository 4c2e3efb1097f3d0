"""Plugins broken on purpose. The entry point `absent` leads to a module that is not here."""
