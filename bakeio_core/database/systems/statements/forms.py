"""In which forms PostgreSQL gives values, whatever a user or a database prefers."""

FORMS = (
    "SET LOCAL client_encoding = 'UTF8'; SET LOCAL DateStyle = 'ISO, MDY'; "
    "SET LOCAL IntervalStyle = 'postgres'; SET LOCAL extra_float_digits = 1; "
    "SET LOCAL standard_conforming_strings = on; SET LOCAL bytea_output = 'hex'"
)
"""What the driver reads and writes rightly, with all digits of a number.

It holds no SELECT, which would come before a snapshot can be shared, and is not said at connecting,
as poolers hand on no such options. The time zone stays: defaults tell the time by it.
"""
