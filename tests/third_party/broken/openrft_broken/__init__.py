"""Plugins that break, each in its own way."""
