"""Reinforcement learning: one policy-gradient update of a LoRA adapter for each batch of scored rollouts."""

from openrft_rl.plugin import RL

__all__ = ["RL"]
