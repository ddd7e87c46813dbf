"""The decode loop on tiny random models of each family: against `generate`, plain forward passes, and itself."""

from __future__ import annotations

import copy
import functools
import math
from collections import defaultdict
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM as AnyModel
from transformers import (
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from openrft.errors import PolicyError
from openrft.policies.base import Sampling
from openrft.policies.generation import batches, decode, grouped
from openrft.policies.generation.decode import DecodeLimits
from openrft.prefix_tree import supports

SHAPE = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
    "initializer_range": 0.5,  # far from uniform, so that a wrong attention changes what is drawn
}
SCALED = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
CONFIGS: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=4),
    "llama, scaled rotary": LlamaConfig(
        **SHAPE, num_key_value_heads=4, rope_parameters={**SCALED, "original_max_position_embeddings": 16}
    ),
    "mistral, shared heads": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=None),
    "mistral, sliding window": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=8),
    "qwen2, biases": Qwen2Config(**SHAPE, num_key_value_heads=2, use_sliding_window=False),
    "qwen3, norms": Qwen3Config(**SHAPE, num_key_value_heads=1, head_dim=16),
    "gpt neox": GPTNeoXConfig(**SHAPE),
}
PLAIN = {"mistral, sliding window", "gpt neox"}  # decoded by transformers' own forward pass
PROMPTS = [[5, 6, 7], [8], [9, 10, 11, 12, 13, 14, 15], [16, 17]]
STOP = tuple(range(1, 13))  # a fifth of the vocabulary, so that rows end at different times
HOT = Sampling(n=6, temperature=1.0, max_tokens=12, seed=3)
LIMITS = DecodeLimits(STOP, context=64, pad=0)


@functools.cache
def model_of(name, device):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = AnyModel.from_config(CONFIGS[name]).eval()
    for parameter in model.parameters():  # biases and norms start as zeros and ones, which would hide mistakes
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.3)
    return model.to(device.name)


@pytest.fixture(scope="module")
def llama(device):
    return model_of("llama", device)


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_rows_are_those_of_generate(name, device):
    model = model_of(name, device)
    assert supports(model.config) == (name not in PLAIN)
    rows = decode.decode(model, PROMPTS, Sampling(n=2, temperature=0, max_tokens=10), DecodeLimits((1,), 64, 0))
    for prompt, group in zip(PROMPTS, rows, strict=True):
        theirs = model.generate(device.tensor([prompt]), max_new_tokens=10, do_sample=False, eos_token_id=1)
        assert [row.tokens for row in group] == [theirs[0, len(prompt) :].tolist()] * 2


@pytest.mark.parametrize("name", CONFIGS)
def test_log_probabilities_are_those_of_a_plain_forward_pass(name, device):
    model = model_of(name, device)
    groups = decode.decode(model, PROMPTS, HOT, LIMITS)
    assert len({len(row.tokens) for group in groups for row in group}) > 2  # rows were dropped on the way
    for prompt, group in zip(PROMPTS, groups, strict=True):
        for row in group:
            logits = model(device.tensor([[*prompt, *row.tokens]])).logits[0, len(prompt) - 1 : -1]
            plain = logits.log_softmax(-1).gather(-1, device.tensor(row.tokens)[:, None])[:, 0]
            device.assert_close(row.logprobs, plain, atol=2e-4)
            assert row.stopped == (row.tokens[-1] in STOP)
            assert not set(row.tokens[:-1]) & set(STOP)


def test_both_ways_of_decoding_draw_the_same(llama, monkeypatch):
    shared = decode.decode(llama, PROMPTS, HOT, LIMITS)
    monkeypatch.setattr(batches, "supports", lambda config: False)
    plain = decode.decode(llama, PROMPTS, HOT, LIMITS)
    assert [[r.tokens for r in g] for g in shared] == [[r.tokens for r in g] for g in plain]


