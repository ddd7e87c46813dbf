"""Process rewards are tried before RL: once for arms that start alike, without moving a single draw of what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import openrft
import openrft.installed
import openrft.plugins
from openrft import pipeline
from openrft.arm import Arm, Job
from openrft.installed import Installed, installed
from openrft.sample import Reward, read_jsonl
from openrft.settings import Evaluate, Explore, Fitness, Settings
from openrft.store import Store
from openrft.testing import toy_task

TASK = toy_task(8, 4)
SETTINGS = Settings(
    Explore(steps=2, prompts=2, group=2, max_tokens=6),
    Evaluate(samples=1, max_tokens=6),
    Fitness(questions=5, completions=3),
)


class Process:
    """A score a line."""

    asked: list  # steps at which it was asked

    @openrft.hookimpl
    def reward(self, rollouts, step):
        self.asked.append(step)
        return [
            Reward("process", "process", per_step=tuple(len(line) / 99 for line in openrft.steps_of(r.completion.text)))
            for r in rollouts
        ]


class Outcome:
    """Says that it gives no process rewards."""

    rewards = ("outcome",)

    @openrft.hookimpl
    def reward(self, rollouts):
        return [Reward("outcomes", "outcome", float(len(r.completion.text) % 2)) for r in rollouts]


class Shots:
    """Demonstrations: another arm that starts from the same policy."""

    @openrft.hookimpl
    def retrieve(self, samples, pool):
        return [[next(shot for shot in pool if shot.sample.root != s.root)] for s in samples]


class Entry:
    def __init__(self, loaded):
        self.load = lambda: loaded


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    torch.set_num_threads(1)
    Process.asked = []
    monkeypatch.setattr(pipeline, "load_task", lambda name, request: TASK)
    here = {"toy": object, "process": Process, "outcomes": Outcome, "shots": Shots}
    every = {**installed(), **{n: Installed(n, f"openrft-{n}", "1.0", "", Entry(c)) for n, c in here.items()}}
    monkeypatch.setattr(openrft.installed, "installed", lambda: every)
    for known in (openrft.installed.plugin_class, openrft.installed.source_digest, openrft.plugins.providers_of):
        known.cache_clear()  # another file's plugin may have had the same name


def run(tiny, store, *plugins, settings=SETTINGS):
    job = Job(Arm("arm", plugins), "toy/sums", 0, str(tiny), settings=settings, options={"rl": {"kl": "0"}})
    return pipeline.run(job, Store(store))


def test_it_is_measured_on_graded_rollouts_of_training_questions(tiny, tmp_path):
    outcome = run(tiny, tmp_path, "rl", "process")
    assert [c.stage for c in outcome.costs] == ["fitness", "explore", "evaluate"]
    (found,) = outcome.fitness
    assert (found.source, found.rollouts, found.questions) == ("process", 15, 5)
    (file,) = tmp_path.glob("fitness/*/rollouts.jsonl")
    rows = list(read_jsonl(file))
    assert {row["sample"]["id"] for row in rows} <= {s.id for s in TASK.train}
    assert all(row["correct"] is not None and row["rewards"][0]["kind"] == "process" for row in rows)
    assert outcome.costs[0].tokens == sum(len(row["completion"]["tokens"]) for row in rows)


def test_arms_that_start_alike_share_it_and_a_rerun_reuses_it(tiny, tmp_path):
    first = run(tiny, tmp_path, "rl", "process")
    other = run(tiny, tmp_path, "rl", "process", "shots")
    assert other.fitness == first.fitness
    assert (other.costs[0].stage, other.costs[0].reused) == ("fitness", True)
    assert Process.asked.count(-1) == 1


def test_measuring_moves_no_draw_of_what_follows(tiny, tmp_path):
    texts = [
        [r.completion.text for r in run(tiny, tmp_path / name, "rl", "process", settings=settings).rollouts]
        for name, settings in (("with", SETTINGS), ("without", replace(SETTINGS, fitness=Fitness(questions=0))))
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("plugins", [("rl",), ("rl", "outcomes"), ("process",), ()], ids=",".join)
def test_nothing_is_drawn_without_process_rewards_or_without_rl(tiny, tmp_path, plugins):
    outcome = run(tiny, tmp_path, *plugins)
    assert outcome.fitness == ()
    assert "fitness" not in [c.stage for c in outcome.costs]
    assert -1 not in Process.asked
