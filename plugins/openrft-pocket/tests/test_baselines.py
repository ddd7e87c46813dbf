"""No rule that reads only the options beats a guess."""

from collections.abc import Callable

import pytest
from openrft_pocket import Pocket
from openrft_pocket.family import name_of
from openrft_pocket.kinds import KINDS

from openrft import DataRequest, Sample

ITEMS = 600


def _numbers(sample: Sample) -> list[float] | None:
    try:
        return [float(option) for option in sample.options]
    except ValueError:
        return None


def _always(index: int) -> Callable[[Sample], int]:
    return lambda sample: index


def _ranked(rank: int) -> Callable[[Sample], int]:
    def choose(sample: Sample) -> int:
        values = _numbers(sample) or [len(option) for option in sample.options]
        return sorted(range(4), key=lambda i: values[i])[rank]

    return choose


def _crowded(sample: Sample) -> int:
    """The option nearest to the others: what a gold with distractors drawn around it would be."""
    values = _numbers(sample)
    if values is None:
        same = [sum(sum(a == b for a, b in zip(o, p, strict=False)) for p in sample.options) for o in sample.options]
        return same.index(max(same))
    far = [sum(abs(v - w) for w in values) for v in values]
    return far.index(min(far))


RULES: dict[str, Callable[[Sample], int]] = {
    **{f"letter {letter}": _always(i) for i, letter in enumerate("ABCD")},
    **{f"rank {rank}": _ranked(rank) for rank in range(4)},
    "longest": lambda sample: max(range(4), key=lambda i: len(sample.options[i])),
    "crowded": _crowded,
}


@pytest.mark.parametrize("name", KINDS)
def test_rules_without_reasoning_are_at_chance(name):
    samples = Pocket().tasks().load(name_of(KINDS[name]), DataRequest(train=1, test=ITEMS, seed=5)).test
    for rule, choose in RULES.items():
        share = sum("ABCD"[choose(sample)] == sample.answer for sample in samples) / ITEMS
        assert abs(share - 0.25) < 0.075, f"{rule} answers {share:.2f} of {name}"  # 4.2 standard deviations
