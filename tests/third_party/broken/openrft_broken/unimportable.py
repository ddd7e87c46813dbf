"""Fails at import."""

raise ImportError("no module named 'left_behind'")
