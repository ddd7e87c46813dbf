"""Prompts for a checkpoint without a chat template, such as a base model: questions and answers as plain text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from openrft.config.settings import PolicySettings
from openrft.errors import UsageError
from openrft.policies.answer_form import AnswerForm
from openrft.policies.chat_template import ChatTemplate, Thinking
from openrft.types import Message

QUESTION, ANSWER = "Question:", "Answer:"


class PlainPrompt:
    """The instruction, then each question and its answer in a block of their own. The last answer is left to write."""

    # A base model often continues with another question. Its answer ends there.
    stop_text = re.compile(rf"^{QUESTION}", re.MULTILINE)
    form = AnswerForm()
    fixed_source = None

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
        while ids and ids[-1] in self._ends:  # some tokenizers end every text: the model would start a new text
            ids.pop()
        return ids

    def arrange(self, messages: Sequence[Message]) -> list[Message]:
        """The turns, with the thoughts in demonstrations as plain lines."""
        return [
            {**turn, "content": self.form.format_target(turn["content"])} if turn["role"] == "assistant" else turn
            for turn in messages
        ]


def open_prompts(
    tokenizer: Any, path: str, ends: Collection[int], settings: PolicySettings
) -> ChatTemplate | PlainPrompt:
    """How the tokenizer of the checkpoint in `path` is asked: with its chat template, or in plain text without one.

    Raises UsageError for settings of thinking that it cannot follow.
    """
    prompts: ChatTemplate | PlainPrompt = (
        PlainPrompt(tokenizer, path, ends, settings.thinking)
        if tokenizer.chat_template is None
        else ChatTemplate(tokenizer, path, settings.thinking)
    )
    if settings.thinking_budget is not None and prompts.form.marks is None:
        raise UsageError(
            f"policy.thinking_budget is set, and the policy {path} does not think.",
            "Leave it out, or switch thinking on with policy.thinking=on if the policy can.",
        )
    return prompts


def format_plain(messages: Sequence[Message]) -> str:
    """The conversation as text. It ends with the line before the answer that is asked for."""
    text = ""
    for turn in messages:
        if turn["role"] == "user":
            text += f"{QUESTION} {turn['content']}\n{ANSWER}\n"
        else:
            text += f"{turn['content']}\n\n"
    return text
