"""Retrieve: demonstrations for a batch of questions, and the prompts with them. Used by explore and evaluate."""

from __future__ import annotations

import random
from collections.abc import Sequence

from openrft.errors import PluginError
from openrft.plugins.errors import name_plugin_in_errors
from openrft.plugins.manager import PluginSet
from openrft.plugins.policy_registry import read_policy_demonstrations
from openrft.plugins.registry import find_plugin
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.tasks.leakage import find_overlaps
from openrft.tasks.prompt import box_answer, build_messages
from openrft.tasks.task import Task
from openrft.types import Demonstration, Prompt, Rollout, Sample


def choose_demonstration_pool(context: JobContext, targets: Sequence[Rollout]) -> list[Demonstration]:
    """What demonstrations are chosen from: those that the policy was trained with, if it comes with some and is not
    trained further; else the train split. Demonstrations that overlap with a test question are left out of the
    policy's own."""
    trains = bool(context.plugins.implementing("train_step"))
    own = [] if trains else read_policy_demonstrations(context.job.policy)
    if not own:
        return build_demonstration_pool(context.task.train, targets)
    overlaps = find_overlaps([one.sample for one in own], context.task.test)
    leaked = {one for pairs in overlaps.values() for one, _ in pairs}
    return [one for one in own if one.sample.id not in leaked]


def build_demonstration_pool(train: Sequence[Sample], targets: Sequence[Rollout]) -> list[Demonstration]:
    """The original train split as demonstrations, with reasoning where a teacher wrote some."""
    traces = {r.sample.id: r.completion.text for r in targets}
    bare = {s.id: box_answer(s.answer) for s in train}  # the fallback of synthesis has no reasoning
    return [Demonstration(s, bare[s.id], None if traces.get(s.id) == bare[s.id] else traces.get(s.id)) for s in train]


def list_evaluated_demonstrators(context: JobContext) -> list[str]:
    """The plugins whose demonstrations the evaluation shows: none where the settings say so, nor those that fade."""
    if not context.job.settings.evaluate.show_demonstrations:
        return []
    declared = context.plugins.declarations
    return [name for name in context.plugins.implementing("retrieve") if declared[name].demonstration_fade is None]


def compute_demonstration_share(share: float, fade: float | None, step: int, steps: int) -> float:
    """The share of the questions of an RL step that have demonstrations: `share` at step 0, less by the same amount at
    each step, and 0 from step `fade` * `steps` on. None: always `share`.

    The curriculum of CBRL (arXiv 2603.18953), whose `fade` is 1.
    """
    return share if fade is None else share * max(0.0, 1 - step / (fade * steps))


def draw_demonstrated(context: JobContext, samples: Sequence[Sample], step: int) -> list[bool]:
    """For each sample of an RL step, whether it has demonstrations. Each has a draw of its own."""
    declared = [context.plugins.declarations[name] for name in context.plugins.implementing("retrieve")]
    steps, seed = context.job.settings.explore.steps, context.job.seed
    share = max(
        (compute_demonstration_share(d.demonstration_share, d.demonstration_fade, step, steps) for d in declared),
        default=0.0,
    )
    return [random.Random(derive_seed(seed, "demonstrations", step, s.id)).random() < share for s in samples]


def retrieve_demonstrations(
    context: JobContext, samples: Sequence[Sample], pool: Sequence[Demonstration], stats: StageStats
) -> list[list[Demonstration]]:
    """Demonstrations for each sample; none if no plugin retrieves.

    Raises PluginError for a demonstration of the sample itself, of its relatives, or from outside the pool.
    """
    return call_retrieve_hook(context.plugins, samples, pool, context.training_task, stats)


def call_retrieve_hook(
    plugins: PluginSet, samples: Sequence[Sample], pool: Sequence[Demonstration], task: Task, stats: StageStats
) -> list[list[Demonstration]]:
    """`retrieve_demonstrations` without a job, so that `openrft.testing` can use it too."""
    answered = plugins.call_first("retrieve", samples=samples, pool=pool, task=task)
    if answered is None:
        return [[] for _ in samples]
    name, result = answered
    stats.add_result(name, result)
    with name_plugin_in_errors(name, "gave no list of demonstrations for each sample in retrieve"):
        demonstrations = [list(chosen) for chosen in result.value]
    if len(demonstrations) != len(samples):
        raise PluginError(f"{find_plugin(name)} retrieved for {len(demonstrations)} of {len(samples)} samples.")
    known = {demonstration.sample.id for demonstration in pool}
    for sample, chosen in zip(samples, demonstrations, strict=True):
        for demonstration in chosen:
            if not isinstance(demonstration, Demonstration):
                raise PluginError(
                    f"{find_plugin(name)} gave a {type(demonstration).__name__} in retrieve, in place of a"
                    " Demonstration."
                )
            if demonstration.sample.root_id == sample.root_id or demonstration.sample.id not in known:
                known_id = demonstration.sample.id in known
                what = "itself or a related sample" if known_id else "a sample from outside the train split"
                raise PluginError(f"{find_plugin(name)} gave sample {sample.id} a demonstration of {what}.")
    return demonstrations


def build_prompts(
    context: JobContext, samples: Sequence[Sample], demonstrations: Sequence[Sequence[Demonstration]]
) -> list[Prompt]:
    """The prompt of each sample, with its demonstrations before it."""
    return [
        Prompt(sample, build_messages(sample, demos, context.task.instruction), tuple(d.sample.id for d in demos))
        for sample, demos in zip(samples, demonstrations, strict=True)
    ]
