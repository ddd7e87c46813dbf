"""The pipeline on a real tiny checkpoint: sharing, resuming with the same bits, secrecy of the test split."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file

import openrft
import openrft.plugins.manager
import openrft.plugins.registry
from openrft import pipeline
from openrft.config.settings import EvaluateSettings, ExploreSettings, Settings
from openrft.errors import PluginError
from openrft.grading.grade import Grade
from openrft.job import Arm, Job
from openrft.runtime.files import read_jsonl
from openrft.runtime.store import Store
from openrft.testing import toy_task, use_plugins
from openrft.types import Demonstration, Reward

TASK = toy_task(8, 6)
SETTINGS = Settings(
    ExploreSettings(steps=4, prompts_per_step=4, group_size=3, max_tokens=6, checkpoint_every=1),
    EvaluateSettings(completions=2, max_tokens=6),
)
OPTIONS = {"rl": {"lr": "1e-2", "kl_coef": "0.01"}}


class Spy:
    """Records what every hook was shown."""

    rewards = ("outcome",)

    seen: ClassVar[set[str]] = set()
    stop_at: ClassVar[int | None] = None

    @openrft.hookimpl
    def reward(self, rollouts, task, step):
        self.seen.update(r.sample.id for r in rollouts)
        self.seen.update(s.id for s in task.test)
        if step == self.stop_at:
            raise KeyboardInterrupt
        # Even first tokens are rewarded, so that a random policy has something to learn.
        return [Reward("spy", "outcome", float(r.completion.tokens[0] % 2)) for r in rollouts]

    @openrft.hookimpl
    def augment(self, samples, task):
        self.seen.update(s.id for s in (*samples, *task.test))
        return [replace(samples[0], question="What is the sum?", parent=samples[0].id, created_by="spy")]

    @openrft.hookimpl
    def retrieve(self, samples, pool):
        return [
            [next(demonstration for demonstration in pool if demonstration.sample.root_id != s.root_id)]
            for s in samples
        ]


class Toy:
    """The task family's plugin; its task is handed over directly."""

    @openrft.hookimpl
    def evaluate(self):
        return {}


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    torch.set_num_threads(1)
    Spy.seen, Spy.stop_at = set(), None
    monkeypatch.setattr(pipeline, "load_task", lambda name, request: TASK)
    with use_plugins({"toy": Toy, "spy": Spy}):
        yield


def job(tiny, *plugins, seed=0):
    return Job(
        Arm("arm", plugins), "toy/sums", seed, str(tiny), settings=SETTINGS, options=OPTIONS if "rl" in plugins else {}
    )


def adapter_of(store: Path) -> dict:
    (file,) = store.glob("explore/*/adapter/adapter_model.safetensors")
    return load_file(file)


def test_vanilla_only_evaluates(tiny, tmp_path):
    outcome = pipeline.run_job(job(tiny), Store(tmp_path))
    assert [c.stage for c in outcome.stage_records] == ["evaluate"]
    assert len(outcome.rollouts) == 6 * 2
    assert [r.sample.id for r in outcome.rollouts[::2]] == [s.id for s in TASK.test]


def test_same_seed_same_numbers_other_seed_other_numbers(tiny, tmp_path):
    texts = [
        [r.completion.text for r in pipeline.run_job(job(tiny, "rl", "spy", seed=s), Store(tmp_path / name)).rollouts]
        for s, name in ((0, "a"), (0, "b"), (1, "c"))
    ]
    assert texts[0] == texts[1] != texts[2]


def test_stages_are_shared_and_reused(tiny, tmp_path):
    first = pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    again = pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    assert not any(c.reused for c in first.stage_records)
    assert all(c.reused for c in again.stage_records)
    assert again.rollouts == first.rollouts
    assert again.policy_id == first.policy_id != pipeline.run_job(job(tiny), Store(tmp_path)).policy_id


def test_a_family_that_grades_otherwise_meets_no_result_of_the_old_one(tiny, tmp_path, monkeypatch):
    assert not any(r.correct for r in pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path)).rollouts)
    digest = openrft.plugins.registry.digest_plugin_source
    monkeypatch.setattr(
        openrft.plugins.manager, "digest_plugin_source", lambda name: "edited" if name == "toy" else digest(name)
    )
    edited = replace(TASK, grade=lambda sample, completion: Grade("A", True))
    monkeypatch.setattr(pipeline, "load_task", lambda name, request: edited)
    again = pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    assert not any(c.reused for c in again.stage_records)
    assert all(r.correct for r in again.rollouts)


def test_an_upgraded_library_meets_no_result_of_the_old_one(tiny, tmp_path, monkeypatch):
    pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    monkeypatch.setattr(
        openrft.plugins.manager, "library_versions", lambda name: {"trl": "9.9"} if name == "spy" else {}
    )
    assert not any(c.reused for c in pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path)).stage_records)


