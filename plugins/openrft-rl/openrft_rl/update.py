"""One update: rollouts -> advantages -> mini-batches -> micro-batches of whole groups -> losses -> optimiser step(s).

The same for every algorithm. What tells them apart stands in algorithms.py, the mathematics in equations/.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from openrft import OpenRFTError, Rollout
from openrft_rl.appraisal import appraised
from openrft_rl.equations.weights import token_weights
from openrft_rl.guard import unchanged_on_failure
from openrft_rl.lines import Line, lines_of, micro_batches, minibatches
from openrft_rl.losses import Update, policy_loss, value_loss
from openrft_rl.measures import Measures
from openrft_rl.options import RLOptions
from openrft_rl.recall import recalled

LOGITS = 2 << 30  # bytes of float32 logits a forward pass at most, whatever `micro_tokens` allows


def update(
    policy: Any, rollouts: Sequence[Rollout], options: RLOptions, step: int, seed: int, kl: float
) -> dict[str, float]:
    """Train the policy's adapter, and its critic if the algorithm has one, on scored rollouts; the measures by name.

    kl: this step's weight of the KL to the reference. Rollouts whose advantage is exactly zero are left out where the
    loss has no KL term: their gradient is zero. Raises OpenRFTError when a loss or its gradient is not finite; the
    policy's adapter and critic are then as they were.
    """
    how, measures = options.how, Measures()
    lines = lines_of(policy, rollouts)
    measures.note(loss=0.0, clip_fraction=0.0, grad_norm=0.0, updates=0.0, kl_weight=kl)
    measures.note(empty=float(len(rollouts) - len(lines)))
    if not lines:
        return measures.report()
    vocabulary = getattr(policy.model.config, "vocab_size", None) or 1
    options = replace(options, micro_tokens=max(1, min(options.micro_tokens, LOGITS // (4 * vocabulary))))
    policy.model.eval()  # no dropout: its noise would pass for KL and ratio, and a resumed run could not repeat it
    asked = recalled(policy, lines, options.micro_tokens, bool(kl), how.critic)
    measures.sampling(lines, asked)
    lines = appraised(asked, how, options, kl)
    measures.before(lines)
    weights = token_weights([len(line.tokens) for line in lines], how.mean, options.length)
    used = [
        replace(line, weight=weight)
        for line, weight in zip(lines, weights, strict=True)
        if how.critic or kl or bool(line.advantage.any())
    ]
    several = options.epochs > 1 or options.minibatches > 1
    now = Update(policy, options, kl, not several, measures)
    optimizers = [policy.optimizer(options.lr), *([policy.critic.optimizer(options.critic_lr)] if how.critic else [])]
    with unchanged_on_failure(optimizers, several):
        for epoch in range(options.epochs if used else 0):
            batches = minibatches(used, options.minibatches, seed + epoch)
            for batch in batches:
                _descend(now, batch, len(batches), step)
    return measures.report()


def _descend(now: Update, batch: list[Line], share: int, step: int) -> None:
    """One optimiser step, of the policy and of the critic, on one of the epoch's `share` mini-batches."""
    options, critic = now.options, now.options.how.critic
    policy_optimizer = _ready(now.policy.optimizer(options.lr), options.lr)
    value_optimizer = _ready(now.policy.critic.optimizer(options.critic_lr), options.critic_lr) if critic else None
    loss = wrong = 0.0
    for micro in micro_batches(batch, options.micro_tokens):
        part = policy_loss(now, micro) * share
        part.backward()
        loss += part.item()
        if value_optimizer:
            part = value_loss(now, micro) * share
            part.backward()
            wrong += part.item()
    norm = _finite("policy", loss, policy_optimizer, options.max_grad_norm, step, "rl.lr")
    if value_optimizer:
        value_norm = _finite("critic", wrong, value_optimizer, options.max_grad_norm, step, "rl.critic_lr")
        value_optimizer.step()
        now.measures.add("value_loss", wrong)
        now.measures.peak("value_grad_norm", value_norm)
    policy_optimizer.step()
    now.measures.add("loss", loss)
    now.measures.peak("grad_norm", norm)
    now.measures.count("updates")


def _ready(optimizer: torch.optim.Optimizer, lr: float) -> torch.optim.Optimizer:
    """The optimizer at this learning rate (one that was read from a checkpoint has none) and without gradients."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    return optimizer


def _finite(whose: str, loss: float, optimizer: torch.optim.Optimizer, most: float, step: int, option: str) -> float:
    """The gradient's norm before it is scaled down to `most`. Raises OpenRFTError if it or the loss is not finite."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, most))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise OpenRFTError(
            f"step {step}: the {whose}'s loss is {loss} and its gradient's norm {norm}.",
            f"Lower {option}: the same settings, resumed from the last checkpoint, would end in the same way.",
        )
    return norm
