"""What PostgreSQL is told besides rows: locks, rights, sequences."""
