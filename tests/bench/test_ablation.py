from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openrft.bench.ablation import AblationDesign, estimand_weights, list_effect_weights, read_ablation
from openrft.bench.report import ArmRecord
from openrft.errors import DataError
from tests.bench import factories


def lattice(plugins: str) -> AblationDesign:
    found = {frozenset[str](): "base"}
    for plugin in plugins:
        found |= {have | {plugin}: name + plugin for have, name in found.items()}
    return AblationDesign("vanilla", "base", f"base{plugins}", tuple(plugins), found)


def test_shapley_of_two_by_hand() -> None:
    # 1/2 (a - base) + 1/2 (ab - b)
    total, missing = estimand_weights(lattice("ab"), "a", "shapley")
    assert total == {"basea": 0.5, "base": -0.5, "baseab": 0.5, "baseb": -0.5}
    assert missing == []


@given(st.integers(1, 5), st.randoms(use_true_random=False))
def test_shapley_values_sum_to_full_minus_base(count: int, random: object) -> None:
    plugins = "abcde"[:count]
    ladder = lattice(plugins)
    value = {arm: random.random() for arm in ladder.lattice.values()}  # type: ignore[attr-defined]
    shares = [sum(w * value[arm] for arm, w in estimand_weights(ladder, p, "shapley")[0].items()) for p in plugins]
    assert sum(shares) == pytest.approx(value[ladder.full] - value["base"])


def test_arms_are_recognised_by_their_plugins_not_their_names() -> None:
    report = factories.report()
    names = {"rl+prm": "x", "rl+icl": "y"}
    arms = tuple(ArmRecord(names.get(a.name, a.name), (*a.plugins, "helper")) for a in report.arms)
    ladder = read_ablation(replace(report, arms=arms))
    assert ladder is not None
    assert estimand_weights(ladder, "prm", "add_one")[0] == {"x": 1.0, "rl": -1.0}
    assert estimand_weights(ladder, "prm", "leave_one_out")[0] == {"rl+prm+icl": 1.0, "y": -1.0}


def test_a_placebo_arm_isolates_nothing() -> None:
    report = factories.report()
    extra = (ArmRecord("noise", ("rl", "placebo")), ArmRecord("noisy prm", ("rl", "prm", "placebo")))
    ladder = read_ablation(replace(report, arms=(*extra, *report.arms)))
    assert ladder is not None
    assert ladder.lattice[frozenset()] == "rl"
    assert ladder.lattice[frozenset({"prm"})] == "rl+prm"


def test_what_has_no_arm_is_said() -> None:
    report = factories.report()
    ladder = read_ablation(replace(report, arms=tuple(a for a in report.arms if a.name != "rl+icl")))
    assert ladder is not None
    assert estimand_weights(ladder, "icl", "add_one")[1] == ["rl+icl"]
    assert set(list_effect_weights(ladder)) == {"add-one of prm", "leave-one-out of icl"}


def test_vanilla_alone_isolates_nothing() -> None:
    report = factories.report()
    plan = {"ablation": {"vanilla": "vanilla", "base": "vanilla", "full": "vanilla", "plugins": ["prm"]}}
    assert list_effect_weights(read_ablation(replace(report, plan=plan, arms=report.arms[:1]))) == {}
    assert read_ablation(replace(report, plan={})) is None


def test_a_ladder_of_unknown_arms_is_refused() -> None:
    report = factories.report()
    with pytest.raises(DataError, match="'rl' is not among"):
        read_ablation(replace(report, arms=tuple(a for a in report.arms if a.name != "rl")))


@settings(max_examples=30)
@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_shapley_weights_are_those_of_all_orders(count: int, random: object) -> None:
    """Against the definition: the mean of what a plugin adds, over every order in which plugins can be added."""
    ladder = lattice("abcd"[:count])
    accuracy = {arm: random.random() for arm in ladder.lattice.values()}  # type: ignore[attr-defined]
    for plugin in ladder.plugins:
        added = []
        for order in itertools.permutations(ladder.plugins):
            before = frozenset(order[: order.index(plugin)])
            added.append(accuracy[ladder.lattice[before | {plugin}]] - accuracy[ladder.lattice[before]])
        weights, missing = estimand_weights(ladder, plugin, "shapley")
        assert not missing
        assert sum(weights[arm] * accuracy[arm] for arm in weights) == pytest.approx(sum(added) / len(added))
