"""Qwen2.5-Math-PRM: `<extra_0>` after each step of a chat answer, a two-class head read there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import torch

from openrft import CheckpointError, steps_of
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.layout import Layout, marked

MARK = "<extra_0>"
SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."  # the publisher's own


class Qwen:
    """Input: the chat of SYSTEM, the problem, and the steps each followed by MARK. Score: the probability of class 1
    under Linear, ReLU, Linear on the hidden state at MARK."""

    def __init__(self, tokenizer: Any, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        self._checkpoint = checkpoint
        if len(tokenizer.encode(MARK, add_special_tokens=False)) != 1:
            raise CheckpointError(
                f"the tokenizer of {checkpoint.folder} does not know the step token {MARK}.",
                "Take the tokenizer published with the model.",
            )

    @cached_property
    def _layers(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Read when first needed: as large as a trunk's own, and a check before training needs none."""
        whole = self._checkpoint.tensor
        return [(whole(f"score.{i}.weight"), whole(f"score.{i}.bias")) for i in (0, 2)]

    def layouts(self, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
        texts, marks = [], []
        for problem, completion in pairs:
            # A policy that writes the mark itself must not gain a judgement by it.
            parts = [step.replace(MARK, "") + MARK for step in steps_of(completion)]
            answer = "".join(parts)
            text = self._tokenizer.apply_chat_template(
                [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": problem},
                    {"role": "assistant", "content": answer},
                ],
                tokenize=False,
            )
            start = text.rfind(answer)
            if start < 0:
                raise CheckpointError("the chat template changes the answer.", "Take the tokenizer of the publisher.")
            texts.append(text)
            marks.append([start + length - 1 for length in accumulate(map(len, parts))])
        return marked(self._tokenizer, texts, marks, special=True)

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        (w0, b0), (w1, b1) = self._layers
        inner = torch.relu(torch.nn.functional.linear(hidden, w0, b0))
        return torch.softmax(torch.nn.functional.linear(inner, w1, b1), dim=-1)[:, 1]
