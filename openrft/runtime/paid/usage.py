"""What was used of a server's model: replies and tokens, and who paid for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Replies of one model and their tokens, as the server counted them."""

    model: str  # the server's address and the model: URL#MODEL
    replies: int = 0
    input: int = 0  # tokens of the prompts, with those that the server had cached
    cached_input: int = 0  # of these, tokens that the server had cached
    output: int = 0  # generated tokens, with those of thoughts
    uncounted: int = 0  # replies whose tokens the server did not count; they are in as the most that they can be

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.model,
            self.replies + other.replies,
            self.input + other.input,
            self.cached_input + other.cached_input,
            self.output + other.output,
            self.uncounted + other.uncounted,
        )


@dataclass(frozen=True, slots=True)
class Payment:
    """What one run paid for one stage of one job, and for one model, over all its starts."""

    arm: str
    task: str
    seed: int
    stage: str
    paid: Usage  # replies that arrived, those that held no answer included
    lost: Usage  # requests whose reply never arrived, each with the most tokens that it can have


def add_by_model(usages: Iterable[Usage]) -> tuple[Usage, ...]:
    """The sums, one for each model, in order of the models' first appearance."""
    found: dict[str, Usage] = {}
    for usage in usages:
        found[usage.model] = found[usage.model] + usage if usage.model in found else usage
    return tuple(found.values())
