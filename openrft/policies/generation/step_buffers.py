"""The tensors of a decode step of fixed shape, which stay at their addresses from step to step and call to call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a step. Two steps of equal shape read and write the same tensors."""

    groups: int  # prompts
    members: int  # lines for each prompt
    width: int  # tokens of a prompt, padding on the left included
    room: int  # tokens that a row may get
    rows: int  # rows of the whole batch, those that have ended too

    @property
    def lines(self) -> int:
        """Rows that are computed, fillings included."""
        return self.groups * self.members


class StepBuffers:
    """The tensors of all shapes. Smaller shapes use views of the largest, which is allocated again for a larger one."""

    def __init__(self, model: Any) -> None:
        attention = model.model.layers[0].self_attn
        self._device, self._dtype = model.device, model.dtype
        self._layers, self._size = len(model.model.layers), attention.head_dim
        self._heads = model.config.num_key_value_heads
        self._vocabulary = model.config.vocab_size
        self._flat: dict[str, torch.Tensor] = {}
        self._moved = False

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(flat.nbytes for flat in self._flat.values())

    def take_moved(self) -> bool:
        """Whether a tensor was allocated again since the last call."""
        moved, self._moved = self._moved, False
        return moved

    def _view(self, name: str, dtype: torch.dtype, *shape: int) -> torch.Tensor:
        count, flat = torch.Size(shape).numel(), self._flat.get(name)
        if flat is None or flat.numel() < count:
            del flat
            self._flat.pop(name, None)  # first, or both would be held for a moment
            self._flat[name] = flat = torch.zeros(count, dtype=dtype, device=self._device)
            self._moved = True
        return flat[:count].view(shape)

    def open(self, shape: Shape) -> StepTensors:
        """The tensors of a step of this shape, with what they held before."""
        groups, lines, rows, long = shape.groups, shape.lines, shape.rows, torch.long
        own = (self._layers, 2, self._heads, lines, shape.room, self._size)
        prompt = (self._layers, 2, self._heads, groups, shape.width, self._size)
        return StepTensors(
            shape,
            prompt=self._view("prompt", self._dtype, *prompt),
            own=self._view("own", self._dtype, *own),
            hidden=self._view("hidden", self._dtype, lines, shape.width),
            turns=self._view("turns", self._dtype, shape.width + shape.room, 2, self._size),
            slots=self._view("slots", long, shape.room),
            length=self._view("length", long, lines),
            row=self._view("row", long, lines),
            token=self._view("token", long, lines),
            running=self._view("running", torch.bool, lines),
            at=self._view("at", long, 1),
            uniform=self._view("uniform", torch.float32, shape.room, rows + 1),
            budget=self._view("budget", long, rows + 1),
            ends=self._view("ends", torch.bool, self._vocabulary),
            tokens=self._view("tokens", long, shape.room, rows + 1),
            logprobs=self._view("logprobs", torch.float32, shape.room, rows + 1),
        )


@dataclass(frozen=True, slots=True)
class StepTensors:
    """What a step reads and writes. D is the size of a head.

    Keys and values are kept by head first, so that scores over prompts and over own tokens come out in the same order.
    The last of rows + 1 columns is for lines that hold no row.
    """

    shape: Shape
    prompt: torch.Tensor  # (layers, 2, heads, groups, width, D): keys and values of the prompts
    own: torch.Tensor  # (layers, 2, heads, lines, room, D): those of the rows' own tokens
    hidden: torch.Tensor  # (lines, width): 0, and the dtype's minimum over the prompt's padding
    turns: torch.Tensor  # (width + room, 2, D): cosine and sine of the rotary angle of each position
    slots: torch.Tensor  # (room,): 0, 1, 2, ...
    length: torch.Tensor  # (lines,): of the prompt, without padding
    row: torch.Tensor  # (lines,): the row that a line holds; `rows` for a line that holds none
    token: torch.Tensor  # (lines,): drawn last
    running: torch.Tensor  # (lines,): whether the row has not ended
    at: torch.Tensor  # (1,): the index in its row of the token that was drawn last
    uniform: torch.Tensor  # (room, rows + 1): a number for each draw
    budget: torch.Tensor  # (rows + 1,): tokens that a row may get
    ends: torch.Tensor  # (V,): whether a token ends a row
    tokens: torch.Tensor  # (room, rows + 1): what was drawn
    logprobs: torch.Tensor  # (room, rows + 1)
