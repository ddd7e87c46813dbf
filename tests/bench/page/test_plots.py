from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from openrft.bench.page.plots import plot_costs, plot_effects, plot_seconds
from openrft.bench.page.svg import Scale, choose_ticks, format_tick
from openrft.bench.page.training_plots import plot_training, smooth_values
from openrft.bench.score_table import Component, Gain
from openrft.bench.summary import summarise
from tests.bench import factories


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-12, 25, [-10, 0, 10, 20]),
        (0, 117_000, [0, 50_000, 100_000]),
        (3, 3, [3]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, ticks: list[float]) -> None:
    assert choose_ticks(low, high) == ticks


def test_scale_and_numbers() -> None:
    assert [Scale(0, 10, 100, 0)(value) for value in (0, 5, 10)] == [100, 50, 0]
    assert Scale(2, 2, 0, 10)(2) == 5
    assert [format_tick(value) for value in (0.25, 1500, 20_000)] == ["0.25", "1500", "20k"]


def test_a_forest_plot_has_a_row_for_each_effect_and_tells_gains_from_losses() -> None:
    gains = {"add_one": Gain(0.1, 0.05, 0.15, 0.01, ""), "leave_one_out": Gain(-0.1, -0.15, -0.05, 0.01, "")}
    drawn = plot_effects([Component("<prm>", gains, {}), Component("icl", {"add_one": Gain(0, -1, 1, 1, "")}, {})])
    root = ET.fromstring(drawn)
    assert [mark.get("class") for mark in root.iter("circle")] == ["mark up", "mark down", "mark flat"]
    assert "<prm>, add-one: +10.0 [+5.0, +15.0]" in [title.text for title in root.iter("title")]
    assert plot_effects([]) == ""


def test_accuracy_against_cost_has_every_arm_with_a_score() -> None:
    drawn = list(plot_costs(summarise(factories.report()).overall.arms))
    assert [figure.split("</figcaption>")[0].split(">")[-1] for figure in drawn] == [
        "Accuracy in % against seconds",
        "Accuracy in % against tokens",
    ]
    for figure in drawn:
        assert len(list(ET.fromstring(figure).iter("circle"))) == len(factories.ARMS)


def test_bars_of_seconds_are_as_long_as_their_seconds() -> None:
    root = ET.fromstring(plot_seconds([("vanilla", {"evaluate": 10.0}), ("rl", {"evaluate": 10.0, "explore": 30.0})]))
    widths = [float(bar.get("width", 0)) for bar in root.iter("rect")]
    assert widths[1] == pytest.approx(3 * widths[0], abs=0.3)  # explore stands before evaluate
    assert plot_seconds([("vanilla", {})]) == ""


def test_learning_curves_are_means_over_jobs_and_leave_out_what_never_happened() -> None:
    logs = {"rl": [[{"step": 0, "reward": 0.0, "kl_completion": 0.0}], [{"step": 0, "reward": 1.0}]]}
    drawn = list(plot_training(logs, ["vanilla", "rl"]))
    assert ["Reward R" in figure for figure in drawn] == [True]
    line = next(ET.fromstring(drawn[0]).iter("polyline"))
    assert line.get("class") == "line c1 d0"
    assert smooth_values([0, 3, 0, 3], 2) == [1.5, 1, 2, 1.5]
    assert smooth_values([1, 2], 0) == [1, 2]


def test_a_long_run_is_drawn_with_few_points() -> None:
    logs = {"rl": [[{"step": n, "reward": n / 5000} for n in range(5000)]]}
    (drawn,) = plot_training(logs, ["rl"])
    points = next(ET.fromstring(drawn).iter("polyline")).get("points", "").split()
    assert len(points) == 200
