"""Declared settings and options: their types, defaults, sources and help."""
