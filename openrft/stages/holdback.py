"""Held-back questions: answered during RL but not trained on, graded strictly and rewarded by every source.

If a source's reward of these answers grows away from their strict grade, the policy learns to please the source and not
to be right.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openrft.policies.base import Policy, Sampling
from openrft.runtime.progress import Progress
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.stages.grade import grade_rollouts
from openrft.stages.reward import reward_rollouts
from openrft.stages.rl_metrics import compute_step_metrics
from openrft.types import Prompt, Sample

KEPT = ("reward", "correct", "lenient_correct", "unparsed", "length")  # and each source's reward and gap


@dataclass(frozen=True, slots=True)
class HeldBackMetrics:
    """What the answers to held-back questions showed at one step."""

    metrics: Mapping[str, float] = field(default_factory=dict)  # columns of the step's row
    tokens: int = 0  # generated


def hold_back(context: JobContext, train: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """(questions to train on, held-back originals). What was made from a held-back question is not trained on either.

    Imitation, demonstrations and the measurements before RL see all questions.
    """
    originals, wanted = context.task.train, context.job.settings.explore.holdback
    held = random.Random(derive_seed(context.job.seed, "holdback")).sample(originals, wanted) if wanted else []
    roots = {sample.root_id for sample in held}
    return [sample for sample in train if sample.root_id not in roots], held


def answer_held_back(
    context: JobContext, policy: Policy, prompts: Sequence[Prompt], step: int, stats: StageStats, progress: Progress
) -> HeldBackMetrics:
    """One answer to each held-back question, by the policy before it is trained at this step.

    The seed is the same at every step, so that steps differ in the policy only. What plugins count, such as the tokens
    of a judge, is added to `stats`. Answers without a grade or a reward are left out.
    """
    how = context.job.settings.explore
    seed = derive_seed(context.job.seed, "holdback", "sampling")
    temperature = how.temperature if how.holdback_temperature is None else how.holdback_temperature
    sampling = Sampling(n=1, temperature=temperature, max_tokens=how.max_tokens, seed=seed)
    groups = policy.generate([p.messages for p in prompts], sampling, progress)
    answered = [p.to_rollout(c) for p, group in zip(prompts, groups, strict=True) for c in group]
    tokens = sum(len(r.completion.tokens) for r in answered)
    own, written = StageStats(), [r for r in answered if r.completion.is_written]
    graded = [r for r in grade_rollouts(context, written, own) if r.correct is not None]
    rewarded = reward_rollouts(context, graded, step, own, "holdback")
    for name, n in own.counts.items():
        if "." in name:  # a plugin's own; the core's are those of training
            stats.count(name, n)
    if not rewarded:
        return HeldBackMetrics(tokens=tokens)
    means = compute_step_metrics(rewarded)
    kept = {name: mean for name, mean in means.items() if name in KEPT or name.startswith(("reward.", "gap."))}
    return HeldBackMetrics({f"holdback.{name}": mean for name, mean in kept.items()}, tokens)
