"""A file of step labels in the making: a few questions at a time, each part kept whole, the file written at the end."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from openrft import Sample, Task, UsageError
from openrft_prm.labels import read, written
from openrft_prm.montecarlo import How, label

PART = 8  # questions a part: enough for full batches, little to lose


def label_file(task: Task, policy: Any, samples: Sequence[Sample], how: How, out: Path, progress: Any) -> Counter[str]:
    """Label the policy's solutions of the questions and write `out`; what was stopped goes on. Returns counts.

    Each part's draws are keyed by its number, so a run that was stopped ends with the same file.
    """
    if out.exists():
        raise UsageError(f"{out} exists.", "Give another --out.")
    aside = out.with_name(out.name + ".parts")
    _reserve(aside, {"task": task.name, "policy": policy.id, "samples": [s.id for s in samples], **asdict(how)})
    parts = [samples[at : at + PART] for at in range(0, len(samples), PART)]
    for number, part in enumerate(parts):
        file = aside / f"{number:05}.jsonl"
        if not file.exists():
            rows = label(task, policy, part, how, seed=how.seed * 1_000_003 + 2 * number)
            _whole(file, written(rows))
        progress.update("label", min((number + 1) * PART, len(samples)), len(samples))
    _whole(out, "".join(file.read_text("utf-8") for file in sorted(aside.glob("*.jsonl"))))
    shutil.rmtree(aside)
    if not out.stat().st_size:
        out.unlink()
        raise UsageError(
            "the policy finished no solution that has a step.", "Allow more --max-tokens, or take another policy."
        )
    found = Counter[str](questions=len(samples))
    for row in read(out):
        found.update(solutions=1, steps=len(row.steps), right=sum(x >= 0.5 for x in row.labels))
    return found


def _reserve(aside: Path, settings: dict[str, Any]) -> None:
    """Make the folder of parts; one that was begun with other settings is refused."""
    file, wanted = aside / "settings.json", json.dumps(settings, indent=1)
    if aside.exists() and (not file.exists() or file.read_text("utf-8") != wanted):
        raise UsageError(f"{aside} was begun with other settings.", "Remove it, or give another --out.")
    try:
        aside.mkdir(parents=True, exist_ok=True)
        _whole(file, wanted)
    except OSError as fault:
        raise UsageError(f"{aside} cannot be written ({fault.strerror}).", "Give another --out.") from fault


def _whole(file: Path, text: str) -> None:
    """Written aside and renamed: it is there whole, or not at all."""
    draft = file.with_name(file.name + ".tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
