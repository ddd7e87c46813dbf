"""One update on a real (tiny) checkpoint: it does what the equations say, and micro-batching changes nothing."""

from __future__ import annotations

import copy
import json
import math
import re
from dataclasses import replace

import pytest
import torch
from openrft_rl import update as update_module
from openrft_rl.algorithms import ALGORITHMS
from openrft_rl.equations.advantages import compute_relative_advantages
from openrft_rl.plugin import RL
from openrft_rl.update import choose_plan, update_policy

from openrft.errors import OpenRFTError, UsageError
from openrft.grading.thinking import split_steps
from openrft.policies.base import Sampling
from openrft.rewards.combine import split_over_steps
from openrft.tasks.prompt import build_messages
from openrft.testing import toy_task, write_tiny_checkpoint
from openrft.types import Rollout

TASK = toy_task(3, 1)
EVERY = sorted(ALGORITHMS)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.set_num_threads(1)
    return str(write_tiny_checkpoint(tmp_path_factory.mktemp("policy")))


@pytest.fixture(scope="module")
def rollouts(checkpoint, device):
    """Four completions a question; reward 1 for those whose first token is even."""
    prompts = [build_messages(s) for s in TASK.train]
    how = Sampling(n=4, temperature=1.0, max_tokens=6, seed=1)
    groups = device.open_policy(checkpoint).generate(prompts, how)
    return [
        Rollout(s, p, c, reward=float(c.tokens[0] % 2 == 0), answer=None, correct=False)
        for s, p, g in zip(TASK.train, prompts, groups, strict=True)
        for c in g
    ]


def update(policy, rollouts, options, step=0, seed=0):
    plan = choose_plan(policy, rollouts, options.micro_batch_tokens)
    return update_policy(policy, rollouts, options, step, seed, options.kl_coef, plan)


def policy_with_adapter(checkpoint, options, device):
    policy = device.open_policy(checkpoint)
    policy.attach_lora(options.lora_rank, options.lora_alpha, seed=0)
    if options.algorithm_spec.uses_critic:
        policy.attach_critic(options.lora_rank, options.lora_alpha, 0, options.critic == "separate")
    return policy


def adapter(policy):
    return {n: p.detach().clone() for n, p in policy.model.named_parameters() if "lora_" in n}


def rewarded_logp(policy, rollouts, sign):
    chosen = [r for r in rollouts if (r.reward > 0) == sign]
    logp, _ = policy.completion_logprobs(
        [policy.encode(r.messages) for r in chosen], [r.completion.tokens for r in chosen]
    )
    return logp.sum().item()


def by_steps(rollout, credit):
    """The same reward, half of it earned where steps end, in the shares of this credit."""
    scores = [0.9 / (n + 1) for n in range(len(split_steps(rollout.completion.text)))]
    parts = split_over_steps(scores, credit)
    step_rewards = [rollout.reward / 2 * part / sum(parts) for part in parts]
    return replace(rollout, step_rewards=(*step_rewards, rollout.reward - sum(step_rewards)))


@pytest.mark.parametrize("credit", ["sequence", "step", "min"])
@pytest.mark.parametrize("algorithm", EVERY)
def test_rewarded_completions_become_likelier_and_others_less(checkpoint, rollouts, algorithm, credit, device):
    if credit != "sequence":
        rollouts = [by_steps(r, credit) for r in rollouts]
    options = RL.Options(algorithm=algorithm, lr=1e-2, kl_coef=0.0)
    policy = policy_with_adapter(checkpoint, options, device)
    before = [rewarded_logp(policy, rollouts, sign) for sign in (True, False)]
    for step in range(3):
        metrics = update(policy, rollouts, options, step)
    after = [rewarded_logp(policy, rollouts, sign) for sign in (True, False)]
    assert after[0] > before[0]
    assert after[1] < before[1]
    assert metrics["updates"] == 1
    assert metrics["grad_norm"] > 0


def test_log_probabilities_that_sampling_did_not_keep_exactly_are_asked_for_again(checkpoint, rollouts, device):
    """In bfloat16 sampling and the update differ by rounding, which would pass for a ratio, and clip it."""
    options = RL.Options(algorithm="gspo", lr=1e-12, kl_coef=0.01, ppo_epochs=2)
    assert "sampling_gap" not in update(policy_with_adapter(checkpoint, options, device), rollouts, options)
    policy = policy_with_adapter(checkpoint, options, device)
    for name, parameter in policy.model.named_parameters():  # as on a GPU, where the adapter alone is in float32
        if "lora_" not in name:
            parameter.data = parameter.data.bfloat16()
    metrics = update(policy, rollouts, options)
    assert metrics["sampling_gap"] > 1e-4
    assert metrics["ratio"] == pytest.approx(1, abs=1e-6 * device.rounding)
    assert metrics["clip_fraction"] == 0


