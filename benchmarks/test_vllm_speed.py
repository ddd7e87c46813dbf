"""Rollouts, ours beside vLLM's in-process engine, in one process on equal threads; see README.md for its environment.

vLLM runs as it is fastest (no seeds, no log-probabilities, no room for adapters) and as RL needs it.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from rl_step import questions

from openrft.policies.base import Sampling
from openrft.policies.hf import HFPolicy

pytest.importorskip("vllm", reason="vLLM is not installed here")

GROUP, TOKENS = 8, 48
ROUNDS = 7


@pytest.fixture(scope="module")
def engine(policy: HFPolicy) -> Any:
    from openrft.policies.vllm import ENVIRONMENT, GPU_SHARE

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from vllm import LLM

    on_cpu = policy.model.device.type == "cpu"
    return LLM(
        policy.path,
        dtype=str(policy.model.dtype).removeprefix("torch."),
        skip_tokenizer_init=True,
        max_model_len=policy.context,
        max_num_seqs=512,
        max_num_batched_tokens=8192,
        enable_prefix_caching=True,
        enable_chunked_prefill=not on_cpu,
        enforce_eager=on_cpu,
        gpu_memory_utilization=GPU_SHARE,
        logprobs_mode="processed_logprobs",
    )


@pytest.mark.parametrize("batch", [64, 512])
def test_rollouts_ours(benchmark: Any, policy: HFPolicy, batch: int) -> None:
    benchmark.group = f"rollouts of {batch}, against vLLM"
    chosen = [messages for _, messages in questions()][: batch // GROUP]
    sampling = Sampling(n=GROUP, temperature=1.0, max_tokens=TOKENS)
    groups = benchmark.pedantic(policy.generate, (chosen, sampling), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["tokens"] = sum(len(c.tokens) for group in groups for c in group)


@pytest.mark.parametrize("batch", [64, 512])
@pytest.mark.parametrize("how", ["fastest", "as RL needs it"])
def test_rollouts_vllm(benchmark: Any, policy: HFPolicy, engine: Any, batch: int, how: str) -> None:
    from vllm import SamplingParams

    benchmark.group = f"rollouts of {batch}, against vLLM"
    encoded = [policy.encode(messages) for _, messages in questions()][: batch // GROUP]
    exact = {} if how == "fastest" else {"logprobs": 0, "flat_logprobs": True}
    parameters = [
        SamplingParams(
            n=GROUP,
            temperature=1.0,
            max_tokens=TOKENS,
            stop_token_ids=[policy.end_token],
            detokenize=False,
            seed=None if how == "fastest" else index * GROUP,
            **exact,
        )
        for index in range(len(encoded))
    ]
    asked = [{"prompt_token_ids": ids} for ids in encoded]

    def generate() -> list[Any]:
        found: list[Any] = engine.generate(asked, parameters, use_tqdm=False)
        return found

    found = benchmark.pedantic(generate, rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["tokens"] = sum(len(row.token_ids) for output in found for row in output.outputs)
