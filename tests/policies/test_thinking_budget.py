"""A budget for thinking: thoughts that use it up are closed, the answer is asked for, and all else is left alone."""

from __future__ import annotations

import json

import pytest

from openrft import Completion, Rollout, Sample, Sampling, UsageError, build_messages, final_answer, open_policy
from openrft.config.settings import PolicySettings
from openrft.grading.thinking import split_thought
from openrft.policies.generation.decode import DecodedRow
from openrft.policies.hf import HFPolicy
from openrft.types import rollout_from_json, to_json
from tests.policies.templates import FAMILIES, write_checkpoint

ASKED = build_messages(Sample("2 + 3?", "A", ("five", "six")), (), "Do it.")


def continue_with(*parts):
    """A sampler that writes the next part at each call, cut at the longest length allowed."""
    left, asked = list(parts), []

    def sample(policy, prompts, sampling, limits, tick):
        asked.append((len(prompts), sampling.n, sampling.max_tokens))
        text = left.pop(0)
        ids = [*policy.tokenizer.encode(text, add_special_tokens=False), policy.end_token]
        tick(sampling.n * len(prompts))
        rows = ids[: sampling.max_tokens]
        return [[DecodedRow(rows, [-0.5] * len(rows), len(rows) == len(ids))] * sampling.n for _ in prompts]

    return sample, asked


def budgeted(tmp_path, family, parts, budget, **more):
    template, eos = FAMILIES[family]
    sampler, asked = continue_with(*parts)
    folder = write_checkpoint(tmp_path / family, template, eos)
    return HFPolicy(str(folder), sampler, settings=PolicySettings(thinking_budget=budget, **more)), asked


@pytest.mark.parametrize(
    ("family", "written", "closed"),
    [
        ("R1", "one two three four", "\n</think>\n\nFinal answer:"),
        ("Qwen3", "<think>\none two three four", "\n</think>\n\nFinal answer:"),
        (
            "gpt-oss",
            "<|channel|>analysis<|message|>one two three four",
            "<|end|><|start|>assistant<|channel|>final<|message|>Final answer:",
        ),
    ],
)
def test_a_thought_that_used_up_its_budget_is_closed_and_the_answer_asked_for(tmp_path, family, written, closed):
    policy, asked = budgeted(tmp_path, family, [written, " \\boxed{A}"], 8)
    ((completion,),) = policy.generate([ASKED], Sampling(max_tokens=100))
    tokens = completion.tokens
    put_in = policy.tokenizer.encode(closed, add_special_tokens=False)
    assert completion.inserted == tuple(range(8, 8 + len(put_in)))
    assert [tokens[i] for i in completion.inserted] == put_in
    assert written.startswith(policy.tokenizer.decode(tokens[:8]))
    assert policy.tokenizer.decode(tokens[8:]) == closed + " \\boxed{A}" + policy.tokenizer.decode([policy.end_token])
    assert final_answer(completion.text) == "A"
    assert completion.finish_reason == "stop"
    assert completion.logprobs == ()  # nothing was drawn where tokens were put in
    assert asked == [(1, 1, 8), (1, 1, 100 - 8 - len(put_in))]


def test_a_thought_that_ended_in_time_is_left_alone(tmp_path):
    policy, asked = budgeted(tmp_path, "R1", ["a</think>so it", " \\boxed{A}"], 5)
    ((completion,),) = policy.generate([ASKED], Sampling(max_tokens=100))
    assert completion.inserted == ()
    assert len(completion.logprobs) == len(completion.tokens)
    assert final_answer(completion.text) == "A"
    assert asked == [(1, 1, 5), (1, 1, 95)]
    short, asked = budgeted(tmp_path / "short", "R1", ["a</think>\\boxed{A}"], 50)
    ((completion,),) = short.generate([ASKED], Sampling(max_tokens=100))
    assert (final_answer(completion.text), completion.finish_reason, len(asked)) == ("A", "stop", 1)
    long, asked = budgeted(tmp_path / "long", "R1", ["one two three four five six"], 50)
    ((completion,),) = long.generate([ASKED], Sampling(max_tokens=5))  # the longest length ends it first
    assert (completion.finish_reason, len(completion.tokens), asked) == ("length", 5, [(1, 1, 5)])


def test_the_budget_on_a_real_model_is_kept_in_every_row_and_drawn_again_alike(tmp_path):
    template, eos = FAMILIES["R1"]
    policy = HFPolicy(str(write_checkpoint(tmp_path, template, eos)), settings=PolicySettings(thinking_budget=6))
    sampling = Sampling(n=4, temperature=1.0, max_tokens=30, seed=3)
    groups = policy.generate([ASKED, ASKED[1:]], sampling)
    closed = policy.tokenizer.encode("\n</think>\n\nFinal answer:", add_special_tokens=False)
    for completion in (c for group in groups for c in group):
        assert completion.tokens[6 : 6 + len(closed)] == tuple(closed)
        assert completion.inserted == tuple(range(6, 6 + len(closed)))
        assert 6 + len(closed) < len(completion.tokens) <= 30
        assert not split_thought(completion.text).unfinished
    assert len({c.tokens for group in groups for c in group}) == 8
    assert policy.generate([ASKED], sampling)[0] == groups[0]  # whatever else is in the batch
    full = policy.context - len(policy.encode(ASKED))
    (row,) = policy.generate([ASKED], Sampling(max_tokens=10_000, temperature=1.0))[0]
    assert len(row.tokens) == full or row.finish_reason == "stop"


def test_a_budget_needs_a_policy_that_thinks_and_draws_here(tmp_path):
    with pytest.raises(UsageError, match=r"thinking_budget is set, and the policy .* does not think"):
        budgeted(tmp_path, "Gemma", [], 5)
    with pytest.raises(UsageError, match="does not think"):
        budgeted(tmp_path, "Qwen3", [], 5, thinking="off")
    with pytest.raises(UsageError, match="are drawn by a server"):
        open_policy("openai:http://127.0.0.1:9/v1#m", settings=PolicySettings(thinking_budget=5))


def test_a_rollout_keeps_what_was_put_in():
    completion = Completion("<think>a</think>b", (1, 2, 3), inserted=(1,))
    rollout = Rollout(Sample("q", "A", ("x",)), ASKED, completion)
    assert rollout_from_json(json.loads(json.dumps(to_json(rollout)))).completion == completion
