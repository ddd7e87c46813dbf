"""The critic: its values against a plain forward pass, who gets gradient, resuming with the same bits, leaving."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from openrft.errors import OpenRFTError
from openrft.policies.base import Sampling
from openrft.policies.export import export_checkpoint
from openrft.tasks.prompt import build_messages
from openrft.testing import toy_task

PROMPTS, COMPLETIONS = [[5, 6, 7]] * 2 + [[9, 8]], [[10, 11], [12], [13, 14, 15]]
WAYS = pytest.mark.parametrize("separate", [False, True], ids=["shared trunk", "separate trunk"])


def with_critic(tiny, separate, device):
    torch.set_num_threads(1)
    policy = device.open_policy(tiny)
    policy.attach_lora(2, 4, seed=1)
    policy.attach_critic(2, 4, seed=2, separate=separate)
    return policy


def train_critic(policy, steps):
    for _ in range(steps):
        optimizer = policy.critic.get_optimizer(lr=1e-2)
        optimizer.param_groups[0]["lr"] = 1e-2
        optimizer.zero_grad()
        values, mask = policy.critic.values(PROMPTS, COMPLETIONS)
        ((values - 1) ** 2 * mask).sum().backward()
        optimizer.step()
    return policy.critic.values(PROMPTS, COMPLETIONS)[0].detach()


def train_actor(policy, steps):
    for _ in range(steps):
        optimizer = policy.get_optimizer(lr=1e-2)
        optimizer.param_groups[0]["lr"] = 1e-2
        optimizer.zero_grad()
        (-policy.completion_logprobs(PROMPTS, COMPLETIONS)[0].sum()).backward()
        optimizer.step()
    return policy.completion_logprobs(PROMPTS, COMPLETIONS)[0].detach()


@WAYS
def test_a_fresh_critic_expects_nothing_and_then_learns_the_return(tiny, separate, device):
    policy = with_critic(tiny, separate, device)
    fresh, mask = policy.critic.values(PROMPTS, COMPLETIONS)
    assert fresh.shape == mask.shape == (3, 3)
    assert fresh.abs().max() == 0
    learnt = train_critic(policy, 20)
    assert (learnt - mask).abs().max() <= 0.2


@WAYS
def test_values_equal_a_plain_forward_pass(tiny, separate, device):
    policy = with_critic(tiny, separate, device)
    train_critic(policy, 3)
    shared, _ = policy.critic.values(PROMPTS, COMPLETIONS)
    value_model = policy.critic._model
    with policy.critic._awake():
        for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
            hidden = value_model.trunk(device.tensor([[*prompt, *completion]])).last_hidden_state[0]
            plain = value_model.head(hidden[len(prompt) - 1 : -1])[:, 0]
            device.assert_close(shared[row, : len(completion)], plain, atol=1e-5)


@WAYS
def test_the_critic_learns_without_touching_the_policy_and_the_policy_without_the_critic(tiny, separate, device):
    policy = with_critic(tiny, separate, device)
    task = toy_task(2, 1)
    prompts = [build_messages(s) for s in task.train]
    sampling = Sampling(n=2, temperature=1.0, max_tokens=5, seed=3)
    before, notices = policy.completion_logprobs(PROMPTS, COMPLETIONS)[0].detach(), policy.generate(prompts, sampling)
    values = train_critic(policy, 3)
    device.assert_equal(policy.completion_logprobs(PROMPTS, COMPLETIONS)[0], before)
    assert policy.generate(prompts, sampling) == notices
    after = train_actor(policy, 3)
    assert not torch.equal(after, before)
    device.assert_equal(policy.critic.values(PROMPTS, COMPLETIONS)[0], values)


@WAYS
def test_actor_and_critic_resume_with_the_same_bits(tiny, tmp_path, separate, device):
    straight = with_critic(tiny, separate, device)
    train_actor(straight, 2), train_critic(straight, 2)
    expected = train_actor(straight, 2), train_critic(straight, 2)

    stopped = with_critic(tiny, separate, device)
    train_actor(stopped, 2), train_critic(stopped, 2)
    stopped.save_training_state(tmp_path)
    resumed = device.open_policy(tiny)
    resumed.load_training_state(tmp_path)
    device.assert_equal(train_actor(resumed, 2), expected[0])
    device.assert_equal(train_critic(resumed, 2), expected[1])


@WAYS
def test_what_is_written_of_the_policy_holds_no_critic(tiny, tmp_path, separate, device):
    policy, alone = with_critic(tiny, separate, device), device.open_policy(tiny)
    alone.attach_lora(2, 4, seed=1)
    train_critic(policy, 2)
    device.assert_equal(train_actor(policy, 2), train_actor(alone, 2))
    policy.save_adapter(tmp_path / "adapter")
    assert not [f for f in (tmp_path / "adapter").rglob("*") if "critic" in f.name]
    export_checkpoint(policy, tmp_path / "with"), export_checkpoint(alone, tmp_path / "alone")
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("with", "alone"))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        device.assert_equal(value, theirs[name])
    assert policy.critic is None
    assert policy.id == alone.id or not device.same_bits


def test_a_critic_needs_a_policy_in_training(tiny, device):
    with pytest.raises(OpenRFTError, match="no adapter"):
        device.open_policy(tiny).attach_critic(2, 4, seed=0)
