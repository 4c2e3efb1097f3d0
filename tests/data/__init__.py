"""What tests read and install: nothing in here is a test."""
