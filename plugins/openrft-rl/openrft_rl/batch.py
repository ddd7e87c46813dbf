"""A batch of rollouts as training sequences, and what is computed for them before the policy changes.

Builds the sequences and finds where their steps end. Fills in old and reference log-probabilities, the critic's values
and the advantages. Splits them into mini-batches and micro-batches. Losses and optimizer steps are in update.py.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from openrft import Critic, OpenRFTError, Rollout, TrainablePolicy, number_steps
from openrft_rl.equations.advantages import compute_gae, compute_relative_advantages, expand_to_tokens, whiten
from openrft_rl.equations.losses import apply_kl_penalty
from openrft_rl.options import RLOptions

Forward = Callable[[list[tuple[int, ...]], list[tuple[int, ...]], float], tuple[Tensor, Tensor]]
# ^ prompts, completions and the temperature -> one number per completion token (B, T), and a mask (B, T)


@dataclass(frozen=True, slots=True)
class TrainingSequence:
    """One rollout that is trained on. Each tensor holds one number per completion token, (T,)."""

    index: int  # its place in the batch
    group: Hashable  # sequences of one group answer the same question
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]  # of the completion
    temperature: float  # at which the completion was sampled
    step_rewards: tuple[float, ...]  # the rewards where its steps end, then the one at its last token
    step_ends: tuple[int, ...]  # the index of the token that ends each step
    old_logprobs: Tensor | None  # log-probabilities when it was sampled; None: the sampling policy kept none
    ref_logprobs: Tensor | None = None  # log-probabilities under the reference
    values: Tensor | None = None  # the critic's values before the update
    returns: Tensor | None = None  # what the critic should have predicted
    advantages: Tensor | None = None
    weight: float = 0.0  # of each of its tokens in the loss
    inserted: tuple[int, ...] = ()  # the indexes of tokens that no policy drew: they are in no loss

    def token_rewards(self) -> list[float]:
        """Its reward at each token, (T,)."""
        rewards = [0.0] * len(self.tokens)
        for end, reward in zip((*self.step_ends, len(rewards) - 1), self.step_rewards, strict=True):
            rewards[end] += reward
        return rewards


def build_sequences(policy: TrainablePolicy, rollouts: Sequence[Rollout]) -> list[TrainingSequence]:
    """A sequence for each rollout that has tokens. Raises OpenRFTError for a rollout without a reward."""
    kept = [r for r in rollouts if r.completion.tokens]
    # Rollouts of a group share one messages object: encode it once.
    prompts = {id(r.messages): tuple(policy.encode(r.messages)) for r in {id(r.messages): r for r in kept}.values()}
    finder = StepEndFinder(lambda ids: str(policy.tokenizer.decode(list(ids), skip_special_tokens=True)))
    return [_build_sequence(i, r, prompts[id(r.messages)], finder, policy.model.device) for i, r in enumerate(kept)]


def _build_sequence(
    index: int, rollout: Rollout, prompt: tuple[int, ...], finder: StepEndFinder, device: Any
) -> TrainingSequence:
    name, completion = f"a rollout of sample {rollout.sample.id}", rollout.completion
    if rollout.reward is None:
        raise OpenRFTError(f"{name} reached training without a reward.")
    ends = tuple(finder.find(completion.tokens, completion.text)) if rollout.step_rewards else ()
    rewards = rollout.step_rewards or (rollout.reward,)
    if len(rewards) != len(ends) + 1:
        raise OpenRFTError(f"{name} has {len(rewards)} rewards for {len(ends)} steps; it needs one more than steps.")
    tokens, logprobs = completion.tokens, completion.logprobs
    if logprobs and len(logprobs) != len(tokens):
        raise OpenRFTError(f"{name} has {len(logprobs)} log-probabilities for {len(tokens)} tokens.")
    old_logprobs = torch.tensor(logprobs, device=device) if logprobs else None
    return TrainingSequence(
        index,
        rollout.sample.id,
        prompt,
        tokens,
        completion.temperature,
        rewards,
        ends,
        old_logprobs,
        inserted=completion.inserted,
    )


class StepEndFinder:
    """Finds the tokens that end reasoning steps. Remembers how many newlines each token holds."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._newlines: dict[int, int] = {}

    def find(self, tokens: Sequence[int], text: str) -> list[int]:
        """The index of the token that ends each step of `text`. A step is a line (`openrft.number_steps`).

        A line is ended by the token that holds its newline, whatever else that token holds. The last line, if no
        newline ends it, is ended by the last token: the end token, or wherever the token budget cut it off.
        """
        newlines, last = self._count_newlines(tokens, text), len(tokens) - 1
        return [min(bisect_left(newlines, line + 1), last) for line in number_steps(text)]

    def _count_newlines(self, tokens: Sequence[int], text: str) -> list[int]:
        """How many newlines there are up to and including each token. Never falls."""
        for token in {*tokens} - self._newlines.keys():
            self._newlines[token] = self._decode([token]).count("\n")
        counts = list(accumulate(self._newlines[token] for token in tokens))
        if counts and counts[-1] == text.count("\n"):
            return counts
        # Some decoders treat a token alone otherwise than among others. Then every prefix is decoded, which is slow.
        prefixes = (self._decode(tokens[: i + 1]).count("\n") for i in range(len(tokens)))
        return list(accumulate(prefixes, max))


