"""PPO against loops written from the papers' equations in double precision, one scalar at a time."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from openrft_rl.batch import add_advantages, add_logprobs_and_values, build_sequences
from openrft_rl.equations.losses import clipped_policy_loss
from openrft_rl.metrics import Metrics
from openrft_rl.plugin import RL
from openrft_rl.update import Update, policy_loss, value_loss

from openrft import MemoryPlan
from openrft.grading.thinking import split_steps
from openrft.policies.base import Sampling
from openrft.tasks.prompt import build_messages
from openrft.testing import toy_task, write_tiny_checkpoint
from openrft.types import Rollout

OPTIONS = RL.Options(algorithm="ppo", kl_coef=0.2, gamma=0.97, gae_lambda=0.8, lr=1e-2, critic_lr=1e-2)
TASK = toy_task(3, 1)


class ByHand:
    """The equations for one batch; each argument is a list of rollouts, each a list of numbers, one a token."""

    def __init__(self, rewards, logp_old, reference, values, gamma, lam, kl):
        self.logp_old, self.values = logp_old, values
        self.advantages, self.returns = [], []
        for r, old, ref, v in zip(rewards, logp_old, reference, values, strict=True):
            penalised = [x - kl * (a - b) for x, a, b in zip(r, old, ref, strict=True)]  # 1909.08593, equation 2
            following = [*v[1:], 0.0]
            deltas = [x + gamma * n - now for x, n, now in zip(penalised, following, v, strict=True)]  # 1506.02438, 11
            advantage = [
                math.fsum((gamma * lam) ** k * d for k, d in enumerate(deltas[t:])) for t in range(len(deltas))
            ]
            self.advantages.append(advantage)
            self.returns.append([a + now for a, now in zip(advantage, v, strict=True)])
        flat = [a for row in self.advantages for a in row]
        mean = math.fsum(flat) / len(flat)
        deviation = math.sqrt(math.fsum((a - mean) ** 2 for a in flat) / len(flat))
        self.whitened = [[(a - mean) / deviation for a in row] for row in self.advantages]
        self.tokens = len(flat)

    def policy_loss(self, logp, clip):
        """1707.06347, equation 7: the empirical mean over tokens."""
        total = 0.0
        for now, old, advantages in zip(logp, self.logp_old, self.whitened, strict=True):
            for a, b, advantage in zip(now, old, advantages, strict=True):
                ratio = math.exp(a - b)
                total -= min(ratio * advantage, min(max(ratio, 1 - clip), 1 + clip) * advantage)
        return total / self.tokens

    def value_loss(self, values, clip):
        total = 0.0
        for now, old, returns in zip(values, self.values, self.returns, strict=True):
            for a, b, target in zip(now, old, returns, strict=True):
                near = b + min(max(a - b, -clip), clip)
                total += max((a - target) ** 2, (near - target) ** 2) / 2
        return total / self.tokens


@pytest.fixture(scope="module")
def policy(tmp_path_factory, device):
    """A policy and a critic that have both moved from where they began."""
    torch.set_num_threads(1)
    policy = device.open_policy(write_tiny_checkpoint(tmp_path_factory.mktemp("policy")))
    policy.attach_lora(2, 4, seed=0)
    policy.attach_critic(2, 4, seed=0)
    move(policy, 2)
    return policy


def move(policy, steps):
    for _ in range(steps):
        for optimizer in (policy.get_optimizer(3e-2), policy.critic.get_optimizer(1e-1)):
            optimizer.zero_grad()
        (-policy.completion_logprobs([[5, 6]], [[7, 8, 9]])[0].sum()).backward()
        ((policy.critic.values([[5, 6]], [[7, 8, 9]])[0] - 1) ** 2).sum().backward()
        policy.get_optimizer(3e-2).step()
        policy.critic.get_optimizer(1e-1).step()


def drawn(policy):
    """Two completions a question, rewarded by their first token, half of it by steps."""
    prompts = [build_messages(s) for s in TASK.train]
    groups = policy.generate(prompts, Sampling(n=2, temperature=1.0, max_tokens=7, seed=1))
    rollouts = []
    for sample, prompt, group in zip(TASK.train, prompts, groups, strict=True):
        for completion in group:
            reward, steps = float(completion.tokens[0] % 2), len(split_steps(completion.text))
            step_rewards = (*[reward / 2 / steps] * steps, reward / 2) if steps else (reward,)
            rollouts.append(Rollout(sample, prompt, completion, reward=reward, step_rewards=step_rewards))
    return rollouts


def plain(policy, rollouts):
    """Log-probabilities and values of each rollout from forward passes of one row without cache, as lists."""
    logp, values = [], []
    with torch.no_grad():
        for rollout in rollouts:
            prompt, tokens = policy.encode(rollout.messages), list(rollout.completion.tokens)
            ids = torch.tensor([prompt + tokens], device=policy.model.device)
            logits = policy.model(ids).logits[0, len(prompt) - 1 : -1].cpu().double().log_softmax(-1)
            logp.append(logits.gather(-1, torch.tensor(tokens)[:, None])[:, 0].tolist())
            values.append(policy.critic.values([prompt], [tokens])[0][0].double().tolist())
    return logp, values


def test_losses_equal_the_papers_equations(policy):
    rollouts = drawn(policy)
    sequences = add_logprobs_and_values(policy, build_sequences(policy, rollouts), 100_000, reference=True, critic=True)
    sequences = add_advantages(sequences, OPTIONS, OPTIONS.kl_coef)
    with policy.disable_adapter():
        reference, _ = plain(policy, rollouts)
    old, old_values = plain(policy, rollouts)
    rewards = [sequence.token_rewards() for sequence in sequences]
    assert [math.fsum(r) for r in rewards] == pytest.approx([r.reward for r in rollouts])
    by_hand = ByHand(rewards, old, reference, old_values, OPTIONS.gamma, OPTIONS.gae_lambda, OPTIONS.kl_coef)
    for sequence, advantages, returns in zip(sequences, by_hand.whitened, by_hand.returns, strict=True):
        assert sequence.advantages.tolist() == pytest.approx(advantages, abs=1e-3)
        assert sequence.returns.tolist() == pytest.approx(returns, abs=1e-4)

    move(policy, 2)  # now both ratio and values differ from those of the sampling
    sequences = [replace(sequence, weight=1 / by_hand.tokens) for sequence in sequences]
    now = Update(policy, OPTIONS, MemoryPlan(1000), OPTIONS.kl_coef, False, Metrics(), policy_loss)
    logp, values = plain(policy, rollouts)
    assert policy_loss(now, sequences).item() == pytest.approx(by_hand.policy_loss(logp, 0.2), abs=1e-3)
    assert value_loss(now, sequences).item() == pytest.approx(by_hand.value_loss(values, 0.2), abs=1e-4)
    assert 0 < now.metrics.report()["clip_fraction"] < 1
    moved = [abs(a - b) for now, old in zip(values, old_values, strict=True) for a, b in zip(now, old, strict=True)]
    assert min(moved) < 0.2 < max(moved)


def test_the_gradient_reaches_policy_and_critic_apart(policy):
    sequences = add_logprobs_and_values(
        policy, build_sequences(policy, drawn(policy)), 100_000, reference=True, critic=True
    )
    sequences = [replace(sequence, weight=1.0) for sequence in add_advantages(sequences, OPTIONS, OPTIONS.kl_coef)]
    now = Update(policy, OPTIONS, MemoryPlan(1000), OPTIONS.kl_coef, False, Metrics(), policy_loss)
    for loss, ours in ((policy_loss(now, sequences), ".default."), (value_loss(now, sequences), ".critic.")):
        policy.model.zero_grad(set_to_none=True)
        loss.backward()
        touched = {n for n, p in policy.model.named_parameters() if p.grad is not None and p.grad.any()}
        assert touched
        assert all(ours in name for name in touched)


def test_the_gradient_is_that_of_the_tokens_whose_clip_does_not_act():
    """d/dlogp of -min(r A, clip(r) A) is -r A where r A is the smaller, else 0: equation 7, a scalar at a time."""
    generator = torch.Generator().manual_seed(0)
    logp, old, advantages = (torch.randn(4, 6, generator=generator, dtype=torch.float64) / 3 for _ in range(3))
    logp.requires_grad_(True)
    clipped_policy_loss(logp - old, advantages, 0.2, 0.2).sum().backward()
    acted = 0
    for i in range(4):
        for t in range(6):
            ratio, advantage = math.exp(logp[i, t] - old[i, t]), float(advantages[i, t])
            free = ratio * advantage <= min(max(ratio, 0.8), 1.2) * advantage
            acted += not free
            assert logp.grad[i, t].item() == pytest.approx(-ratio * advantage if free else 0.0, abs=1e-12)
    assert 0 < acted < 24
