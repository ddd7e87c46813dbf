"""Which questions a step of RL asks: each once an epoch in shuffled order, or as a plugin draws them."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from openrft.errors import PluginError
from openrft.plugins.errors import check_list
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import find_plugin
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.tasks.task import Task
from openrft.types import Sample


def draw_questions(context: JobContext, train: Sequence[Sample], step: int, stats: StageStats) -> list[Sample]:
    """The questions of a step: `explore.prompts_per_step`, or all of `train` if there are fewer."""
    how, seed = context.job.settings.explore, context.job.seed
    size = min(how.prompts_per_step, len(train))
    own = derive_seed(seed, "draw", step)
    drawn = call_draw_hook(context.plugins, train, size, context.training_task, step, how.steps, own, stats)
    return draw_step_samples(train, size, step, seed) if drawn is None else drawn


def draw_further_questions(
    context: JobContext,
    train: Sequence[Sample],
    size: int,
    asked: Collection[str],
    step: int,
    turn: int,
    stats: StageStats,
) -> list[Sample]:
    """Up to `size` questions whose ids are not among those this step has `asked`, for dynamic sampling."""
    how, seed = context.job.settings.explore, context.job.seed
    left = [s for s in train if s.id not in asked]
    size = min(size, len(left))
    own = derive_seed(seed, "draw", step, turn)
    drawn = call_draw_hook(context.plugins, left, size, context.training_task, step, how.steps, own, stats)
    return draw_replacement_samples(train, size, asked, step, turn, seed) if drawn is None else drawn


def call_draw_hook(
    plugins: PluginSet,
    samples: Sequence[Sample],
    count: int,
    task: Task,
    step: int,
    steps: int,
    seed: int,
    stats: StageStats,
) -> list[Sample] | None:
    """What a plugin draws; None if none does. Without a job, so that `openrft.testing` can use it too.

    Raises PluginError for too few or too many questions, for one twice, and for one that is not among `samples`.
    """
    if not count:
        return None
    answered = plugins.call_first(
        "draw_questions", samples=samples, count=count, task=task, step=step, steps=steps, seed=seed
    )
    if answered is None:
        return None
    name, result = answered
    stats.add_result(name, result)
    drawn = check_list(name, "draw_questions", Sample, result.value)
    known, ids = {s.id for s in samples}, {s.id for s in drawn}
    if len(drawn) != count or len(ids) < len(drawn):
        raise PluginError(f"{find_plugin(name)} drew {len(ids)} different questions for step {step}, of {count}.")
    if ids - known:
        raise PluginError(f"{find_plugin(name)} drew a question that it was not given: sample {min(ids - known)}.")
    return drawn


def draw_step_samples(train: Sequence[Sample], size: int, step: int, seed: int) -> list[Sample]:
    """The step's questions. The train split is shuffled in each epoch and cut into batches; the last one wraps
    around."""
    size = min(size, len(train))
    batch: list[Sample] = []
    at = step * size
    while len(batch) < size:
        epoch, offset = divmod(at, len(train))
        order = list(range(len(train)))
        random.Random(derive_seed(seed, "order", epoch)).shuffle(order)
        take = order[offset : offset + size - len(batch)]
        batch += [train[i] for i in take]
        at += len(take)
    return batch


def draw_replacement_samples(
    train: Sequence[Sample], size: int, asked: Collection[str], step: int, turn: int, seed: int
) -> list[Sample]:
    """Up to `size` random questions whose ids are not among those this step has `asked`."""
    left = [s for s in train if s.id not in asked]
    random.Random(derive_seed(seed, "further", step, turn)).shuffle(left)
    return left[:size]