def needs_old_logprobs(policy: TrainablePolicy, sequences: Sequence[TrainingSequence]) -> bool:
    """Whether the log-probabilities kept from sampling must be computed again: some are missing, or they are not exact
    (`policy.exact_sampling_logprobs`). Ratios and KLs would take the difference between the two for learning."""
    return not (policy.exact_sampling_logprobs and has_old_logprobs(sequences))


def has_old_logprobs(sequences: Sequence[TrainingSequence]) -> bool:
    """Whether the log-probabilities of all sequences were kept from sampling."""
    return all(s.old_logprobs is not None for s in sequences)


def add_logprobs_and_values(
    policy: TrainablePolicy,
    sequences: list[TrainingSequence],
    token_budget: int,
    reference: bool,
    critic: bool,
    old: bool = False,
) -> list[TrainingSequence]:
    """The sequences with `old_logprobs`, `ref_logprobs` and `values`, where they are asked for. No gradient."""
    logprobs: Forward = policy.completion_logprobs
    if old:
        sequences = set_field(sequences, "old_logprobs", run_forward(logprobs, sequences, token_budget))
    if reference:
        with policy.disable_adapter():
            sequences = set_field(sequences, "ref_logprobs", run_forward(logprobs, sequences, token_budget))
    if critic:

        def values(prompts: list[tuple[int, ...]], tokens: list[tuple[int, ...]], _: float) -> tuple[Tensor, Tensor]:
            return require_critic(policy).values(prompts, tokens)

        sequences = set_field(sequences, "values", run_forward(values, sequences, token_budget))
    return sequences


@torch.no_grad()
def run_forward(forward: Forward, sequences: Sequence[TrainingSequence], token_budget: int) -> list[Tensor]:
    """What `forward` gives for each sequence, (T,), in micro-batches within the token budget. No gradient."""
    rows: dict[int, Tensor] = {}
    for micro in split_micro_batches(sequences, token_budget):
        table, _ = forward([s.prompt for s in micro], [s.tokens for s in micro], micro[0].temperature)
        rows.update(zip((s.index for s in micro), unpad(micro, table), strict=True))
    return [rows[s.index] for s in sequences]


def add_advantages(sequences: list[TrainingSequence], options: RLOptions, kl_coef: float) -> list[TrainingSequence]:
    """The sequences with their advantages. With a critic also with the returns that it should have predicted."""
    if options.algorithm_spec.uses_critic:
        return _add_gae(sequences, options, kl_coef)
    return _add_relative_advantages(sequences, options)


def _add_relative_advantages(sequences: list[TrainingSequence], options: RLOptions) -> list[TrainingSequence]:
    spec, device = options.algorithm_spec, _device(sequences)
    rewards, groups = [s.step_rewards for s in sequences], [s.group for s in sequences]
    by_segment = compute_relative_advantages(rewards, groups, spec.baseline, spec.scale_rewards)
    rows = [
        torch.tensor(expand_to_tokens(segments, s.step_ends, len(s.tokens)), device=device)
        for segments, s in zip(by_segment, sequences, strict=True)
    ]
    return set_field(sequences, "advantages", rows)


