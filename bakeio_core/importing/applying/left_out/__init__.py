"""The records that an import leaves out, written down to be corrected."""
