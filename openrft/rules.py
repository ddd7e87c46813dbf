"""What a rule of thumb is: something that answers questions without a model, after a look at labelled ones.

A rule never sees the gold answer of what it is asked: a Question has none, and no `meta` that might hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openrft.sample import Kind, Sample


@dataclass(frozen=True, slots=True)
class Question:
    """All of a sample but its answer."""

    text: str  # the stem, without options
    options: tuple[str, ...] = ()
    kind: Kind = "choice"
    task: str = ""  # the leaf task it belongs to


Answerer = Callable[[Question], str | None]  # -> a letter, Yes or No, or a text; None = the rule does not apply
Rule = Callable[[Sequence[Sample]], Answerer]  # made from the train split


def asked(sample: Sample) -> Question:
    """What of a sample may be shown to a rule."""
    return Question(sample.question, sample.options, sample.kind, sample.task)
