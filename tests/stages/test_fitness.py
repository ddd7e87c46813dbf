"""Process rewards are tried before RL: once for arms that start alike, without moving a single draw of what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import openrft
import openrft.plugins.manager
import openrft.plugins.registry
from openrft import pipeline
from openrft.config.settings import EvaluateSettings, ExploreSettings, FitnessSettings, Settings
from openrft.job import Arm, Job
from openrft.runtime.files import read_jsonl
from openrft.runtime.store import Store
from openrft.testing import toy_task, use_plugins
from openrft.types import Reward

TASK = toy_task(8, 4)
SETTINGS = Settings(
    ExploreSettings(steps=2, prompts_per_step=2, group_size=2, max_tokens=6, probes=0),
    EvaluateSettings(completions=1, max_tokens=6),
    FitnessSettings(questions=5, completions=3),
)


class Toy:
    """Where the task comes from; `load_task` is replaced."""

    @openrft.hookimpl
    def tasks(self):
        return None


class Process:
    """A score a line."""

    asked: list  # steps at which it was asked

    @openrft.hookimpl
    def reward(self, rollouts, step):
        self.asked.append(step)
        return [
            Reward(
                "process", "process", per_step=tuple(len(line) / 99 for line in openrft.split_steps(r.completion.text))
            )
            for r in rollouts
        ]


class Outcome:
    """Says that it gives no process rewards."""

    rewards = ("outcome",)
    asked: list  # steps at which it was asked

    @openrft.hookimpl
    def reward(self, rollouts, step):
        self.asked.append(step)
        return [Reward("outcomes", "outcome", float(len(r.completion.text) % 2)) for r in rollouts]


class Demonstrations:
    """Demonstrations: another arm that starts from the same policy."""

    @openrft.hookimpl
    def retrieve(self, samples, pool):
        return [
            [next(demonstration for demonstration in pool if demonstration.sample.root_id != s.root_id)]
            for s in samples
        ]


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    torch.set_num_threads(1)
    Process.asked, Outcome.asked = [], []
    monkeypatch.setattr(pipeline, "load_task", lambda name, request: TASK)
    with use_plugins({"toy": Toy, "process": Process, "outcomes": Outcome, "demonstrations": Demonstrations}):
        yield


def run(tiny, store, *plugins, settings=SETTINGS):
    job = Job(Arm("arm", plugins), "toy/sums", 0, str(tiny), settings=settings, options={"rl": {"kl_coef": "0"}})
    return pipeline.run_job(job, Store(store))


def test_it_is_measured_on_graded_rollouts_of_training_questions(tiny, tmp_path):
    outcome = run(tiny, tmp_path, "rl", "process")
    assert [c.stage for c in outcome.stage_records] == ["fitness", "explore", "evaluate"]
    (found,) = outcome.fitness
    assert (found.source, found.rollouts, found.questions) == ("process", 15, 5)
    (file,) = tmp_path.glob("fitness/*/rollouts.jsonl")
    rows = list(read_jsonl(file))
    assert {row["sample"]["id"] for row in rows} <= {s.id for s in TASK.train}
    assert all(row["correct"] is not None and row["rewards"][0]["kind"] == "process" for row in rows)
    assert outcome.stage_records[0].tokens == sum(len(row["completion"]["tokens"]) for row in rows)


def test_arms_that_start_alike_share_it_and_a_rerun_reuses_it(tiny, tmp_path):
    first = run(tiny, tmp_path, "rl", "process")
    other = run(tiny, tmp_path, "rl", "process", "demonstrations")
    assert other.fitness == first.fitness
    assert (other.stage_records[0].stage, other.stage_records[0].reused) == ("fitness", True)
    assert Process.asked.count(-1) == 1


def test_measuring_moves_no_draw_of_what_follows(tiny, tmp_path):
    texts = [
        [r.completion.text for r in run(tiny, tmp_path / name, "rl", "process", settings=settings).rollouts]
        for name, settings in (
            ("with", SETTINGS),
            ("without", replace(SETTINGS, fitness=FitnessSettings(questions=0))),
            ("probed", replace(SETTINGS, explore=replace(SETTINGS.explore, probes=2))),
        )
    ]
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.parametrize("plugins", [("rl",), ("rl", "outcomes"), ("process",), ()], ids=",".join)
def test_nothing_is_drawn_without_process_rewards_or_without_rl(tiny, tmp_path, plugins):
    outcome = run(tiny, tmp_path, *plugins)
    assert outcome.fitness == ()
    assert "fitness" not in [c.stage for c in outcome.stage_records]
    assert -1 not in Process.asked


def test_only_plugins_with_process_rewards_are_asked(tiny, tmp_path):
    settings = replace(SETTINGS, explore=replace(SETTINGS.explore, steps=1, probes=0))
    run(tiny, tmp_path, "rl", "process", "outcomes", settings=settings)
    assert (Process.asked, Outcome.asked) == ([-1, 0], [0])
