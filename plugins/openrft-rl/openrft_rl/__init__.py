"""Reinforcement learning: one policy-gradient update of a LoRA adapter for each batch of scored rollouts.

A plugin with an algorithm of its own may import these names (docs/examples/lite_ppo.py).
"""

from openrft_rl.algorithms import Algorithm
from openrft_rl.options import RLOptions
from openrft_rl.plugin import RL

__all__ = ["RL", "Algorithm", "RLOptions"]
