"""A step in parts: the same adapter as TRL's step, in less memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from openrft_sft import SFT, micro_batches, training
from openrft_sft.micro_batches import split_rows
from trl import SFTTrainer

import openrft
from openrft import Completion, NoProgress, Rollout, Sample, build_messages
from openrft.policies import bfloat16_products
from openrft.policies.hf import HFPolicy
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


def test_bfloat16_on_a_cpu_is_used_where_it_measures_faster(checkpoint, monkeypatch, caplog):
    _, expected, _ = train(checkpoint, monkeypatch, epochs=1)
    monkeypatch.setattr(bfloat16_products, "measure_bfloat16_gain", lambda: 2.0)
    metrics, found, own = train(checkpoint, monkeypatch, bf16=True, epochs=1)
    assert issubclass(own, micro_batches.MicroBatchTrainer)
    assert metrics["steps"] == 2
    assert all(weight.dtype == torch.float32 for weight in found.values())
    one, other = (torch.cat([weight.flatten() for weight in weights.values()]) for weights in (expected, found))
    assert not torch.equal(one, other)
    assert torch.cosine_similarity(one, other, 0) > 0.99
    monkeypatch.setattr(bfloat16_products, "measure_bfloat16_gain", lambda: 0.1)
    _, found, trl = train(checkpoint, monkeypatch, bf16=True, epochs=1)
    assert trl is SFTTrainer
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert "products in bfloat16 take 10.0 times as long here" in caplog.text


def test_bfloat16_on_a_cpu_learns_as_float32_does(checkpoint, monkeypatch):
    """Over many steps: each step must see the weights that the step before has written."""
    exact, _, _ = train(checkpoint, monkeypatch, epochs=10, lr=2e-2)
    monkeypatch.setattr(bfloat16_products, "measure_bfloat16_gain", lambda: 2.0)
    fast, _, _ = train(checkpoint, monkeypatch, epochs=10, lr=2e-2, bf16=True)
    fall = exact["loss.first"] - exact["loss.last"]
    assert fall > 0.1
    assert fast["loss.first"] - fast["loss.last"] == pytest.approx(fall, rel=0.1)


def test_what_a_young_adapter_adds_is_not_rounded_away(checkpoint):
    """Its part of a layer's output is far below the last bit of the rest in bfloat16."""
    policy: Any = openrft.open_policy(str(checkpoint))
    policy.attach_lora(4, 8, 0)
    layer = next(module for name, module in policy.model.named_modules() if name.endswith("q_proj"))
    x = torch.randn(5, layer.in_features, generator=torch.Generator().manual_seed(0))
    first, second = layer.lora_A.default.weight, layer.lora_B.default.weight
    with torch.no_grad(), openrft.bfloat16_products(policy.model):
        untrained = layer(x)
        second.fill_(1e-5)
        added = layer(x) - untrained
    expected = 8 / 4 * 1e-5 * (x @ first.detach().T).sum(-1, keepdim=True).expand_as(added)
    assert expected.abs().max() < untrained.abs().max() / 1000
    torch.testing.assert_close(added, expected, rtol=0.05, atol=1e-7)


def test_the_weights_are_the_same_afterwards(checkpoint):
    policy: Any = openrft.open_policy(str(checkpoint))
    before = {name: p.detach().clone() for name, p in policy.model.named_parameters()}
    head = policy.model.get_output_embeddings().weight  # may be the embeddings' own
    policy.attach_lora(4, 8, 0)
    prompt, completion = [policy.encode(ROLLOUTS[0].messages)], [(5, 6, 7)]
    exact = policy.completion_logprobs(prompt, completion)[0]
    with openrft.bfloat16_products(policy.model):
        rounded = policy.completion_logprobs(prompt, completion)[0]
        assert policy.model.get_input_embeddings().weight.dtype == torch.float32
        assert policy.model.get_output_embeddings().weight.dtype == torch.bfloat16
    assert policy.model.get_output_embeddings().weight is head
    assert 0 < (rounded - exact).abs().max() < 0.1
    policy.drop_adapter()
    assert all(torch.equal(p, before[name]) for name, p in policy.model.named_parameters())


