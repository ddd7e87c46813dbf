"""Decode steps of fixed shape, against the eager loop: in float32 the same tokens and log-probabilities.

What CUDA does with a captured step is done here by `graph_simulation`.
"""

from __future__ import annotations

import copy
import functools
import math
from dataclasses import replace
from functools import partial
from itertools import chain

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

from openrft.errors import PolicyError
from openrft.policies.base import Sampling
from openrft.policies.generation import decode, fixed_decode, fixed_prefill
from openrft.policies.generation.decode import DecodeLimits
from openrft.policies.generation.fixed_decode import FixedDecoder
from openrft.policies.generation.replay import CUDACapture, StepReplay
from openrft.policies.generation.sampling import sample_tokens
from openrft.policies.lora_merge import merge_with_stochastic_rounding
from tests.policies.generation.graph_simulation import Recording, capture

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
CONFIGS = {
    "llama": LlamaConfig(**SHAPE, num_key_value_heads=4),
    "llama, every bias": LlamaConfig(**SHAPE, num_key_value_heads=2, attention_bias=True, mlp_bias=True),
    "mistral, shared heads": MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=None),
    "qwen2, biases of three": Qwen2Config(**SHAPE, num_key_value_heads=2, use_sliding_window=False),
    "qwen3, norms of heads": Qwen3Config(**SHAPE, num_key_value_heads=1, head_dim=16),
}
PROMPTS = [[5, 6, 7], [8], [9, 10, 11, 12, 13, 14, 15], [16, 17]]
STOP = tuple(range(1, 13))  # a fifth of the vocabulary, so that rows end at different times
HOT = Sampling(n=6, temperature=1.0, max_tokens=14, seed=3)
LIMITS = DecodeLimits(STOP, context=64, pad=0)


@functools.cache
def model_of(name, device):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIGS[name]).eval()
    for parameter in model.parameters():  # biases and norms start as zeros and ones, which would hide mistakes
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=1.0, std=0.3)
    return model.to(device.name)


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch):
    monkeypatch.setattr(fixed_decode, "LENGTH", 4)
    monkeypatch.setattr(fixed_decode, "LOOK", 2)
    monkeypatch.setattr(fixed_prefill, "PASS", 24)  # one to six prompts in a pass


def make_decoder(device):
    """With real CUDA graphs on a GPU."""
    begin = partial(CUDACapture, torch.device("cuda")) if device.name == "cuda" else lambda: capture
    return FixedDecoder(StepReplay(begin, required=True))


@pytest.fixture
def decoder(device):
    return make_decoder(device)


@pytest.fixture(scope="module")
def shared_decoder(device):
    return make_decoder(device)


def with_adapter(model, rank=3, seed=1, **options):
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM", **options)
    torch.manual_seed(seed)
    adapted = get_peft_model(copy.deepcopy(model), config).eval()
    scramble(adapted, seed)
    return adapted


