"""From the stage's prompts to TRL's: the same tokens, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openrft import Message, OpenRFTError, TrainablePolicy

TRLPrompt = list[Message] | str  # a conversation, which TRL renders with the chat template, or plain text


def format_prompts(policy: TrainablePolicy, conversations: Sequence[Sequence[Message]]) -> list[TRLPrompt]:
    """Each conversation in the form from which TRL makes `policy.encode(conversation)`, token by token.

    Raises OpenRFTError if there is no such form: the policy would be trained on other prompts than it is evaluated on.
    """
    tokens = [list(policy.encode(messages)) for messages in conversations]
    if policy.tokenizer.chat_template is not None:
        prompts: list[TRLPrompt] = [[dict(m) for m in messages] for messages in conversations]
        if all(_render(policy.tokenizer, p) == t for p, t in zip(prompts, tokens, strict=True)):
            return prompts
    first = policy.tokenizer.bos_token if policy.tokenizer(text="")["input_ids"] else None
    # A begin token that the tokenizer puts in front by itself is left out.
    prompts = [str(policy.tokenizer.decode(t)).removeprefix(str(first or "")) for t in tokens]
    if all(policy.tokenizer(text=p)["input_ids"] == t for p, t in zip(prompts, tokens, strict=True)):
        return prompts
    raise OpenRFTError(
        "trl-grpo: TRL would not give this policy its own prompts: its chat template takes no system turn, and its"
        " tokenizer does not read back what it writes.",
        "Train with the plugin rl.",
    )


def _render(tokenizer: Any, messages: TRLPrompt) -> list[int] | None:
    from jinja2 import TemplateError

    try:
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"])
    except TemplateError:  # some templates refuse a system turn
        return None


def limit_completions(policy: TrainablePolicy, conversations: Sequence[Sequence[Message]], max_tokens: int) -> int:
    """The tokens that every completion may have: at most `max_tokens`, and what the longest prompt leaves free.

    TRL's batches have one size, so no prompt can be left out. One that fills the context raises OpenRFTError.
    """
    lengths = [len(policy.encode(messages)) for messages in conversations]
    over = sum(length >= policy.context for length in lengths)
    if over:
        raise OpenRFTError(
            f"trl-grpo: {over} of {len(lengths)} prompts fill the policy's context of {policy.context} tokens.",
            "Use fewer demonstrations, or the plugin rl, which leaves such prompts out and counts them.",
        )
    return min(max_tokens, policy.context - max(lengths))
