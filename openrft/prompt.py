"""From a sample and its demonstrations to chat messages, and from a completion to its steps and final answer.

One template serves SFT, RL and evaluation. Only the completion is ever searched for an answer, so an answer
that stands in a demonstration earns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from openrft.sample import LETTERS, Message, Sample, Shot

INSTRUCTION = (
    "Reason step by step, one step per line. Put the letter of the final answer in \\boxed{} on the last line."
)
INSTRUCTION_TEXT = "Reason step by step, one step per line. Put the final answer in \\boxed{} on the last line."

_THINKING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_OPEN_THINKING = re.compile(r"\A.*?</think>", re.DOTALL)
_ANSWER_IS = re.compile(r"answer\s*(?:is|:)\s*:?\s*(?:option\s+)?\(?\s*", re.IGNORECASE)


def question_block(sample: Sample) -> str:
    """The question and its lettered options, one a line."""
    lines = [sample.question.strip()]
    lines += [f"{LETTERS[i]}. {text.strip()}" for i, text in enumerate(sample.options)]
    return "\n".join(lines)


def boxed(answer: str) -> str:
    """The answer line every target ends with."""
    return "\\boxed{" + answer + "}"


def messages_for(sample: Sample, shots: Sequence[Shot] = (), instruction: str = INSTRUCTION) -> tuple[Message, ...]:
    """Chat messages: the instruction, each demonstration as a user and an assistant turn, then the question."""
    messages = [{"role": "system", "content": instruction}]
    for shot in shots:
        messages.append({"role": "user", "content": question_block(shot.sample)})
        messages.append({"role": "assistant", "content": shot.trace or shot.answer})
    messages.append({"role": "user", "content": question_block(sample)})
    return tuple(messages)


def steps_of(completion: str) -> list[str]:
    """The reasoning steps: the completion's non-empty lines (paper, section 2: an action is a line)."""
    return [line for line in completion.split("\n") if line.strip()]


def strip_thinking(completion: str) -> str:
    """The completion without `<think>` blocks, closed or not; what stands before a lone `</think>` goes too."""
    text = _THINKING.sub("", completion)
    return _OPEN_THINKING.sub("", text) if "</think>" in text else text


def final_answer(completion: str) -> str | None:
    r"""The raw final answer: the last `\boxed{...}` (braces balanced), else the last "answer is X"; else None."""
    text = strip_thinking(completion)
    start = text.rfind("\\boxed{")
    while start >= 0:
        content = _balanced(text, start + len("\\boxed"))
        if content is not None and content.strip():
            return content.strip()
        start = text.rfind("\\boxed{", 0, start)
    ends = [match.end() for match in _ANSWER_IS.finditer(text)]
    return text[ends[-1] :].partition("\n")[0].strip().rstrip(".*) ") or None if ends else None


def _balanced(text: str, brace: int) -> str | None:
    """What the brace opened at index `brace` encloses; None if it is never closed."""
    depth = 0
    for i in range(brace, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[brace + 1 : i]
    return None
