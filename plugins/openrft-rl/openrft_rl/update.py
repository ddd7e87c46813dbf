"""One update: rollouts -> advantages -> mini-batches -> micro-batches of whole groups -> losses -> optimizer step(s).

It is the same for every algorithm. Their differences are in algorithms.py, the mathematics in equations/. Where several
ranks work on one job, each takes a share of the sequences, and gradients and metrics are added up.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from openrft import (
    MemoryPlan,
    OpenRFTError,
    Rollout,
    TrainablePolicy,
    bfloat16_products,
    current_ranks,
    plan_memory,
    run_within_memory,
    use_bfloat16_products,
)
from openrft.prefix_tree import keep_plans
from openrft_rl.batch import (
    TrainingSequence,
    add_advantages,
    add_logprobs_and_values,
    build_sequences,
    drop_inserted,
    get_field,
    has_old_logprobs,
    needs_old_logprobs,
    pad_field,
    require_critic,
    set_field,
    split_micro_batches,
    split_mini_batches,
    unpad,
)
from openrft_rl.equations.losses import (
    LOG_RATIOS,
    clipped_policy_loss,
    clipped_value_loss,
    estimate_kl,
    token_weights,
)
from openrft_rl.metrics import Metrics
from openrft_rl.options import RLOptions

# Sequences with old_logprobs, how much goes through a model at once, and where to put metrics -> with advantages.
Scorer = Callable[[list[TrainingSequence], MemoryPlan, Metrics], list[TrainingSequence]]
# The loss of a micro-batch, a scalar, made with `sum_weighted`.
Loss = Callable[["Update", list[TrainingSequence]], Tensor]


@dataclass(frozen=True, slots=True)
class Update:
    """What the losses of one update need."""

    policy: TrainablePolicy
    options: RLOptions
    plan: MemoryPlan
    kl_coef: float  # this step's weight of the KL to the reference
    on_policy: bool  # the policy still has the very weights that sampled
    metrics: Metrics
    loss: Loss  # of the policy
    measures_sampling: bool = False  # the loss measures how far the log-probabilities kept from sampling are


def choose_plan(policy: TrainablePolicy, rollouts: Sequence[Rollout], tokens: int | None) -> MemoryPlan:
    """How much of these rollouts goes through the model at once. `tokens`: what the user has set."""
    if tokens is not None:
        return MemoryPlan(tokens)
    prompts = {id(r.messages): r.messages for r in rollouts}.values()
    longest = max((len(policy.encode(messages)) for messages in prompts), default=0)
    return plan_memory(policy, longest + max((len(r.completion.tokens) for r in rollouts), default=0))


def read_plan(state: Mapping[str, float]) -> MemoryPlan:
    """The plan of a run's earlier steps, from the state that was kept with them."""
    return MemoryPlan(int(state["tokens"]), bool(state["recompute"]), int(state.get("longest", 1)))


