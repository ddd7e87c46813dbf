"""How long a stage and a bench will take yet, and lines of progress that fit the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from openrft.bench import time_left
from openrft.bench.time_left import BenchEstimate, TimeEstimate, spell_left
from openrft.cli.progress import ProgressBars, shorten_names
from openrft.job import Arm, Job


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is set."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(time_left, "time", clock)
    return clock


def test_the_rest_takes_as_long_as_what_went_before(clock):
    pace = TimeEstimate()
    assert spell_left(pace.seconds(0, "explore", 0, 30)) == ""
    clock.now += 20
    assert spell_left(pace.seconds(0, "explore", 2, 30)) == "about 5 min left"  # 10 s a step, 28 to go
    clock.now += 200
    assert spell_left(pace.seconds(0, "explore", 22, 30)) == "about 80 s left"
    clock.now += 80
    assert spell_left(pace.seconds(0, "explore", 30, 30)) == ""


def test_a_resumed_stage_is_measured_from_where_it_went_on(clock):
    pace = TimeEstimate()
    assert spell_left(pace.seconds(0, "explore", 900, 1000)) == ""
    clock.now += 60
    assert spell_left(pace.seconds(0, "explore", 901, 1000)) == "about 1 h 39 min left"


def test_stages_and_jobs_have_their_own_pace_and_may_begin_anew(clock):
    pace = TimeEstimate()
    spell_left(pace.seconds(0, "generate", 0, 100))
    spell_left(pace.seconds(1, "generate", 0, 100))
    clock.now += 10
    assert spell_left(pace.seconds(0, "generate", 50, 100)) == "about 10 s left"
    assert spell_left(pace.seconds(1, "generate", 10, 100)) == "about 2 min left"
    assert spell_left(pace.seconds(0, "generate", 0, 100)) == ""
    clock.now += 10
    assert spell_left(pace.seconds(0, "generate", 10, 100)) == "about 2 min left"


def jobs(*arms, seeds=(0,)):
    return [
        Job(Arm(name, tuple(name.split("+")) * (name != "vanilla")), "t/a", s, "pocket") for name in arms for s in seeds
    ]


def test_a_bench_lasts_as_long_as_jobs_like_its_own_did(clock):
    """vanilla takes 10 s, the first seed of rl 100 s; two jobs run at a time."""
    whole = BenchEstimate(jobs("vanilla", "rl", "rl+prm", seeds=(0, 1)))
    for job in (0, 1):
        whole.started(job)
    assert whole.seconds() is None
    clock.now += 10
    for job in (0, 1):
        whole.finished(job)
    assert whole.seconds() is None  # nothing is known of jobs that train
    whole.started(2)
    whole.started(3)
    clock.now += 100
    whole.finished(2)
    whole.update(3, 50.0)
    assert whole.seconds() == (50 + 100 + 100) / 2  # job 3 has 50 s left, and rl+prm lasts as long as rl did
    whole.update(3, 0.0)  # its last stage begins, and nothing is known of that
    clock.now -= 20
    assert whole.seconds() == (20 + 100 + 100) / 2
    clock.now += 20
    whole.update(3, 50.0)
    whole.started(4)
    whole.update(4, 400.0)
    assert whole.seconds() == (50 + 400 + 400) / 2
    whole.update(4, 900.0)
    assert whole.seconds() == (50 + 900 + 900) / 2
    clock.now += 50
    for job in (3, 4):
        whole.finished(job)
    assert whole.seconds() == 50  # the other seed of rl+prm took 50 s, and a single job cannot be shared


def test_jobs_are_named_by_what_differs():
    assert shorten_names(jobs("vanilla", "rl")) == ["vanilla", "rl"]
    assert shorten_names(jobs("rl", seeds=(0, 1))) == ["rl, seed 0", "rl, seed 1"]
    assert shorten_names(["predict"]) == ["predict"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_bar_count_and_time_left_fit_every_terminal(clock, width):
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True)
    with ProgressBars(jobs("vanilla", "rl+sft+prm+da+icl-with-a-long-name", "rl", seeds=(0, 1)), console) as bars:
        bars.started(0)
        bars.update(0, "evaluate", 0, 240, "")
        clock.now += 30
        bars.finished(0, True)
        bars.started(2)
        bars.update(2, "explore", 0, 120, "")
        clock.now += 60
        bars.update(2, "explore", 12, 120, "reward 0.54, correct 0.50, 1.2 s per step")
        lines = console.render_lines(bars._progress.get_renderable(), pad=False)
    shown = ["".join(segment.text for segment in line).rstrip() for line in lines]
    assert all(len(line) <= width for line in shown)
    every, job = shown
    assert every.startswith("all jobs")
    assert every.endswith("1/6 about 40 min left")  # 30 s of vanilla, and 9 + 10 + 10 + 10 min
    assert "12/120 about 9 min left" in job
    assert job.startswith("rl+sft+prm")
    assert ("explore reward" in job) == (width == 120)
