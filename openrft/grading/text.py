"""Answers as text: spaces and case normalised."""

from __future__ import annotations


def normalise(text: str) -> str:
    """Lower case, single spaces, no full stop at the end."""
    return " ".join(text.lower().split()).rstrip(".")
