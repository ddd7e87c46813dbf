"""Augment: more training samples from the ones there are. Originals are kept, lineage recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openrft.arm import derived_seed
from openrft.blame import list_of
from openrft.errors import PluginError
from openrft.installed import about
from openrft.sample import Sample, content_of, read_jsonl, sample_from_json, to_json, write_jsonl
from openrft.work import Tally, Work

VERSION = 1


def augment(work: Work) -> tuple[Sample, ...]:
    """The train split and what the arm's plugins made of it (paper, section 3.1)."""
    train = work.task.train
    names = work.plugins.having("augment")
    if not names:
        return train

    def make(folder: Path, tally: Tally) -> None:
        results = work.plugins.collect(
            "augment",
            samples=train,
            task=work.training_task,
            policy=work.student.policy(),
            seed=derived_seed(work.job.seed, "augment"),
            progress=work.progress,
        )
        new = merged(train, results, tally)
        for name in names:
            tally.counted_by(name, work.plugins.counts(name))
        write_jsonl(folder / "samples.jsonl", map(to_json, new))

    inputs = {
        "samples": content_of(train),
        "policy": work.student.id,
        "seed": work.job.seed,
        "plugins": work.identity(names),
    }
    result = work.stage("augment", VERSION, inputs, make)
    return tuple(sample_from_json(row) for row in read_jsonl(result.folder / "samples.jsonl"))


def merged(train: Sequence[Sample], results: Sequence[tuple[str, Sequence[Sample]]], tally: Tally) -> list[Sample]:
    """Originals first, then the new samples without duplicates. Raises PluginError for a sample without lineage."""
    kept = {s.id: s for s in train}
    roots = {s.root for s in train}
    for name, samples in results:
        for sample in list_of(name, "augment", Sample, samples):
            if sample.parent not in roots or not sample.via:
                raise PluginError(
                    f"{about(name)} made a sample without lineage: parent {sample.parent!r}, via {sample.via!r}.",
                    "Set parent to the id of a train sample and via to the plugin's name.",
                )
            if sample.id in kept:
                tally.count("duplicates")
            kept.setdefault(sample.id, sample)
    tally.counts["samples"] = len(kept)
    return list(kept.values())