def scramble(adapted, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            drawn = torch.randn(parameter.shape, generator=generator)  # the same on every device
            parameter.data.copy_(0.3 * drawn)


def assert_same_rows(found, expected):
    assert [[r.tokens for r in g] for g in found] == [[r.tokens for r in g] for g in expected]
    assert [[r.stopped for r in g] for g in found] == [[r.stopped for r in g] for g in expected]
    for one, other in zip(chain(*found), chain(*expected), strict=True):
        torch.testing.assert_close(torch.tensor(one.logprobs), torch.tensor(other.logprobs), atol=2e-4, rtol=0)


def assert_equal(model, decoder, prompts=PROMPTS, sampling=HOT, limits=LIMITS):
    expected = decode.decode(model, prompts, sampling, limits)
    assert_same_rows(decode.decode(model, prompts, sampling, limits, decoder=decoder), expected)
    return expected


@pytest.mark.parametrize("name", CONFIGS)
def test_rows_are_those_of_the_eager_loop(device, name, decoder):
    """Also when steps are replayed: the second time all of them are."""
    model = copy.deepcopy(model_of(name, device))
    assert_equal(model, decoder)
    assert decoder.replay.counts.replayed > 0
    assert_equal(model, decoder)  # what was used once is captured
    before = decoder.replay.counts.eager
    assert_equal(model, decoder)
    assert decoder.replay.counts.eager == before


@pytest.mark.parametrize("name", ["llama, every bias", "qwen3, norms of heads"])
def test_adapters_are_inside_the_step(device, name, decoder):
    adapted = with_adapter(model_of(name, device))
    plain = decode.decode(model_of(name, device), PROMPTS, HOT, LIMITS)
    assert assert_equal(adapted, decoder) != plain
    for group, prompt in zip(decode.decode(adapted, PROMPTS, HOT, LIMITS, decoder=decoder), PROMPTS, strict=True):
        for row in group:
            logits = adapted(device.tensor([[*prompt, *row.tokens]])).logits[0, len(prompt) - 1 : -1]
            expected = logits.log_softmax(-1).gather(-1, device.tensor(row.tokens)[:, None])[:, 0]
            device.assert_close(row.logprobs, expected, atol=1e-3)


def test_what_was_captured_follows_the_adapter_and_the_weights(device, decoder):
    """An update, an adapter taken off for a while, a merge, a second adapter of another rank, and none at all."""
    from peft import LoraConfig, get_peft_model

    adapted, drawn = with_adapter(model_of("qwen2, biases of three", device)), []

    def check(model):
        rows = [assert_equal(model, decoder) for _ in range(2)][-1]
        drawn.append([[r.tokens for r in g] for g in rows])

    check(adapted)
    graphs = decoder.replay.counts.captured
    scramble(adapted, 2)
    check(adapted)
    assert decoder.replay.counts.captured <= graphs + 3  # buckets met for the first time; none is made again
    with adapted.disable_adapter():
        check(adapted)
    check(adapted)
    merged = adapted.merge_and_unload()
    check(merged)
    again = get_peft_model(merged, LoraConfig(r=5, target_modules=["q_proj", "v_proj", "down_proj"]))
    scramble(again, 3)
    check(again.eval())
    check(again.unload())
    first, updated, without, back, after_merge, other, unloaded = drawn
    assert updated == back == after_merge == unloaded
    assert len({str(rows) for rows in (first, updated, without, other)}) == 4


@pytest.mark.parametrize("options", [{"use_dora": True}, {"lora_bias": True}])
def test_an_adapter_of_another_kind_is_called_as_it_is(device, options, decoder):
    adapted = with_adapter(model_of("llama, every bias", device), **options)
    assert_equal(adapted, decoder)
    assert_equal(adapted, decoder)


def test_a_model_that_was_sampled_trains_and_saves_as_before(device, tmp_path, decoder):
    """Its weights have become parts of larger tensors."""
    adapted, untouched = with_adapter(model_of("llama", device)), with_adapter(model_of("llama", device))
    decode.decode(adapted, PROMPTS, HOT, LIMITS, decoder=decoder)
    ids = device.tensor([[5, 6, 7, 8]])
    for model in (adapted, untouched):
        model.train()
        model(ids, labels=ids).loss.backward()
    gradients = [[p.grad for p in model.parameters() if p.requires_grad] for model in (adapted, untouched)]
    for one, other in zip(*gradients, strict=True):
        device.assert_equal(one, other)
    adapted.unload().save_pretrained(tmp_path)
    again, before = AutoModelForCausalLM.from_pretrained(tmp_path).state_dict(), model_of("llama", device).state_dict()
    assert again.keys() == before.keys()
    assert all(torch.equal(again[name], before[name].cpu()) for name in before)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(n=3, temperature=0, max_tokens=14),
        Sampling(n=5, temperature=0.7, top_p=0.8, max_tokens=14, seed=5),
        Sampling(n=1, temperature=1.3, max_tokens=1, seed=6),
        Sampling(n=7, temperature=1.0, max_tokens=40, seed=7),
    ],
)
@pytest.mark.parametrize("stop", [STOP, (1,)])
def test_every_way_of_drawing(device, sampling, stop, decoder):
    model, limits = model_of("mistral, shared heads", device), replace(LIMITS, stop=stop)
    assert_equal(model, decoder, sampling=sampling, limits=limits)


