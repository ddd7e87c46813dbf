"""The conformance checks: whether a plugin behaves as every run requires."""
