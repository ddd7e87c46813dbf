"""Updates whose products are in bfloat16, on a CPU: like those in float32 but for rounding."""

from __future__ import annotations

import pytest
import torch
from openrft_rl.plugin import RL
from openrft_rl.update import choose_plan, update_policy

from openrft.config.settings import PolicySettings
from openrft.policies import bfloat16_products
from openrft.policies.base import Sampling
from openrft.policies.hf import HFPolicy
from openrft.tasks.prompt import build_messages
from openrft.testing import toy_task, write_tiny_checkpoint
from openrft.types import Rollout

TASK = toy_task(3, 1)
CPU = PolicySettings(device="cpu")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.set_num_threads(1)
    return str(write_tiny_checkpoint(tmp_path_factory.mktemp("policy")))


@pytest.fixture(scope="module")
def rollouts(checkpoint):
    """Four completions a question; reward 1 for those whose first token is even."""
    prompts = [build_messages(s) for s in TASK.train]
    how = Sampling(n=4, temperature=1.0, max_tokens=6, seed=1)
    groups = HFPolicy(checkpoint, settings=CPU).generate(prompts, how)
    return [
        Rollout(s, p, c, reward=float(c.tokens[0] % 2 == 0), answer=None, correct=False)
        for s, p, g in zip(TASK.train, prompts, groups, strict=True)
        for c in g
    ]


@pytest.mark.parametrize("options", [{"kl_coef": 0.0}, {"kl_coef": 0.1, "ppo_epochs": 2}])
def test_products_in_bfloat16_change_an_update_by_rounding_alone(checkpoint, rollouts, options, monkeypatch, caplog):
    def train(**more):
        chosen = RL.Options(algorithm="grpo", lr=1e-2, **options, **more)
        policy = HFPolicy(checkpoint, settings=CPU)
        policy.attach_lora(chosen.lora_rank, chosen.lora_alpha, seed=0)
        plan = choose_plan(policy, rollouts, chosen.micro_batch_tokens)
        metrics = update_policy(policy, rollouts, chosen, 0, 0, chosen.kl_coef, plan)
        weights = [p.detach().flatten() for name, p in policy.model.named_parameters() if "lora_" in name]
        return torch.cat(weights), metrics

    exact, expected = train()
    monkeypatch.setattr(bfloat16_products, "measure_bfloat16_gain", lambda: 2.0)
    fast, found = train(bf16=True)
    assert fast.dtype == torch.float32
    assert not torch.equal(fast, exact)
    assert torch.cosine_similarity(fast, exact, 0) > 0.95
    assert found["grad_norm"] == pytest.approx(expected["grad_norm"], rel=0.05)
    assert found.get("kl_completion", 0.0) == pytest.approx(expected.get("kl_completion", 0.0), abs=1e-6)
    monkeypatch.setattr(bfloat16_products, "measure_bfloat16_gain", lambda: 0.5)
    assert torch.equal(train(bf16=True)[0], exact)
    assert "rl.bf16: products in bfloat16 take 2.0 times as long here: float32 is used." in caplog.text


def test_bfloat16_is_not_for_a_critic():
    with pytest.raises(ValueError, match="bf16 is for algorithms without a critic, and ppo has one"):
        RL.Options(algorithm="ppo", bf16=True)