@keep_plans()
def update_policy(
    policy: TrainablePolicy,
    rollouts: Sequence[Rollout],
    options: RLOptions,
    step: int,
    seed: int,
    kl_coef: float,
    plan: MemoryPlan,
    scorer: Scorer | None = None,
    loss: Loss | None = None,
) -> dict[str, float]:
    """Train the policy's adapter, and its critic if the algorithm has one, on scored rollouts. Returns the metrics.

    kl_coef: this step's weight of the KL to the reference. plan: how much goes through the model at once; lowered if
    memory runs out. scorer: what gives the advantages, if not the rewards. loss: in place of `policy_loss`. Rollouts
    whose advantage is exactly zero are left out where the loss has no KL term: their gradient is zero. Raises
    OpenRFTError when a loss or its gradient is not finite. The policy's adapter and critic are then as they were.
    """
    fast = options.bf16 and use_bfloat16_products(policy, "rl.bf16")
    with bfloat16_products(policy.model) if fast else nullcontext():
        metrics, uses_critic, ranks = Metrics(), options.algorithm_spec.uses_critic, current_ranks()
        several = options.ppo_epochs > 1 or options.updates_per_epoch > 1
        sampled = build_sequences(policy, rollouts)
        metrics.set(loss=0.0, clip_fraction=0.0, grad_norm=0.0, updates=0.0, kl_coef=kl_coef)
        metrics.set(empty=float(len(rollouts) - len(sampled)))
        if not sampled:
            return metrics.report()
        policy.model.eval()  # no dropout: its noise would look like KL and ratio, and a resumed run could not repeat it
        # Where more than a metric depends on those kept from sampling, float32 must not meet rounded ones.
        rounded = fast and (several or scorer is not None or options.kl_target is not None)
        inexact = needs_old_logprobs(policy, sampled)
        # What a single update computes for its loss tells as much. A pass without gradient is a third of the work.
        late = inexact and not (rounded or several or uses_critic or scorer or loss) and has_old_logprobs(sampled)
        own, again = ranks.take_share(sampled), rounded or (inexact and not late)
        done = run_within_memory(
            policy, plan, lambda: add_logprobs_and_values(policy, own, plan.tokens, bool(kl_coef), uses_critic, again)
        )
        sequences = [sequence for part in ranks.gather(done) for sequence in part]
        if again:
            metrics.add_sampling_gap(sampled, sequences)
        if scorer is None:
            sequences = add_advantages(sequences, options, kl_coef)
        else:
            sequences = _score(policy, sequences, scorer, plan, metrics)
        metrics.add_before_update(sequences, with_kl=not late)
        used = _select_and_weight(sequences, options, keep_all=uses_critic or bool(kl_coef))
        update = Update(policy, options, plan, kl_coef, not several, metrics, loss or policy_loss, late)
        optimizers = [policy.get_optimizer(options.lr)]
        if uses_critic:
            optimizers.append(require_critic(policy).get_optimizer(options.critic_lr))
        with rollback_on_failure(optimizers, several):
            for epoch in range(options.ppo_epochs if used else 0):
                batches = split_mini_batches(used, options.updates_per_epoch, seed + epoch)
                for batch in batches:
                    _take_optimizer_step(update, batch, len(batches), step)
        metrics.set(micro_batch_tokens=float(plan.tokens), recompute_activations=float(plan.recompute))
        return metrics.report()


def _score(
    policy: TrainablePolicy, sequences: list[TrainingSequence], scorer: Scorer, plan: MemoryPlan, metrics: Metrics
) -> list[TrainingSequence]:
    own = current_ranks().take_share(sequences)

    def score() -> tuple[list[TrainingSequence], Metrics]:
        gathered = Metrics()
        return scorer(own, plan, gathered), gathered

    scored: list[TrainingSequence] = []
    for part, gathered in current_ranks().gather(run_within_memory(policy, plan, score)):
        scored += part
        metrics.merge(gathered)
    return scored


def _select_and_weight(sequences: list[TrainingSequence], options: RLOptions, keep_all: bool) -> list[TrainingSequence]:
    """The sequences that have a gradient, with their weights in the loss. All sequences count in the weights."""
    lengths = [len(s.tokens) - len(s.inserted) for s in sequences]
    weights = token_weights(lengths, options.algorithm_spec.loss_agg_mode, options.loss_divisor)
    return [
        replace(sequence, weight=weight)
        for sequence, weight, advantages in zip(sequences, weights, get_field(sequences, "advantages"), strict=True)
        if keep_all or bool(advantages.any())
    ]


def policy_loss(update: Update, sequences: list[TrainingSequence]) -> Tensor:
    """A micro-batch's clipped policy loss and, unless the rewards carry it, the KL to the reference. A scalar."""
    options, spec = update.options, update.options.algorithm_spec
    logprobs, mask = update.policy.completion_logprobs(
        [s.prompt for s in sequences], [s.tokens for s in sequences], sequences[0].temperature
    )
    mask = drop_inserted(sequences, mask)
    # With the weights that sampled, the ratio is 1. The stored values would only add rounding noise.
    old_logprobs = logprobs.detach() if update.on_policy else pad_field(sequences, "old_logprobs")
    log_ratio = LOG_RATIOS[spec.importance_sampling_level](logprobs, old_logprobs, mask)
    loss = clipped_policy_loss(log_ratio, pad_field(sequences, "advantages"), *options.clip_ratio)
    if update.kl_coef:
        kl = estimate_kl(logprobs, pad_field(sequences, "ref_logprobs"))
        update.metrics.add_tokens("kl", kl, mask)
        loss = loss if spec.uses_critic else loss + update.kl_coef * kl
    update.metrics.add_ratio(log_ratio, mask, options.clip_ratio)
    if update.measures_sampling:
        computed = set_field(sequences, "old_logprobs", unpad(sequences, logprobs.detach()))
        update.metrics.add_sampling_gap(sequences, computed)
        update.metrics.add_before_update(computed)
    return sum_weighted(loss, mask, sequences)


