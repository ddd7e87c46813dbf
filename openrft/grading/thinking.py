"""The thought in a completion: the marks that models put around it, the answer without it, and the steps of both.

A thinking model writes its reasoning between two marks and its answer after them. Nothing inside a thought counts as
the answer, also where the thought was cut off and never closed. Only the text is read here. Where a prompt has opened
the thought already, the policy puts the opening mark in front of the completion's text (policies/chat_template.py), so
that every reader sees it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from openrft.types import Completion

THINK = ("<think>", "</think>")
SENTENCES = ("Here is my thought process:", "Here is my response:")  # Granite 3.2; a mark only where a text begins so
# Opening and closing mark. A closing mark alone means that the prompt opened the thought.
MARKS = (
    THINK,  # DeepSeek-R1, QwQ, Qwen3, GLM, SmolLM3 and most others
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("<|channel|>analysis<|message|>", "<|end|>"),  # gpt-oss
    SENTENCES,
)
_CLOSES = {opening.lower(): closing.lower() for opening, closing in MARKS}
_ALONE = {*_CLOSES.values()} - {"<|end|>", SENTENCES[1].lower()}  # in other formats <|end|> ends a turn
_OUTSIDE = {*_CLOSES} | _ALONE  # the marks that mean something outside a thought
_MARK = re.compile("|".join(re.escape(mark) for pair in MARKS for mark in pair), re.IGNORECASE)
_CHANNEL = re.compile(r"(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>")  # gpt-oss, before the answer
_BARE_CHANNEL = re.compile(r"\Aanalysis(?=\S)(.*)assistantfinal", re.DOTALL)  # the same without its special tokens


@dataclass(frozen=True, slots=True)
class ThoughtAndAnswer:
    """The thinking and the answer of a completion, both without the marks around the thinking."""

    thought: str  # of several thoughts, all; "" if there is none
    answer: str
    unfinished: bool  # the text ends inside the thought


# What a tokenizer that keeps special tokens leaves at the end.
_END_TOKENS = re.compile(
    r"(?:\s{0,8}(?:<\|(?:im_end|eot_id|end_of_text|endoftext|return|eom_id)\|>|</s>|<end_of_turn>|<eos>"
    r"|<\uff5cend\u2581of\u2581sentence\uff5c>))+\s*\Z"
)


def split_thought(completion: str) -> ThoughtAndAnswer:
    """The thinking and the answer of a completion, without the end tokens behind it. Takes linear time for any text."""
    text = completion
    if text.rstrip().endswith(">"):
        text = text[:-400] + _END_TOKENS.sub("", text[-400:])
    if bare := _BARE_CHANNEL.match(text):
        return ThoughtAndAnswer(bare.group(1), text[bare.end() :], False)
    thoughts: list[str] = []
    answers: list[str] = []
    start, closing = 0, ""  # `closing`: the mark that ends the thought that is being read
    for match in _MARK.finditer(text):
        mark = match.group().lower()
        means_something = mark == closing if closing else mark in _OUTSIDE
        if mark == SENTENCES[0].lower() and (start or text[: match.start()].strip()):
            continue
        if not means_something:  # and no part is cut out: a text of such marks would be copied again and again
            continue
        part, start = text[start : match.start()], match.end()
        if closing:
            thoughts.append(part)
            closing = ""
        elif mark in _CLOSES:
            answers.append(part)
            closing = _CLOSES[mark]
        else:
            thoughts += [*answers, part]
            answers.clear()
    (thoughts if closing else answers).append(text[start:])
    return ThoughtAndAnswer("".join(thoughts), _CHANNEL.sub("", "".join(answers)), bool(closing))


def strip_thinking(completion: str) -> str:
    """The completion without its thoughts, closed or not. Text before a closing mark that nothing opened is thought."""
    return split_thought(completion).answer


def is_cut_off_thinking(completion: Completion) -> bool:
    """Whether the token budget ran out inside the thought, before any answer."""
    return completion.finish_reason == "length" and split_thought(completion.text).unfinished


def number_steps(completion: str) -> dict[int, str]:
    """The reasoning steps by the index of their line: the lines that hold more than blanks and marks of a thought.

    An action is a line (paper, section 2), and a thinking model acts in its thought too: its lines are steps like those
    of the answer. The marks are no part of a step, so a line that holds nothing else is none.
    """
    lines = (_MARK.sub("", _CHANNEL.sub("", line)) for line in completion.split("\n"))
    return {index: line for index, line in enumerate(lines) if line.strip()}


def split_steps(completion: str) -> list[str]:
    """The reasoning steps, in order. See `number_steps`."""
    return list(number_steps(completion).values())


def find_opening(text: str) -> str:
    """The opening mark that the text ends with, blanks aside; "" if there is none."""
    end = text.rstrip().lower()
    return next((opening for opening, _ in MARKS if end.endswith(opening.lower())), "")


def list_mark_tokens(marks: tuple[str, str]) -> set[str]:
    """The tokens that these marks may be made of. Decoders drop them where a tokenizer calls them special."""
    tokens = {*marks} | {token for mark in marks for token in re.findall(r"<\|?\w+\|?>", mark)}
    return tokens | {"<|start|>"} if "<|message|>" in tokens else tokens


def find_marks(text: str) -> tuple[str, str] | None:
    """The marks that occur in the text of a chat template; None if it knows no thought."""
    found = {match.group().lower() for match in _MARK.finditer(text)}
    return next((pair for pair in MARKS if pair[0].lower() in found or pair[1].lower() in found & _ALONE), None)
