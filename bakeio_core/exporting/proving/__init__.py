"""Restore a set into a scratch database and compare: the proof of an export."""
