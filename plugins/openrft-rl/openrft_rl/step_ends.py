"""Where in a completion's tokens its steps end. Knows of a tokenizer only how it decodes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate

Decode = Callable[[Sequence[int]], str]


def step_ends(tokens: Sequence[int], text: str, decode: Decode) -> list[int]:
    """The index of the token that ends each step, a step being a non-empty line of `text` (`openrft.steps_of`).

    A line is ended by the token that holds its newline, whatever else that token holds, and the last line, if nothing
    ends it, by the last token: the end token, or wherever the token budget cut it off.
    """
    breaks = _breaks_so_far(tokens, text, decode)
    lines = text.split("\n")
    return [min(bisect_left(breaks, number), len(tokens) - 1) for number, line in enumerate(lines, 1) if line.strip()]


def _breaks_so_far(tokens: Sequence[int], text: str, decode: Decode) -> list[int]:
    """How many newlines there are up to and including each token; never falling."""
    alone = {token: decode([token]).count("\n") for token in set(tokens)}
    counts = list(accumulate(alone[token] for token in tokens))
    if counts and counts[-1] == text.count("\n"):
        return counts
    # Some decoders treat a token alone otherwise than among others: then every prefix is decoded, which is slow.
    prefixes = (decode(tokens[: i + 1]).count("\n") for i in range(len(tokens)))
    return list(accumulate(prefixes, max))
