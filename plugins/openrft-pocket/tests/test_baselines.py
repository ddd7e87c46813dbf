"""No rule that reads only the options beats a guess."""

from collections import Counter
from collections.abc import Callable

import pytest
from openrft_pocket import Pocket
from openrft_pocket.family import name_of
from openrft_pocket.kinds import KINDS
from openrft_pocket.kinds.lattice_volume import VOLUMES
from openrft_pocket.kinds.retrosynthesis import CARBONS, HYDROGENS, formula

from openrft import DataRequest, Sample

ITEMS = 600
FRAGMENTS = {formula((c, h)) for c in CARBONS for h in HYDROGENS}


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


@pytest.mark.parametrize("name", ["lattice_volume", "retrosynthesis", "structure_count", "molar_mass", "final_speed"])
def test_what_was_gold_in_training_says_nothing(name):
    """An option's share of being gold in train is no hint in test, neither for it nor against it."""
    task = Pocket().tasks().load(name_of(KINDS[name]), DataRequest(train=2000, test=ITEMS, seed=5))
    gold = Counter(sample.gold for sample in task.train)
    shown = Counter(option for sample in task.train for option in sample.options)

    def choose(sample: Sample) -> int:
        return max(range(4), key=lambda i: (gold[sample.options[i]] + 0.25) / (shown[sample.options[i]] + 1))

    share = sum("ABCD"[choose(sample)] == sample.answer for sample in task.test) / ITEMS
    assert -0.1 < share - 0.25 < 0.075


def test_options_are_answers_that_could_be():
    for name, possible in (("lattice_volume", set(map(str, VOLUMES))), ("retrosynthesis", FRAGMENTS)):
        for sample in Pocket().tasks().load(name_of(KINDS[name]), DataRequest(train=1, test=ITEMS, seed=5)).test:
            assert set(sample.options) <= possible


@pytest.mark.parametrize("name", KINDS)
def test_rules_without_reasoning_are_at_chance(name):
    samples = Pocket().tasks().load(name_of(KINDS[name]), DataRequest(train=1, test=ITEMS, seed=5)).test
    for rule, choose in RULES.items():
        share = sum("ABCD"[choose(sample)] == sample.answer for sample in samples) / ITEMS
        assert abs(share - 0.25) < 0.075, f"{rule} answers {share:.2f} of {name}"  # 4.2 standard deviations
