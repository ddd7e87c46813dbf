"""TRL runs the explore stage: same questions, prompts, rewards, log and resume as any other trainer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from openrft_trl import TRLGRPO
from transformers import AutoTokenizer

import openrft
import openrft.plugins.manager
import openrft.plugins.registry
from openrft import DataRequest, OpenRFTError, Reward, UsageError
from openrft.bench.ablation import build_arms, parse_arms
from openrft.config.settings import EvaluateSettings, ExploreSettings, PolicySettings, Settings
from openrft.job import Arm, Job
from openrft.pipeline import JobResult, run_job
from openrft.runtime.store import Store
from openrft.testing import use_plugins, write_tiny_checkpoint

STEPS = 4
SETTINGS = Settings(
    explore=ExploreSettings(steps=STEPS, prompts_per_step=3, group_size=4, max_tokens=6, probes=0),
    evaluate=EvaluateSettings(completions=1, max_tokens=6),
)
TASK, DATA = "pocket/L3/molar_mass", DataRequest(train=6, test=4)


class Spy:
    """A reward for even first tokens, which a random policy can learn; it remembers what it was shown."""

    rewards = ("outcome",)
    seen: ClassVar[list[tuple[int, str, str]]] = []
    stop_at: ClassVar[int | None] = None

    @openrft.hookimpl
    def reward(self, rollouts: Any, step: int) -> list[Reward]:
        if step == self.stop_at:
            raise KeyboardInterrupt
        self.seen += [(step, r.sample.id, json.dumps(r.messages)) for r in rollouts]
        return [Reward("spy", "outcome", float(r.completion.tokens[0] % 2)) for r in rollouts]

    @openrft.hookimpl
    def retrieve(self, samples: Any, pool: Any) -> Any:
        return [
            [next(demonstration for demonstration in pool if demonstration.sample.root_id != s.root_id)]
            for s in samples
        ]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import AutoModelForCausalLM

    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))
    model = AutoModelForCausalLM.from_pretrained(folder)
    model.lm_head.weight.data *= 20  # with the head's usual small start no adapter below it could make a token likely
    model.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def spy() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    Spy.seen, Spy.stop_at = [], None
    with use_plugins({"spy": Spy}):
        yield
    torch.set_num_threads(threads)


def go(
    tiny: Path, store: Path, *plugins: str, lr: str = "1e-2", settings: Settings = SETTINGS, **more: str
) -> JobResult:
    kl = {"rl": "kl_coef", "trl-grpo": "beta"}
    options = {name: {"lr": lr, kl[name]: "0.01", **more} for name in plugins if name in kl}
    return run_job(Job(Arm("arm", plugins), TASK, 0, str(tiny), DATA, settings, options), Store(store))


def rows_of(result: JobResult) -> list[dict[str, Any]]:
    assert result.metrics_file is not None
    return [json.loads(line) for line in result.metrics_file.read_text().splitlines()]


def adapter_of(store: Path) -> bytes:
    (file,) = store.glob("explore/*/adapter/adapter_model.safetensors")
    return file.read_bytes()


def test_it_asks_what_rl_asks_and_logs_what_rl_logs(tiny: Path, tmp_path: Path) -> None:
    theirs = go(tiny, tmp_path / "theirs", "trl-grpo", "spy")
    seen, Spy.seen = Spy.seen, []
    ours = go(tiny, tmp_path / "ours", "rl", "spy")
    assert seen == Spy.seen
    assert len(seen) == STEPS * 3 * 4
    assert [row["step"] for row in rows_of(theirs)] == list(range(STEPS))
    for name in ("reward", "reward.spy", "correct", "length", "loss", "kl", "entropy", "clip_fraction", "grad_norm"):
        assert name in rows_of(theirs)[0], name
    assert [c.stage for c in theirs.stage_records] == [c.stage for c in ours.stage_records]
    for one, other in zip(theirs.stage_records, ours.stage_records, strict=True):
        assert one.counts.keys() == other.counts.keys()
        assert one.tokens > 0
    assert adapter_of(tmp_path / "theirs") != adapter_of(tmp_path / "ours")


def test_the_policy_learns(tiny: Path, tmp_path: Path) -> None:
    settings = replace(SETTINGS, explore=ExploreSettings(steps=10, prompts_per_step=4, group_size=8, max_tokens=1))
    rewards = [row["reward"] for row in rows_of(go(tiny, tmp_path, "trl-grpo", "spy", lr="3e-2", settings=settings))]
    assert sum(rewards[-4:]) / 4 > sum(rewards[:4]) / 4 + 0.2


def test_credit_by_steps_is_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_steps(self: Spy, rollouts: Any) -> list[Reward]:
        steps = [len(openrft.split_steps(r.completion.text)) for r in rollouts]
        return [Reward("spy", "process", per_step=(0.5,) * n) for n in steps]

    monkeypatch.setattr(Spy, "reward", openrft.hookimpl(by_steps))
    monkeypatch.setattr(Spy, "rewards", ("process",), raising=False)
    settings = replace(SETTINGS, explore=replace(SETTINGS.explore, credit="step"))
    with pytest.raises(UsageError, match="one reward per completion"):
        go(tiny, tmp_path, "trl-grpo", "spy", settings=settings)


def test_an_answer_without_a_reward_is_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_is_lost(self: Spy, rollouts: Any) -> list[Reward | None]:
        return [None, *(Reward("spy", "outcome", 1.0) for _ in rollouts[1:])]

    monkeypatch.setattr(Spy, "reward", openrft.hookimpl(one_is_lost))
    with pytest.raises(OpenRFTError, match="1 of 12 answers of a step have no reward, and TRL needs all"):
        go(tiny, tmp_path, "trl-grpo", "spy")


@pytest.mark.parametrize("stop_at", [1, 3])
def test_a_run_that_was_stopped_ends_with_the_same_bits(tiny: Path, tmp_path: Path, stop_at: int) -> None:
    straight = go(tiny, tmp_path / "straight", "trl-grpo", "spy")
    Spy.stop_at, Spy.seen = stop_at, []
    with pytest.raises(KeyboardInterrupt):
        go(tiny, tmp_path / "stopped", "trl-grpo", "spy")
    Spy.stop_at, before = None, {step for step, *_ in Spy.seen}
    Spy.seen = []
    stopped = go(tiny, tmp_path / "stopped", "trl-grpo", "spy")
    assert before == set(range(stop_at))
    assert {step for step, *_ in Spy.seen} == set(range(stop_at, STEPS))
    assert adapter_of(tmp_path / "stopped") == adapter_of(tmp_path / "straight")
    assert stopped.rollouts == straight.rollouts
    for one, other in zip(rows_of(straight), rows_of(stopped), strict=True):
        same = [name for name in one if not name.startswith(("seconds", "peak"))]
        assert {name: one[name] for name in same} == {name: other[name] for name in same}


def test_nothing_of_the_trainer_stays_in_the_policy(tiny: Path, tmp_path: Path) -> None:
    trained = go(tiny, tmp_path, "trl-grpo", "spy")
    shutil.rmtree(tmp_path / "evaluate")
    loaded = go(tiny, tmp_path, "trl-grpo", "spy")  # a policy that no trainer has touched, with the same adapter
    assert [c.stage for c in loaded.stage_records if not c.reused] == ["evaluate"]
    assert loaded.rollouts == trained.rollouts


def test_split_batches_ask_the_same(tiny: Path, tmp_path: Path) -> None:
    go(tiny, tmp_path / "whole", "trl-grpo", "spy")
    seen, Spy.seen = Spy.seen, []
    go(tiny, tmp_path / "split", "trl-grpo", "spy", gradient_accumulation_steps="3")
    assert seen == Spy.seen
    with pytest.raises(OpenRFTError, match="12 completions per step cannot be split into 5"):
        go(tiny, tmp_path / "odd", "trl-grpo", "spy", gradient_accumulation_steps="5")


def test_a_loss_that_is_no_number_stops_the_job(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(OpenRFTError, match="at step 1 the policy's probabilities are no longer finite"):
        go(tiny, tmp_path, "trl-grpo", "spy", lr="1e30")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"lr_scheduler_type": "linear"}', "would begin a schedule again"),
        ('{"warmup_steps": 2}', "would begin a schedule again"),
        ('{"weight_decay": 0.1}', "TRL would ignore it"),
    ],
)
def test_fields_that_would_break_a_stopped_run_or_do_nothing(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TRLGRPO(TRLGRPO.Options(grpo_config=text))


def test_further_fields_of_grpo_config(tiny: Path, tmp_path: Path) -> None:
    for text, words in (
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"num_generations": 4}', "set by explore.group_size"),
        ('{"save_strategy": "steps"}', "set by the stage: it saves every step"),
    ):
        with pytest.raises(UsageError, match=words):
            go(tiny, tmp_path, "trl-grpo", grpo_config=text)
    with pytest.raises(OpenRFTError, match="GRPOConfig refuses its arguments"):
        go(tiny, tmp_path, "trl-grpo", "spy", grpo_config='{"no_such_thing": 1}')
    more = {"loss_type": "dr_grpo", "grpo_config": '{"scale_rewards": "none"}'}
    row = rows_of(go(tiny, tmp_path, "trl-grpo", "spy", **more))[-1]
    assert row["step"] == STEPS - 1


def test_it_takes_the_place_of_rl_in_an_arm() -> None:
    (arm,) = parse_arms(["theirs=trl-grpo,prm"], [])
    assert arm.plugins == ("trl-grpo", "prm")
    arms, rungs = build_arms(["trl-grpo", "prm"], "ablation", [])
    assert {a.plugins for a in arms} == {(), ("trl-grpo",), ("trl-grpo", "prm")}
    assert rungs.base == "vanilla"
    with pytest.raises(UsageError, match="trl-grpo takes the place of rl"):
        parse_arms(["both=rl,trl-grpo"], [])


@pytest.mark.parametrize("trainer", ["trl-grpo", "rl"])
def test_a_thought_that_the_prompt_opened_is_seen_by_every_reward(tiny: Path, tmp_path: Path, trainer: str) -> None:
    folder = shutil.copytree(tiny, tmp_path / "thinking")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template += "{% if add_generation_prompt %}<think>\n{% endif %}"
    tokenizer.save_pretrained(folder)
    texts: list[str] = []

    class Reader:
        rewards = ("outcome",)

        @openrft.hookimpl
        def reward(self, rollouts: Any) -> list[Reward]:
            texts.extend(r.completion.text for r in rollouts)
            assert not any("<think>" in tokenizer.decode(r.completion.tokens) for r in rollouts)
            return [Reward("reader", "outcome", 0.5) for _ in rollouts]

    with use_plugins({"reader": Reader}):
        result = go(folder, tmp_path / "store", trainer, "reader")
    assert len(texts) == STEPS * 3 * 4
    assert all(text.startswith("<think>") and text.count("<think>") == 1 for text in texts)
    (explored,) = [c.counts for c in result.stage_records if c.stage == "explore"]
    assert explored["cut_off_thinking"] == explored["cut_off"] > 0


def test_a_budget_for_thinking_is_refused_before_anything_runs() -> None:
    found = TRLGRPO(TRLGRPO.Options()).check_job(replace(SETTINGS, policy=PolicySettings(thinking_budget=5)))
    assert found == ["trl-grpo draws answers without a budget for thinking: leave out policy.thinking_budget."]
