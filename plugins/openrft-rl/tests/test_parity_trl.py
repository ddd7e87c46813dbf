"""Our losses against TRL's GRPOTrainer and RLOOTrainer on the same model and the same tensors."""

from __future__ import annotations

import pytest
import torch
from openrft_rl.batch import TrainingSequence
from openrft_rl.equations.advantages import compute_relative_advantages, expand_to_tokens
from openrft_rl.equations.losses import token_weights
from openrft_rl.metrics import Metrics
from openrft_rl.plugin import RL
from openrft_rl.update import Update, policy_loss

from openrft import MemoryPlan
from openrft.policies.hf import HFPolicy
from openrft.testing import write_tiny_checkpoint

PROMPTS = [(5, 6, 7, 8)] * 2 + [(9, 10)] * 2
COMPLETIONS = [(11, 12, 13, 14, 1), (15, 16, 1), (17, 18, 19, 20), (21, 1)]
GROUPS = ["a", "a", "b", "b"]
MOST = 7  # tokens that a completion may have; none of them has so many
TRL = {  # TRL's names for the same algorithms
    "grpo": {"loss_type": "grpo"},
    "dr_grpo": {"loss_type": "dr_grpo", "scale_rewards": "none"},
    "dapo": {"loss_type": "dapo"},
    "gspo": {"loss_type": "grpo", "importance_sampling_level": "sequence"},
}


QUIET = {  # what both of TRL's trainers are told besides
    "max_completion_length": MOST,
    "num_generations": 2,
    "per_device_train_batch_size": 4,
    "gradient_checkpointing": False,
    "bf16": False,
    "use_cpu": True,
    "report_to": [],
}


@pytest.fixture
def policy(tmp_path):
    """A policy whose adapter does something, so that the KL is not trivial; a fresh one, for TRL adds to it."""
    torch.set_num_threads(1)
    policy = HFPolicy(str(write_tiny_checkpoint(tmp_path / "policy")))
    policy.attach_lora(2, 4, seed=0)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in policy.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1, generator=generator)
    return policy


def sequences_for(policy, name, rewards, apart=0.3):
    """The batch as the loss sees it, sampled by a policy `apart` from the one that is trained."""
    spec = RL.Options(algorithm=name).algorithm_spec
    with torch.no_grad():
        logp, mask = policy.completion_logprobs(PROMPTS, COMPLETIONS)
        with policy.disable_adapter():
            reference, _ = policy.completion_logprobs(PROMPTS, COMPLETIONS)
    noise = apart * torch.randn(logp.shape, generator=torch.Generator().manual_seed(1))
    noise = noise if name != "gspo" else noise * 3e-3  # its clip is a few thousandths of the others'
    old = logp + noise
    advantages = compute_relative_advantages([(r,) for r in rewards], GROUPS, spec.baseline, spec.scale_rewards)
    weights = token_weights([len(c) for c in COMPLETIONS], spec.loss_agg_mode, MOST)
    sequences = [
        TrainingSequence(
            i,
            group,
            prompt,
            tokens,
            1.0,
            (reward,),
            (),
            old[i, : len(tokens)],
            ref_logprobs=reference[i, : len(tokens)],
            advantages=torch.tensor(expand_to_tokens(advantages[i], [], len(tokens))),
            weight=weights[i],
        )
        for i, (prompt, tokens, group, reward) in enumerate(zip(PROMPTS, COMPLETIONS, GROUPS, rewards, strict=True))
    ]
    return sequences, old, reference, mask, torch.tensor([a for (a,) in advantages])


def trl_loss(policy, folder, name, kl, inputs):
    from trl import GRPOConfig, GRPOTrainer

    clip = RL.Options(algorithm=name).clip_ratio
    arguments = GRPOConfig(
        output_dir=str(folder),
        beta=kl,
        epsilon=clip[0],
        epsilon_high=clip[1],
        use_bias_correction_kl=False,  # a later paper's (2512.02556) ratio on the KL; GRPO's equation 3 has none
        **QUIET,
        **TRL[name],
    )
    return loss_of(GRPOTrainer, arguments, policy, inputs)


