"""The equations: pure functions with their shapes and their sources.

B is the number of rollouts, T the number of tokens of the longest. Every tensor is (B, T), padded on the right, unless
its function says otherwise.
"""
