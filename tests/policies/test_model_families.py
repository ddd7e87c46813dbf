"""Families of models beside Llama's: sampled, scored, trained and merged as transformers computes them.

Every checkpoint is tiny, of random weights, in the real layout of its family.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer

import openrft
from openrft.config.settings import PolicySettings
from openrft.errors import CheckpointError
from openrft.policies.base import Sampling
from openrft.policies.lora_merge import merged_for_sampling
from openrft.testing import write_tiny_checkpoint
from tests.device import Device

TEXT = {
    "vocab_size": 258,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
SLIDING = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
DELTA = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_value_heads": 2,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
RECURRENT = {"mamba_d_head": 16, "mamba_d_state": 8, "mamba_chunk_size": 8}
VISION = {"hidden_size": 32, "intermediate_size": 32}
IMAGES = {"image_token_id": 250, "video_token_id": 251, "vision_start_token_id": 252, "vision_end_token_id": 253}


def rope(*section: int) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": list(section)}}


FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "experts": ("Qwen3MoeConfig", {**TEXT, **EXPERTS}),
    "gemma 3 with images": (
        "Gemma3Config",
        {
            "text_config": {**TEXT, **SLIDING},
            "vision_config": {**VISION, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28},
            "image_token_index": 250,
        },
    ),
    "qwen2.5 with images": (
        "Qwen2_5_VLConfig",
        {
            "text_config": {**TEXT, **rope(2, 3, 3)},
            "vision_config": {**VISION, "depth": 1, "num_heads": 2, "out_hidden_size": 32},
            **IMAGES,
        },
    ),
    "mistral 3 with images": (
        "Mistral3Config",
        {
            "text_config": {"model_type": "mistral", **TEXT},
            "vision_config": {"model_type": "pixtral", **VISION, "num_hidden_layers": 1, "num_attention_heads": 2},
            "image_token_index": 250,
        },
    ),
    "qwen 3.5 with images": (
        "Qwen3_5Config",
        {
            "text_config": {**TEXT, **DELTA, **rope(1, 1, 0)},
            "vision_config": {**VISION, "depth": 1, "num_heads": 2, "out_hidden_size": 32},
            **IMAGES,
        },
    ),
    "qwen 3 next": ("Qwen3NextConfig", {**TEXT, **DELTA, **EXPERTS, "shared_expert_intermediate_size": 32}),
    "lfm 2": ("Lfm2Config", {**TEXT, "layer_types": ["conv", "full_attention"]}),
    "granite hybrid": (
        "GraniteMoeHybridConfig",
        {**TEXT, **RECURRENT, "layer_types": ["mamba", "attention"], "mamba_n_heads": 4, "num_local_experts": 2}
        | {"num_experts_per_tok": 1, "shared_intermediate_size": 32},
    ),
    "mamba 2": (
        "Mamba2Config",
        {"vocab_size": 258, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, "head_dim": 16, "num_heads": 4}
        | {"n_groups": 1, "chunk_size": 8, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 0},
    ),
    "falcon h1": (
        "FalconH1Config",
        {**TEXT, **RECURRENT, "mamba_d_ssm": 32, "mamba_n_heads": 2, "mamba_n_groups": 1},
    ),
}
PROMPTS = [
    [{"role": "user", "content": "Is 2 even?"}],
    [{"role": "user", "content": "Which of them is odd?"}],
    [{"role": "user", "content": "Is 4 even?"}],
]


def write_checkpoint(config: Any, folder: Path, scale: float = 3.0) -> Path:
    """Random weights that are large enough for greedy tokens to differ from place to place."""
    multimodal = config.get_text_config() is not config
    kind = AutoModelForImageTextToText if multimodal else AutoModelForCausalLM
    torch.manual_seed(0)
    model = kind.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(scale)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(write_tiny_checkpoint(folder / "tiny")).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=FAMILIES)
def policy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, device: Device) -> Any:
    name, values = FAMILIES[request.param]
    config = getattr(transformers, name)(**values)
    return device.open_policy(write_checkpoint(config, tmp_path_factory.mktemp("family")))


def whole_logprobs(policy: Any, ids: list[int]) -> torch.Tensor:
    """log pi (T, V) of every place of a sequence, by one plain pass of transformers."""
    with torch.no_grad():
        row = torch.tensor([ids], device=policy.model.device)
        logits: torch.Tensor = policy.model(row, use_cache=False).logits[0].float()
    return logits.log_softmax(-1)


def test_greedy_tokens_are_those_of_plain_passes(policy: Any) -> None:
    greedy = Sampling(temperature=0, max_tokens=6)
    for messages, group in zip(PROMPTS, policy.generate(PROMPTS, greedy), strict=True):
        ids = policy.encode(messages)
        for token in group[0].tokens:
            assert token == int(whole_logprobs(policy, ids)[-1].argmax())
            ids = [*ids, token]


def test_training_moves_it_by_log_probabilities_that_are_transformers_own_and_merging_keeps_that(
    policy: Any, tmp_path: Path, device: Device
) -> None:
    groups = policy.generate(PROMPTS, Sampling(n=3, temperature=1, max_tokens=6, seed=1))
    rows = [(policy.encode(m), c) for m, group in zip(PROMPTS, groups, strict=True) for c in group]
    prompts, completions = [p for p, _ in rows], [c.tokens for _, c in rows]
    found, mask = policy.completion_logprobs(prompts, completions)
    for i, (prompt, completion) in enumerate(rows):
        plain = whole_logprobs(policy, [*prompt, *completion.tokens])
        for t, token in enumerate(completion.tokens):
            expected = float(plain[len(prompt) + t - 1, token])
            assert float(found[i, t].detach()) == pytest.approx(expected, abs=1e-3 * device.rounding)
            assert completion.logprobs[t] == pytest.approx(expected, abs=1e-3 * device.rounding)
    assert mask.sum() == sum(map(len, completions))

    policy.attach_lora(4, 8, 0)
    adapted = [n for n, p in policy.model.named_parameters() if p.requires_grad]
    assert adapted
    assert not any("vision" in name or "visual" in name for name in adapted)
    optimizer = policy.get_optimizer(1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        (-policy.completion_logprobs(prompts, completions)[0].sum()).backward()
        optimizer.step()
    trained = policy.completion_logprobs(prompts, completions)[0].detach()
    assert float(trained.sum()) > float(found.sum().detach()) + 1
    with merged_for_sampling(policy.model), torch.no_grad():
        sampled = policy.completion_logprobs(prompts, completions)[0]
    device.assert_close(sampled, trained, atol=1e-4)

    policy.merge_adapter()
    merged = policy.completion_logprobs(prompts, completions)[0].detach()
    device.assert_close(merged, trained, atol=1e-4)
    policy.model.save_pretrained(tmp_path)
    policy.tokenizer.save_pretrained(tmp_path)
    again = device.open_policy(tmp_path)
    device.assert_close(again.completion_logprobs(prompts, completions)[0], merged, atol=1e-5, rtol=1.3e-6)


def test_a_family_without_a_usable_cache_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    sizes = {"vocab_size": 258, "hidden_size": 32, "num_hidden_layers": 2, "eos_token_id": 1, "pad_token_id": 0}
    folder = write_checkpoint(transformers.RwkvConfig(**sizes, context_length=64, bos_token_id=0), tmp_path)
    with pytest.raises(CheckpointError, match="a model of the kind rwkv, cannot be sampled here: its logits") as caught:
        openrft.open_policy(str(folder))
    assert "openai:URL#MODEL" in str(caught.value.advice)


def test_a_young_adapter_on_experts_is_not_lost_to_rounding(tmp_path: Path) -> None:
    """In bfloat16 a change of 1e-3 is below half a unit of most weights: only the mean of many can keep it."""
    config = transformers.Qwen3MoeConfig(**TEXT, **EXPERTS)
    settings = PolicySettings(dtype="bfloat16", device="cpu")
    policy: Any = openrft.open_policy(str(write_checkpoint(config, tmp_path)), settings=settings)
    policy.attach_lora(4, 8, 0)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in policy.model.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn_like(weight) * 1e-3)
    layers = [m for m in policy.model.modules() if type(m).__name__ == "ParamWrapper"]
    assert layers
    before = [(m.get_param(), m.get_param().float().clone(), m.get_delta_weight("default").float()) for m in layers]
    policy.merge_adapter()
    for weight, old, delta in before:
        kept = float((((weight.float() - old) * delta.sign()).mean() / delta.abs().mean()).detach())
        assert kept == pytest.approx(1, abs=0.15)
