"""The plugin: options, and one update a step. The algorithms stand side by side in `algorithms.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import openrft
from openrft import Rollout
from openrft_rl.options import RLOptions


class RL:
    """PPO, and GRPO and its relatives, on a LoRA adapter."""

    Options = RLOptions
    needs: tuple[str, ...] = ()
    objectives = ("explore",)

    def __init__(self, options: RLOptions) -> None:
        self.options = options
        self.redraws = options.how.redraws if options.redraws is None else options.redraws
        self.state: dict[str, float] = {}  # the adapted weight of the KL; the core keeps it in checkpoints

    @openrft.hookimpl
    def train_step(
        self, policy: Any, rollouts: Sequence[Rollout], objective: str, step: int, seed: int
    ) -> Mapping[str, float] | None:
        if objective != "explore":
            return None
        from openrft_rl.equations.kl import adapted
        from openrft_rl.update import update

        options = self.options
        _refuse_lonely(options, rollouts)
        if not policy.adapted:
            policy.attach_lora(options.rank, options.lora_alpha, seed)
        if options.how.critic and policy.critic is None:
            policy.attach_critic(options.rank, options.lora_alpha, seed, options.critic == "separate")
        kl = self.state.get("kl", options.kl)
        metrics = update(policy, rollouts, options, step, seed, kl)
        if options.kl_target is not None and "kl_completion" in metrics:
            self.state = {"kl": adapted(kl, metrics["kl_completion"], options.kl_target)}
        return metrics


def _refuse_lonely(options: RLOptions, rollouts: Sequence[Rollout]) -> None:
    """Raises UsageError where an algorithm compares answers to one question and no question has two: every advantage
    would be zero."""
    if options.how.baseline in ("group", "others") and len({r.sample.id for r in rollouts}) == len(rollouts):
        raise openrft.UsageError(
            f"rl.algorithm={options.algorithm} compares a question's answers, and each question has one.",
            "Set explore.group to 2 or more, or choose rl.algorithm=ppo or reinforce++.",
        )
