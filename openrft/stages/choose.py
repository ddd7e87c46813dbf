"""Choose: one answer from several completions of a test question, by a vote or by the highest weight.

The hook `weigh` is called only here. It sees questions without their gold answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from openrft.errors import PluginError
from openrft.grading.agreement import number_answers
from openrft.grading.rules import GradingRules
from openrft.plugins.errors import check_list
from openrft.plugins.hookspecs import AnswerRule, Candidates
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import find_plugin
from openrft.runtime.progress import Progress
from openrft.stages.context import JobContext, StageStats
from openrft.stages.score import score_candidates
from openrft.stages.work import count_completions_per_answer
from openrft.tasks.task import Task, hide_answer
from openrft.types import Draw, Rollout


def number_votes(context: JobContext, rollouts: Sequence[Rollout], draws: int) -> list[Rollout]:
    """The rollouts with their votes. Those of one question are adjacent, `draws` of each."""
    numbered: list[Rollout] = []
    for first in range(0, len(rollouts), draws):
        group = rollouts[first : first + draws]
        votes = _number(context, group, [r.answer for r in group])
        numbered += [replace(r, vote=vote) for r, vote in zip(group, votes, strict=True)]
    return numbered


def choose_answers(context: JobContext, drawn: Sequence[Rollout], stats: StageStats) -> list[Rollout]:
    """The chosen rollouts, each with a short record of all those it was chosen from. All of `drawn` without a plugin
    that chooses. `drawn` have their votes."""
    if not context.plugins.implementing("weigh"):
        return list(drawn)
    (name,) = context.plugins.implementing("weigh")
    size, rule = count_completions_per_answer(context.plugins), context.plugins.declarations[name].answer_rule
    groups = [drawn[first : first + size] for first in range(0, len(drawn), size)]
    candidates = [
        Candidates(
            hide_answer(group[0].sample),
            group[0].messages,
            tuple(r.completion for r in group if r.completion.is_written),
        )
        for group in groups
    ]
    weights = call_weigh_hook(context.plugins, candidates, context.training_task, context.progress, stats)
    return [_choose(context, group, own, rule) for group, own in zip(groups, weights, strict=True)]


def call_weigh_hook(
    plugins: PluginSet, candidates: Sequence[Candidates], task: Task, progress: Progress, stats: StageStats
) -> list[list[float]]:
    """The weights of the completions of each question, so that `openrft.testing` can use it, too.

    Raises PluginError for a missing weight, or one that is not finite or below 0.
    """
    rewards = score_candidates(plugins, candidates, task, stats)
    answered = plugins.call_first("weigh", candidates=candidates, task=task, progress=progress, rewards=rewards)
    if answered is None:
        raise PluginError(
            f"{find_plugin(plugins.implementing('weigh')[0])} gave None in weigh, in place of a list of weights."
        )
    name, result = answered
    stats.add_result(name, result)
    rows = check_list(name, "weigh", list, result.value)
    if len(rows) != len(candidates):
        raise PluginError(f"{find_plugin(name)} weighed the completions of {len(rows)} of {len(candidates)} questions.")
    for own, row in zip(candidates, rows, strict=True):
        if len(row) != len(own.completions):
            raise PluginError(f"{find_plugin(name)} gave {len(row)} weights for {len(own.completions)} completions.")
        for weight in row:
            if not _is_weight(weight):
                raise PluginError(f"{find_plugin(name)} gave the weight {weight!r}, which is not a number from 0 up.")
    return [[float(weight) for weight in row] for row in rows]


def _is_weight(given: Any) -> bool:
    """numpy's numbers are accepted."""
    return isinstance(given, Real) and 0 <= float(given) < math.inf


def _choose(context: JobContext, group: Sequence[Rollout], given: Sequence[float], rule: AnswerRule) -> Rollout:
    """The answer of one group, from the weights of its completions that were written."""
    following = iter(given)
    weights = [next(following) if r.completion.is_written else None for r in group]
    chosen = find_best(weights) if rule == "best" else find_winner(_find_votes(context, group), weights)
    draws = tuple(
        Draw(r.vote, _score(r), weight, len(r.completion.tokens)) for r, weight in zip(group, weights, strict=True)
    )
    completion = replace(group[chosen].completion, logprobs=())
    return replace(group[chosen], completion=completion, draws=draws)


def find_best(weights: Sequence[float | None]) -> int:
    """The place of the highest weight; of equal ones, the first. None: the completion cannot be chosen."""
    return max(range(len(weights)), key=lambda i: -1.0 if (weight := weights[i]) is None else weight)


def find_winner(votes: Sequence[int | None], weights: Sequence[float | None]) -> int:
    """The place of the first completion that gives the answer with the largest sum of weights. Of equal sums, the
    answer that was given first wins. Without any vote, the first completion that was written."""
    sums: dict[int, float] = {}
    for vote, weight in zip(votes, weights, strict=True):
        if vote is not None and weight is not None:
            sums[vote] = sums.get(vote, 0.0) + weight
    if not sums:
        return next((i for i, weight in enumerate(weights) if weight is not None), 0)
    return list(votes).index(max(sums, key=lambda vote: sums[vote]))


def _find_votes(context: JobContext, group: Sequence[Rollout]) -> list[int | None]:
    """Votes by the strict reading. If it reads nothing, those by the lenient one: accuracy stays that of the strict
    reading, and the lenient one has its vote, too."""
    votes = [r.vote for r in group]
    return (
        votes if any(vote is not None for vote in votes) else _number(context, group, [r.lenient_answer for r in group])
    )


def _number(context: JobContext, group: Sequence[Rollout], answers: Sequence[str | None]) -> list[int | None]:
    data = context.job.data
    return number_answers(group[0].sample, answers, GradingRules(data.tolerance, data.convert_units))


def _score(rollout: Rollout) -> float | None:
    if rollout.score is not None or rollout.correct is None:
        return rollout.score
    return float(rollout.correct)
