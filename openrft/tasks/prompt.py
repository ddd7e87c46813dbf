"""From a sample and its demonstrations to chat messages. One template serves SFT, RL and evaluation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from openrft.types import LETTERS, Demonstration, Message, Sample

INSTRUCTION = (
    "Reason step by step, one step per line. Put the letter of the final answer in \\boxed{} on the last line."
)


def format_question(sample: Sample) -> str:
    """The question and its lettered options, one per line."""
    lines = [sample.question.strip()]
    lines += [f"{LETTERS[i]}. {text.strip()}" for i, text in enumerate(sample.options)]
    return "\n".join(lines)


def box_answer(answer: str) -> str:
    """The answer line that every target ends with."""
    return "\\boxed{" + answer + "}"


def build_messages(
    sample: Sample, demonstrations: Sequence[Demonstration] = (), instruction: str = INSTRUCTION
) -> tuple[Message, ...]:
    """Chat messages: the instruction, each demonstration as a user and an assistant turn, then the question.

    A sample with a history has its own turns: its leading system turns in place of the instruction, and the others
    between demonstrations and question. An empty instruction is left out.
    """
    opening = list(itertools.takewhile(lambda turn: turn["role"] == "system", sample.history))
    messages = list(opening) or ([{"role": "system", "content": instruction}] if instruction else [])
    for demonstration in demonstrations:
        messages.append({"role": "user", "content": format_question(demonstration.sample)})
        messages.append({"role": "assistant", "content": demonstration.trace or demonstration.answer})
    messages += sample.history[len(opening) :]
    messages.append({"role": "user", "content": format_question(sample)})
    return tuple(messages)