prompts_of = st.lists(st.lists(st.integers(13, 59), min_size=1, max_size=26), min_size=1, max_size=9)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(prompts_of, st.integers(1, 9), st.integers(1, 30), st.integers(0, 2**31 - 1))
def test_any_prompts_and_rows(device, shared_decoder, prompts, n, max_tokens, seed):
    """One decoder for all of them: nothing of an earlier call shows in a later one, whatever was larger before. Prompts
    that leave little room in the context, or none, make groups of unequal budgets."""
    how = Sampling(n=n, temperature=1.0, max_tokens=max_tokens, seed=seed)
    assert_equal(model_of("llama", device), shared_decoder, prompts, how, DecodeLimits(STOP, context=25, pad=0))


def test_rows_end_where_their_text_is_over(device, monkeypatch, decoder):
    monkeypatch.setattr(decode, "CHECK", 4)
    monkeypatch.setattr(fixed_decode, "CHECK", 4)
    limits = DecodeLimits((1,), 64, 0, lambda tokens: 20 in tokens or 30 in tokens)
    rows = assert_equal(model_of("llama", device), decoder, sampling=replace(HOT, max_tokens=24), limits=limits)
    assert len({len(row.tokens) for group in rows for row in group}) > 2


def test_a_group_whose_rows_outlive_the_others_is_moved(device, decoder):
    """One prompt's rows cannot end for want of room, and the others' end at once."""
    prompts, shapes = [[20, 21], *([30 + i] * 60 for i in range(8))], set()
    run = decoder.replay.run

    def watched(key, step):
        shapes.add(key[0])
        run(key, step)

    decoder.replay.run = watched
    assert_equal(model_of("llama", device), decoder, prompts, replace(HOT, max_tokens=30), DecodeLimits((1,), 64, 0))
    lines = sorted({shape.lines for shape in shapes}, reverse=True)
    assert lines[0] == 9 * 6
    assert lines[-1] <= 6
    assert {shape.groups for shape in shapes} >= {9, 1}


def test_probabilities_that_are_not_finite_are_said_and_leave_nothing_behind(device, decoder):
    broken = copy.deepcopy(model_of("llama", device))
    kept = broken.model.norm.weight.data.clone()
    broken.model.norm.weight.data.fill_(math.nan)
    broken.model.layers[0].self_attn.v_proj.weight.data[0, 0] = math.nan
    with pytest.raises(PolicyError, match="not finite"):
        decode.decode(broken, PROMPTS, HOT, LIMITS, decoder=decoder)
    broken.model.norm.weight.data.copy_(kept)
    broken.model.layers[0].self_attn.v_proj.weight.data[0, 0] = 0.5
    assert_equal(broken, decoder)


VIEWS = {
    "view",
    "transpose",
    "unsqueeze",
    "slice",
    "select",
    "unbind",
    "flatten",
    "numpy_T",
    "chunk",
    "split_with_sizes",
}


def test_a_layer_with_an_adapter_is_few_kernels():
    """Eagerly it was over forty. What does not depend on the number of layers is not counted."""

    def count(layers):
        torch.manual_seed(0)
        recordings, config = [], LlamaConfig(**{**SHAPE, "num_hidden_layers": layers}, num_key_value_heads=2)

        def record(step):
            with Recording() as recording:
                step()
            recording.undo()
            recordings.append(recording)
            return recording.replay

        adapted = with_adapter(AutoModelForCausalLM.from_config(config).eval())
        few = replace(HOT, max_tokens=5)
        decode.decode(adapted, PROMPTS, few, LIMITS, decoder=FixedDecoder(StepReplay(lambda: record)))
        names = [func._schema.name.removeprefix("aten::") for func, *_ in recordings[0].operations]
        return len([name for name in names if name not in VIEWS])

    assert count(3) - count(2) <= 31


