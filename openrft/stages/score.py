"""Score: the rewards of a plugin as marks of completions to choose from, of questions without a gold answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from openrft.errors import PolicyError
from openrft.plugins.hookspecs import Candidates
from openrft.plugins.manager import PluginSet
from openrft.stages.context import StageStats
from openrft.stages.reward import BEFORE_RL, call_reward_hooks
from openrft.tasks.task import Task
from openrft.tasks.unlabelled import make_unlabelled
from openrft.types import Reward, Rollout


def score_candidates(
    plugins: PluginSet, candidates: Sequence[Candidates], task: Task, stats: StageStats
) -> list[list[Reward]] | None:
    """The reward of each completion of each question, by the plugin that the one with the hook `weigh` names; None if
    it names none.

    The rollouts have no grade, their samples hide the gold answer, and `task` has no samples. Raises PluginError for a
    plugin that reads the gold answer, PolicyError for rewards that failed: a failure is never a mark.
    """
    scorer = next((plugins.scorers[name] for name in plugins.implementing("weigh") if name in plugins.scorers), None)
    if scorer is None:
        return None
    rollouts = [
        Rollout(sample, own.messages, completion)
        for own in candidates
        for sample in [make_unlabelled(own.question)]
        for completion in own.completions
    ]
    given = call_reward_hooks(scorer, rollouts, replace(task, train=(), test=()), BEFORE_RL, 0, stats)
    found = [rewards[0] for rewards in given if rewards]
    if lost := len(given) - len(found):
        raise PolicyError(
            f"{scorer.names[0]} could not score {lost} of {len(given)} completions, and none can be chosen without.",
            f"Fix {scorer.names[0]} or its server, and run the same command again.",
        )
    following = iter(found)
    return [[next(following) for _ in own.completions] for own in candidates]
