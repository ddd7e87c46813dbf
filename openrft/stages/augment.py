"""Augment: make more training samples from the existing ones. Originals are kept, and parents are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openrft.errors import PluginError
from openrft.plugins.errors import check_list
from openrft.plugins.hookspecs import HookResult
from openrft.plugins.registry import find_plugin
from openrft.runtime.files import read_jsonl, write_jsonl
from openrft.runtime.seeds import derive_seed
from openrft.stages.context import JobContext, StageStats
from openrft.types import Sample, digest_samples, sample_from_json, to_json

VERSION = 1


def augment(context: JobContext) -> tuple[Sample, ...]:
    """The train split with the new samples of the arm's plugins (paper, section 3.1)."""
    train = context.task.train
    names = context.plugins.implementing("augment")
    if not names:
        return train

    def make(folder: Path, stats: StageStats) -> None:
        results = context.plugins.call_all(
            "augment",
            samples=train,
            task=context.training_task,
            policy=context.policy.load(),
            seed=derive_seed(context.job.seed, "augment"),
            progress=context.progress,
        )
        new = merge_augmented(train, results, stats)
        write_jsonl(folder / "samples.jsonl", map(to_json, new))

    inputs = {
        "samples": digest_samples(train),
        "policy": context.policy.id,
        "seed": context.job.seed,
        "plugins": context.identity(names),
    }
    result = context.run_stage("augment", VERSION, inputs, make)
    return tuple(sample_from_json(row) for row in read_jsonl(result.folder / "samples.jsonl"))


def merge_augmented(
    train: Sequence[Sample], results: Sequence[tuple[str, HookResult[Any]]], stats: StageStats
) -> list[Sample]:
    """Originals first, then the new samples without duplicates. Raises PluginError for a sample without a parent."""
    kept = {s.id: s for s in train}
    roots = {s.root_id for s in train}
    for name, result in results:
        stats.add_result(name, result)
        for sample in check_list(name, "augment", Sample, result.value):
            if sample.parent not in roots or not sample.created_by:
                raise PluginError(
                    f"{find_plugin(name)} made a sample without lineage: parent {sample.parent!r},"
                    f" created_by {sample.created_by!r}.",
                    "Set parent to the id of a train sample and created_by to the plugin's name.",
                )
            if sample.id in kept:
                stats.count("duplicates")
            kept.setdefault(sample.id, sample)
    stats.counts["samples"] = len(kept)
    return list(kept.values())
