"""Rollouts, a whole RL step and its memory: ours beside transformers' `generate` and TRL's GRPOTrainer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from rl_step import SIDES, questions

from openrft.policies.base import Sampling
from openrft.policies.hf import HFPolicy

GROUP, TOKENS = 8, 48
ROUNDS = 7


@pytest.fixture(scope="module")
def prompts() -> list[Any]:
    return [messages for _, messages in questions()]


@pytest.mark.parametrize("batch", [64, 512])
def test_rollouts_ours(benchmark: Any, policy: HFPolicy, prompts: list[Any], batch: int) -> None:
    benchmark.group = f"rollouts of {batch}, against transformers"
    sampling = Sampling(n=GROUP, temperature=1.0, max_tokens=TOKENS)
    groups = benchmark.pedantic(policy.generate, (prompts[: batch // GROUP], sampling), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["tokens"] = sum(len(c.tokens) for group in groups for c in group)


@pytest.mark.parametrize("batch", [64, 512])
def test_rollouts_transformers(benchmark: Any, policy: HFPolicy, prompts: list[Any], batch: int) -> None:
    benchmark.group = f"rollouts of {batch}, against transformers"
    encoded = [policy.encode(p) for p in prompts[: batch // GROUP]]
    width = max(map(len, encoded))
    ids = torch.tensor([[0] * (width - len(e)) + e for e in encoded]).repeat_interleave(GROUP, 0)
    mask = torch.tensor([[0] * (width - len(e)) + [1] * len(e) for e in encoded]).repeat_interleave(GROUP, 0)
    inputs = {"input_ids": ids.to(policy.model.device), "attention_mask": mask.to(policy.model.device)}

    def generate() -> torch.Tensor:
        found: torch.Tensor = policy.model.generate(
            **inputs, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=TOKENS
        )
        return found

    found = benchmark.pedantic(generate, rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["tokens"] = int((found[:, width:] != policy.tokenizer.pad_token_id).sum())


@pytest.mark.parametrize("side", SIDES)
def test_rl_step(benchmark: Any, request: Any, checkpoint: str, side: str) -> None:
    steps, prompts, part = (request.config.getoption(name) for name in ("--steps", "--prompts", "--trl-part"))
    asked = (prompts, part) if side == "trl" else (prompts,)
    benchmark.group = f"an RL step of {GROUP * prompts} completions, against TRL"
    benchmark.pedantic(SIDES[side](checkpoint, *asked), rounds=steps, warmup_rounds=min(2, steps // 2))


@pytest.mark.parametrize("side", SIDES)
def test_memory_of_an_rl_step(benchmark: Any, request: Any, checkpoint: str, side: str) -> None:
    """The time is that of the process that is measured; what counts is `peak_growth_bytes`."""
    benchmark.group = "memory of an RL step, against TRL"
    threads = str(request.config.getoption("--threads"))
    command = [sys.executable, str(Path(__file__).with_name("rl_step.py")), side, checkpoint, threads]

    def measured() -> int:
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])

    benchmark.extra_info["peak_growth_bytes"] = benchmark.pedantic(measured, rounds=1)
