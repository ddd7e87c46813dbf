"""The decode loop for GPUs: steps of fixed shape over buckets of rows and lengths.

It draws what the loop in `openrft.policies.generation.decode` draws, but for rounding. The rows of a group share their
prompt's keys and values. Own keys are read up to a bucket's end, with a mask over those to come. Whether rows have
ended is looked up every few tokens, because that waits for the GPU. Rows are moved together when half of them have.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from openrft.policies.base import Sampling
from openrft.policies.generation.decode import CHECK, DecodeLimits
from openrft.policies.generation.fixed_prefill import run_prompts
from openrft.policies.generation.fixed_step import advance, draw
from openrft.policies.generation.replay import StepReplay
from openrft.policies.generation.step_buffers import Shape, StepBuffers, StepTensors
from openrft.policies.generation.step_weights import StepWeights

LENGTH = 64  # lengths are rounded up to a multiple of this, long ones to a quarter of the power of two below
LOOK = 4  # tokens between looks at which rows have ended
# What tensors may hold on a GPU between calls: these bytes, or this share of its memory if it is more. Capturing again
# costs about a tenth of a rollout.
HELD_BYTES, HELD_SHARE = 2 << 30, 1 / 32


def round_length(count: int) -> int:
    """The bucket of a length: with long ones larger steps, so that there are few."""
    step = max(LENGTH, (1 << count.bit_length() - 1) // 4)
    return -(-count // step) * step


def round_groups(count: int) -> int:
    """The bucket of a number of groups: at most a seventh more."""
    step = max(1, (1 << count.bit_length()) // 16)
    return -(-count // step) * step


class FixedDecoder:
    """Decodes one model's batches. Keeps its tensors, and what was captured, from call to call."""

    def __init__(self, replay: StepReplay) -> None:
        self.replay = replay
        self._weights: StepWeights | None = None
        self._buffers: StepBuffers | None = None

    def count_kv_positions(self, prompt: int, n: int, max_tokens: int) -> int:
        """The most positions of keys and values that a prompt of this many tokens needs, with its `n` rows."""
        return round_length(prompt) + n * round_length(max_tokens)

    def release(self, at_least: int = 0) -> None:
        """Give back all memory but the weights, if it is at least this many bytes."""
        if self._buffers is not None and self._buffers.nbytes >= at_least:
            self.replay.forget(same_kernels=True)
            self._buffers = None

    def release_excess(self) -> None:
        """Give back all memory but the weights, if it is more than may be held between calls."""
        device = self._weights.model.device if self._weights is not None else torch.device("cpu")
        whole = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0
        self.release(max(HELD_BYTES, int(HELD_SHARE * whole)))

    def decode(
        self,
        model: Any,
        prompts: Sequence[Sequence[int]],
        budgets: list[int],
        uniform: torch.Tensor,
        sampling: Sampling,
        limits: DecodeLimits,
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Tokens and log-probabilities (rows, longest budget) of the rows of `prompts`, as many of each. What stands
        past a row's end means nothing.

        budgets: tokens that each row may get; lowered where `limits.is_over` ends a row. uniform (rows, tokens): a
        number for each draw.
        """
        base = model.get_base_model() if hasattr(model, "peft_config") else model
        if self._weights is None or self._weights.model is not base:
            self._weights, self._buffers = StepWeights(base), None
            self.replay.forget()
        if self._weights.refresh():
            self.replay.forget()
        self._buffers = self._buffers or StepBuffers(base)
        members, longest = len(budgets) // len(prompts), max(budgets)
        width = round_length(max(map(len, prompts)))
        shape = Shape(round_groups(len(prompts)), members, width, round_length(longest), len(budgets))
        tensors = self._buffers.open(shape)
        if self._buffers.take_moved():
            self.replay.forget(same_kernels=True)
        _fill_in(tensors, budgets, uniform, limits)
        logits = run_prompts(self._weights, tensors, prompts, limits.pad)
        draw(tensors, logits, sampling.temperature, sampling.top_p)
        tensors = self._run(tensors, budgets, sampling, limits)
        rows = slice(len(budgets))
        return tensors.tokens[:longest, rows].T.tolist(), tensors.logprobs[:longest, rows].T.tolist()

    def _run(self, tensors: StepTensors, budgets: list[int], sampling: Sampling, limits: DecodeLimits) -> StepTensors:
        """Draw the tokens after the first until all rows have ended. Returns the tensors that were used last."""
        assert self._weights is not None
        assert self._buffers is not None
        how = (sampling.temperature, sampling.top_p)
        for drawn in range(1, max(budgets)):
            if drawn % LOOK == 0:
                running = tensors.running.tolist()
                if limits.is_over and drawn % CHECK == 0:
                    _end_what_is_over(tensors, running, drawn, budgets, limits)
                if not any(running):
                    break
                tensors = _compact(self._buffers, tensors, running, drawn)
            span = min(round_length(drawn), tensors.shape.room)
            step = partial(advance, self._weights, tensors, span, *how)
            self.replay.run((tensors.shape, span, how), step)
        return tensors


def _fill_in(tensors: StepTensors, budgets: Sequence[int], uniform: torch.Tensor, limits: DecodeLimits) -> None:
    """Set the tensors for the first token of new rows."""
    t, device, rows = tensors, tensors.at.device, len(budgets)
    t.prompt.zero_()  # padding is hidden by the mask, but what is no number would show through it
    t.own.zero_()
    t.slots.copy_(torch.arange(len(t.slots), device=device))
    t.at.zero_()
    t.row.copy_(torch.arange(len(t.row), device=device).clamp(max=rows))
    t.running.copy_(t.row < rows)
    t.budget.copy_(torch.tensor([*budgets, 0], device=device))
    t.ends.zero_()
    t.ends.index_fill_(0, torch.tensor(limits.stop, device=device), True)
    t.uniform.zero_()
    t.uniform[: uniform.shape[1], :rows] = uniform.T.to(device)


def _end_what_is_over(
    tensors: StepTensors, running: list[bool], drawn: int, budgets: list[int], limits: DecodeLimits
) -> None:
    """End the rows whose tokens hold all of their answer, in `running` too."""
    assert limits.is_over is not None
    tokens, rows = tensors.tokens[:drawn].T.tolist(), tensors.row.tolist()
    for line in [line for line, on in enumerate(running) if on]:
        if limits.is_over(tokens[rows[line]]):
            running[line], budgets[rows[line]] = False, drawn
    tensors.running.copy_(torch.tensor(running, device=tensors.running.device))


def _compact(buffers: StepBuffers, tensors: StepTensors, running: Sequence[bool], drawn: int) -> StepTensors:
    """The tensors with the running rows moved together, if that halves the work. Otherwise `tensors`."""
    old = tensors.shape
    alive = [
        [line for line in range(group * old.members, (group + 1) * old.members) if running[line]]
        for group in range(old.groups)
    ]
    members, groups = _choose_size([len(lines) for lines in alive if lines], old)
    if 2 * groups * (members + 1) > old.groups * (old.members + 1):
        return tensors
    kept = [
        (group, lines[start : start + members])
        for group, lines in enumerate(alive)
        for start in range(0, len(lines), members)
    ]
    kept += [(kept[0][0], [])] * (groups - len(kept))
    # -1: a line that holds no row. It computes what the first line of its group's prompt would, and nobody reads it.
    lines = list(itertools.chain(*(part + [-1] * (members - len(part)) for _, part in kept)))
    new = buffers.open(Shape(groups, members, old.width, old.room, old.rows))
    device = tensors.at.device
    line, group = torch.tensor(lines, device=device), torch.tensor([group for group, _ in kept], device=device)
    holds = line >= 0
    line = line.clamp(min=0)
    by_line = [(getattr(new, name), getattr(tensors, name)[line]) for name in ("token", "row", "running")]
    for target, moved in (*by_line, (new.length, tensors.length[group * old.members].repeat_interleave(members))):
        target.copy_(moved)
    new.row.masked_fill_(~holds, old.rows)
    new.running.logical_and_(holds)
    new.hidden.copy_(tensors.hidden[group * old.members].repeat_interleave(members, 0))
    # New and old stand in the same memory. A layer's new place ends no later than its old one, so it is read in time.
    for index in range(len(tensors.own)):
        new.own[index][..., :drawn, :] = tensors.own[index][:, :, line, :drawn]
        new.prompt[index].copy_(tensors.prompt[index][:, :, group])
    return new


def _choose_size(alive: Sequence[int], old: Shape) -> tuple[int, int]:
    """Members of a group and groups, rounded up, that make the least work. A group with more rows left is split, which
    copies its prompt. There are never more groups than before, so what is held suffices."""
    sizes = [(members, round_groups(sum(-(-count // members) for count in alive))) for members in _list_members(old)]
    return min((s for s in sizes if s[1] <= old.groups), key=lambda s: s[1] * (s[0] + 1))


def _list_members(old: Shape) -> list[int]:
    """The numbers of members to choose from: powers of two, and the one there is."""
    powers = [1 << power for power in range(old.members.bit_length())]
    return sorted({*(p for p in powers if p < old.members), old.members})
