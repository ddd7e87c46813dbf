"""What a trained policy knows about itself: openrft.json and its demonstrations, in the folder of its weights.

`openrft evaluate`, `bench` and `predict` use what is written here as their defaults. This file does not import torch or
transformers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openrft.config.documents import dump_document, read_document
from openrft.errors import CheckpointError
from openrft.runtime.files import read_jsonl
from openrft.types import Demonstration, Sample, identify_question, sample_from_json, to_json

DESCRIPTION_FILE = "openrft.json"
DEMONSTRATIONS_FILE = "demonstrations.jsonl"
FORMAT = "openrft-policy/1"


@dataclass(frozen=True, slots=True)
class Estimate:
    """An accuracy in [0, 1], or a difference of two, with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PolicyDescription:
    """How a policy was trained, how to prompt it, and its scores."""

    arm: str
    plugins: tuple[str, ...]
    seed: int
    task: str
    base: str  # the policy it was trained from, as given to --policy
    base_id: str  # the fingerprint of that policy
    instruction: str  # the system turn of every prompt in training
    settings: Mapping[str, Mapping[str, Any]]  # how it was evaluated: the stage "evaluate", and "policy" if set
    demonstrations: Mapping[str, Mapping[str, Any]]
    # ^ the plugins that show demonstrations, with their options; empty if it was evaluated without any
    train_samples: int
    train_digest: str  # of the training split
    test_items: int
    score: Estimate | None = None  # of the whole arm: all seeds of its bench; None if nothing could be scored
    vanilla: Estimate | None = None  # of the policy it was trained from
    gain: Estimate | None = None  # accuracy over that of vanilla
    seeds: int = 1  # training seeds that the scores are over
    versions: Mapping[str, str] = field(default_factory=dict)
    task_instruction: str = ""  # the task's own, where a plugin found `instruction` in its place
    arms: Mapping[str, Estimate] = field(default_factory=dict)  # accuracies of the other arms of its bench
    trained: bool = True  # False: the weights are those of the base, and only how it is asked differs
    answering: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # ^ the plugins that chose each test answer from several completions, and those that scored for them, with their
    #   options; empty if each completion was an answer
    weights: Mapping[str, str] = field(default_factory=dict)  # fingerprints of the models in `answering`
    trained_on: tuple[str, ...] = ()  # the training questions, by `openrft.types.identify_question`

    @property
    def title(self) -> str:
        """A name for people, such as "rl+sft on questions/mine, seed 0"."""
        return f"{self.arm} on {self.task}, seed {self.seed}"

    def find_known(self, samples: Iterable[Sample]) -> list[bool]:
        """Whether the policy was trained on each of these questions."""
        known = {*self.trained_on}
        return [identify_question(sample) in known for sample in samples]


def write_description(folder: Path, description: PolicyDescription) -> None:
    """Write openrft.json into the folder."""
    row = {"format": FORMAT, **dump_document(description)}
    (folder / DESCRIPTION_FILE).write_text(json.dumps(row, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_description(folder: Path) -> PolicyDescription | None:
    """The description in the folder of a policy; None if there is none. Raises CheckpointError for a damaged one."""
    file = folder / DESCRIPTION_FILE
    if not file.is_file():
        return None
    try:
        row = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise CheckpointError(f"{file} cannot be read: {fault}", "Export the policy again.") from fault
    found = row.get("format") if isinstance(row, dict) else None
    if found != FORMAT:
        raise CheckpointError(f"{file}: its format is {found!r}, not {FORMAT!r}.", "Export the policy again.")
    description, faults = read_document(PolicyDescription, row, "ignore")  # a later version may have added fields
    if description is None:
        raise CheckpointError(f"{file}: {'; '.join(faults[:3])}.", "Export the policy again.")
    return description


def write_demonstrations(folder: Path, pool: Iterable[Demonstration]) -> None:
    """Write the demonstrations that a policy was trained with, one per line."""
    with (folder / DEMONSTRATIONS_FILE).open("w", encoding="utf-8") as out:
        for one in pool:
            row = {"sample": to_json(one.sample), "answer": one.answer, "trace": one.trace}
            out.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")


def read_demonstrations(folder: Path) -> list[Demonstration]:
    """The demonstrations in the folder of a policy. Raises CheckpointError for a missing or damaged file."""
    file = folder / DEMONSTRATIONS_FILE
    try:
        rows = list(read_jsonl(file))
        return [Demonstration(sample_from_json(row["sample"]), row["answer"], row["trace"]) for row in rows]
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise CheckpointError(f"{file} cannot be read: {fault!r}", "Export the policy again.") from fault
