"""Token sequences that begin alike, read at once by a model of the Llama family: every shared prefix is read once.

For whoever scores completions: a policy (its log-probabilities, with gradient), its critic, a process reward model.
"""

from __future__ import annotations

from openrft.prefix_tree.llama import forward, supports
from openrft.prefix_tree.tree import PrefixTree, build_prefix_tree

__all__ = ["PrefixTree", "build_prefix_tree", "forward", "supports"]
