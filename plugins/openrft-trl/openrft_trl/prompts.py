"""From the stage's prompts to TRL's: the same tokens, or none at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openrft import OpenRFTError

Asked = list[dict[str, str]] | str  # a conversation, which TRL renders with the chat template, or plain text


def for_trl(policy: Any, conversations: Sequence[Sequence[dict[str, str]]]) -> list[Asked]:
    """Each conversation in the form of which TRL makes `policy.encode(conversation)`, token by token.

    Raises OpenRFTError if there is no such form: the policy would be trained on other prompts than it is asked.
    """
    tokens = [list(policy.encode(messages)) for messages in conversations]
    if policy.tokenizer.chat_template is not None:
        asked: list[Asked] = [[dict(m) for m in messages] for messages in conversations]
        if all(_rendered(policy.tokenizer, a) == t for a, t in zip(asked, tokens, strict=True)):
            return asked
    asked = [policy.tokenizer.decode(t) for t in tokens]
    if all(policy.tokenizer(text=a)["input_ids"] == t for a, t in zip(asked, tokens, strict=True)):
        return asked
    raise OpenRFTError(
        "trl-grpo: TRL would not ask this policy's own prompts: its chat template takes no system turn, and its"
        " tokenizer does not read back what it writes.",
        "Train with the plugin rl.",
    )


def _rendered(tokenizer: Any, messages: Asked) -> list[int] | None:
    from jinja2 import TemplateError

    try:
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"])
    except TemplateError:  # some templates refuse a system turn
        return None


def room(policy: Any, conversations: Sequence[Sequence[dict[str, str]]], max_tokens: int) -> int:
    """How many tokens every completion may have. TRL's batches have one size, so no prompt can be left out: one that
    fills the context raises OpenRFTError."""
    lengths = [len(policy.encode(messages)) for messages in conversations]
    over = sum(length >= policy.context for length in lengths)
    if over:
        raise OpenRFTError(
            f"trl-grpo: {over} of {len(lengths)} prompts fill the policy's context of {policy.context} tokens.",
            "Use fewer demonstrations, or the plugin rl, which leaves such prompts out and counts them.",
        )
    return min(max_tokens, policy.context - max(lengths))
