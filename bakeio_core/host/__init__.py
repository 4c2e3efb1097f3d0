"""What a program calls: the class `Bakeio`, which passes the work on to the rooms below."""
