"""No rule that reads only the options beats a guess."""

from collections import Counter
from collections.abc import Callable

import pytest
from openrft_pocket import Pocket
from openrft_pocket.question_types import QUESTION_TYPES
from openrft_pocket.question_types.lattice_volume import VOLUMES
from openrft_pocket.question_types.retrosynthesis import CARBONS, HYDROGENS, format_formula
from openrft_pocket.tasks import task_name

from openrft import DataRequest, Sample

ITEMS = 600
FRAGMENTS = {format_formula((c, h)) for c in CARBONS for h in HYDROGENS}


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
    """The option nearest to the others. Gold would be that if distractors were drawn around it."""
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
def test_frequent_gold_of_train_is_no_hint_in_test(name):
    """How often an option was gold in train says nothing about it in test."""
    task = Pocket().tasks().load(task_name(QUESTION_TYPES[name]), DataRequest(train=2000, test=ITEMS, seed=5))
    gold = Counter(sample.gold for sample in task.train)
    shown = Counter(option for sample in task.train for option in sample.options)

    def choose(sample: Sample) -> int:
        return max(range(4), key=lambda i: (gold[sample.options[i]] + 0.25) / (shown[sample.options[i]] + 1))

    share = sum("ABCD"[choose(sample)] == sample.answer for sample in task.test) / ITEMS
    assert -0.1 < share - 0.25 < 0.075


def test_options_are_possible_answers():
    for name, possible in (("lattice_volume", set(map(str, VOLUMES))), ("retrosynthesis", FRAGMENTS)):
        task = Pocket().tasks().load(task_name(QUESTION_TYPES[name]), DataRequest(train=1, test=ITEMS, seed=5))
        for sample in task.test:
            assert set(sample.options) <= possible


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_rules_without_reasoning_are_at_chance(name):
    samples = Pocket().tasks().load(task_name(QUESTION_TYPES[name]), DataRequest(train=1, test=ITEMS, seed=5)).test
    for rule, choose in RULES.items():
        share = sum("ABCD"[choose(sample)] == sample.answer for sample in samples) / ITEMS
        assert abs(share - 0.25) < 0.075, f"{rule} answers {share:.2f} of {name}"  # 4.2 standard deviations