@pytest.mark.parametrize("kl_coef", [0.0, 0.1])
def test_a_single_update_makes_no_pass_for_what_its_loss_tells(checkpoint, rollouts, device, monkeypatch, kl_coef):
    """The adapter and every metric are those of a pass of its own, where all sequences have a gradient."""
    options, found = RL.Options(lr=1e-2, kl_coef=kl_coef, algorithm="reinforce++"), []
    for late in (True, False):
        policy, passes = policy_with_adapter(checkpoint, options, device), []
        monkeypatch.setattr(type(policy), "exact_sampling_logprobs", property(lambda self: False))
        run = policy.completion_logprobs
        policy.completion_logprobs = lambda *asked, run=run, passes=passes: passes.append(asked) or run(*asked)
        if not late:
            monkeypatch.setattr(update_module, "has_old_logprobs", lambda sequences: False)
        found.append((update(policy, rollouts, options), adapter(policy), len(passes)))
    (metrics, weights, passes), (expected, wanted, more) = found
    assert passes < more
    assert metrics == pytest.approx(expected, abs=1e-6 * device.rounding)
    assert {"sampling_gap"} | ({"kl_completion"} if kl_coef else set()) <= set(metrics)
    for name, value in wanted.items():
        device.assert_close(weights[name], value, atol=1e-6)


@pytest.mark.parametrize(
    "algorithm", [name for name in EVERY if not RL.Options(algorithm=name).algorithm_spec.uses_critic]
)
def test_tokens_that_no_policy_drew_are_in_no_loss(checkpoint, rollouts, algorithm, device):
    """With all tokens after the first put in, the update is that of completions which end after the first."""
    options = RL.Options(algorithm=algorithm, lr=1e-2, kl_coef=0.1, ppo_epochs=2)
    rollouts, found = [r for r in rollouts if len(r.completion.tokens) > 2], []
    for change in (
        lambda tokens: {"inserted": tuple(range(1, len(tokens)))},
        lambda tokens: {"tokens": tokens[:1]},
    ):
        policy = policy_with_adapter(checkpoint, options, device)
        changed = [
            replace(r, completion=replace(r.completion, logprobs=(), **change(r.completion.tokens))) for r in rollouts
        ]
        metrics = update(policy, changed, options)
        found.append((adapter(policy), metrics["kl_completion"], metrics["ratio_max"]))
    (put_in, *measured), (cut, *expected) = found
    assert measured == pytest.approx(expected, abs=1e-5 * device.rounding)
    for name, value in cut.items():
        device.assert_close(put_in[name], value, atol=2e-4)  # of changes up to 2e-2
    fresh = adapter(policy_with_adapter(checkpoint, options, device))
    assert any(not torch.equal(value, fresh[name]) for name, value in cut.items())


def test_micro_batches_give_the_whole_batchs_gradient(checkpoint, rollouts, device):
    found = []
    for micro_batch_tokens in (1, 150, 100_000):
        options = RL.Options(lr=1e-2, kl_coef=0.1, micro_batch_tokens=micro_batch_tokens)
        policy = policy_with_adapter(checkpoint, options, device)
        update(policy, rollouts, options)
        found.append(adapter(policy))
    for other in found[1:]:
        for name, value in found[0].items():
            device.assert_close(other[name], value, atol=2e-4)


def test_loss_equals_a_plain_sum_over_rollouts(checkpoint, rollouts, device):
    """GRPO's loss written out rollout by rollout: -mean over rollouts of A * mean over tokens of ratio (= 1)."""
    options = RL.Options(lr=1e-3, kl_coef=0.0)
    metrics = update(policy_with_adapter(checkpoint, options, device), rollouts, options)
    advantages = compute_relative_advantages(
        [(r.reward,) for r in rollouts], [r.sample.id for r in rollouts], "group", "group"
    )
    assert metrics["loss"] == pytest.approx(-sum(a for (a,) in advantages) / len(rollouts), abs=1e-6 * device.rounding)


def test_kl_is_zero_at_the_start_and_pulls_back_later(checkpoint, rollouts, device):
    options = RL.Options(lr=1e-2, kl_coef=0.05)
    policy = policy_with_adapter(checkpoint, options, device)
    values = [update(policy, rollouts, options, step)["kl"] for step in range(4)]
    assert values[0] == pytest.approx(0.0, abs=1e-6 * device.rounding)
    assert values[-1] > 1e-4


