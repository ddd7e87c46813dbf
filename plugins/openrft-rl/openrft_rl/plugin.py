"""The plugin `rl`: its options, and one policy update per step. The algorithms are the table in algorithms.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import ClassVar

from openrft import HookResult, Plugin, Rollout, Settings, TrainablePolicy, UsageError, hookimpl
from openrft_rl.options import RLOptions


class RL(Plugin):
    """PPO, and GRPO and its relatives, on a LoRA adapter."""

    Options: ClassVar[type[RLOptions]] = RLOptions  # a subclass may have others
    trains = ("explore",)

    def __init__(self, options: RLOptions) -> None:
        self.options = options
        given, default = options.dynamic_sampling_retries, options.algorithm_spec.dynamic_sampling_retries
        self.dynamic_sampling_retries = default if given is None else given

    @hookimpl
    def check_job(self, settings: Settings) -> list[str]:
        """Group-relative algorithms need several answers to a question."""
        if settings.explore.group_size > 1 or not self._compares_answers:
            return []
        return [
            f"the algorithm {self.options.algorithm} compares a question's answers, and explore.group_size is 1."
            " Set it to 2 or more, or choose rl.algorithm=ppo or reinforce++."
        ]

    @property
    def _compares_answers(self) -> bool:
        return self.options.algorithm_spec.baseline in ("group", "leave_one_out")

    @hookimpl
    def train_step(
        self,
        policy: TrainablePolicy,
        rollouts: Sequence[Rollout],
        objective: str,
        step: int,
        seed: int,
        state: Mapping[str, float] | None,
    ) -> HookResult[Mapping[str, float]] | None:
        """One update for the objective "explore", on scored rollouts. Returns its metrics.

        The state is how much goes through the model at once, which a resumed run must keep to give the same bits, and
        the weight of the KL, which may be adapted from step to step.
        """
        if objective != "explore":
            return None
        from openrft_rl.equations.losses import adapt_kl_coef
        from openrft_rl.update import choose_plan, read_plan, update_policy

        options = self.options
        if self._compares_answers:
            _refuse_single_answers(options.algorithm, rollouts)
        if not policy.has_adapter:
            policy.attach_lora(options.lora_rank, options.lora_alpha, seed)
        if options.algorithm_spec.uses_critic and policy.critic is None:
            policy.attach_critic(options.lora_rank, options.lora_alpha, seed, options.critic == "separate")
        kl_coef = state["kl_coef"] if state else options.kl_coef
        plan = read_plan(state) if state else choose_plan(policy, rollouts, options.micro_batch_tokens)
        metrics = update_policy(policy, rollouts, options, step, seed, kl_coef, plan)
        if options.kl_target is not None and "kl_completion" in metrics:
            kl_coef = adapt_kl_coef(kl_coef, metrics["kl_completion"], options.kl_target)
        return HookResult(metrics, state={"kl_coef": kl_coef, **asdict(plan)})


def _refuse_single_answers(algorithm: str, rollouts: Sequence[Rollout]) -> None:
    """Raises UsageError if no question has two answers to compare, because every advantage would be zero."""
    if len({r.sample.id for r in rollouts}) == len(rollouts):
        raise UsageError(
            f"the algorithm {algorithm} compares a question's answers, and each question has one.",
            "Set explore.group_size to 2 or more, or choose rl.algorithm=ppo or reinforce++.",
        )
