"""The equations, a file each: pure functions with their shapes and their sources.

B rollouts, T tokens of the longest; every tensor is (B, T), right-padded, unless it says otherwise.
"""
