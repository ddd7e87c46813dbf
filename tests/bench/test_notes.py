"""The report warns of what RL counted."""

from __future__ import annotations

from dataclasses import replace

from openrft.bench.notes import build_training_notes
from tests.bench.factories import report


def noted(**counts):
    """The notes of a report whose rl arms counted these in each of two seeds."""
    made = report({"vanilla": 0.3, "rl": 0.5, "rl+prm": 0.5}, seeds=(0, 1))
    metrics = {f"explore.{name}": n for name, n in counts.items()}
    results = [r if r.arm == "vanilla" else replace(r, metrics=metrics) for r in made.results]
    return list(build_training_notes([task.name for task in made.tasks], results))


def test_nothing_is_said_of_a_run_that_went_well():
    assert noted() == []
    assert noted(completions=1000, cut_off=4, blank=0, over_context=0, idle_steps=0, exploded_steps=0) == []


def test_shares_are_of_all_completions_and_events_are_added_up():
    assert noted(
        completions=75, over_context=25, cut_off=15, idle_steps=3, exploded_steps=1, damaged_checkpoints=1
    ) == [
        "toy/L1/sums: answers not given in RL, as the prompt alone exceeds the policy's context: rl 25%, rl+prm 25%.",
        "toy/L1/sums: answers cut off in RL at the longest length allowed: rl 20%, rl+prm 20%.",
        "toy/L1/sums: steps of RL in which all answers, or all to each question, earned the same and taught"
        " nothing: rl 6, rl+prm 6.",
        "toy/L1/sums: steps of RL whose loss exploded: rl 2, rl+prm 2.",
        "toy/L1/sums: damaged checkpoints that RL could not go on from: rl 2, rl+prm 2.",
    ]
