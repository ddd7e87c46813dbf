"""How much of a batch goes through a model at once, and what happens when memory runs out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

import openrft
from openrft import MemoryPlan, plan_memory, run_within_memory
from openrft.errors import PolicyError
from openrft.policies import logprobs
from openrft.policies.memory import count_activation_bytes, plan_for
from openrft.testing import write_tiny_checkpoint

SMOLLM2 = SimpleNamespace(
    model_type="llama", num_hidden_layers=30, hidden_size=576, intermediate_size=1536, vocab_size=49152
)
LLAMA_8B = SimpleNamespace(model_type="llama", num_hidden_layers=32, hidden_size=4096, intermediate_size=14336)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return openrft.open_policy(str(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))))


def test_activations_by_hand() -> None:
    assert count_activation_bytes(SMOLLM2) == 4 * 30 * (16 * 576 + 6 * 1536) == 2_211_840
    assert count_activation_bytes(LLAMA_8B, 2) == 2 * 32 * (16 * 4096 + 6 * 14336) == 9_699_328
    assert count_activation_bytes(LLAMA_8B, 2, recompute=True) == 2 * (32 * 4096 + 16 * 4096 + 6 * 14336) == 565_248


def test_a_card_of_80_gb_takes_8b_in_passes_of_about_a_thousand_tokens() -> None:
    plan = plan_for(LLAMA_8B, 2, 60 << 30, longest=600)
    assert (plan.tokens, plan.recompute) == (1024, False)
    assert 16.1e9 + plan.tokens * count_activation_bytes(LLAMA_8B, 2) < 30e9  # weights and activations


def test_activations_are_computed_again_only_where_the_longest_sequence_needs_it() -> None:
    assert not plan_for(LLAMA_8B, 2, 8 << 30, longest=400).recompute
    plan = plan_for(LLAMA_8B, 2, 5 << 30, longest=4000)
    assert plan.recompute
    assert plan.tokens == int(0.6 * (5 << 30) / 565_248) == 5698


def test_a_plan_on_a_cpu_does_not_depend_on_what_is_free(policy: Any) -> None:
    assert plan_memory(policy, 100) == MemoryPlan(32_768)
    assert plan_memory(policy, 100, cpu_bytes=716_800) == MemoryPlan(100)  # 2 layers of 32 and 64: 7,168 bytes a token


def test_a_pass_that_runs_out_of_memory_is_halved_and_done_again(policy: Any, caplog: Any) -> None:
    plan, seen = MemoryPlan(1000), list[int]()

    def work() -> str:
        seen.append(plan.tokens)
        if plan.tokens > 300:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return "done"

    assert run_within_memory(policy, plan, work) == "done"
    assert seen == [1000, 500, 250]
    assert plan.tokens == 250  # it is kept for the next step
    assert caplog.messages == [
        "out of GPU memory at 1000 tokens a pass: going on with 500",
        "out of GPU memory at 500 tokens a pass: going on with 250",
    ]


def test_where_one_sequence_does_not_fit_its_activations_are_computed_again(policy: Any, caplog: Any) -> None:
    plan = MemoryPlan(1000, longest=600)

    def work() -> None:
        if not plan.recompute or plan.tokens > 300:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    run_within_memory(policy, plan, work)
    assert (plan.tokens, plan.recompute) == (250, True)
    assert [message.split("going on with ")[1] for message in caplog.messages] == [
        "500",
        "500, activations computed again",
        "250, activations computed again",
    ]
    policy.recompute_activations = False


def test_memory_that_does_not_hold_one_sequence_is_a_fault_with_advice(policy: Any) -> None:
    plan = MemoryPlan(4)

    def work() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nmore")

    with pytest.raises(PolicyError, match=r"one sequence at a time: CUDA out of memory\. Lower") as caught:
        run_within_memory(policy, plan, work)
    assert "explore.max_tokens" in str(caught.value.advice)
    assert plan.recompute  # which was tried as well
    policy.recompute_activations = False


@pytest.mark.parametrize("recompute", [False, True])
def test_parts_of_the_vocabulary_and_recomputed_activations_change_no_number(
    policy: Any, monkeypatch: pytest.MonkeyPatch, recompute: bool
) -> None:
    prompts = [(5, 6, 7), (5, 6, 7), (8, 9)]
    completions = [(10, 11, 12), (10, 11, 13, 14), (3, 4)]
    policy.attach_lora(4, 8, 0)
    with torch.no_grad():
        for name, weight in policy.model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.linspace(-0.1, 0.1, weight.numel()).view_as(weight))

    def run() -> tuple[torch.Tensor, list[torch.Tensor]]:
        table, mask = policy.completion_logprobs(prompts, completions)
        trained = [p for p in policy.model.parameters() if p.requires_grad]
        return table.detach(), list(torch.autograd.grad((table * mask).sum(), trained))

    expected, gradients = run()
    monkeypatch.setattr(logprobs, "LOGITS_BYTES", 2 * 4 * policy.model.config.vocab_size)  # two nodes at a time
    policy.recompute_activations = recompute
    found, others = run()
    policy.recompute_activations = False
    policy.drop_adapter()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    for one, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)
