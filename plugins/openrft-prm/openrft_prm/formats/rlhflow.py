"""RLHFlow: each step is a user turn, and the model answers it with + or -."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from openrft import CheckpointError, steps_of
from openrft_prm.checkpoint import Checkpoint
from openrft_prm.formats.vocabulary import PlusMinus
from openrft_prm.layout import Layout, marked


class RLHFlow:
    """Input: the chat "problem step" / + / step / + ... Score: softmax over the logits of + and - where each + is
    predicted. The publisher asks once a step; as every question begins with the one before, one forward does."""

    def __init__(self, tokenizer: Any, checkpoint: Checkpoint) -> None:
        if not tokenizer.chat_template:
            raise CheckpointError(
                f"{checkpoint.folder} has no chat template, which the rlhflow format needs.",
                "Is it a math-shepherd model? Then --set prm.format=math-shepherd.",
            )
        self._tokenizer = tokenizer
        self._plus, minus = (tokenizer.encode(sign)[-1] for sign in "+-")
        self._head = PlusMinus(checkpoint, self._plus, minus)

    def layouts(self, pairs: Sequence[tuple[str, str]]) -> list[Layout]:
        chats = [self._turns(problem, steps_of(completion)) for problem, completion in pairs]
        texts = [self._tokenizer.apply_chat_template(chat, tokenize=False) for chat in chats]
        marks = [self._answers(text, chat) for text, chat in zip(texts, chats, strict=True)]
        found = marked(self._tokenizer, texts, marks, special=False)
        if any(row.ids[end] != self._plus for row in found for end in row.ends):
            raise CheckpointError("the tokenizer joins + to its neighbours.", "Take the tokenizer of the publisher.")
        return [Layout(row.ids, [end - 1 for end in row.ends]) for row in found]

    @staticmethod
    def _turns(problem: str, steps: list[str]) -> list[dict[str, str]]:
        turns = []
        for i, step in enumerate(steps):
            said = step.strip() if i else f"{problem} {step.strip()}".strip()
            turns += [{"role": "user", "content": said}, {"role": "assistant", "content": "+"}]
        return turns

    @staticmethod
    def _answers(text: str, chat: list[dict[str, str]]) -> list[int]:
        """Where each assistant's + stands in the rendered text: the first one after its user turn."""
        places, at = [], 0
        for turn in chat[::2]:
            found = text.find(turn["content"], at)
            if found < 0:
                raise CheckpointError("the chat template changes a turn.", "Take the tokenizer of the publisher.")
            places.append(text.index("+", found + len(turn["content"])))
            at = places[-1] + 1
        return places

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        return self._head.scores(hidden)
