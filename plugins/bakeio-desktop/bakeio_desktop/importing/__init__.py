"""The dialog that imports a file: facts, preview, questions, progress, summary."""
