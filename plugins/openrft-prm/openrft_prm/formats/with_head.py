"""Formats with a head of their own: a value head (Skywork), a two-class head (Qwen), two labels a token (TRL).

The head reads the trunk's hidden state at the token that ends a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import torch

from openrft import CheckpointError, split_steps
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.groups import Pair
from openrft_prm.inputs import ModelInput, tokenize_marked, tokenize_texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STEP_TOKEN = "<extra_0>"  # Qwen's, after each step
QWEN_SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."  # the publisher's own
SEPARATOR = "\n"  # TRL's default step separator


class SkyworkFormat:
    """Skywork-o1-Open-PRM. Score: sigmoid(v_head.summary(hidden)) at the newline that ends a step."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        self._weight = checkpoint.load_tensor("v_head.summary.weight")
        self._bias = checkpoint.load_tensor("v_head.summary.bias")

    def build_inputs(self, pairs: Sequence[Pair]) -> list[ModelInput]:
        return build_skywork_inputs(self._tokenizer, pairs)

    def score_hidden(self, hidden: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.nn.functional.linear(hidden, self._weight, self._bias)).squeeze(-1)


class TwoLabelFormat:
    """What TRL's PRM trainer makes. Score: the probability of label 1 at the last token of the step's separator."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        self._weight = checkpoint.load_tensor("score.weight")
        self._bias = checkpoint.load_tensor("score.bias") if "score.bias" in checkpoint.shapes else None

    def build_inputs(self, pairs: Sequence[Pair]) -> list[ModelInput]:
        return build_two_label_inputs(self._tokenizer, pairs)

    def score_hidden(self, hidden: torch.Tensor) -> torch.Tensor:
        return torch.softmax(torch.nn.functional.linear(hidden, self._weight, self._bias), dim=-1)[:, 1]


class QwenFormat:
    """Qwen2.5-Math-PRM. Input: the chat of QWEN_SYSTEM, the problem, and the steps each followed by STEP_TOKEN.

    Score: the probability of class 1 under Linear, ReLU, Linear on the hidden state at STEP_TOKEN.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, checkpoint: Checkpoint) -> None:
        self._tokenizer = tokenizer
        self._checkpoint = checkpoint
        if len(tokenizer.encode(STEP_TOKEN, add_special_tokens=False)) != 1:
            raise CheckpointError(
                f"the tokenizer of {checkpoint.folder} does not know the step token {STEP_TOKEN}.",
                "Take the tokenizer published with the model.",
            )

    @cached_property
    def _layers(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Read when first needed: as large as a trunk's own, and a check before training needs none."""
        load = self._checkpoint.load_tensor
        return [(load(f"score.{i}.weight"), load(f"score.{i}.bias")) for i in (0, 2)]

    def build_inputs(self, pairs: Sequence[Pair]) -> list[ModelInput]:
        texts, marks = [], []
        for problem, completion in pairs:
            # A policy that writes the step token itself must not gain a score by it.
            parts = [step.replace(STEP_TOKEN, "") + STEP_TOKEN for step in split_steps(completion)]
            answer = "".join(parts)
            text = self._tokenizer.apply_chat_template(
                [
                    {"role": "system", "content": QWEN_SYSTEM},
                    {"role": "user", "content": problem},
                    {"role": "assistant", "content": answer},
                ],
                tokenize=False,
            )
            assert isinstance(text, str)  # as it is not tokenised
            start = text.rfind(answer)
            if start < 0:
                raise CheckpointError("the chat template changes the answer.", "Take the tokenizer of the publisher.")
            texts.append(text)
            marks.append([start + length - 1 for length in accumulate(map(len, parts))])
        return tokenize_marked(self._tokenizer, texts, marks, special=True)

    def score_hidden(self, hidden: torch.Tensor) -> torch.Tensor:
        (w0, b0), (w1, b1) = self._layers
        inner = torch.relu(torch.nn.functional.linear(hidden, w0, b0))
        return torch.softmax(torch.nn.functional.linear(inner, w1, b1), dim=-1)[:, 1]


def build_skywork_inputs(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Pair]) -> list[ModelInput]:
    """encode(bos + problem + newline), then for each piece of the completion between newlines its own encoding and
    the newline's last id."""
    newline = tokenizer.encode("\n")[-1]
    heads = [f"{tokenizer.bos_token or ''}{problem}\n" for problem, _ in pairs]
    pieces = [completion.split("\n") for _, completion in pairs]
    ids = tokenize_texts(tokenizer, [*heads, *(piece for row in pieces for piece in row if piece)])
    ids[""] = []  # the publisher's code gives a blank line its newline and no more
    inputs = []
    for head, row in zip(heads, pieces, strict=True):
        line, ends = list(ids[head]), []
        for piece in row:
            line += [*ids[piece], newline]
            if piece.strip():  # a blank line is read by the model but is no step
                ends.append(len(line) - 1)
        inputs.append(ModelInput(line, ends))
    return inputs


def build_two_label_inputs(tokenizer: PreTrainedTokenizerBase, pairs: Sequence[Pair]) -> list[ModelInput]:
    """Bos id (where there is one), the problem, then each step and the separator, each encoded alone without special
    tokens."""
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    separator = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    steps = [split_steps(completion) for _, completion in pairs]
    texts = [*(problem for problem, _ in pairs), *(step for row in steps for step in row)]
    ids = tokenize_texts(tokenizer, texts, special=False)
    inputs = []
    for (problem, _), row in zip(pairs, steps, strict=True):
        line, ends = [*start, *ids[problem]], []
        for step in row:
            line += [*ids[step], *separator]
            ends.append(len(line) - 1)
        inputs.append(ModelInput(line, ends))
    return inputs
