"""What a policy writes around its thought and its answer, and completions in that form: read and made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openrft.grading.extract import final_answer
from openrft.grading.thinking import find_opening, list_mark_tokens, split_thought

TAIL = 40  # tokens at the end of a prompt in which an opening mark is looked for


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """The assistant's turn after the prompt: `opening` thought `closing` answer, or `direct` answer; then `end`."""

    marks: tuple[str, str] | None = None  # of a thought; None: this policy does not think, or is told not to
    opening: str = ""  # "" where the prompt has opened the thought
    closing: str = ""
    direct: str = ""  # before an answer without a thought, such as an empty thought
    end: int | None = None  # the token that ends the turn; None: the template writes none

    def format_target(self, text: str) -> str:
        """A verified trace, from this policy or another, as this policy should write it after its prompt.

        For a policy that thinks: the thought is closed once, and opened once, by the prompt or here. A trace without a
        thought is one up to its last line, if that alone gives the answer. For a policy that does not think: the lines
        of the thought and the answer, without marks.
        """
        found = split_thought(text)
        if self.marks is None:
            return self.direct + (self.join(found.thought, found.answer) if found.thought else text)
        thought, answer = (found.thought, found.answer) if found.thought.strip() else _split_trace(found.answer)
        if not thought.strip():
            return self.direct + answer.lstrip("\n")
        return self.opening + thought.strip("\n") + self.closing + answer.lstrip("\n")

    def join(self, thought: str, answer: str) -> str:
        """Thought and answer as one text, with this policy's marks if it has any."""
        thought, answer = thought.strip("\n"), answer.strip()
        if self.marks is None:
            return "\n".join(filter(None, (thought, answer)))
        return f"{self.marks[0]}\n{thought}\n{self.marks[1]}\n\n{answer}"

    def find_opened(self, tokenizer: Any, prompt: Sequence[int]) -> str:
        """The mark with which this prompt has opened a thought; "" if it has not."""
        if self.marks is None:
            return ""
        return find_opening(str(tokenizer.decode(list(prompt[-TAIL:]), skip_special_tokens=False)))

    def decode(self, tokenizer: Any, tokens: Sequence[int]) -> str:
        """The text of generated tokens, without special tokens but with the marks of thoughts, which may be special."""
        kept = self._find_special_marks(tokenizer)
        parts, run = [], list[int]()
        for token in tokens if kept else ():
            if token in kept:
                parts += [tokenizer.decode(run, skip_special_tokens=True) if run else "", kept[token]]
                run = []
            else:
                run.append(token)
        run = run if kept else list(tokens)
        return "".join(parts) + str(tokenizer.decode(run, skip_special_tokens=True))

    def _find_special_marks(self, tokenizer: Any) -> dict[int, str]:
        """The special tokens that belong to this policy's marks, by id."""
        if self.marks is None:
            return {}
        names = list_mark_tokens(self.marks)
        return {id: str(t) for id, t in tokenizer.added_tokens_decoder.items() if t.special and str(t) in names}


def _split_trace(text: str) -> tuple[str, str]:
    """A trace without a thought as thought and answer: its lines and its last line, if that alone gives the answer."""
    thought, _, last = text.rstrip().rpartition("\n")
    answer = final_answer(last)
    return (thought, last) if answer is not None and answer == final_answer(text) else ("", text)
