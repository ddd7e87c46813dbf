"""One update: rollouts -> advantages -> micro-batches of whole groups -> loss -> optimiser step(s)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from openrft import OpenRFTError, Rollout
from openrft_rl.advantages import ADVANTAGES
from openrft_rl.losses import clipped_surrogate, kl_estimate, token_weights
from openrft_rl.options import RLOptions


@dataclass(frozen=True, slots=True)
class Line:
    """One rollout as the loss sees it."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    old: tuple[float, ...]  # log-probabilities when it was sampled
    advantage: float
    weight: float  # of each of its tokens
    temperature: float


def update(policy: Any, rollouts: Sequence[Rollout], options: RLOptions, step: int, seed: int) -> dict[str, float]:
    """Train the policy's adapter on scored rollouts; metrics: loss, kl, clip_fraction, grad_norm, zero_variance.

    Rollouts whose advantage is exactly zero are left out where there is no KL term: their gradient is zero.
    Raises OpenRFTError when the loss or its gradient is not finite; the adapter is then as it was.
    """
    every = [r for r in rollouts if r.completion.tokens]
    groups = [r.sample.id for r in every]
    advantages = ADVANTAGES[options.algorithm]([_reward(r) for r in every], groups)
    lines = _lines(policy, every, advantages, options)
    used = [line for line in lines if line.advantage or options.kl]
    spread = {g: {_reward(r) for r in every if r.sample.id == g} for g in set(groups)}
    metrics = {
        "zero_variance": sum(len(v) == 1 for v in spread.values()) / max(1, len(spread)),
        "empty": float(len(rollouts) - len(every)),
        "loss": 0.0,
        "kl": 0.0,
        "clip_fraction": 0.0,
        "grad_norm": 0.0,
        "updates": 0.0,
    }
    if not used:
        return metrics
    policy.model.train()
    total = sum(len(line.tokens) for line in used)
    for epoch in range(options.epochs):
        for batch in _minibatches(used, options.minibatches, seed + epoch):
            _descend(policy, batch, options, step, metrics, total)
    policy.model.eval()
    return metrics


def _descend(
    policy: Any, batch: list[Line], options: RLOptions, step: int, metrics: dict[str, float], total: int
) -> None:
    """One optimiser step on the lines of a mini-batch, adding to the metrics."""
    optimizer = policy.optimizer(options.lr)
    for group in optimizer.param_groups:
        group["lr"] = options.lr
    optimizer.zero_grad(set_to_none=True)
    loss = 0.0
    for micro in _micro_batches(batch, options.micro_tokens):
        part = _loss(policy, micro, options, metrics, total) * options.minibatches
        part.backward()
        loss += part.item()
    parameters = [p for g in optimizer.param_groups for p in g["params"]]
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, options.max_grad_norm))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise OpenRFTError(
            f"step {step}: the loss is {loss} and its gradient's norm {norm}.",
            "Lower rl.lr; the last checkpoint is kept and the run can be resumed.",
        )
    optimizer.step()
    metrics["loss"] += loss
    metrics["grad_norm"] = max(metrics["grad_norm"], norm)
    metrics["updates"] += 1


def _loss(policy: Any, lines: list[Line], options: RLOptions, metrics: dict[str, float], total: int) -> torch.Tensor:
    """The weighted sum of the lines' token losses."""
    prompts, tokens = [line.prompt for line in lines], [line.tokens for line in lines]
    temperature = lines[0].temperature
    logp, mask = policy.completion_logprobs(prompts, tokens, temperature)
    once = options.epochs == options.minibatches == 1
    # On the very weights that sampled, the ratio is 1; the stored values would add only rounding noise.
    old = logp.detach() if once else _padded([line.old for line in lines], logp)
    advantage = logp.new_tensor([[line.advantage] for line in lines])
    per_token = clipped_surrogate(logp, old, advantage, options.clip)
    if options.kl:
        with torch.no_grad(), policy.reference():
            reference, _ = policy.completion_logprobs(prompts, tokens, temperature)
        kl = kl_estimate(logp, reference)
        per_token = per_token + options.kl * kl
        metrics["kl"] += float((kl.detach() * mask).sum()) / total / options.epochs
    clipped = ((logp.detach() - old).exp() - 1).abs() > options.clip
    metrics["clip_fraction"] += float((clipped * mask).sum()) / total / options.epochs
    weight = logp.new_tensor([[line.weight] for line in lines])
    return (per_token * weight * mask).sum()


def _lines(policy: Any, rollouts: Sequence[Rollout], advantages: Sequence[float], options: RLOptions) -> list[Line]:
    lengths = [len(r.completion.tokens) for r in rollouts]
    weights = token_weights(lengths, options.algorithm, max(lengths, default=1))
    # Rollouts of a group share one messages object: encode it once.
    prompts = {id(r.messages): tuple(policy.encode(r.messages)) for r in {id(r.messages): r for r in rollouts}.values()}
    return [
        Line(prompts[id(r.messages)], r.completion.tokens, r.completion.logprobs, a, w, r.completion.temperature)
        for r, a, w in zip(rollouts, advantages, weights, strict=True)
    ]


def _minibatches(lines: list[Line], count: int, seed: int) -> list[list[Line]]:
    """Whole groups dealt to `count` mini-batches at random; one mini-batch keeps the order."""
    if count == 1:
        return [lines]
    groups: dict[tuple[int, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(line.prompt, []).append(line)
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    return [[line for group in order[i::count] for line in group] for i in range(min(count, len(order)))]


def _micro_batches(lines: list[Line], budget: int) -> Iterator[list[Line]]:
    """Lines in runs that share prompts, of similar length, within the token budget."""
    lines = sorted(lines, key=lambda line: (len(line.prompt), line.prompt, len(line.tokens)))
    batch: list[Line] = []
    for line in lines:
        grown = [*batch, line]
        prompts = len({g.prompt for g in grown}) * max(len(g.prompt) for g in grown)
        if batch and prompts + len(grown) * max(len(g.tokens) for g in grown) > budget:
            yield batch
            grown = [line]
        batch = grown
    if batch:
        yield batch


def _padded(rows: list[tuple[float, ...]], like: torch.Tensor) -> torch.Tensor:
    width = like.shape[1]
    return like.new_tensor([list(r) + [0.0] * (width - len(r)) for r in rows])


def _reward(rollout: Rollout) -> float:
    if rollout.reward is None:
        raise OpenRFTError(f"a rollout of sample {rollout.sample.id} reached training without a reward.")
    return rollout.reward
