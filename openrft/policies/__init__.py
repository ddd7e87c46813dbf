"""Policies: what answers, and what can be trained."""
