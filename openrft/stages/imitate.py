"""Imitate: supervised fine-tuning on the synthesised reasoning. The student becomes itself plus an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openrft.arm import derived_seed
from openrft.blame import numbers
from openrft.errors import PluginError
from openrft.sample import Rollout, content_id
from openrft.work import Tally, Work

VERSION = 1


def imitate(work: Work, targets: Sequence[Rollout]) -> None:
    """Train on `targets` (paper, section 3.2); augmented samples are for RL, not for this."""
    names = work.plugins.training("imitate")
    if not names or not targets:
        return

    def make(folder: Path, tally: Tally) -> None:
        policy = work.student.trainable("imitation")
        trained = work.plugins.first(
            "train_step",
            policy=policy,
            rollouts=targets,
            objective="imitate",
            step=0,
            seed=derived_seed(work.job.seed, "imitate"),
            progress=work.progress,
            run=None,
        )
        if trained is None:
            raise PluginError(f"none of {', '.join(names)} trained for the objective 'imitate'.")
        tally.metrics.update(numbers(trained[0], "train_step", trained[1]))
        tally.counted_by(trained[0], work.plugins.counts(trained[0]))
        policy.save_adapter(folder / "adapter")

    inputs = {
        "targets": content_id([(r.messages, r.completion.text) for r in targets]),
        "policy": work.student.id,
        "seed": work.job.seed,
        "plugins": work.identity(names),
    }
    result = work.stage("imitate", VERSION, inputs, make)
    work.student.advance(result.folder / "adapter", result.key)
