"""The fitness of process rewards on one screen, in the notes, and through report.json."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from openrft.bench.fitness_tables import WHOLE, build_fitness_notes, build_fitness_tables, collect_measurements
from openrft.bench.markdown import format_markdown
from openrft.bench.report import from_json, to_json
from openrft.bench.summary import summarise
from openrft.cli.run_output import show_summary
from openrft.rewards.fitness_statistics import compute_reward_fitness
from openrft.types import Completion, Reward, Rollout, Sample
from tests.bench import factories


def found(signal, policy="start"):
    """Of 40 questions with a right and a wrong rollout each."""
    rng, rollouts, rewards = np.random.default_rng(0), [], []
    for q in range(40):
        for right in (True, False):
            rollouts.append(Rollout(Sample(f"q{q}", "A", ("1", "2")), (), Completion("x" * 9), correct=right))
            rewards.append(Reward("prm", "process", per_step=(float(rng.uniform(0, 0.5) + signal * right), 0.5)))
    return compute_reward_fitness("prm", policy, rollouts, rewards)


def report(*fits, seeds=(0,)):
    """The arms with a PRM start from the same policy, or each from its own."""
    plain = factories.report(seeds=seeds)
    with_prm = [r for r in plain.results if "prm" in r.arm]
    given = {id(r): fits[i % len(fits)] for i, r in enumerate(with_prm)}
    results = tuple(replace(r, fitness=(given[id(r)],)) if id(r) in given else r for r in plain.results)
    return replace(plain, results=results)


def test_it_survives_report_json():
    one = report(found(0.5), compute_reward_fitness("prm", "p", [], []))
    assert from_json(to_json(one)).results == one.results


def test_arms_that_share_a_measurement_share_a_table():
    is_informative = report(found(0.5))
    (m,) = collect_measurements(is_informative)
    assert m.arms == ("rl+prm", "rl+prm+icl")
    (grid,) = build_fitness_tables(is_informative, whole=False)
    assert grid.title == (
        "prm before rl+prm, rl+prm+icl on toy/L1/sums, seed 0: 80 rollouts of 40 questions (40 mixed), 40 right"
    )
    assert [row[0] for row in grid.rows] == ["mean", "min", "last", "product", "softmin"]
    assert [row[-2:] for row in grid.rows] == [("*", "0.5"), *[("", "")] * 4]
    assert grid.rows[2][1] == "0.500 [0.500, 0.500]"  # last: the same for all
    (note,) = build_fitness_notes(is_informative)
    assert note.endswith("seed 0: recommended explore.aggregation=mean and explore.alpha=0.5.")


def test_noise_is_warned_of_in_the_notes_and_on_the_screen():
    noise = report(found(0.0), found(0.5))
    assert len(list(build_fitness_tables(noise, whole=False))) == WHOLE
    summary = summarise(noise)
    warned = [note for note in summary.notes if "WARNING" in note]
    assert len(warned) == 1
    assert warned[0].startswith("prm before rl+prm on toy/L1/sums, seed 0: WARNING: not shown to tell right from wrong")
    assert any(note.endswith(" and explore.alpha=1.") for note in summary.notes)
    out = io.StringIO()
    show_summary(noise, summary, Console(file=out))
    assert warned[0] in out.getvalue()
    assert warned[0] in format_markdown(noise, summary)


def test_many_measurements_are_one_table_of_the_best_unless_all_is_asked_for():
    many = report(*(found(0.5, policy) for policy in "abcd"), seeds=(0, 1))
    (grid,) = build_fitness_tables(many, whole=False)
    assert grid.rows[0][0] == "prm before rl+prm on toy/L1/sums, seed 0"
    assert len(grid.rows) == 4
    assert len(list(build_fitness_tables(many, whole=True))) == 4


def test_what_is_said_of_many_measurements_is_said_once():
    fits = [
        replace(found(0.5), aggregation=f, alpha=alpha, warnings=(f"only {mixed} of 50 questions are mixed",))
        for f, alpha, mixed in (("mean", 0.5, 6), ("last", 1.0, 2), ("mean", 0.75, 4), ("min", None, 3))
    ]
    assert list(build_fitness_notes(report(*fits, seeds=(0, 1)))) == [
        "prm before RL, 4 measurements: recommended explore.aggregation=mean (2), last (1) and explore.alpha=0.5 to 1;"
        " nothing on 1. The tables of process rewards have each.",
        "prm before rl+prm on toy/L1/sums, seed 0, 1; rl+prm+icl on toy/L1/sums, seed 0, 1: WARNING: only 2 to 6 of"
        " 50 questions are mixed.",
    ]


def test_what_could_not_be_measured_is_said():
    rollouts = [Rollout(Sample("q", "A", ("1", "2")), (), Completion("x"), correct=False)] * 3
    nothing = report(compute_reward_fitness("prm", "p", rollouts, [Reward("prm", "process", per_step=(0.5,))] * 3))
    (grid,) = build_fitness_tables(nothing, whole=True)
    assert {row[1] for row in grid.rows} == {"not measured"}
    (note,) = build_fitness_notes(nothing)
    assert "nothing to recommend. WARNING: 0 of 3 rollouts are right" in note


@pytest.mark.parametrize("whole", [True, False])
def test_a_report_without_process_rewards_has_no_table(whole):
    assert list(build_fitness_tables(factories.report(), whole)) == []
