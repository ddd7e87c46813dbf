"""How many completions to draw, and when: growing rounds, so that an easy question does not cost a hard one's tries."""

from __future__ import annotations

from collections.abc import Iterator


def rounds(tries: int, first: int) -> Iterator[int]:
    """Completions a question in each round: `first`, then twice as many each time, `tries` altogether.

    Doubling bounds the waste: a question is sampled at most about twice as often as it needed, and the number of
    rounds (each a batch of its own) grows with the logarithm of `tries` only.
    """
    size = first
    while tries > 0:
        size = min(size, tries)
        yield size
        tries -= size
        size *= 2
