"""Rollouts and RL scoring, ours beside plain transformers, on the pocket policy. Compare ratios within one run."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from openrft.checkpoints import checkpoint_path
from openrft.families import load_task
from openrft.policies.base import Sampling
from openrft.policies.hf import HFPolicy
from openrft.prompt import messages_for
from openrft.task import DataRequest

GROUP = 8
TOKENS = 48  # longest completion


@pytest.fixture(scope="module")
def policy() -> HFPolicy:
    torch.set_num_threads(1)
    return HFPolicy(checkpoint_path("pocket"))


@pytest.fixture(scope="module")
def prompts() -> list[Any]:
    task = load_task("pocket/L3", DataRequest())
    return [messages_for(s, (), task.instruction) for s in task.train]


@pytest.mark.parametrize("batch", [64, 512])
def test_rollouts_ours(benchmark: Any, policy: HFPolicy, prompts: list[Any], batch: int) -> None:
    benchmark.group = f"rollouts of {batch}"
    chosen = prompts[: batch // GROUP]
    sampling = Sampling(n=GROUP, temperature=1.0, max_tokens=TOKENS)
    benchmark.pedantic(policy.generate, (chosen, sampling), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("batch", [64, 512])
def test_rollouts_transformers_generate(benchmark: Any, policy: HFPolicy, prompts: list[Any], batch: int) -> None:
    benchmark.group = f"rollouts of {batch}"
    encoded = [policy.encode(p) for p in prompts[: batch // GROUP]]
    width = max(map(len, encoded))
    ids = torch.tensor([[0] * (width - len(e)) + e for e in encoded]).repeat_interleave(GROUP, 0)
    mask = torch.tensor([[0] * (width - len(e)) + [1] * len(e) for e in encoded]).repeat_interleave(GROUP, 0)

    def generate() -> None:
        policy.model.generate(
            input_ids=ids, attention_mask=mask, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=TOKENS
        )

    benchmark.pedantic(generate, rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("shared", [True, False], ids=["shared prompts", "each row alone"])
def test_scoring_with_gradient(benchmark: Any, policy: HFPolicy, prompts: list[Any], shared: bool) -> None:
    benchmark.group = "scoring of 64 completions with gradient"
    chosen = prompts[: 64 // GROUP]
    groups = policy.generate(chosen, Sampling(n=GROUP, temperature=1.0, max_tokens=TOKENS))
    ids = [policy.encode(p) for p, g in zip(chosen, groups, strict=True) for _ in g]
    completions = [c.tokens for g in groups for c in g]

    def score() -> None:
        if shared:
            logp, _ = policy.completion_logprobs(ids, completions)
            logp.sum().backward()
            return
        width = max(len(i) + len(c) for i, c in zip(ids, completions, strict=True))
        rows = [[*i, *c] + [0] * (width - len(i) - len(c)) for i, c in zip(ids, completions, strict=True)]
        tokens = torch.tensor(rows)
        logits = policy.model(tokens, attention_mask=(tokens != 0).long()).logits[:, :-1]
        logits.log_softmax(-1).gather(-1, tokens[:, 1:, None]).sum().backward()

    benchmark.pedantic(score, rounds=5, warmup_rounds=1)
