"""The public bake-tracker's files and database, for bakeio.

`documents` reads its files, `application` declares the tables of its database.
"""
