"""One forward pass of a Llama-family model over many token sequences, in which every shared prefix is computed once.

Used to score completions: log-probabilities of a policy (with gradient), values of a critic, process rewards.
"""

from __future__ import annotations

from openrft.prefix_tree.kept import get_plan, keep_plans
from openrft.prefix_tree.llama import forward, plan_forward, run_plan, supports
from openrft.prefix_tree.tree import PrefixTree, build_prefix_tree

__all__ = [
    "PrefixTree",
    "build_prefix_tree",
    "forward",
    "get_plan",
    "keep_plans",
    "plan_forward",
    "run_plan",
    "supports",
]
