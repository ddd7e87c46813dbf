"""The forward pass over a prefix tree against a plain one over each sequence, of each architecture of the family."""

from __future__ import annotations

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel, GPTNeoXConfig, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from openrft.prefix_tree import build_prefix_tree, forward, supports

SHAPE = {
    "vocab_size": 20,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
    "initializer_range": 0.3,
}
FAMILY = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=4),
    "llama of one layer": LlamaConfig(**{**SHAPE, "num_hidden_layers": 1}, num_key_value_heads=2),
    "mistral": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=None),
    "qwen2": Qwen2Config(**SHAPE, num_key_value_heads=2, use_sliding_window=False),
    "qwen3": Qwen3Config(**SHAPE, num_key_value_heads=1, head_dim=16),
}
OTHERS = {
    "mistral with windows": MistralConfig(**SHAPE, sliding_window=8),
    "qwen2 with windows in some layers": Qwen2Config(
        **SHAPE, use_sliding_window=True, sliding_window=8, max_window_layers=1
    ),
    "llama whose angles depend on the length": LlamaConfig(
        **SHAPE, rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    ),
    "gpt neox": GPTNeoXConfig(**SHAPE),
}


@functools.cache
def trunk_of(name, device):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    trunk = AutoModel.from_config(FAMILY[name]).eval()
    for parameter in trunk.parameters():  # biases and norms start as zeros and ones, which would hide mistakes
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.3)
    return trunk.to(device.name)


def plain(trunk, sequence):
    return trunk(torch.tensor([sequence], device=trunk.device), use_cache=False).last_hidden_state[0]


def test_which_models_are_readable():
    assert all(map(supports, FAMILY.values()))
    assert not any(map(supports, OTHERS.values()))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(FAMILY)),
    st.lists(
        st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=40), min_size=1, max_size=5), min_size=1, max_size=3
    ),
    st.integers(1, 20),
    st.randoms(use_true_random=False),
)
def test_every_node_has_the_state_it_has_in_its_own_sequence(device, name, groups, multiple, rng):
    trunk, tree = trunk_of(name, device), build_prefix_tree(groups, multiple)
    known = sorted({node for path in tree.paths for node in path})
    wanted = sorted(rng.sample(known, rng.randint(1, len(known))))
    with torch.no_grad():
        states = dict(zip(wanted, forward(trunk, tree, wanted), strict=True))
        for sequence, path in zip([s for group in groups for s in group], tree.paths, strict=True):
            expected = plain(trunk, sequence)
            for depth, node in enumerate(path):
                if node in states:
                    device.assert_close(states[node], expected[depth], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", FAMILY)
def test_gradients_are_those_of_plain_forward_passes(name, device):
    trunk = trunk_of(name, device)
    group = [[1, 2, 3, 4, 5], [1, 2, 3, 9], [1, 2, 7, 7, 7, 7, 2], [1, 2, 3, 4, 5]]
    tree = build_prefix_tree([group, [[4, 4]]])
    weights = torch.randn(len(tree.paths), 32, generator=torch.Generator().manual_seed(1)).to(device.name)
    wanted = sorted({path[-1] for path in tree.paths})
    states = dict(zip(wanted, forward(trunk, tree, wanted), strict=True))
    ours = sum((states[path[-1]] * weight).sum() for path, weight in zip(tree.paths, weights, strict=True))
    theirs = sum((plain(trunk, s)[-1] * weight).sum() for s, weight in zip([*group, [4, 4]], weights, strict=True))
    parameters = list(trunk.parameters())
    for one, other in zip(torch.autograd.grad(ours, parameters), torch.autograd.grad(theirs, parameters), strict=True):
        device.assert_close(one, other, atol=2e-3, rtol=2e-3)


def test_half_precision_keeps_its_dtype_and_hides_what_is_not_an_ancestor(device):
    trunk = trunk_of("llama", device).to(torch.bfloat16)
    try:
        tree = build_prefix_tree([[[1, 2, 3], [1, 2, 4]]])
        with torch.no_grad():
            states = forward(trunk, tree, [2, 3])
            lone = forward(trunk, build_prefix_tree([[[1, 2, 4]]]), [2])
        assert states.dtype == torch.bfloat16
        torch.testing.assert_close(states[1], lone[0], atol=0.1, rtol=0.1)
        assert not torch.equal(states[0], states[1])
    finally:
        trunk.float()
        trunk_of.cache_clear()
