"""Knowledge items of level L1: which of four has a value that must be known. The options are recalled one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from openrft_pocket.kinds.hand import LETTERS, Hand
from openrft_pocket.kinds.kind import Facts, Kind, shuffled


def recall(
    name: str,
    domain: str,
    summary: str,
    known: Mapping[str, int],
    wordings: tuple[str, ...],
    rewordings: tuple[str, ...],
    lessons: tuple[str, ...],
) -> Kind:
    """A kind that asks for the one of four names whose value in `known` is {asked}.

    The four have four different values, and any of them may be asked for, so no option is likelier than another.
    """
    by_value: dict[int, list[str]] = {}
    for key, value in known.items():
        by_value.setdefault(value, []).append(key)

    def draw(rng: Random) -> Facts:
        values = rng.sample(sorted(by_value), 4)
        return {"names": sorted(rng.choice(by_value[v]) for v in values), "asked": rng.choice(values)}

    def options(facts: Facts, rng: Random) -> tuple[list[str], int]:
        gold = next(n for n in facts["names"] if known[n] == facts["asked"])
        return shuffled(facts["names"], gold, rng)

    def solve(facts: Facts, options: Sequence[str], hand: Hand) -> None:
        others = [str(value) for value in by_value]
        for letter, option in zip(LETTERS, options, strict=True):
            value = hand.choice(str(known[option]), others)
            hand.write(f"{letter}. {option} {value}")
            if value == str(facts["asked"]):
                return hand.box(letter)
        hand.box(hand.rng.choice(LETTERS))

    def scan(facts: Facts, options: Sequence[str]) -> list[str]:
        """The line of every option: a trace stops at the one asked for, but the lines after it would be true."""
        return [f"{letter}. {option} {known[option]}" for letter, option in zip(LETTERS, options, strict=True)]

    key: Callable[[Facts], str] = lambda facts: f"{','.join(facts['names'])} {facts['asked']}"  # noqa: E731
    return Kind(
        name=name,
        paper="L1",
        level="L1",
        domain=domain,
        summary=summary,
        wordings=wordings,
        rewordings=rewordings,
        lessons=lessons,
        draw=draw,
        key=key,
        slots=lambda facts: {"asked": facts["asked"]},
        options=options,
        solve=solve,
        asides=scan,
    )