def value_loss(update: Update, sequences: list[TrainingSequence]) -> Tensor:
    """A micro-batch's error of the critic about the returns. A scalar."""
    values, mask = require_critic(update.policy).values([s.prompt for s in sequences], [s.tokens for s in sequences])
    mask = drop_inserted(sequences, mask)
    old_values, returns = pad_field(sequences, "values"), pad_field(sequences, "returns")
    loss = clipped_value_loss(values, old_values, returns, update.options.value_clip)
    return sum_weighted(loss, mask, sequences)


def sum_weighted(loss: Tensor, mask: Tensor, sequences: list[TrainingSequence]) -> Tensor:
    """The losses of tokens (B, T), each with its sequence's weight, added up where the mask (B, T) is 1."""
    return (loss * loss.new_tensor([[s.weight] for s in sequences]) * mask).sum()


def _take_optimizer_step(update: Update, batch: list[TrainingSequence], batches: int, step: int) -> None:
    """One optimizer step of the policy, and of the critic, on one of the epoch's `batches` mini-batches."""
    options, metrics, ranks = update.options, update.metrics, current_ranks()
    own = ranks.take_share(batch)
    policy_optimizer = _prepare(update.policy.get_optimizer(options.lr), options.lr)
    value_optimizer = None
    if options.algorithm_spec.uses_critic:
        value_optimizer = _prepare(require_critic(update.policy).get_optimizer(options.critic_lr), options.critic_lr)

    def add_gradients() -> tuple[float, float, Metrics]:
        for optimizer in filter(None, (policy_optimizer, value_optimizer)):
            optimizer.zero_grad(set_to_none=True)
        attempt = replace(update, metrics=Metrics())
        policy_total = value_total = 0.0
        for micro in split_micro_batches(own, update.plan.tokens):
            loss = attempt.loss(attempt, micro) * batches
            loss.backward()
            policy_total += loss.item()
            if value_optimizer:
                loss = value_loss(attempt, micro) * batches
                loss.backward()
                value_total += loss.item()
        return policy_total, value_total, attempt.metrics

    parts = ranks.gather(run_within_memory(update.policy, update.plan, add_gradients))
    for optimizer in filter(None, (policy_optimizer, value_optimizer)):
        ranks.add_gradients(p for group in optimizer.param_groups for p in group["params"])
    policy_total, value_total = sum(part[0] for part in parts), sum(part[1] for part in parts)
    for _, _, gathered in parts:
        metrics.merge(gathered)
    norm = _clip_gradient("policy", policy_total, policy_optimizer, options.max_grad_norm, step, "lr")
    if value_optimizer:
        value_norm = _clip_gradient("critic", value_total, value_optimizer, options.max_grad_norm, step, "critic_lr")
        value_optimizer.step()
        metrics.add("value_loss", value_total)
        metrics.add_max("value_grad_norm", value_norm)
    policy_optimizer.step()
    metrics.add("loss", policy_total)
    metrics.add_max("grad_norm", norm)
    metrics.count("updates")


def _prepare(optimizer: torch.optim.Optimizer, lr: float) -> torch.optim.Optimizer:
    """The optimizer at this learning rate. One that was read from a checkpoint has none."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    return optimizer


def _clip_gradient(
    model: str, loss: float, optimizer: torch.optim.Optimizer, max_norm: float, step: int, option: str
) -> float:
    """Scale the gradient down to `max_norm`; its norm before. Raises OpenRFTError if it or the loss is not finite."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, max_norm))
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise OpenRFTError(
            f"step {step}: the {model}'s loss is {loss} and its gradient's norm {norm}.",
            f"Lower {option}: the same settings, resumed from the last checkpoint, would end in the same way.",
        )
    return norm


@contextmanager
def rollback_on_failure(optimizers: Sequence[torch.optim.Optimizer], several: bool) -> Iterator[None]:
    """In this context an OpenRFTError restores the optimizers' parameters and states before it propagates.

    several: whether there is more than one optimizer step. A single step fails before it has changed anything.
    """
    parameters = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    saved = [p.detach().clone() for p in parameters] if several else []
    states = [copy.deepcopy(optimizer.state_dict()) for optimizer in optimizers] if several else []
    try:
        yield
    except OpenRFTError:
        if several:
            with torch.no_grad():
                for parameter, value in zip(parameters, saved, strict=True):
                    parameter.copy_(value)
            for optimizer, state in zip(optimizers, states, strict=True):
                optimizer.load_state_dict(state)
        raise
