"""Reasoning steps and final answer of a completion. Only the completion is read, never the prompt."""

from __future__ import annotations

import re

from openrft.grading.markup import strip_markup
from openrft.grading.markup_scanner import find_closing_braces

_THINKING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_OPEN_THINKING = re.compile(r"\A.*?</think>", re.DOTALL)
_BOXED = re.compile(r"\\boxed\s*(?=\{)")
_ANSWER_IS = re.compile(r"answer[*_`\"']*\s*(?:is\b|:)\s*:?(?:[*_]+(?=\s))?\s*", re.IGNORECASE)


def split_steps(completion: str) -> list[str]:
    """The reasoning steps: the non-empty lines of the completion (paper, section 2: an action is a line)."""
    return [line for line in completion.split("\n") if line.strip()]


def strip_thinking(completion: str) -> str:
    """The completion without `<think>` blocks, closed or not. Text before a lone `</think>` is removed too."""
    text = _THINKING.sub("", completion)
    return _OPEN_THINKING.sub("", text) if "</think>" in text else text


def final_answer(completion: str) -> str | None:
    r"""The bare final answer: the last `\boxed{...}` (braces balanced), else the last "answer is X", else None."""
    text = strip_thinking(completion)
    boxes = list(_BOXED.finditer(text))
    closing = find_closing_braces(text) if boxes else {}
    for match in reversed(boxes):
        brace = match.end()
        content = strip_markup(text[brace + 1 : closing[brace]]) if brace in closing else ""
        if content:
            return content
    ends = [match.end() for match in _ANSWER_IS.finditer(text)]
    return strip_markup(text[ends[-1] :].partition("\n")[0], ".* ") or None if ends else None
