"""How long a stage will take yet."""

from __future__ import annotations

import pytest

from openrft.cli import progress
from openrft.cli.progress import TimeEstimate


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is set."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_the_rest_takes_as_long_as_what_went_before(clock):
    pace = TimeEstimate()
    assert pace.left(0, "explore", 0, 30) == ""
    clock.now += 20
    assert pace.left(0, "explore", 2, 30) == "about 5 min left"  # 10 s a step, 28 to go
    clock.now += 200
    assert pace.left(0, "explore", 22, 30) == "about 80 s left"
    clock.now += 80
    assert pace.left(0, "explore", 30, 30) == ""


def test_a_resumed_stage_is_measured_from_where_it_went_on(clock):
    pace = TimeEstimate()
    assert pace.left(0, "explore", 900, 1000) == ""
    clock.now += 60
    assert pace.left(0, "explore", 901, 1000) == "about 1 h 39 min left"


def test_stages_and_jobs_have_their_own_pace_and_may_begin_anew(clock):
    pace = TimeEstimate()
    pace.left(0, "generate", 0, 100)
    pace.left(1, "generate", 0, 100)
    clock.now += 10
    assert pace.left(0, "generate", 50, 100) == "about 10 s left"
    assert pace.left(1, "generate", 10, 100) == "about 2 min left"
    assert pace.left(0, "generate", 0, 100) == ""
    clock.now += 10
    assert pace.left(0, "generate", 10, 100) == "about 2 min left"
