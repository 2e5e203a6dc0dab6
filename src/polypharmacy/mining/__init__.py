"""Finds dangerous combinations of drugs in claims data."""
