"""What a command has to do with its process: signals, the log, its streams."""