def test_edited_code_is_seen_in_a_namespace_package_too(tmp_path, monkeypatch):
    inner = tmp_path / "shared_namespace" / "rewards"
    inner.mkdir(parents=True)
    (inner / "__init__.py").write_text("class Plugin: ...")
    monkeypatch.syspath_prepend(tmp_path)
    plugin = importlib.import_module("shared_namespace.rewards").Plugin
    monkeypatch.setattr(openrft.plugins.registry, "load_plugin_class", lambda name: plugin)
    digests = set()
    for code in ("class Plugin: ...", "class Plugin: edited = True"):
        (inner / "__init__.py").write_text(code)
        openrft.runtime.code_digest.digest_package.cache_clear()
        openrft.plugins.registry.digest_plugin_source.cache_clear()
        digests.add(openrft.plugins.registry.digest_plugin_source("shared"))
    assert len(digests) == 2


def test_what_options_name_by_default_or_otherwise_is_known_by_its_content(tiny, tmp_path, monkeypatch):
    weights, file = copytree(tiny, tmp_path / "weights"), tmp_path / "vectors.txt"
    file.write_text("old")

    class Leaning:
        @dataclass(frozen=True)
        class Options:
            model: openrft.WeightsPath = str(weights)
            vectors: openrft.FilePath = str(file)
            size: float = 0.5

        def __init__(self, options):
            self.options = options

        @openrft.hookimpl
        def evaluate(self):
            return {}

    with use_plugins({"toy": Leaning}):

        def identity():
            return pipeline.build_context(job(tiny), Store(tmp_path)).identity(["toy"])

        first = identity()
        assert identity() == first
        (weights / "generation_config.json").write_text("{}")
        second = identity()
        file.write_text("new")
        assert first != second != identity()

        def set_to(**options):
            return pipeline.build_context(replace(job(tiny), options={"toy": options}), Store(tmp_path)).identity(
                ["toy"]
            )

        assert set_to(size="5e-1") == set_to(size=0.5) == identity()  # however it is typed, and by default
        assert set_to(size=0.6) != identity()


def test_samples_that_differ_in_kind_or_meta_are_other_inputs(tiny, tmp_path, monkeypatch):
    pipeline.run_job(job(tiny), Store(tmp_path))
    for change in ({"kind": "text"}, {"meta": {"gold": "twelve"}}):
        other = replace(TASK, test=tuple(replace(s, **change) for s in TASK.test))
        assert [s.id for s in other.test] == [s.id for s in TASK.test]
        monkeypatch.setattr(pipeline, "load_task", lambda name, request, other=other: other)
        assert not any(c.reused for c in pipeline.run_job(job(tiny), Store(tmp_path)).stage_records)


def test_no_stage_but_evaluate_sees_the_test_split(tiny, tmp_path):
    pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    assert Spy.seen
    assert not Spy.seen & {s.id for s in TASK.test}


@pytest.mark.parametrize("stop_at", [0, 1, 3])
def test_a_run_that_was_stopped_ends_with_the_same_bits(tiny, tmp_path, stop_at):
    pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path / "straight"))
    Spy.stop_at = stop_at
    with pytest.raises(KeyboardInterrupt):
        pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path / "stopped"))
    Spy.stop_at = None
    pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path / "stopped"))
    straight, stopped = adapter_of(tmp_path / "straight"), adapter_of(tmp_path / "stopped")
    assert straight.keys() == stopped.keys()
    assert all(torch.equal(straight[name], stopped[name]) for name in straight)
    (log,) = (tmp_path / "stopped").glob("explore/*/metrics.jsonl")
    assert [row["step"] for row in read_jsonl(log)] == [0, 1, 2, 3]


def test_metrics_of_each_step_are_logged(tiny, tmp_path):
    pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    (log,) = tmp_path.glob("explore/*/metrics.jsonl")
    row = json.loads(log.read_text().splitlines()[0])
    assert {"reward", "correct", "unparsed", "length", "tokens", "reward.spy", "seconds.rollout", "kl", "loss"} <= set(
        row
    )


def test_demonstrations_stand_in_the_prompts_and_their_ids_in_the_rollouts(tiny, tmp_path):
    outcome = pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    for rollout in outcome.rollouts:
        assert len(rollout.messages) == 4
        assert rollout.demonstration_ids[0] in {s.id for s in TASK.train}


def test_a_policy_whose_demonstrations_fade_is_evaluated_and_used_without(tiny, tmp_path, monkeypatch):
    shown = pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
    assert shown.demonstration_plugins == ("spy",)
    monkeypatch.setattr(Spy, "demonstration_fade", 0.5, raising=False)
    outcome = pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path / "fade"))
    assert {len(r.messages) for r in outcome.rollouts} == {2}
    assert outcome.demonstration_plugins == ()


def test_a_demonstration_of_the_sample_itself_is_refused(tiny, tmp_path, monkeypatch):
    def itself(self, samples, pool):
        return [[Demonstration(s, "\\boxed{A}")] for s in samples]

    monkeypatch.setattr(Spy, "retrieve", openrft.hookimpl(itself))
    with pytest.raises(PluginError, match="a demonstration of"):
        pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))


def test_an_augmented_sample_without_a_parent_is_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Spy, "augment", openrft.hookimpl(lambda self, samples: [replace(samples[0], question="new")]))
    with pytest.raises(PluginError, match="without lineage"):
        pipeline.run_job(job(tiny, "rl", "spy"), Store(tmp_path))