def test_experts_whose_config_names_their_number_otherwise(checkpoint, tmp_path, monkeypatch):
    """TRL's loss over routers reads num_experts, and Granite's config has num_local_experts."""
    sizes = {"vocab_size": 258, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "pad_token_id": 0}
    experts = {"num_local_experts": 2, "num_experts_per_tok": 1, "shared_intermediate_size": 32}
    mamba = {"mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_chunk_size": 8}
    config = transformers.GraniteMoeHybridConfig(
        **sizes, **experts, **mamba, layer_types=["mamba", "attention"], num_attention_heads=2, num_key_value_heads=2
    )
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(checkpoint).save_pretrained(tmp_path)
    metrics, weights, trl = train(tmp_path, monkeypatch, epochs=1)
    assert trl is SFTTrainer
    assert metrics["steps"] == 2
    assert any(weight.any() for name, weight in weights.items() if "lora_B" in name)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_step_in_parts_is_the_step_of_the_whole_batch(checkpoint, monkeypatch, accumulate):
    whole, expected, trl = train(checkpoint, monkeypatch, gradient_accumulation_steps=accumulate)
    assert trl is SFTTrainer
    monkeypatch.setattr(training, "CPU_BYTES", 100_000)  # about 13 tokens: every row by itself
    parts, found, own = train(checkpoint, monkeypatch, gradient_accumulation_steps=accumulate)
    assert issubclass(own, micro_batches.MicroBatchTrainer)
    assert parts["steps"] == whole["steps"] == 4
    assert parts["loss.first"] == pytest.approx(whole["loss.first"], rel=1e-5)
    assert parts["loss.last"] == pytest.approx(whole["loss.last"], rel=1e-4)
    for name, weights in expected.items():
        torch.testing.assert_close(found[name], weights, rtol=0, atol=2e-4, msg=name)


def test_recomputed_activations_give_the_same_adapter(checkpoint, monkeypatch):
    whole, expected, _ = train(checkpoint, monkeypatch)
    again, found, own = train(checkpoint, monkeypatch, gradient_checkpointing=True)
    assert issubclass(own, micro_batches.MicroBatchTrainer)
    assert again["loss.last"] == pytest.approx(whole["loss.last"], rel=1e-4)
    for name, weights in expected.items():
        torch.testing.assert_close(found[name], weights, rtol=0, atol=2e-4, msg=name)


def test_a_model_that_our_forward_pass_does_not_know_stays_with_trl(checkpoint, monkeypatch):
    monkeypatch.setattr(training, "CPU_BYTES", 100_000)
    monkeypatch.setattr(training, "supports", lambda config: False)
    assert train(checkpoint, monkeypatch, epochs=1)[2] is SFTTrainer


def test_a_batch_that_ran_out_of_memory_is_taken_in_smaller_parts(checkpoint, monkeypatch, caplog):
    """The gradients of the parts before it are not counted twice, nor are those of the step's first batch lost."""
    _, expected, _ = train(checkpoint, monkeypatch, gradient_accumulation_steps=2)
    monkeypatch.setattr(training, "CPU_BYTES", 1_120_000)  # 156 tokens
    real, calls = HFPolicy.completion_logprobs, []

    def fails_on_two_rows(policy: Any, prompts: Any, completions: Any, **how: Any) -> Any:
        calls.append(len(prompts))
        if len(calls) > 3 and len(prompts) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(policy, prompts, completions, **how)

    monkeypatch.setattr(HFPolicy, "completion_logprobs", fails_on_two_rows)
    _, found, _ = train(checkpoint, monkeypatch, gradient_accumulation_steps=2)
    assert "out of GPU memory at 156 tokens a pass: going on with 78" in caplog.text
    for name, weights in expected.items():
        torch.testing.assert_close(found[name], weights, rtol=0, atol=2e-4, msg=name)


ROWS = st.lists(st.tuples(st.lists(st.integers(0, 3), min_size=1), st.lists(st.integers(0, 3), min_size=1)), min_size=1)


@given(ROWS, st.integers(1, 30))
def test_every_row_is_in_one_part_and_parts_fit(rows, budget):
    parts = list(split_rows(rows, budget))
    assert sorted(row for part in parts for row in part) == sorted(rows)
    for part in parts:
        assert len(part) == 1 or sum(len(p) + len(c) for p, c in part) <= budget
    prompts = [prompt for part in parts for prompt, _ in part]
    assert prompts == sorted(prompts)
