"""The final answer of a completion. Only the completion is read, never the prompt."""

from __future__ import annotations

import re

from openrft.grading.thinking import strip_thinking

_BOXED = re.compile(r"\\boxed\s*(?=\{)")
_ANSWER_IS = re.compile(r"answer[*_`\"']*\s*(?:is\b|:)\s*:?(?:[*_]+(?=\s))?\s*", re.IGNORECASE)
_DRESS = [  # markup around an answer, and what is kept of it
    (re.compile(r"\\(?:text(?:bf|it|rm|tt)?|math(?:bf|it|rm|sf)|mbox)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\A\{+([^{}]*)\}+\Z"), r"\1"),
    (re.compile(r"\A(\*\*|__|[`\"'])(.+?)\1"), r"\2"),
    (re.compile(r"\A([*_])([A-Z]|yes|no|true|false)\1", re.IGNORECASE), r"\2"),  # `*CC*` is a molecule
    (re.compile(r"\A(?:the\s+)?(?:(?:final|correct|right|best)\s+)?answer\s*(?:is\b|:)\s*:?", re.IGNORECASE), ""),
    (re.compile(r"\A(?:option|choice)s?\s+(?=\(?[A-Z]\)?(?!\w))", re.IGNORECASE), ""),
    (re.compile(r"\A\(([A-Za-z])\)(?=[\s.,:*]|\Z)"), r"\1"),
]


def final_answer(completion: str) -> str | None:
    r"""The bare final answer: the last `\boxed{...}` (braces balanced), else the last "answer is X", else None."""
    text = strip_thinking(completion)
    boxes = list(_BOXED.finditer(text))
    closing = _closings(text) if boxes else {}
    for match in reversed(boxes):
        brace = match.end()
        content = strip_markup(text[brace + 1 : closing[brace]]) if brace in closing else ""
        if content:
            return content
    ends = [match.end() for match in _ANSWER_IS.finditer(text)]
    return strip_markup(text[ends[-1] :].partition("\n")[0], ".* ") or None if ends else None


def strip_markup(answer: str, after: str = "") -> str:
    """The answer without Markdown, LaTeX and words such as "option" around it. Characters of `after` are stripped from
    its end."""
    before = None
    while before != answer:
        before = answer
        for pattern, kept in _DRESS:
            answer = pattern.sub(kept, answer.strip())
        answer = answer.strip().rstrip(after) if after else answer.strip()
    return answer


def _closings(text: str) -> dict[int, int]:
    """The position of the closing brace for each opening brace that has one. One pass, because a degenerate policy may
    write thousands of boxes that are never closed."""
    closed, opened = {}, []
    for at, sign in enumerate(text):
        if sign == "{":
            opened.append(at)
        elif sign == "}" and opened:
            closed[opened.pop()] = at
    return closed
