"""A step in parts: the same adapter as TRL's step, in less memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from openrft_sft import SFT, micro_batches, training
from openrft_sft.micro_batches import choose_token_budget, count_activation_bytes, split_rows
from trl import SFTTrainer

import openrft
from openrft import Completion, NoProgress, Rollout, Sample, build_messages
from openrft.testing import write_tiny_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
ROLLOUTS = [
    Rollout(
        s, build_messages(s, instruction="Reason."), Completion("so it is. " * (1 + i % 3) + "\\boxed{B}"), correct=True
    )
    for i in range(8)
    for s in [Sample(f"Is it {i // 2}?", "B", ("no", "yes"), task="toy")]
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


def train(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[Any, dict[str, torch.Tensor], type]:
    """The metrics, the adapter and the trainer that was used."""
    used: list[type] = []
    open_trainer = training.open_trainer
    monkeypatch.setattr(training, "open_trainer", lambda cls, *rest: used.append(cls) or open_trainer(cls, *rest))
    policy: Any = openrft.open_policy(str(checkpoint))
    settings = {"lr": 5e-3, "epochs": 2, "batch_size": 4, **options}
    result = SFT(SFT.Options(**settings)).train_step(policy, ROLLOUTS, "imitate", 3, NoProgress())
    assert result is not None
    weights = {name: p.detach().clone() for name, p in policy.model.named_parameters() if "lora_" in name}
    return result.value, weights, used[0]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_step_in_parts_is_the_step_of_the_whole_batch(checkpoint, monkeypatch, accumulate):
    whole, expected, trl = train(checkpoint, monkeypatch, gradient_accumulation_steps=accumulate)
    assert trl is SFTTrainer
    monkeypatch.setattr(micro_batches, "CPU_BYTES", 100_000)  # about 13 tokens: every row by itself
    parts, found, own = train(checkpoint, monkeypatch, gradient_accumulation_steps=accumulate)
    assert issubclass(own, micro_batches.MicroBatchTrainer)
    assert parts["steps"] == whole["steps"] == 4
    assert parts["loss.first"] == pytest.approx(whole["loss.first"], rel=1e-5)
    assert parts["loss.last"] == pytest.approx(whole["loss.last"], rel=1e-4)
    for name, weights in expected.items():
        torch.testing.assert_close(found[name], weights, rtol=0, atol=2e-4, msg=name)


def test_recomputed_activations_stay_with_trl(checkpoint, monkeypatch):
    monkeypatch.setattr(micro_batches, "CPU_BYTES", 100_000)
    assert train(checkpoint, monkeypatch, gradient_checkpointing=True, epochs=1)[2] is SFTTrainer


def test_the_budget_follows_the_model(checkpoint):
    smollm2 = SimpleNamespace(num_hidden_layers=30, hidden_size=576, intermediate_size=1536)
    assert count_activation_bytes(smollm2) == 2_396_160
    policy: Any = openrft.open_policy(str(checkpoint))  # 2 layers of 32 and 64: 7,680 bytes
    assert choose_token_budget(policy) == (1 << 30) // 7_680
    policy.model.config.model_type = "gemma3_text"  # which the policy's own forward pass does not know
    assert choose_token_budget(policy) is None


ROWS = st.lists(st.tuples(st.lists(st.integers(0, 3), min_size=1), st.lists(st.integers(0, 3), min_size=1)), min_size=1)


@given(ROWS, st.integers(1, 30))
def test_every_row_is_in_one_part_and_parts_fit(rows, budget):
    parts = list(split_rows(rows, budget))
    assert sorted(row for part in parts for row in part) == sorted(rows)
    for part in parts:
        assert len(part) == 1 or sum(len(p) + len(c) for p, c in part) <= budget
    prompts = [prompt for part in parts for prompt, _ in part]
    assert prompts == sorted(prompts)