def test_bfloat16_draws_nearly_the_same(device, decoder):
    """Masks of the dtype's minimum make no number that is none, and probabilities are those of the eager loop."""
    model = with_adapter(model_of("qwen3, norms of heads", device)).to(torch.bfloat16)
    few = replace(HOT, n=16, max_tokens=2)
    found = decode.decode(model, PROMPTS, few, LIMITS, decoder=decoder)
    expected = decode.decode(model, PROMPTS, few, LIMITS)
    pairs = list(zip(chain(*found), chain(*expected), strict=True))
    same = [(a, b) for a, b in pairs if a.tokens == b.tokens]
    assert len(same) > (0.8 if device.same_bits else 0.6) * len(pairs)
    for a, b in same:
        torch.testing.assert_close(torch.tensor(a.logprobs), torch.tensor(b.logprobs), atol=0.2, rtol=0)


@given(st.integers(1, 300), st.integers(0, 2**31 - 1), st.sampled_from([1.0, 0.9, 0.3]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_blockwise_draws_are_the_same_draws(vocabulary, seed, top_p):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(8, vocabulary, generator=generator)
    uniform = torch.rand(8, generator=generator)
    uniform[0], uniform[1] = 0.0, 1 - 2**-24
    one, other = (sample_tokens(logits, 0.9, top_p, uniform, blockwise=blockwise) for blockwise in (False, True))
    assert one[0].tolist() == other[0].tolist()
    assert torch.isfinite(other[1]).all()
    assert torch.equal(one[1], other[1])


def test_buckets_are_few_and_hold_what_they_are_for(monkeypatch):
    monkeypatch.undo()
    lengths, groups = (
        [fixed_decode.round_length(n) for n in range(1, 4097)],
        list(map(fixed_decode.round_groups, range(1, 500))),
    )
    assert all(n <= r <= max(64, 1.25 * n + 64) for n, r in enumerate(lengths, 1))
    assert all(n <= r <= 8 / 7 * n for n, r in enumerate(groups, 1))
    assert len(set(lengths)) <= 24
    for bucket, rounded in ((fixed_decode.round_length, lengths), (fixed_decode.round_groups, groups)):
        assert rounded == sorted(rounded)
        assert all(bucket(r) == r for r in rounded)
    assert [fixed_decode.round_length(n) for n in (1, 64, 65, 310, 513, 2048)] == [64, 64, 128, 320, 640, 2048]


def test_what_is_held_between_calls_is_bounded(device, decoder, monkeypatch):
    decode.decode(model_of("llama", device), PROMPTS, HOT, LIMITS, decoder=decoder)
    monkeypatch.setattr(fixed_decode, "HELD_BYTES", decoder._buffers.nbytes + 1)
    decoder.release_excess()
    assert decoder._buffers is not None
    monkeypatch.setattr(fixed_decode, "HELD_BYTES", 1)
    monkeypatch.setattr(fixed_decode, "HELD_SHARE", 0.0)
    decoder.release_excess()
    assert decoder._buffers is None


def test_merging_after_a_rollout_takes_no_second_copy_of_the_weights(device, decoder):
    """The step holds several layers as one tensor, of which theirs are parts."""
    adapted = with_adapter(model_of("llama", device)).to(torch.bfloat16)
    decode.decode(adapted, PROMPTS, HOT, LIMITS, decoder=decoder)
    attention = adapted.get_base_model().model.layers[0].self_attn
    before = attention.q_proj.weight.detach().clone()
    where = attention.q_proj.weight.data_ptr()
    after = merge_with_stochastic_rounding(adapted, 0).model.layers[0].self_attn.q_proj.weight
    assert after.data_ptr() == where
    assert not torch.equal(after, before)
