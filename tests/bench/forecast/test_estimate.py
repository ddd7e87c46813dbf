"""The arithmetic of a forecast, on numbers worked by hand."""

from __future__ import annotations

import dataclasses

import pytest

from openrft.bench.forecast.estimate import WORKER_START, make_forecast, simulate
from openrft.bench.forecast.history import PastStage, find_load_seconds, find_rate
from openrft.bench.forecast.pilot import Measured, Point, choose_jobs, fit_cost, shrink_settings
from openrft.bench.forecast.tables import build_forecast_table, describe_forecast, format_duration
from openrft.bench.forecast.walk import PlannedStage
from openrft.config.settings import ExploreSettings, Settings
from openrft.runtime.paid.prices import Price, PriceTable
from openrft.runtime.paid.usage import Usage

PAST = PastStage("explore", "p", "t/a", ("rl",), "shape", 1, 100, 5, 20.0, 3.0, 5_000, ())


def planned(job=0, stage="explore", key="k", state="to do", units=200, calls=10, **more):
    fields = {"done": 0.0, "policy": "p", "task": "t/a", "plugins": ("rl",), "shape": "shape"}
    return PlannedStage(job, stage, key, state, units, calls, **{**fields, **more})


def past(**changes):
    return dataclasses.replace(PAST, **changes)


def test_the_most_like_stage_gives_the_rate():
    history = [past(seconds=20.0), past(seconds=40.0, shape="other"), past(seconds=90.0, plugins=("rl", "prm"))]
    rate = find_rate(planned(), history, 1)
    assert (rate.seconds, rate.tokens, rate.likeness, rate.stages) == (0.2, 50, "same settings", 1)
    assert find_rate(planned(task="t/b"), history, 1).likeness == "same settings, other task"
    assert find_rate(planned(), history, 2).likeness == "same settings, other number of threads"
    assert find_rate(planned(shape="new"), history, 1).seconds == pytest.approx(0.3)  # the median of .2 and .4
    assert find_rate(planned(plugins=("icl", "rl")), history, 1).likeness == "other plugins"
    assert find_rate(planned(policy="q"), history, 1) is None


def test_loading_is_slower_the_first_time():
    assert find_load_seconds("p", [past(load_seconds=s) for s in (4.0, 0.0, 0.2, 0.1)]) == (4.0, 0.2)
    assert find_load_seconds("q", [PAST]) == (0.0, 0.0)


def test_a_line_through_two_batches():
    few, many = Point(10, 1, 2.0, PAST), Point(40, 1, 5.0, PAST)
    assert fit_cost([few, many]) == pytest.approx((1.0, 0.1))
    assert fit_cost([few]) == (0.0, 0.2)
    assert fit_cost([few, Point(40, 1, 12.0, PAST)]) == (0.0, 0.3)  # a line would start below 0
    assert fit_cost([few, Point(40, 1, 1.0, PAST)]) == (1.0, 0.0)  # noise: more rows cannot be cheaper
    rate = Measured({("explore", "p", ("rl",)): [few, many]}, ()).find_rate(planned(units=200, calls=10))
    assert 200 * rate.seconds == pytest.approx(10 * (1.0 + 0.1 * 20))  # ten steps of 20 completions


def test_workers_share_jobs_and_wait_for_shared_stages():
    stages = [
        planned(0, "synthesize", "s"),
        planned(0, "explore", "a"),
        planned(1, "synthesize", "s", "shared"),
        planned(1, "explore", "b"),
        planned(2, "explore", "c", "stored"),
    ]
    seconds = {("synthesize", "s"): 10.0, ("explore", "a"): 5.0, ("explore", "b"): 7.0}
    loads = {"p": (2.0, 0.5)}
    # One worker: load 2, synthesize 10, a 5; then load again .5, b 7.
    assert simulate(stages, seconds, loads, 1) == pytest.approx((24.5, 24.5))
    # Two: the second waits until the first has synthesized, 12 s after its start, and then loads and runs b.
    assert simulate(stages, seconds, loads, 2) == pytest.approx((WORKER_START + 12 + 2 + 7, 26.0))


def test_what_is_done_and_what_is_paid():
    usage = Usage("http://s#m", replies=50, input=1_000, output=500)
    history = [past(usage=(usage,))]
    prices = PriceTable("USD", {"m": Price(100.0, 100.0, 1_000.0)})
    forecast = make_forecast([planned(done=0.5)], history, 1, 1, prices)
    (stage,) = forecast.to_do
    assert (stage.seconds, stage.tokens) == (20.0, 5_000)  # 100 of 200 completions are left, at .2 s and 50 tokens
    assert forecast.usage == (usage,)  # as much as the past 100 completions took
    assert forecast.money == pytest.approx(1_000 * 100e-6 + 500 * 1_000e-6)
    assert forecast.seconds == 23.0  # with 3 s to load the policy
    assert "Money: about 0.60 USD" in " ".join(describe_forecast(forecast, prices))


def test_what_is_not_known_is_said_and_not_counted():
    forecast = make_forecast([planned(), planned(1, "evaluate", "e")], [PAST], 1, 1)
    assert forecast.unknown == ("evaluate",)
    assert any("Not known, and not counted: evaluate." in line for line in describe_forecast(forecast, None))
    rows = {row[0]: row for row in build_forecast_table(forecast).rows}
    assert rows["explore"][-1] == "same settings"
    assert "not known" in rows["evaluate"]


def test_a_probe_takes_the_fewest_jobs():
    stages = [
        planned(0, "evaluate"),
        planned(1, "explore"),
        planned(1, "evaluate"),
        planned(2, "explore", plugins=("rl", "prm")),
        planned(2, "evaluate"),
    ]
    assert choose_jobs(stages, stages) == [1, 2]
    assert choose_jobs(stages, stages[:1]) == [0]


def test_a_probe_asks_ten_questions():
    few, many = (shrink_settings(Settings(), size) for size in (1, 4))
    assert few.explore.prompts_per_step * few.explore.group_size == 10
    assert many.explore.prompts_per_step * many.explore.group_size == 40
    single = shrink_settings(Settings(explore=ExploreSettings(group_size=1)), 1).explore
    assert (single.prompts_per_step, single.group_size) == (10, 1)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.44, "0.4 s"), (59.2, "59 s"), (75.2, "1 min 15 s"), (3_700.0, "1 h 1 min")]
)
def test_durations(seconds, words):
    assert format_duration(seconds) == words