prompts_of = st.lists(st.lists(st.integers(13, 59), min_size=1, max_size=30), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(prompts_of, prompts_of, st.integers(0, 2**31 - 1), st.randoms(use_true_random=False))
def test_other_prompts_change_nothing(device, few, more, seed, shuffle):
    """Whatever is added before or behind, longer or shorter than what is there, or too long to be answered at all."""
    model, how = model_of("llama", device), Sampling(n=3, temperature=1.0, max_tokens=9, seed=seed)
    limits, every = DecodeLimits(STOP, context=24, pad=0), [*few, *more]
    shuffle.shuffle(every)
    alone, beside = decode.decode(model, few, how, limits), decode.decode(model, every, how, limits)
    drawn = defaultdict(list)  # by prompt, in order: the second of two equal ones draws something else than the first
    for prompt, group in zip(every, beside, strict=True):
        drawn[tuple(prompt)].append([row.tokens for row in group])
    for prompt, group in zip(few, alone, strict=True):
        assert drawn[tuple(prompt)].pop(0) == [row.tokens for row in group]
    for prompt, group in zip(every, beside, strict=True):
        assert len(group) == (3 if len(prompt) < 24 else 0)
        assert all(len(prompt) + len(row.tokens) <= 24 for row in group)


def test_the_same_prompt_twice_draws_anew_and_its_samples_differ(llama):
    first, second = decode.decode(llama, [[5, 6, 7]] * 2, HOT, LIMITS)
    assert len({tuple(row.tokens) for row in (*first, *second)}) == 2 * HOT.n


def test_any_integer_is_a_seed(llama):
    few = Sampling(n=2, temperature=1.0, max_tokens=3)
    rows = [decode.decode(llama, PROMPTS, replace(few, seed=seed), LIMITS) for seed in (0, 10**15, -(10**15))]
    assert rows[0] != rows[1] != rows[2]


@pytest.mark.parametrize(("room", "ways"), [(2 * (7 + 6 * 12), 2), (7 + 4 * 12, 8), (7 + 12, 24)])
def test_a_small_memory_means_more_batches_and_the_same_rows(llama, monkeypatch, room, ways):
    """The keys and values that are held never exceed what is set aside for them: room for two prompts with their six
    rows, for four rows of one, for a single row."""
    whole = decode.decode(llama, PROMPTS, HOT, LIMITS)
    held = []
    start = grouped.GroupedBatch.__init__

    def measured(self, *arguments):
        start(self, *arguments)
        pairs = [*self._prompt, *self._own]
        held.append(sum(t.numel() * t.element_size() for pair in pairs for t in pair))

    monkeypatch.setattr(grouped.GroupedBatch, "__init__", measured)
    monkeypatch.setattr(decode, "_budget", lambda model: room)
    ticks = []
    parts = decode.decode(llama, PROMPTS, HOT, LIMITS, ticks.append)
    assert [[r.tokens for r in g] for g in parts] == [[r.tokens for r in g] for g in whole]
    assert len(held) == ways
    assert max(held) <= room * 2 * 2 * 32 * 4  # positions x (keys, values) x layers x width x bytes of a float
    assert sum(ticks) == len(PROMPTS) * HOT.n


@given(st.lists(st.integers(1, 8), min_size=1, max_size=40), st.integers(0, 40))
def test_regrouping_holds_every_row_in_no_more_groups_than_there_is_memory_for(alive, finished):
    size = grouped._members(alive, 8, len(alive) + finished)
    groups = sum(math.ceil(count / size) for count in alive)
    assert 1 <= size <= 8
    assert groups <= len(alive) + finished
    assert sum(alive) <= groups * size <= len(alive) * 8


def test_regrouping_worked_by_hand():
    assert grouped._members([8, 8], 8, 2) == 8  # nothing ended: 2 groups of 8
    assert grouped._members([1, 1, 1], 8, 3) == 1  # one row left of each: 3 groups of 1
    assert grouped._members([4, 1], 8, 2) == 4  # splitting the first would need more groups than there were
    assert grouped._members([4, 1], 8, 9) == 2  # 3 groups of 2, one line of them filling


def test_logits_that_are_not_finite_are_said(llama):
    broken = copy.deepcopy(llama)
    broken.model.norm.weight.data.fill_(math.nan)
    with pytest.raises(PolicyError, match="not finite"):
        decode.decode(broken, PROMPTS, HOT, LIMITS)
