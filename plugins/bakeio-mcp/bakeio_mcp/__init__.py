"""Let an assistant read a database and propose changes to it, which a person approves."""