@pytest.mark.parametrize("algorithm", ["grpo", "ppo"])
def test_dropout_is_off_in_an_update(checkpoint, rollouts, algorithm, device):
    options = RL.Options(algorithm=algorithm, kl_coef=0.1, updates_per_epoch=2)
    policy = policy_with_adapter(checkpoint, options, device)
    for module in policy.model.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.5
    policy.model.train()
    metrics = update(policy, rollouts, options)
    assert metrics["kl_completion"] == pytest.approx(
        0, abs=1e-4 * device.rounding
    )  # a fresh adapter is the reference still
    assert metrics["ratio_max"] == pytest.approx(1, abs=0.01)


def test_more_epochs_use_the_sampling_logprobs_and_clip(checkpoint, rollouts, device):
    options = RL.Options(
        lr=3e-2, kl_coef=0.0, ppo_epochs=4, updates_per_epoch=2, clip_ratio_low=0.1, clip_ratio_high=0.1
    )
    metrics = update(policy_with_adapter(checkpoint, options, device), rollouts, options)
    assert metrics["updates"] == 8
    assert metrics["clip_fraction"] > 0


def test_groups_without_spread_change_nothing(checkpoint, rollouts, device):
    options = RL.Options(lr=1e-2, kl_coef=0.0)
    policy = policy_with_adapter(checkpoint, options, device)
    before = adapter(policy)
    metrics = update(policy, [replace(r, reward=1.0) for r in rollouts], options)
    assert metrics["updates"] == 0
    assert all(torch.equal(before[n], p) for n, p in adapter(policy).items())


def test_empty_completions_are_counted_and_left_out(checkpoint, rollouts, device):
    options = RL.Options(lr=1e-3, kl_coef=0.0)
    empty = replace(rollouts[0], completion=replace(rollouts[0].completion, text="", tokens=(), logprobs=()))
    assert update(policy_with_adapter(checkpoint, options, device), [empty, *rollouts], options)["empty"] == 1


def test_a_loss_that_explodes_is_named_and_changes_nothing(checkpoint, rollouts, device):
    options = RL.Options(lr=1e-3, kl_coef=0.0)
    policy = policy_with_adapter(checkpoint, options, device)
    before = adapter(policy)
    policy.model.get_parameter("base_model.model.model.norm.weight").data.fill_(float("nan"))
    with pytest.raises(OpenRFTError, match="step 7: the policy's loss is nan"):
        update(policy, rollouts, options, 7)
    assert all(torch.equal(before[n], p) for n, p in adapter(policy).items())


def test_a_failure_in_a_later_minibatch_puts_the_adapter_and_its_moments_back(checkpoint, rollouts, device):
    options = RL.Options(lr=1e-3, kl_coef=0.0, updates_per_epoch=3)
    policy = policy_with_adapter(checkpoint, options, device)
    update(policy, rollouts, options)
    before, moments = adapter(policy), copy.deepcopy(policy.get_optimizer(1e-3).state_dict()["state"])
    last = max(r.sample.id for r in rollouts)
    broken = [
        replace(r, completion=replace(r.completion, logprobs=(math.nan,) * len(r.completion.tokens)))
        if r.sample.id == last
        else r
        for r in rollouts
    ]
    with pytest.raises(OpenRFTError, match="step 1: the policy's loss is nan"):
        update(policy, broken, options, 1)
    assert all(torch.equal(before[n], p) for n, p in adapter(policy).items())
    after = policy.get_optimizer(1e-3).state_dict()["state"]
    assert all(torch.equal(moments[i][key], after[i][key]) for i in moments for key in moments[i])


@pytest.mark.parametrize("algorithm", EVERY)
def test_a_batch_without_tokens_or_without_variance_takes_no_step(checkpoint, rollouts, algorithm, device):
    options = RL.Options(algorithm=algorithm, kl_coef=0.0)
    policy = policy_with_adapter(checkpoint, options, device)
    before = adapter(policy)
    nothing = [replace(r, completion=replace(r.completion, text="", tokens=(), logprobs=())) for r in rollouts]
    assert update(policy, nothing, options)["empty"] == len(rollouts)
    same = update(policy, [replace(r, reward=0.5) for r in rollouts], options)
    assert all(math.isfinite(v) for v in same.values())
    if algorithm != "ppo":  # which compares with what its critic expected, not with the group
        assert same["updates"] == 0
        assert all(torch.equal(before[n], p) for n, p in adapter(policy).items())


def test_logprobs_that_sampling_did_not_keep_are_asked_of_the_policy(checkpoint, rollouts, device):
    options = RL.Options(lr=1e-2, kl_coef=0.0, updates_per_epoch=2)
    bare = [replace(r, completion=replace(r.completion, logprobs=())) for r in rollouts]
    found = []
    for some in (rollouts, bare):
        policy = policy_with_adapter(checkpoint, options, device)
        update(policy, some, options)
        found.append(adapter(policy))
    for name, value in found[0].items():
        device.assert_close(found[1][name], value, atol=2e-4)


