"""The version of bakeio, here alone."""

VERSION = "0.1.0"
