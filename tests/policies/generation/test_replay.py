"""Which steps are run, captured and replayed, and what happens when they cannot be."""

from __future__ import annotations

import logging

import pytest
import torch

from openrft.errors import PolicyError
from openrft.policies.generation import replay
from openrft.policies.generation.replay import StepReplay
from tests.policies.generation.graph_simulation import capture


def refuse(step):
    raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nand a second line")


def test_a_step_is_run_then_captured_then_replayed():
    steps, total, ran = StepReplay(lambda: capture), torch.zeros(1), []

    def add():
        ran.append(len(ran))
        total.add_(1)

    for _ in range(5):
        steps.run("add", add)
    assert total.item() == 5
    assert len(ran) == 2  # once itself, once to be captured
    assert (steps.counts.eager, steps.counts.captured, steps.counts.replayed) == (1, 1, 4)
    before = steps.counts.copy()
    steps.forget(same_kernels=True)
    steps.run("add", add)
    assert total.item() == 6
    assert (steps.counts - before).captured == 1  # at once, for its kernels are loaded
    steps.forget()
    steps.run("add", add)
    assert total.item() == 7
    assert (steps.counts - before).eager == 1


def test_a_refused_capture_is_one_line_in_the_log_and_every_step_is_run(caplog):
    steps, ran = StepReplay(lambda: refuse), []
    with caplog.at_level(logging.WARNING):
        for key in ("one", "one", "one", "other", "other"):
            steps.run(key, lambda: ran.append(0))
    assert len(ran) == 5
    assert steps.counts.replayed == steps.counts.captured == 0
    (record,) = caplog.records
    assert record.getMessage().endswith("CUDA error: operation not permitted when stream is capturing")


def test_a_capture_that_is_demanded_and_refused_fails():
    steps = StepReplay(lambda: refuse, required=True)
    steps.run("one", lambda: None)
    with pytest.raises(PolicyError, match=r"cannot be captured.*not permitted") as caught:
        steps.run("one", lambda: None)
    assert "policy.cuda_graphs" in caught.value.advice


def test_few_graphs_are_kept_and_the_newest_of_them(monkeypatch):
    monkeypatch.setattr(replay, "KEPT", 2)
    steps = StepReplay(lambda: capture)
    for key in ("a", "b", "c"):
        for _ in range(2):
            steps.run(key, lambda: None)
    before = steps.counts.copy()
    steps.run("c", lambda: None)
    steps.run("a", lambda: None)
    since = steps.counts - before
    assert (since.replayed, since.captured) == (2, 1)


@pytest.mark.parametrize(
    "asks",
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).any()),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: torch.tensor([1.0]) + x,
        lambda x: torch.rand(3) + x,
        lambda x: torch.multinomial(x, 1),
    ],
)
def test_the_simulation_refuses_what_a_graph_cannot_hold(asks):
    with pytest.raises(AssertionError, match="cannot be captured"):
        capture(lambda: asks(torch.ones(3)))


def test_the_simulation_shows_a_step_that_reads_a_python_value():
    total, amount = torch.zeros(1), [1.0]
    again = capture(lambda: total.add_(amount[0]))
    amount[0] = 5.0
    again()
    assert total.item() == 1.0
