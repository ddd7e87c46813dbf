"""The plugin in the explore stage, on a real tiny checkpoint: credit by steps, dynamic sampling, stopping halfway."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest
import torch

import openrft
import openrft.plugins.manager
import openrft.plugins.registry
from openrft import Reward, pipeline
from openrft.config.settings import EvaluateSettings, ExploreSettings, Settings
from openrft.job import Arm, Job
from openrft.runtime.store import Store
from openrft.testing import toy_task, use_plugins, write_tiny_checkpoint

TASK = toy_task(8, 2)
DULL = {s.id for s in TASK.train[:4]}  # questions whose rollouts all earn the same


class Toy:
    """The task family's plugin; its task is handed over directly."""

    @openrft.hookimpl
    def tasks(self):
        return None


class Judge:
    """Even first tokens are right, but for the dull questions."""

    rewards = ("outcome", "process")
    stop_at: ClassVar[int | None] = None

    @openrft.hookimpl
    def reward(self, rollouts, step):
        if step == self.stop_at:
            raise KeyboardInterrupt
        return [
            Reward("judge", "outcome", float(r.sample.id not in DULL and r.completion.tokens[0] % 2)) for r in rollouts
        ]


class Steps:
    """Scores each step by its length."""

    rewards = ("process",)

    @openrft.hookimpl
    def reward(self, rollouts):
        steps = [openrft.split_steps(r.completion.text) for r in rollouts]
        return [Reward("steps", "process", per_step=tuple(len(s) % 3 / 2 for s in some)) for some in steps]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def breaking(tiny, tmp_path_factory):
    """The same with an ear for newlines: of most bytes it writes none for hundreds of tokens."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("breaking")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
    with torch.no_grad():
        model.lm_head.weight[tokenizer.encode("\n", add_special_tokens=False)] *= 30
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def here(monkeypatch):
    torch.set_num_threads(1)
    Judge.stop_at = None
    monkeypatch.setattr(pipeline, "load_task", lambda name, request: TASK)
    with use_plugins({"toy": Toy, "judge": Judge, "steps": Steps}):
        yield


def explored(tiny, store, *plugins, credit="sequence", **options):
    settings = Settings(
        ExploreSettings(steps=3, prompts_per_step=4, group_size=3, max_tokens=6, checkpoint_every=1, credit=credit),
        EvaluateSettings(completions=1, max_tokens=4),
    )
    job = Job(Arm("arm", plugins), "toy/sums", 0, str(tiny), settings=settings, options={"rl": options})
    result = pipeline.run_job(job, Store(store))
    (adapter,) = store.glob("explore/*/adapter/adapter_model.safetensors")
    rows = [json.loads(line) for line in result.metrics_file.read_text("utf-8").splitlines()]
    (explore,) = [run for run in result.stage_records if run.stage == "explore"]
    return adapter.read_bytes(), rows, explore.counts


@pytest.mark.parametrize("credit", ["step", "min"])
@pytest.mark.parametrize("algorithm", ["ppo", "dapo", "rloo"])
def test_where_steps_earn_changes_what_is_learnt(breaking, tmp_path, algorithm, credit):
    options = {"algorithm": algorithm, "lr": 1e-2, "critic_lr": 1e-2}
    whole, rows, _ = explored(breaking, tmp_path / "whole", "rl", "judge", "steps", **options)
    apart, others, _ = explored(breaking, tmp_path / "apart", "rl", "judge", "steps", credit=credit, **options)
    assert apart != whole
    assert {"kl", "ratio", "clip_fraction", "grad_norm"} <= others[0].keys()
    assert ("explained_variance" in others[0]) == (algorithm == "ppo")
    assert rows[0]["reward.judge"] == others[0]["reward.judge"]  # the same rollouts, before anything was learnt


def test_dapo_trains_on_questions_that_tell_something(tiny, tmp_path):
    _, rows, counts = explored(tiny, tmp_path, "rl", "judge", algorithm="dapo", lr=1e-2)
    assert counts["groups_drawn"] > counts["groups_kept"] > 0
    assert all(row["updates"] == 1 for row in rows)


def test_a_stopped_ppo_run_ends_with_the_same_bits(tiny, tmp_path):
    options = {
        "algorithm": "ppo",
        "lr": 1e-2,
        "critic_lr": 1e-2,
        "kl_target": 1.0,
        "ppo_epochs": 2,
        "updates_per_epoch": 2,
    }
    arm = ("rl", "judge", "steps")
    straight, rows, _ = explored(tiny, tmp_path / "straight", *arm, credit="min", **options)
    Judge.stop_at = 2
    with pytest.raises(KeyboardInterrupt):
        explored(tiny, tmp_path / "stopped", *arm, credit="min", **options)
    Judge.stop_at = None
    stopped, again, _ = explored(tiny, tmp_path / "stopped", *arm, credit="min", **options)
    assert stopped == straight
    for one, other in zip(rows, again, strict=True):
        for row in (one, other):  # what no run can repeat
            for name in [name for name in row if name.startswith(("seconds", "peak"))]:
                del row[name]
        assert one == other
