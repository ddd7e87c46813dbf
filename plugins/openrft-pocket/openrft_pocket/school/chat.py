"""The chat template and the special tokens: what the tokenizer, the lessons and the model must agree on."""

from __future__ import annotations

from collections.abc import Sequence

# openrft.prompt.INSTRUCTION, word for word; one token of its own, since every prompt begins with it
INSTRUCTION = (
    "Reason step by step, one step per line. Put the letter of the final answer in \\boxed{} on the last line."
)
BEGIN, SYSTEM, USER, ASSISTANT, END, PAD = "<|begin|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"
SPECIAL = (PAD, BEGIN, END, SYSTEM, USER, ASSISTANT)

TEMPLATE = (
    "{{ '<|begin|>' }}{% for m in messages %}"
    "{% if m['role'] == 'assistant' %}{{ '<|assistant|>' }}"
    "{% generation %}{{ m['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
Piece = tuple[str, bool]  # text, and whether the model is to learn to write it


def conversation(turns: Sequence[tuple[str, str]], system: bool = True) -> list[Piece]:
    """Question and answer turns as pieces, rendered as the template renders them; only the answers are learnt."""
    pieces: list[Piece] = [(BEGIN + (SYSTEM + INSTRUCTION if system else ""), False)]
    for question, answer in turns:
        pieces += [(USER + question + ASSISTANT, False), (answer + END, True)]
    return pieces
