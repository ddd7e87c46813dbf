"""Imitate: supervised fine-tuning on the synthesised reasoning. The policy gets an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openrft.errors import PluginError
from openrft.plugins.errors import check_metrics
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.types import Rollout, content_id

VERSION = 1


def imitate(context: JobContext, targets: Sequence[Rollout]) -> None:
    """Train on `targets` (paper, section 3.2). Augmented samples are used in RL only."""
    names = context.plugins.trainers_for("imitate")
    if not names or not targets:
        return

    def make(folder: Path, stats: StageStats) -> None:
        policy = context.policy.load_trainable("imitation")
        trained = context.plugins.call_first(
            "train_step",
            policy=policy,
            rollouts=targets,
            objective="imitate",
            step=0,
            seed=derive_seed(context.job.seed, "imitate"),
            progress=context.progress,
            run=None,
            state=None,
        )
        if trained is None:
            raise PluginError(f"none of {', '.join(names)} trained for the objective 'imitate'.")
        name, result = trained
        stats.metrics.update(check_metrics(name, "train_step", result.value))
        stats.add_result(name, result)
        policy.save_adapter(folder / "adapter")

    inputs = {
        "targets": content_id([(r.messages, r.completion.text) for r in targets]),
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(names),
    }
    result = context.run_stage("imitate", VERSION, inputs, make)
    context.policy.add_adapter(result.folder / "adapter", result.key)
