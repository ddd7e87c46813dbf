"""Call one hook of one plugin as its stage calls it, and check what it returns as its stage does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from openrft.config.settings import Settings
from openrft.errors import PluginError
from openrft.plugins.errors import check_list, check_metrics
from openrft.plugins.hookspecs import Diagnosis, PolicyInfo
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import find_plugin
from openrft.policies.base import Sampling
from openrft.rewards.reward_check import RewardCheck
from openrft.runtime.progress import NoProgress
from openrft.stages.augment import merge_augmented
from openrft.stages.choose import call_weigh_hook
from openrft.stages.context import StageStats
from openrft.stages.draw import call_draw_hook
from openrft.stages.grade import call_grade_hooks, grade_by_rule
from openrft.stages.retrieve import call_retrieve_hook
from openrft.stages.reward import BEFORE_RL, call_reward_hooks
from openrft.stages.synthesize import verify_targets
from openrft.tasks.prompt import box_answer
from openrft.testing.batches import Batch
from openrft.testing.toys import ScriptedPolicy


def make_policy() -> ScriptedPolicy:
    """The policy of the checks: it answers A, B, C, D in turn, each after one step."""
    return ScriptedPolicy(lambda messages, i: f"think\n{box_answer('ABCD'[i % 4])}")


def call_hook(plugins: PluginSet, hook: str, batch: Batch, seed: int = 0) -> Any:
    """What the one plugin of `plugins` returned from `hook`, after the core's own checks; None for no answer.

    For reward, grade, weigh and retrieve it is a list with an entry for each item of the batch, in order. For
    synthesize some may be left out.
    Raises PluginError, which names the plugin and says what is wrong.
    """
    (name,) = plugins.names
    return CALLS[hook](plugins, name, batch, seed)


def _check_job(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    found = plugins.call_all("check_job", settings=Settings(), task=batch.task, policy_spec=make_policy().id)
    return [check_list(name, "check_job", str, result.value) for _, result in found]


def _diagnose(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    found = plugins.call_all("diagnose", rollouts=batch.rollouts, settings=Settings(), **_common(batch, seed))
    return [check_list(name, "diagnose", Diagnosis, result.value) for _, result in found]


def _instruct(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    grade_answers = partial(grade_by_rule, batch.task)
    found = plugins.call_first("instruct", sampling=Sampling(), grade_answers=grade_answers, **_common(batch, seed))
    if found and not isinstance(found[1].value, str):
        raise PluginError(f"{find_plugin(name)} gave no text in instruct.")
    return found and found[1].value


def _augment(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    results = plugins.call_all("augment", samples=batch.samples, **_common(batch, seed))
    return merge_augmented(batch.task.train, results, StageStats())


def _synthesize(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    found = plugins.call_first("synthesize", samples=batch.samples, **_common(batch, seed))
    return found and verify_targets(name, batch.samples, found[1].value, batch.task)


def _draw_questions(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    """At the first, the middle and the last of eight steps, half of the questions."""
    count = (len(batch.samples) + 1) // 2
    drawn = [call_draw_hook(plugins, batch.samples, count, batch.task, s, 8, seed, StageStats()) for s in (0, 4, 7)]
    return [one and [sample.id for sample in one] for one in drawn]


def _retrieve(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    return call_retrieve_hook(plugins, batch.samples, batch.pool, batch.task, StageStats())


def _reward(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    """For each rollout the rewards before RL and at its first step."""
    if not batch.rollouts:  # with none the core calls no plugin
        found = plugins.call_all("reward", rollouts=[], task=batch.task, step=0, seed=seed)
        return [_require_empty(name, "reward", result.value) for _, result in found]
    before, first = (
        call_reward_hooks(plugins, batch.rollouts, batch.task, step, seed, StageStats()) for step in (BEFORE_RL, 0)
    )
    return [list(pair) for pair in zip(before, first, strict=True)]


def _weigh(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    return call_weigh_hook(plugins, batch.candidates, batch.task, NoProgress(), StageStats())


def _check_reward(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    found = plugins.call_all("check_reward", rollouts=batch.rollouts, task=batch.task, seed=seed, progress=NoProgress())
    return check_list(name, "check_reward", RewardCheck, [result.value for _, result in found])


def _grade(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    """For each rollout, of which the task's rule has left all open, its grade."""
    if not batch.rollouts:
        found = plugins.call_first("grade", rollouts=[], task=batch.task, progress=NoProgress())
        return found and _require_empty(name, "grade", found[1].value)
    waiting = [replace(rollout, answer=None, correct=None, score=None) for rollout in batch.rollouts]
    graded = call_grade_hooks(plugins, waiting, batch.task, NoProgress(), StageStats())
    return [(rollout.answer, rollout.correct, rollout.score, rollout.reason) for rollout in graded]


def _evaluate(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    found = plugins.call_all("evaluate", rollouts=batch.rollouts, task=batch.task)
    measured = [check_metrics(name, "evaluate", result.value) for _, result in found]
    for metric, value in (pair for metrics in measured for pair in metrics.items()):
        if not math.isfinite(value):
            raise PluginError(
                f"{find_plugin(name)} measured in evaluate: {metric} is {value}.", "Leave out what is unknown."
            )
    return measured


def _policies(plugins: PluginSet, name: str, batch: Batch, seed: int) -> Any:
    named: dict[str, PolicyInfo] = {}
    for _, result in plugins.call_all("policies"):
        for policy, info in dict(result.value).items():
            if policy.split("/")[0] != name:
                raise PluginError(f"{find_plugin(name)} names a policy {policy!r}.", f"Write {name} or {name}/...")
            if not isinstance(info, PolicyInfo):
                raise PluginError(f"{find_plugin(name)} gave a {type(info).__name__} in policies, not a PolicyInfo.")
            named[policy] = info
    return named


CALLS: dict[str, Callable[[PluginSet, str, Batch, int], Any]] = {
    "check_job": _check_job,
    "diagnose": _diagnose,
    "instruct": _instruct,
    "augment": _augment,
    "synthesize": _synthesize,
    "draw_questions": _draw_questions,
    "retrieve": _retrieve,
    "reward": _reward,
    "check_reward": _check_reward,
    "weigh": _weigh,
    "evaluate": _evaluate,
    "grade": _grade,
    "policies": _policies,
}  # all but train_step, which needs a policy that can be trained, and tasks, which families.py checks


def _common(batch: Batch, seed: int) -> dict[str, Any]:
    return {"task": batch.task, "policy": make_policy(), "seed": seed, "progress": NoProgress()}


def _require_empty(name: str, hook: str, given: object) -> list[Any]:
    found = check_list(name, hook, object, given)  # type: ignore[arg-type]  # it says so where it is no list
    if found:
        raise PluginError(f"{find_plugin(name)} gave {len(found)} results in {hook} for no rollouts.")
    return found
