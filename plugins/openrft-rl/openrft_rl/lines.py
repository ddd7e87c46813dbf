"""A rollout as the losses see it, and how rollouts are gathered into batches."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from openrft import OpenRFTError, Rollout
from openrft_rl.step_ends import StepEnds


@dataclass(frozen=True, slots=True)
class Line:
    """One rollout; each tensor holds a number a token, (T,)."""

    index: int  # its place among the lines
    group: Hashable  # lines of one group answer the same question
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    temperature: float
    parts: tuple[float, ...]  # its reward where each step ends, and then at its last token
    ends: tuple[int, ...]  # the token that ends each step
    old: Tensor | None  # log-probabilities when it was sampled; None: the policy that sampled it kept none
    reference: Tensor | None = None  # log-probabilities under the reference
    values: Tensor | None = None  # the critic's, before the update
    returns: Tensor | None = None  # what it should have said
    advantage: Tensor | None = None
    weight: float = 0.0  # of each of its tokens in the loss

    def rewards(self) -> list[float]:
        """Its reward at each token."""
        row = [0.0] * len(self.tokens)
        for end, part in zip((*self.ends, len(row) - 1), self.parts, strict=True):
            row[end] += part
        return row


def lines_of(policy: Any, rollouts: Sequence[Rollout]) -> list[Line]:
    """A line for each rollout that has tokens. Raises OpenRFTError for a rollout without a reward."""
    every = [r for r in rollouts if r.completion.tokens]
    # Rollouts of a group share one messages object: encode it once.
    prompts = {id(r.messages): tuple(policy.encode(r.messages)) for r in {id(r.messages): r for r in every}.values()}
    step_ends = StepEnds(lambda ids: policy.tokenizer.decode(list(ids), skip_special_tokens=True))
    return [_line(i, r, prompts[id(r.messages)], step_ends, policy.model.device) for i, r in enumerate(every)]


def _line(index: int, rollout: Rollout, prompt: tuple[int, ...], step_ends: StepEnds, device: Any) -> Line:
    if rollout.reward is None:
        raise OpenRFTError(f"a rollout of sample {rollout.sample.id} reached training without a reward.")
    said = rollout.completion
    ends = tuple(step_ends.of(said.tokens, said.text)) if rollout.earned else ()
    parts = rollout.earned or (rollout.reward,)
    if len(parts) != len(ends) + 1:
        raise OpenRFTError(f"a rollout of sample {rollout.sample.id} earned {len(parts)} parts in {len(ends)} steps.")
    if said.logprobs and len(said.logprobs) != len(said.tokens):
        raise OpenRFTError(
            f"a rollout of sample {rollout.sample.id} has {len(said.logprobs)} log-probabilities for"
            f" {len(said.tokens)} tokens."
        )
    old = torch.tensor(said.logprobs, device=device) if said.logprobs else None
    return Line(index, rollout.sample.id, prompt, said.tokens, said.temperature, parts, ends, old)


def filled(lines: Sequence[Line], field: str, rows: Sequence[Tensor]) -> list[Line]:
    """The lines with one tensor set in each."""
    return [replace(line, **{field: row}) for line, row in zip(lines, rows, strict=True)]


def padded(rows: Sequence[Tensor]) -> Tensor:
    """(B, T) with zeros on the right."""
    return pad_sequence(list(rows), batch_first=True)


def unpadded(lines: Sequence[Line], table: Tensor) -> list[Tensor]:
    """The lines' rows of a (B, T) table, without padding."""
    return [row[: len(line.tokens)] for line, row in zip(lines, table, strict=True)]


def minibatches(lines: list[Line], count: int, seed: int) -> list[list[Line]]:
    """Whole groups dealt to at most `count` mini-batches at random; one mini-batch keeps the order."""
    if count == 1:
        return [lines]
    groups: dict[Hashable, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.group, []).append(line)
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    return [[line for group in order[i::count] for line in group] for i in range(min(count, len(order)))]


def micro_batches(lines: Sequence[Line], budget: int) -> Iterator[list[Line]]:
    """Lines in runs that share prompts, of similar length, within the token budget."""
    batch: list[Line] = []
    for line in sorted(lines, key=lambda line: (len(line.prompt), line.prompt, len(line.tokens))):
        grown = [*batch, line]
        prompts = len({g.prompt for g in grown}) * max(len(g.prompt) for g in grown)
        if batch and prompts + len(grown) * max(len(g.tokens) for g in grown) > budget:
            yield batch
            grown = [line]
        batch = grown
    if batch:
        yield batch
