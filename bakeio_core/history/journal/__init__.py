"""The journal: what runs did, kept in few bytes, read again, and taken out at last."""