def _add_gae(sequences: list[TrainingSequence], options: RLOptions, kl_coef: float) -> list[TrainingSequence]:
    device = _device(sequences)
    rewards = pad([torch.tensor(s.token_rewards(), device=device) for s in sequences])
    values = pad_field(sequences, "values")
    mask = pad([torch.ones(len(s.tokens), device=device) for s in sequences])
    if kl_coef:
        old, reference = pad_field(sequences, "old_logprobs"), pad_field(sequences, "ref_logprobs")
        drawn = drop_inserted(sequences, mask)
        rewards = apply_kl_penalty(rewards, old * drawn, reference * drawn, kl_coef)
    advantages, returns = compute_gae(rewards, values, mask, options.gamma, options.gae_lambda)
    sequences = set_field(sequences, "returns", unpad(sequences, returns))
    return set_field(sequences, "advantages", unpad(sequences, whiten(advantages, mask)))


def require_critic(policy: TrainablePolicy) -> Critic:
    """The policy's critic. It must have been attached."""
    if policy.critic is None:
        raise ValueError("the policy has no critic")
    return policy.critic


def _device(sequences: Sequence[TrainingSequence]) -> torch.device:
    device: torch.device = get_field(sequences, "old_logprobs")[0].device
    return device


def get_field(sequences: Sequence[TrainingSequence], field: str) -> list[Tensor]:
    """One tensor of each sequence. It must have been filled in."""
    rows = [getattr(s, field) for s in sequences]
    if any(row is None for row in rows):
        raise ValueError(f"{field} has not been computed")
    return rows


def set_field(sequences: Sequence[TrainingSequence], field: str, rows: Sequence[Tensor]) -> list[TrainingSequence]:
    """The sequences with one tensor set in each."""
    changes: list[dict[str, Any]] = [{field: row} for row in rows]
    return [replace(s, **change) for s, change in zip(sequences, changes, strict=True)]


def pad(rows: Sequence[Tensor]) -> Tensor:
    """(B, T) with zeros on the right."""
    return pad_sequence(list(rows), batch_first=True)


def pad_field(sequences: Sequence[TrainingSequence], field: str) -> Tensor:
    """(B, T): one tensor of each sequence."""
    return pad(get_field(sequences, field))


def drop_inserted(sequences: Sequence[TrainingSequence], mask: Tensor) -> Tensor:
    """The mask (B, T) of completion tokens without those that no policy drew."""
    if not any(s.inserted for s in sequences):
        return mask
    drawn = mask.clone()
    for row, sequence in zip(drawn, sequences, strict=True):
        row[list(sequence.inserted)] = 0
    return drawn


def unpad(sequences: Sequence[TrainingSequence], table: Tensor) -> list[Tensor]:
    """The sequences' rows of a (B, T) table, without padding."""
    return [row[: len(s.tokens)] for s, row in zip(sequences, table, strict=True)]


def split_mini_batches(sequences: list[TrainingSequence], count: int, seed: int) -> list[list[TrainingSequence]]:
    """Whole groups, dealt at random to at most `count` mini-batches. A single mini-batch keeps the order."""
    if count == 1:
        return [sequences]
    groups: dict[Hashable, list[TrainingSequence]] = {}
    for sequence in sequences:
        groups.setdefault(sequence.group, []).append(sequence)
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    return [[s for group in order[i::count] for s in group] for i in range(min(count, len(order)))]


def split_micro_batches(sequences: Sequence[TrainingSequence], token_budget: int) -> Iterator[list[TrainingSequence]]:
    """Runs of sequences that share prompts and have similar lengths, each within the token budget of a forward pass."""
    batch: list[TrainingSequence] = []
    for sequence in sorted(sequences, key=lambda s: (len(s.prompt), s.prompt, len(s.tokens))):
        grown = [*batch, sequence]
        prompts = len({s.prompt for s in grown}) * max(len(s.prompt) for s in grown)
        if batch and prompts + len(grown) * max(len(s.tokens) for s in grown) > token_budget:
            yield batch
            grown = [sequence]
        batch = grown
    if batch:
        yield batch
