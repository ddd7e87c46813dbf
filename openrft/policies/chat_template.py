"""A checkpoint's chat template: what it takes, found out by rendering probes when the policy is opened.

Templates differ. Some refuse a system turn and some drop it without a word; some open a thought in the prompt; some
have a switch for thinking. Rendering shows what a template does, whatever its code looks like. Plain text prompts of
models without a template are in plain_prompt.py.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from jinja2 import TemplateError, meta

from openrft.errors import CheckpointError, UsageError, first_line
from openrft.grading.thinking import find_marks, find_opening, split_thought
from openrft.policies.answer_form import AnswerForm
from openrft.types import Message

Thinking = Literal["auto", "on", "off"]

# Variables by which templates switch thinking, with the values for on and off.
SWITCHES: Mapping[str, tuple[Any, Any]] = {
    "enable_thinking": (True, False),  # Qwen3, GLM, SmolLM3
    "thinking": (True, False),  # DeepSeek-V3.1, Granite
    "reasoning": (True, False),  # Command A
    "reasoning_effort": ("high", "none"),  # Mistral; that of gpt-oss knows no "none"
}
THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking")  # where templates look for the thought of a turn
RULE, QUESTION, THOUGHT, ANSWER = "Rule1", "Question2", "Thought3", "Answer4"  # probes: in no template
ASKED: list[Message] = [{"role": "user", "content": QUESTION}]

logger = logging.getLogger(__name__)


class ChatTemplate:
    """The template of one tokenizer, with thinking switched as asked."""

    stop_text = None  # a chat turn ends with a token

    def __init__(self, tokenizer: Any, path: str, thinking: Thinking = "auto") -> None:
        """Raises CheckpointError for a template that writes no question, UsageError if it cannot be switched."""
        self._tokenizer, self._path = tokenizer, path
        self._in_parts = False  # whether a turn's content is a list of parts
        self.variables: dict[str, Any] = {}
        self._check_question()
        source = str(tokenizer.get_chat_template())
        marks = find_marks(source)
        self._switch = self._find_switch(source)
        if thinking != "auto":
            self.variables = self._choose_variables(thinking, marks is not None)
        self.takes_system = self._check_system()
        self._thought_key = self._find_thought_key()
        self.form = self._read_form(marks)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the conversation and the beginning of the assistant's turn."""
        ids = self._tokenizer.apply_chat_template(
            self.arrange(messages), add_generation_prompt=True, tokenize=True, return_dict=False, **self.variables
        )
        return list(ids)

    def arrange(self, messages: Sequence[Message]) -> list[Any]:
        """The turns as the template takes them: the instruction in the first user turn if there is no place for a
        system turn, and thoughts in demonstrations where the template looks for them."""
        turns = list(messages)
        if turns[0]["role"] == "system" and not self.takes_system:
            head, first, *rest = turns
            turns = [{"role": first["role"], "content": f"{head['content']}\n\n{first['content']}"}, *rest]
        return [self._arrange_turn(turn) for turn in turns]

    @property
    def fixed_source(self) -> Any:
        """The template with thinking switched as it is here, unless a caller says otherwise. A written checkpoint has
        it, so that whoever asks the trained policy gives it the prompts that it was trained on."""
        source = self._tokenizer.chat_template
        lines = "".join(
            f"{{%- if {name} is not defined %}}{{%- set {name} = {json.dumps(value)} %}}{{%- endif %}}"
            for name, value in self.variables.items()
        )
        return {**source, "default": lines + source["default"]} if isinstance(source, dict) else lines + source

    def _arrange_turn(self, turn: Message) -> Any:
        arranged: dict[str, Any] = dict(turn)
        found = split_thought(turn["content"]) if turn["role"] == "assistant" else None
        if found and found.thought:
            if self.form.marks and self._thought_key:
                arranged |= {"content": found.answer.strip(), self._thought_key: found.thought.strip("\n")}
            else:
                arranged["content"] = self.form.join(found.thought, found.answer)
        if self._in_parts:
            arranged["content"] = [{"type": "text", "text": arranged["content"]}]
        return arranged

    # -- what the template does ----------------------------------------------------------------------------

    def _render(self, turns: Sequence[Mapping[str, str]], prompt: bool = True, **variables: Any) -> str:
        """The text of a conversation. Raises TemplateError."""
        contents = [{**t, "content": [{"type": "text", "text": t["content"]}]} if self._in_parts else t for t in turns]
        given = {**self.variables, **variables}
        return str(self._tokenizer.apply_chat_template(contents, add_generation_prompt=prompt, tokenize=False, **given))

    def _try(self, turns: Sequence[Mapping[str, str]], prompt: bool = True, **variables: Any) -> str:
        """The same; "" where the template refuses. Templates may fail in any way: they are code from elsewhere."""
        try:
            return self._render(turns, prompt, **variables)
        except (TemplateError, TypeError, ValueError, KeyError, AttributeError):
            return ""

    def _check_question(self) -> None:
        """Learn whether contents are texts or lists of parts. Raises CheckpointError if neither is written."""
        for in_parts in (False, True):
            self._in_parts = in_parts
            if QUESTION in self._try(ASKED):
                return
        self._in_parts = False
        try:
            self._render(ASKED)
            why = "it leaves the question out"
        except (TemplateError, TypeError, ValueError, KeyError, AttributeError) as fault:
            why = first_line(fault)
        raise CheckpointError(
            f"{self._path}: the chat template cannot write a question: {why}.",
            "Give the checkpoint the template that was published with it.",
        )

    def _check_system(self) -> bool:
        text = self._try([{"role": "system", "content": RULE}, *ASKED])
        if RULE in text and QUESTION in text:
            return True
        what = "drops the system turn without a word" if QUESTION in text else "refuses a system turn"
        _warn_once(f"{self._path}: the chat template {what}: the instruction goes into the first user turn.")
        return False

    def _find_switch(self, source: str) -> tuple[str, tuple[Any, Any]] | None:
        """The variable that switches thinking: one that the template reads and that changes the prompt."""
        known = _list_variables(source)
        for name, (on, off) in SWITCHES.items():
            if name not in known or (isinstance(off, str) and f"'{off}'" not in source.replace('"', "'")):
                continue
            if self._try(ASKED, **{name: on}) != self._try(ASKED, **{name: off}):
                return name, (on, off)
        return None

    def _choose_variables(self, thinking: Thinking, has_marks: bool) -> dict[str, Any]:
        if self._switch:
            name, (on, off) = self._switch
            return {name: on if thinking == "on" else off}
        if thinking == ("on" if has_marks else "off"):  # it does so without a switch
            return {}
        what = "knows no thought" if thinking == "on" else "has no switch for thinking"
        raise UsageError(
            f"policy.thinking={thinking}: the chat template of {self._path} {what}.",
            "Leave it at policy.thinking=auto, or take another policy.",
        )

    @property
    def _is_off(self) -> bool:
        """Whether the prompt is the one that switches thinking off, asked for or by the template's own default."""
        if not self._switch:
            return False
        name, (_, off) = self._switch
        return self._try(ASKED) == self._try(ASKED, **{name: off})

    def _find_thought_key(self) -> str:
        for key in THOUGHT_KEYS:
            text = self._try([*ASKED, {"role": "assistant", "content": ANSWER, key: THOUGHT}], prompt=False)
            if THOUGHT in text and ANSWER in text:
                return key
        return ""

    def _read_form(self, marks: tuple[str, str] | None) -> AnswerForm:
        """What the assistant writes, from the rendering of whole conversations.

        A rendering that does not begin with the prompt shows nothing: such templates write finished turns in another
        way than turns that are to be written. The marks are then put as most templates put them.
        """
        prompt = self._try(ASKED)
        whole = self._try([*ASKED, {"role": "assistant", "content": ANSWER}], prompt=False)
        direct = _between(whole, prompt, ANSWER)
        end = self._find_end_token(whole.partition(ANSWER)[2])
        if marks is None and self._thought_key:
            _warn_once(
                f"{self._path}: the chat template writes thoughts without a mark that is known here: a thought is read"
                " as part of the answer."
            )
        if marks is None or self._is_off or prompt.rstrip().endswith(marks[1]):
            return AnswerForm(direct=direct if direct and direct.strip() else "", end=end)
        opened = find_opening(prompt)
        opening, closing = ("" if opened else f"{marks[0]}\n"), f"\n{marks[1]}\n\n"
        if direct is None:
            direct = closing if opened else ""
        if self._thought_key:
            turn = {"role": "assistant", "content": ANSWER, self._thought_key: THOUGHT}
            whole = self._try([*ASKED, turn], prompt=False)
            before, between = (
                _between(whole, prompt, THOUGHT),
                _between(whole, whole.partition(THOUGHT)[0] + THOUGHT, ANSWER),
            )
            if before is not None and between is not None:
                opening, closing = before, between
        return AnswerForm(marks, opening, closing, direct if direct.strip() else "", end)

    def _find_end_token(self, after: str) -> int | None:
        """The special token that the template writes after an answer; None if it writes none."""
        special = {id for id, token in self._tokenizer.added_tokens_decoder.items() if token.special}
        ids = self._tokenizer.encode(after, add_special_tokens=False)
        return next((id for id in ids if id in special), None)


@functools.cache
def _warn_once(message: str) -> None:
    """Log it the first time that this process has it to say."""
    logger.warning("%s", message)


def _between(text: str, start: str, end: str) -> str | None:
    """The text between `start`, with which it begins, and `end`; None if it does not begin so."""
    if not start or not text.startswith(start) or end not in text[len(start) :]:
        return None
    return text[len(start) :].partition(end)[0]


def _list_variables(source: str) -> set[str]:
    """The variables that the template reads from outside. transformers compiles it, with its extensions of Jinja."""
    from transformers.utils.chat_template_utils import _compile_jinja_template

    return set(meta.find_undeclared_variables(_compile_jinja_template(source).environment.parse(source)))
