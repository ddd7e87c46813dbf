"""The plugin: options, and one update. The algorithms differ in `advantages.py` and in how tokens are weighed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import openrft
from openrft import Rollout
from openrft_rl.options import RLOptions


class RL:
    """GRPO and its relatives on a LoRA adapter."""

    Options = RLOptions
    needs: tuple[str, ...] = ()
    objectives = ("explore",)

    def __init__(self, options: RLOptions) -> None:
        self.options = options

    @openrft.hookimpl
    def train_step(
        self, policy: Any, rollouts: Sequence[Rollout], objective: str, step: int, seed: int
    ) -> Mapping[str, float] | None:
        if objective != "explore":
            return None
        from openrft_rl.update import update

        if not policy.adapted:
            policy.attach_lora(self.options.rank, self.options.lora_alpha, seed)
        return update(policy, rollouts, self.options, step, seed)