def test_metrics_by_hand(checkpoint, rollouts, device):
    options = RL.Options(kl_coef=0.01)
    metrics = update(policy_with_adapter(checkpoint, options, device), rollouts, options)
    assert metrics["ratio"] == metrics["ratio_max"] == 1.0
    assert metrics["clip_fraction"] == 0.0
    assert metrics["kl_completion"] == pytest.approx(
        0.0, abs=1e-4 * device.rounding
    )  # the reference is the policy at the start
    assert metrics["kl_coef"] == 0.01


@pytest.mark.parametrize(("critic", "rate"), [("shared", 1e-2), ("separate", 3e-3)])  # all weights: a lower rate
def test_the_critic_learns_what_rollouts_return(checkpoint, rollouts, critic, rate, device):
    options = RL.Options(algorithm="ppo", critic=critic, lr=1e-9, critic_lr=rate, value_clip=10, kl_coef=0.0)
    policy = policy_with_adapter(checkpoint, options, device)
    metrics = [update(policy, rollouts, options, step) for step in range(16)]
    assert metrics[0]["explained_variance"] == pytest.approx(0.0, abs=0.05)
    assert metrics[-1]["explained_variance"] > 0.2
    assert metrics[-1]["value_loss"] < metrics[0]["value_loss"] / 2


def test_the_kl_weight_follows_its_target_and_survives_as_state(checkpoint, rollouts, device):
    options = RL.Options(lr=1e-2, kl_coef=0.1, kl_target=1e-6)
    plugin, policy = RL(options), device.open_policy(checkpoint)
    ask = {"objective": "explore", "seed": 0}
    first = plugin.train_step(policy=policy, rollouts=rollouts, step=0, state=None, **ask)
    assert first.value["kl_coef"] == 0.1
    assert 0.098 <= first.state["kl_coef"] <= 0.102
    resumed = RL(options).train_step(policy=policy, rollouts=rollouts, step=1, state=first.state, **ask)
    assert resumed.value["kl_coef"] == first.state["kl_coef"]


@pytest.mark.parametrize("algorithm", EVERY)
def test_one_answer_a_question_is_refused_where_answers_are_compared(checkpoint, rollouts, algorithm, device):
    one = [replace(r, reward=float(i % 2)) for i, r in enumerate(rollouts[::4])]
    policy = device.open_policy(checkpoint)
    ask = {"policy": policy, "rollouts": one, "objective": "explore", "step": 0, "seed": 0, "state": None}
    plugin = RL(RL.Options(algorithm=algorithm, kl_coef=0.0))
    if algorithm in ("ppo", "reinforce++"):
        assert plugin.train_step(**ask).value["updates"] == 1
    else:
        with pytest.raises(UsageError, match=f"the algorithm {re.escape(algorithm)} compares"):
            plugin.train_step(**ask)


def test_on_the_very_policy_that_sampled_gspo_is_grpo(checkpoint, rollouts, device):
    found = []
    for options in (RL.Options(lr=1e-2), RL.Options(algorithm="gspo", lr=1e-2)):
        policy = policy_with_adapter(checkpoint, options, device)
        update(policy, rollouts, options)
        found.append(adapter(policy))
    for name, value in found[0].items():
        device.assert_equal(found[1][name], value)


@pytest.mark.parametrize("critic", ["shared", "separate"])
def test_ppo_resumes_with_the_same_bits(checkpoint, rollouts, tmp_path, critic, device):
    options = RL.Options(
        algorithm="ppo",
        critic=critic,
        lr=1e-2,
        critic_lr=1e-2,
        kl_coef=0.1,
        kl_target=1.0,
        ppo_epochs=2,
        updates_per_epoch=2,
    )

    def train(policy, steps, state=None):
        plugin = RL(options)
        for step in steps:
            result = plugin.train_step(policy, rollouts, "explore", step, seed=step, state=state)
            state = json.loads(json.dumps(result.state))
        return adapter(policy), state

    straight, _ = train(device.open_policy(checkpoint), range(4))
    stopped = device.open_policy(checkpoint)
    _, state = train(stopped, range(2))
    stopped.save_training_state(tmp_path)
    resumed = device.open_policy(checkpoint)
    resumed.load_training_state(tmp_path)
    found, _ = train(resumed, range(2, 4), state)
    assert found.keys() == straight.keys()
    for name, value in straight.items():
        device.assert_equal(found[name], value)
