"""Reward: the rewards of every source for graded rollouts, combined into R. The hook is called only here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, get_args

from openrft.config.settings import ExploreSettings
from openrft.errors import OpenRFTError, PluginError
from openrft.grading.thinking import split_steps
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import find_plugin
from openrft.rewards.combine import assign_rewards
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.tasks.task import Task
from openrft.types import Reward, RewardKind, Rollout

BEFORE_RL = -1  # the `step` of rollouts that are measured before RL


def reward_rollouts(
    context: JobContext, rollouts: Sequence[Rollout], step: int, stats: StageStats, *again: object
) -> list[Rollout]:
    """The graded rollouts with the rewards of every source and R. `again` is the key of a further draw in one step.

    Rollouts whose reward failed are left out and counted: a failure is never a reward. Counts and metrics of
    the plugins go into `stats`. Raises OpenRFTError if that is more than half of them.
    """
    given = collect_plugin_rewards(context, rollouts, step, stats, *again)
    scored = [
        rollout for rollout in combine_rewards(context.job.settings.explore, rollouts, given) if rollout is not None
    ]
    lost = len(rollouts) - len(scored)
    stats.count("unrewarded", lost)
    if 2 * lost > len(rollouts):
        raise OpenRFTError(
            f"step {step}: {lost} of {len(rollouts)} answers could not be rewarded.",
            "Fix the grader or its server, and run the same command again: the finished steps are kept.",
        )
    return scored


def combine_rewards(
    how: ExploreSettings, rollouts: Sequence[Rollout], given: Sequence[list[Reward] | None]
) -> list[Rollout | None]:
    """The graded rollouts with the plugins' rewards and R; None where a plugin or the outcome is lacking."""
    form = how.effective_aggregation
    return [
        assign_rewards(r, rewards, how.alpha, form, how.credit, how.reading)
        if rewards is not None and _has_outcome(r, rewards)
        else None
        for r, rewards in zip(rollouts, given, strict=True)
    ]


def _has_outcome(rollout: Rollout, rewards: Sequence[Reward]) -> bool:
    """Whether the outcome is known: from a plugin, or from a grade."""
    graded = rollout.correct is not None or rollout.score is not None
    return graded or any(reward.kind == "outcome" for reward in rewards)


def collect_plugin_rewards(
    context: JobContext,
    rollouts: Sequence[Rollout],
    step: int,
    stats: StageStats,
    *again: object,
    kind: RewardKind | None = None,
) -> list[list[Reward] | None]:
    """For each rollout, the rewards of every plugin with the hook; None where a plugin could give none.

    `kind`: only plugins that give rewards of this kind are asked.
    """
    seed = derive_seed(context.job.seed, "reward", step, *again)
    return call_reward_hooks(context.plugins, rollouts, context.training_task, step, seed, stats, kind)


def call_reward_hooks(
    plugins: PluginSet,
    rollouts: Sequence[Rollout],
    task: Task,
    step: int,
    seed: int,
    stats: StageStats,
    kind: RewardKind | None = None,
) -> list[list[Reward] | None]:
    """`collect_plugin_rewards` without a job, so that `openrft.testing` can use it too.

    Raises PluginError, which names the plugin, for a missing list, a wrong number of rewards or an invalid reward.
    """
    given: list[list[Reward]] = [[] for _ in rollouts]
    lacking: set[int] = set()
    if not rollouts:
        return []
    asked = plugins.rewarding(kind) if kind else plugins.implementing("reward")
    results = plugins.call_all("reward", among=asked, rollouts=rollouts, task=task, step=step, seed=seed)
    silent = [name for name in asked if name not in dict(results)]
    if silent:
        raise PluginError(f"{find_plugin(silent[0])} gave None in place of a list of rewards.")
    for name, result in results:
        rewards = result.value
        stats.add_result(name, result)
        if not isinstance(rewards, Sequence):
            raise PluginError(f"{find_plugin(name)} gave a {type(rewards).__name__} in place of a list of rewards.")
        if len(rewards) != len(rollouts):
            raise PluginError(f"{find_plugin(name)} gave {len(rewards)} rewards for {len(rollouts)} rollouts.")
        for i, (rollout, reward) in enumerate(zip(rollouts, rewards, strict=True)):
            if reward is None:
                lacking.add(i)
            else:
                given[i].append(check_reward(name, rollout, reward, plugins.declarations[name].rewards))
    return [None if i in lacking else rewards for i, rewards in enumerate(given)]


def check_reward(
    name: str, rollout: Rollout, reward: Reward, declared: Sequence[RewardKind] = ("outcome", "process")
) -> Reward:
    """The reward with plain Python numbers. Raises PluginError that says what is wrong with it, or that the plugin
    does not declare rewards of its kind."""
    fault = _odd(reward)
    if not fault:
        score = None if reward.score is None else float(reward.score)
        reward = replace(reward, score=score, per_step=tuple(map(float, reward.per_step)))
        fault = _fault(rollout, reward)
    if fault:
        raise PluginError(f"{find_plugin(name)} in reward, sample {rollout.sample.id}: {fault}.")
    if reward.kind not in declared:
        raise PluginError(
            f"{find_plugin(name)} gave a reward of the kind {reward.kind!r}, and its rewards are {declared!r}.",
            "Declare what it gives.",
        )
    return reward


def _odd(reward: Any) -> str:
    """What is wrong with the reward's types; empty if nothing is. numpy's numbers and arrays are accepted."""
    if not isinstance(reward, Reward):
        return f"{type(reward).__name__} in place of a Reward"
    if reward.kind not in get_args(RewardKind):
        return f"the kind {reward.kind!r} is neither {' nor '.join(get_args(RewardKind))}"
    if not isinstance(reward.name, str):
        return f"its name is a {type(reward.name).__name__}"
    if not (reward.score is None or isinstance(reward.score, Real)):
        return f"the score {reward.score!r} is a {type(reward.score).__name__}, not a number"
    try:
        steps = list(reward.per_step)
    except TypeError:
        return f"per_step is a {type(reward.per_step).__name__}, not a row of numbers"
    odd = [step for step in steps if not isinstance(step, Real)]
    return f"a step's score {odd[0]!r} is a {type(odd[0]).__name__}, not a number" if odd else ""


def _fault(rollout: Rollout, reward: Reward) -> str:
    if reward.score is not None and not math.isfinite(reward.score):
        return f"the score is {reward.score}"
    if reward.kind == "outcome":
        return "" if reward.score is not None else "an outcome reward without a score"
    outside = [score for score in reward.per_step if not 0 <= score <= 1]  # nan is outside, too
    if outside:
        return f"a step's score is {outside[0]}, which is not in [0, 1]"
    steps = len(split_steps(rollout.completion.text))
    if (reward.score is None or reward.per_step) and len(reward.per_step) != steps:
        return f"{len(reward.per_step)} scores for {steps} steps"
    return ""
