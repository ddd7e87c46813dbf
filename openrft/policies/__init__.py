"""Policies: the contract, and the backends that answer prompts and can be trained."""
