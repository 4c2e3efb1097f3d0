"""Which plugins there are, which of them are used, and what each of them declares."""
