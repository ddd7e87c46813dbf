"""A job for several ranks, and the comparison of what two runs of it have left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from openrft.runtime.files import read_jsonl

SIZES = "explore.steps=3 explore.prompts_per_step=3 explore.group_size=3 explore.max_tokens=8 explore.holdback=2"
MORE = "fitness.questions=2 fitness.completions=2 explore.probes=0 evaluate.max_tokens=8 evaluate.completions=1"
OWN = "teacher.tries=1 sft.epochs=1 sft.batch_size=6 sft.lr=1e-3 rl.lr=1e-3 rl.kl_coef=0.01 brevity.limit=7"
JOBS = [
    *("bench", "--task", "toy/sums", "--train", "11", "--test", "5", "--out", "runs", "--arms", "none"),
    *("--workers", "1"),  # in the process that has imported torch
    *("--arm", "ppo=sft,rl,brevity,rl.algorithm=ppo,rl.updates_per_epoch=2", "--set", "teacher.max_tokens=8"),
    *(
        word
        for setting in f"{SIZES} {MORE} {OWN} sft.gradient_accumulation_steps=2".split()
        for word in ("--set", setting)
    ),
]


def read_stages(store: Path) -> dict[str, dict[str, Any]]:
    """What each stage left that depends on neither time nor machine, by stage and key."""
    found: dict[str, dict[str, Any]] = {}
    for cost in sorted(store.glob("*/*/cost.json")):
        folder, row = cost.parent, json.loads(cost.read_text())
        rows = {file.name: list(read_jsonl(file)) for file in folder.glob("*.jsonl")}
        for row_of_metrics in rows.get("metrics.jsonl", ()):
            for name in [name for name in row_of_metrics if name.startswith(("seconds", "peak"))]:
                del row_of_metrics[name]
        adapter = folder / "adapter" / "adapter_model.safetensors"
        found[f"{folder.parent.name}/{folder.name}"] = {
            "rows": rows,
            "counts": {**row["counts"], "tokens": row["tokens"]},
            "metrics": row["metrics"],
            "adapter": load_file(adapter) if adapter.exists() else {},
        }
    return found


def assert_same_but_for_rounding(found: Path, expected: Path) -> None:
    """The same stages with the same draws, verdicts and rewards; numbers and weights differ by rounding alone."""
    some, others = read_stages(found), read_stages(expected)
    assert some.keys() == others.keys()
    for stage, one in some.items():
        other = others[stage]
        assert one["counts"] == other["counts"], stage
        assert one["metrics"] == pytest.approx(other["metrics"], rel=1e-4, abs=1e-6), stage
        assert one["rows"].keys() == other["rows"].keys()
        for name, rows in one["rows"].items():
            assert len(rows) == len(other["rows"][name])
            for row, twin in zip(rows, other["rows"][name], strict=True):
                if name == "metrics.jsonl":
                    assert row == pytest.approx(twin, rel=1e-4, abs=1e-6), stage
                else:
                    assert drop_logprobs(row) == drop_logprobs(twin), stage
        for name, tensor in one["adapter"].items():
            # Adam makes a whole step of a gradient that is all but zero, so single weights may differ by more.
            twin = other["adapter"][name]
            assert float((tensor - twin).norm()) <= 1e-3 * float(twin.norm()), (stage, name)


def drop_logprobs(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "completion": {**row.get("completion", {}), "logprobs": None}}
