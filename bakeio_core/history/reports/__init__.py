"""What an import or an undo came to, for people and for programs."""
