"""Retrieve: demonstrations for a batch of questions, never a question's own answer, and the prompts that they make.

Used by explore and evaluate.
"""

from __future__ import annotations

from collections.abc import Sequence

from openrft.blame import blamed
from openrft.errors import PluginError
from openrft.installed import about
from openrft.plugins import Plugins
from openrft.prompt import boxed, messages_for
from openrft.sample import Prompt, Rollout, Sample, Shot
from openrft.task import Task
from openrft.work import Work


def pool_of(train: Sequence[Sample], targets: Sequence[Rollout]) -> list[Shot]:
    """The original train split as demonstrations, with reasoning where a teacher wrote some."""
    traces = {r.sample.id: r.completion.text for r in targets}
    bare = {s.id: boxed(s.answer) for s in train}  # what synthesis falls back to is no reasoning
    return [Shot(s, bare[s.id], None if traces.get(s.id) == bare[s.id] else traces.get(s.id)) for s in train]


def demonstrations(work: Work, samples: Sequence[Sample], pool: Sequence[Shot]) -> list[list[Shot]]:
    """Demonstrations for each sample; none where no plugin retrieves.

    Raises PluginError for a demonstration of the sample itself, of its kin, or from outside the pool.
    """
    return retrieved(work.plugins, samples, pool, work.training_task)


def retrieved(plugins: Plugins, samples: Sequence[Sample], pool: Sequence[Shot], task: Task) -> list[list[Shot]]:
    """`demonstrations` without a job, for the kit as well."""
    answered = plugins.first("retrieve", samples=samples, pool=pool, task=task)
    if answered is None:
        return [[] for _ in samples]
    name, given = answered
    with blamed(name, "gave no list of demonstrations for each sample in retrieve"):
        shots = [list(chosen) for chosen in given]
    if len(shots) != len(samples):
        raise PluginError(f"{about(name)} retrieved for {len(shots)} of {len(samples)} samples.")
    known = {shot.sample.id for shot in pool}
    for sample, chosen in zip(samples, shots, strict=True):
        for shot in chosen:
            if not isinstance(shot, Shot):
                raise PluginError(f"{about(name)} gave a {type(shot).__name__} in retrieve, in place of a Shot.")
            if shot.sample.root == sample.root or shot.sample.id not in known:
                what = "itself or its kin" if shot.sample.id in known else "a sample from outside the train split"
                raise PluginError(f"{about(name)} gave sample {sample.id} a demonstration of {what}.")
    return shots


def prompts_of(work: Work, samples: Sequence[Sample], shots: Sequence[Sequence[Shot]]) -> list[Prompt]:
    """Each sample as the policy is to be asked it, behind its demonstrations."""
    return [
        Prompt(sample, messages_for(sample, demos, work.task.instruction), tuple(d.sample.id for d in demos))
        for sample, demos in zip(samples, shots, strict=True)
    ]
