"""Prompts for a checkpoint without a chat template, such as a base model: questions and answers as plain text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from openrft.errors import UsageError
from openrft.policies.answer_form import AnswerForm
from openrft.policies.chat_template import Thinking
from openrft.types import Message

QUESTION, ANSWER = "Question:", "Answer:"


class PlainPrompt:
    """The instruction, then each question and its answer in a block of their own. The last answer is left to write."""

    # A base model often goes on with a question of its own. Its answer ends there.
    stop_text = re.compile(rf"^{QUESTION}", re.MULTILINE)
    form = AnswerForm()
    variables: dict[str, Any] = {}  # noqa: RUF012  # never changed

    def __init__(self, tokenizer: Any, path: str, ends: Collection[int], thinking: Thinking = "auto") -> None:
        """`ends`: the end tokens. Raises UsageError if thinking is asked for."""
        self._tokenizer, self._ends = tokenizer, frozenset(ends)
        if thinking == "on":
            raise UsageError(
                f"policy.thinking=on: {path} has no chat template, so it knows no thought.",
                "Leave it at policy.thinking=auto, or take another policy.",
            )

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the conversation, behind the tokens that the tokenizer puts in front."""
        ids = list(self._tokenizer.encode(format_plain(self.arrange(messages))))
        while ids and ids[-1] in self._ends:  # some tokenizers end every text: the model would begin anew
            ids.pop()
        return ids

    def arrange(self, messages: Sequence[Message]) -> list[Message]:
        """The turns, with the thoughts in demonstrations as plain lines."""
        return [
            {**turn, "content": self.form.format_target(turn["content"])} if turn["role"] == "assistant" else turn
            for turn in messages
        ]


def format_plain(messages: Sequence[Message]) -> str:
    """The conversation as text. It ends with the line before the answer that is asked for."""
    text = ""
    for turn in messages:
        if turn["role"] == "user":
            text += f"{QUESTION} {turn['content']}\n{ANSWER}\n"
        else:
            text += f"{turn['content']}\n\n"
    return text
