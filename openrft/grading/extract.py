"""The final answer of a completion. Only the completion is read, never the prompt."""

from __future__ import annotations

import re

from openrft.grading.markup import strip_markup
from openrft.grading.markup_scanner import find_closing_braces
from openrft.grading.thinking import strip_thinking

_BOXED = re.compile(r"\\boxed\s*(?=\{)")
_ANSWER_IS = re.compile(r"answer[*_`\"']*\s*(?:is\b|:)\s*:?(?:[*_]+(?=\s))?\s*", re.IGNORECASE)


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
