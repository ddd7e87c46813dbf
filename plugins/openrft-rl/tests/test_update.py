"""One update on a real (tiny) checkpoint: it does what the equations say, and micro-batching changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from openrft_rl.placebo import Placebo
from openrft_rl.plugin import RL
from openrft_rl.update import update

from openrft.errors import OpenRFTError
from openrft.policies.base import Sampling
from openrft.policies.hf import HFPolicy
from openrft.prompt import messages_for
from openrft.sample import Rollout
from openrft.testing import toy_task, write_tiny_checkpoint

TASK = toy_task(3, 1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.set_num_threads(1)
    return str(write_tiny_checkpoint(tmp_path_factory.mktemp("policy")))


@pytest.fixture(scope="module")
def rollouts(checkpoint):
    """Four completions a question; reward 1 for those whose first token is even."""
    prompts = [messages_for(s) for s in TASK.train]
    groups = HFPolicy(checkpoint).generate(prompts, Sampling(n=4, temperature=1.0, max_tokens=6, seed=1))
    return [
        Rollout(s, p, c, reward=float(c.tokens[0] % 2 == 0), answer=None, correct=False)
        for s, p, g in zip(TASK.train, prompts, groups, strict=True)
        for c in g
    ]


def adapted(checkpoint, options):
    policy = HFPolicy(checkpoint)
    policy.attach_lora(options.rank, options.lora_alpha, seed=0)
    return policy


def adapter(policy):
    return {n: p.detach().clone() for n, p in policy.model.named_parameters() if "lora_" in n}


def rewarded_logp(policy, rollouts, sign):
    chosen = [r for r in rollouts if (r.reward > 0) == sign]
    logp, _ = policy.completion_logprobs(
        [policy.encode(r.messages) for r in chosen], [r.completion.tokens for r in chosen]
    )
    return logp.sum().item()


@pytest.mark.parametrize("algorithm", ["grpo", "dr_grpo", "rloo", "reinforce++"])
def test_rewarded_completions_become_likelier_and_others_less(checkpoint, rollouts, algorithm):
    options = RL.Options(algorithm=algorithm, lr=1e-2, kl=0.0)
    policy = adapted(checkpoint, options)
    before = [rewarded_logp(policy, rollouts, sign) for sign in (True, False)]
    for step in range(3):
        metrics = update(policy, rollouts, options, step, 0)
    after = [rewarded_logp(policy, rollouts, sign) for sign in (True, False)]
    assert after[0] > before[0]
    assert after[1] < before[1]
    assert metrics["updates"] == 1
    assert metrics["grad_norm"] > 0


def test_micro_batches_give_the_whole_batchs_gradient(checkpoint, rollouts):
    found = []
    for micro_tokens in (1, 150, 100_000):
        options = RL.Options(lr=1e-2, kl=0.1, micro_tokens=micro_tokens)
        policy = adapted(checkpoint, options)
        update(policy, rollouts, options, 0, 0)
        found.append(adapter(policy))
    for other in found[1:]:
        for name, value in found[0].items():
            torch.testing.assert_close(other[name], value, atol=2e-4, rtol=0)


def test_loss_equals_a_plain_sum_over_rollouts(checkpoint, rollouts):
    """GRPO's loss written out rollout by rollout: -mean over rollouts of A * mean over tokens of ratio (= 1)."""
    from openrft_rl.advantages import grpo

    options = RL.Options(lr=1e-3, kl=0.0)
    metrics = update(adapted(checkpoint, options), rollouts, options, 0, 0)
    advantages = grpo([r.reward for r in rollouts], [r.sample.id for r in rollouts])
    assert metrics["loss"] == pytest.approx(-sum(advantages) / len(rollouts), abs=1e-6)


def test_kl_is_zero_at_the_start_and_pulls_back_later(checkpoint, rollouts):
    options = RL.Options(lr=1e-2, kl=0.05)
    policy = adapted(checkpoint, options)
    values = [update(policy, rollouts, options, step, 0)["kl"] for step in range(4)]
    assert values[0] == pytest.approx(0.0, abs=1e-6)
    assert values[-1] > 1e-4


def test_more_epochs_use_the_sampling_logprobs_and_clip(checkpoint, rollouts):
    options = RL.Options(lr=3e-2, kl=0.0, epochs=4, minibatches=2, clip=0.1)
    metrics = update(adapted(checkpoint, options), rollouts, options, 0, 0)
    assert metrics["updates"] == 8
    assert metrics["clip_fraction"] > 0


def test_groups_without_spread_change_nothing_and_are_counted(checkpoint, rollouts):
    options = RL.Options(lr=1e-2, kl=0.0)
    policy = adapted(checkpoint, options)
    before = adapter(policy)
    metrics = update(policy, [replace(r, reward=1.0) for r in rollouts], options, 0, 0)
    assert metrics["zero_variance"] == 1.0
    assert metrics["updates"] == 0
    assert all(torch.equal(before[n], p) for n, p in adapter(policy).items())


def test_empty_completions_are_counted_and_left_out(checkpoint, rollouts):
    options = RL.Options(lr=1e-3, kl=0.0)
    empty = replace(rollouts[0], completion=replace(rollouts[0].completion, text="", tokens=(), logprobs=()))
    assert update(adapted(checkpoint, options), [empty, *rollouts], options, 0, 0)["empty"] == 1


def test_a_loss_that_explodes_is_named_and_changes_nothing(checkpoint, rollouts):
    options = RL.Options(lr=1e-3, kl=0.0)
    policy = adapted(checkpoint, options)
    before = adapter(policy)
    policy.model.get_parameter("base_model.model.model.norm.weight").data.fill_(float("nan"))
    with pytest.raises(OpenRFTError, match="step 7: the loss is nan"):
        update(policy, rollouts, options, 7, 0)
    assert all(torch.equal(before[n], p) for n, p in adapter(policy).items())


def test_placebos_ignore_what_was_right():
    rollout = Rollout(TASK.train[0], (), None, answer=TASK.train[0].answer, correct=True)
    noise = Placebo(Placebo.Options()).reward(rollouts=[rollout] * 1000, seed=3)
    assert 0.45 < sum(r.score for r in noise) / 1000 < 0.55
    shape = Placebo(Placebo.Options(kind="format"))
    assert shape.reward(rollouts=[rollout, replace(rollout, answer=None)], seed=0)[0].score == 1.0
    assert shape.reward(rollouts=[replace(rollout, answer=None)], seed=0)[0].score == 0.0
    shuffled = Placebo(Placebo.Options(kind="shuffled"))
    scores = [
        shuffled.reward(rollouts=[replace(rollout, answer=letter)], seed=s)[0].score
        for s in (1, 2)
        for letter in "ABCD"
    ]
    assert sum(scores) == 2.0
    assert scores[:4] == scores[4:]
    assert scores["ABCD".index(TASK.train[0].answer)] == 0.0
