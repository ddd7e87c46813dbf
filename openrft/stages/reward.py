"""Reward: every source's judgement of graded rollouts, mixed into R. The one place where the hook is called.

Whoever draws rollouts for training asks here: explore, or a plugin's trainer that runs the stage in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence

from openrft.arm import derived_seed
from openrft.errors import PluginError
from openrft.plugins import about
from openrft.rewards import scored
from openrft.sample import Reward, Rollout
from openrft.work import Work


def rewarded(work: Work, rollouts: Sequence[Rollout], step: int) -> list[Rollout]:
    """The graded rollouts with the rewards of every source, mixed into R."""
    how = work.job.settings.explore
    given = judged(work, rollouts, step)
    return [scored(r, g, how.alpha, how.f, how.credit) for r, g in zip(rollouts, given, strict=True)]


def judged(work: Work, rollouts: Sequence[Rollout], step: int) -> list[list[Reward]]:
    """For each rollout what every plugin with the hook gave it. Raises PluginError for a wrong number of rewards."""
    given: list[list[Reward]] = [[] for _ in rollouts]
    results = work.plugins.collect(
        "reward",
        rollouts=rollouts,
        task=work.training_task,
        step=step,
        seed=derived_seed(work.job.seed, "reward", step),
    )
    for name, rewards in results:
        if len(rewards) != len(rollouts):
            raise PluginError(f"{about(name)} gave {len(rewards)} rewards for {len(rollouts)} rollouts.")
        for mine, reward in zip(given, rewards, strict=True):
            mine.append(reward)
    return given
