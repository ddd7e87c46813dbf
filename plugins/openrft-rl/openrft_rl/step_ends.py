"""Where in a completion's tokens its steps end. Knows of a tokenizer only how it decodes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate


class StepEnds:
    """Finds the tokens that end steps; remembers how many newlines each token holds."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._newlines: dict[int, int] = {}

    def of(self, tokens: Sequence[int], text: str) -> list[int]:
        """The index of the token that ends each step of `text`, a step being a non-empty line (`openrft.steps_of`).

        A line is ended by the token that holds its newline, whatever else that token holds, and the last line, if
        nothing ends it, by the last token: the end token, or wherever the token budget cut it off.
        """
        so_far, last = self._newlines_so_far(tokens, text), len(tokens) - 1
        lines = enumerate(text.split("\n"), 1)
        return [min(bisect_left(so_far, number), last) for number, line in lines if line.strip()]

    def _newlines_so_far(self, tokens: Sequence[int], text: str) -> list[int]:
        """How many newlines there are up to and including each token; never falling."""
        for token in {*tokens} - self._newlines.keys():
            self._newlines[token] = self._decode([token]).count("\n")
        counts = list(accumulate(self._newlines[token] for token in tokens))
        if counts and counts[-1] == text.count("\n"):
            return counts
        # Some decoders treat a token alone otherwise than among others: then every prefix is decoded, which is slow.
        prefixes = (self._decode(tokens[: i + 1]).count("\n") for i in range(len(tokens)))
        return list(accumulate(prefixes, max))