def rloo_loss(policy, folder, inputs):
    from trl import RLOOConfig, RLOOTrainer

    return loss_of(RLOOTrainer, RLOOConfig(output_dir=str(folder), beta=0.0, **QUIET), policy, inputs)


def loss_of(trainer, arguments, policy, inputs):
    from datasets import Dataset

    made = trainer(
        model=policy.model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": "a"}] * 4),
        processing_class=policy.tokenizer,
    )
    policy.model.eval()  # one whole batch: no division by accumulation steps
    return made._compute_loss(policy.model, inputs)


def padded(rows, left):
    width = max(map(len, rows))
    fill = [[0] * (width - len(r)) for r in rows]
    mask = [[1] * len(r) for r in rows]
    pairs = list(zip(fill, map(list, rows), mask, strict=True))
    if left:
        return torch.tensor([f + r for f, r, _ in pairs]), torch.tensor([f + m for f, _, m in pairs])
    return torch.tensor([r + f for f, r, _ in pairs]), torch.tensor([m + f for f, _, m in pairs])


def gradients(policy, loss):
    trained = {n: p for n, p in policy.model.named_parameters() if p.requires_grad}
    return dict(zip(trained, torch.autograd.grad(loss, list(trained.values())), strict=True))


@pytest.mark.parametrize("kl", [0.0, 0.05])
@pytest.mark.parametrize("name", TRL)
def test_loss_and_gradient_agree(policy, tmp_path, name, kl):
    sequences, old, reference, mask, advantages = sequences_for(policy, name, [1.0, 0.0, 0.3, 0.9])
    metrics = Metrics()
    ours = policy_loss(
        Update(policy, RL.Options(algorithm=name, kl_coef=kl), MemoryPlan(1000), kl, False, metrics, policy_loss),
        sequences,
    )
    assert 0 < metrics.report()["clip_fraction"] < 1

    (prompt_ids, prompt_mask), (ids, completion_mask) = padded(PROMPTS, left=True), padded(COMPLETIONS, left=False)
    assert torch.equal(completion_mask, mask)
    inputs = {
        "prompt_ids": prompt_ids,
        "prompt_mask": prompt_mask,
        "completion_ids": ids,
        "completion_mask": completion_mask,
        "advantages": advantages,
        "old_per_token_logps": old,
        "ref_per_token_logps": reference,
        "num_items_in_batch": completion_mask.sum(),
    }
    theirs = trl_loss(policy, tmp_path, name, kl, inputs)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)
    expected = gradients(policy, theirs)
    assert any(g.abs().max() > 1e-4 for g in expected.values())
    for parameter, gradient in gradients(policy, ours).items():
        torch.testing.assert_close(gradient, expected[parameter], atol=1e-6, rtol=1e-3)


def test_the_gradient_of_rloo_agrees_on_the_weights_that_sampled(policy, tmp_path):
    """TRL takes the ratio of whole completions and adds nothing up: the losses differ, their gradients do not."""
    sequences, old, _, mask, advantages = sequences_for(policy, "rloo", [1.0, 0.0, 0.3, 0.9], apart=0.0)
    ours = policy_loss(
        Update(policy, RL.Options(algorithm="rloo", kl_coef=0.0), MemoryPlan(1000), 0.0, False, Metrics(), policy_loss),
        sequences,
    )
    (prompt_ids, prompt_mask), (ids, completion_mask) = padded(PROMPTS, left=True), padded(COMPLETIONS, left=False)
    theirs = rloo_loss(
        policy,
        tmp_path,
        {
            "prompt_ids": prompt_ids,
            "prompt_mask": prompt_mask,
            "completion_ids": ids,
            "completion_mask": completion_mask,
            "advantages": advantages,
            "old_logps": (old * mask).sum(1),
        },
    )
    expected = gradients(policy, theirs)
    assert any(g.abs().max() > 1e-4 for g in expected.values())
    for parameter, gradient in gradients(policy, ours).items():
        torch.testing.assert_close(gradient, expected[parameter], atol=1e-6, rtol=1e-3)
