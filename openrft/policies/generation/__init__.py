"""Sampling completions from a causal language model: the decode loop and its batches."""
