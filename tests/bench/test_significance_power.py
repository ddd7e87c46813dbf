from __future__ import annotations

import pytest

from openrft.bench.significance import (
    describe_needed_sample_size,
    describe_power,
    detectable_difference,
    items_needed,
    seeds_needed,
    standard_error,
)


def test_a_quarter_discordant() -> None:
    # (1.960 + 0.842) sqrt(.25 / n)
    assert detectable_difference(100) == pytest.approx(0.140, abs=0.001)
    assert detectable_difference(749) == pytest.approx(0.051, abs=0.001)


def test_training_noise_by_hand() -> None:
    # Two arms, 3 seeds, SD 1.5 points: sqrt(2/3) x .015
    assert standard_error(100, seeds=3)[1] == pytest.approx(0.01225, abs=1e-5)
    assert standard_error(100, seeds=1)[1] == 0.0


def test_more_of_anything_detects_less() -> None:
    assert detectable_difference(400, 3, 3) < detectable_difference(100, 3, 3)
    assert detectable_difference(400, 3, 5) < detectable_difference(400, 3, 3)
    assert detectable_difference(400, 3, 1) < detectable_difference(400, 1, 1)
    assert detectable_difference(800, 1, 3, tasks=8) < detectable_difference(800, 1, 3, tasks=1)


def test_what_more_would_take_is_enough() -> None:
    items = items_needed(0.05, completions=3)
    assert items is not None
    assert detectable_difference(items, 3) <= 0.05 < detectable_difference(items * 0.9, 3)
    seeds = seeds_needed(0.05, 1000)
    assert seeds is not None
    assert detectable_difference(1000, 1, seeds) <= 0.05 < detectable_difference(1000, 1, seeds - 1)


def test_what_cannot_be_had_is_none() -> None:
    assert seeds_needed(0.05, 100) is None
    assert items_needed(0.005, seeds=3) is None


def test_forecast_is_one_line() -> None:
    line = describe_power(100, 1, 1)
    assert "14.0 points" in line
    assert "780 items" in line or "790 items" in line or "800 items" in line
    assert "training noise not counted" in line
    assert "\n" not in describe_power(100, 3, 3)
    assert describe_power(5000, 3, 5, tasks=8).endswith(".")


def test_what_would_settle_a_comparison_by_hand() -> None:
    # Items alone: a standard error of .05 must shrink to .0196 / 1.96 = .01, so 25 times the items.
    assert (
        describe_needed_sample_size(0.0196, 100, 1, 0.05, 0.05)
        == "about 2500 items would settle it (now 100 items, 1 seed)"
    )
    assert "itself" in describe_needed_sample_size(0.0, 100, 1, 0.05, 0.05)
    # Seeds alone: .05 must shrink to .025, so 4 times the seeds; items cannot help.
    assert (
        describe_needed_sample_size(-0.0490, 100, 3, 0.05, 0.0)
        == "about 12 seeds would settle it (now 100 items, 3 seeds)"
    )
    # Half the variance from each, and it must be quartered: neither alone suffices.
    assert (
        describe_needed_sample_size(0.0490, 100, 3, 0.05, 0.0354)
        == "about 400 items with 12 seeds would settle it (now 100 items, 3 seeds)"
    )
