"""The plugin `opd`: on-policy distillation. The student samples, and a teacher scores each of its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from openrft import (
    HookResult,
    ModelSettings,
    Plugin,
    Rollout,
    TrainablePolicy,
    WeightsPath,
    find_placement_faults,
    hookimpl,
    option,
)
from openrft_rl.options import RLOptions

if TYPE_CHECKING:
    from openrft_rl.distillation import DistillationTeacher


class OPD(Plugin):
    """On-policy distillation (GKD, arXiv 2306.13649; MiniLLM, arXiv 2306.08543), in the place of RL.

    A token's reward is log pi_teacher - log pi: minus the reverse KL at that token. The student learns where its own
    answers go, which imitation of the teacher's answers does not teach. The teacher must have the student's tokenizer.
    """

    replaces = ("rl",)
    trains = ("explore",)
    learns_from_rewards = False

    @dataclass(frozen=True)
    class Options(ModelSettings):
        """What can be set: `--set opd.NAME=VALUE`."""

        teacher: WeightsPath = option(
            "",
            help="Who scores the policy's tokens: a checkpoint with the same tokenizer, as --policy names it. It must"
            " be set.",
        )
        divergence: Literal["sampled", "reverse", "forward", "jsd"] = option(
            "sampled",
            help="sampled: the reverse KL as a reward of the tokens that were drawn. The others compare the whole"
            " vocabulary at each token, which takes memory for both models' logits: the reverse KL, the forward KL, or"
            " the Jensen-Shannon divergence.",
            source="reverse KL as a reward: MiniLLM, arXiv 2306.08543; the others: GKD, arXiv 2306.13649",
        )
        discount: float = option(
            0.0,
            help="sampled: weight of the next token's score in a token's own. 0: each for itself; 1: all that follow.",
            source="GKD, arXiv 2306.13649: no gradient through the drawing of tokens",
            ge=0,
            le=1,
        )
        lr: float = option(3e-5, help="Learning rate.", source="the paper's actor", gt=0)
        lora_rank: int = option(4, help="Rank of the LoRA adapter.", source="paper", ge=1)
        lora_alpha: int = option(
            8, help="Scale of the adapter (alpha / rank).", source="twice the rank, PEFT's usual choice", ge=1
        )
        updates_per_epoch: int = option(
            1, help="Optimizer steps per step: the number of mini-batches.", source="one whole batch", ge=1
        )
        max_grad_norm: float = option(1.0, help="Gradients are scaled down to this norm.", source="as in rl", gt=0)
        micro_batch_tokens: int | None = option(
            None, help="Tokens per forward pass, a group's prompt counted once; none: as many as fit in memory.", ge=1
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.discount and self.divergence != "sampled":
                raise ValueError("discount is for divergence=sampled alone")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._teacher: DistillationTeacher | None = None

    @property
    def _update_options(self) -> RLOptions:
        """GRPO's loss: a mean over a completion's tokens, then over completions, as in GKD's equation 1. Only the
        advantages are others."""
        o = self.options
        return RLOptions(
            algorithm="grpo",
            kl_coef=0.0,
            lr=o.lr,
            lora_rank=o.lora_rank,
            lora_alpha=o.lora_alpha,
            updates_per_epoch=o.updates_per_epoch,
            max_grad_norm=o.max_grad_norm,
            micro_batch_tokens=o.micro_batch_tokens,
        )

    @hookimpl
    def check_job(self) -> list[str]:
        """A teacher must be named, and have weights here."""
        teacher = self.options.teacher
        if teacher.lower() in ("", "none"):
            return ["no teacher is named. Say which with --set opd.teacher=PATH (a folder, a hub id, pocket/teacher)."]
        if teacher.startswith(("openai:", "baseline:")):
            return [
                f"opd.teacher={teacher} has no weights here, and opd needs its log-probabilities. Give a checkpoint"
                " folder or hub id, or imitate its answers: the plugins teacher and sft."
            ]
        return find_placement_faults(teacher, self.options, "opd")

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
        """One update for the objective "explore". The rewards of the rollouts are not used. Returns its metrics.

        The state is how much goes through the models at once, which a resumed run must keep to give the same bits.
        """
        if objective != "explore":
            return None
        from openrft_rl.distillation import DistillationTeacher, limit_tokens
        from openrft_rl.update import choose_plan, read_plan, update_policy

        options = self._update_options
        if self._teacher is None:
            self._teacher = DistillationTeacher(self.options.teacher, policy, self.options)
        if not policy.has_adapter:
            policy.attach_lora(options.lora_rank, options.lora_alpha, seed)
        plan = read_plan(state) if state else choose_plan(policy, rollouts, options.micro_batch_tokens)
        reading, divergence = self._teacher.read(rollouts), self.options.divergence
        scorer = partial(reading.add_advantages, discount=self.options.discount)
        loss = None
        if divergence != "sampled":
            loss = partial(reading.divergence_loss, divergence=divergence)
            plan.tokens = min(plan.tokens, limit_tokens(policy))
        metrics = update_policy(policy, rollouts, options, step, seed, 0.0, plan, scorer, loss)
        return HookResult(metrics, state=asdict(plan))
