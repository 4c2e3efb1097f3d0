"""What plugins declare of entities: tables, their columns, and what a table cannot say."""
