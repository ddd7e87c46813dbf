"""The plugin: what is scored, how often, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from openrft_prm import PRM
from openrft_prm.formats import HEADS
from openrft_prm.groups import Group, StepScores
from safetensors.torch import load_file, save_file

from openrft import (
    CheckpointError,
    Completion,
    Demonstration,
    OpenRFTError,
    Reward,
    Rollout,
    Sample,
    UsageError,
    build_messages,
)
from openrft.testing import build_options

SAMPLE = Sample("How many atoms?", "A", ("1", "2"))
DEMONSTRATION = Demonstration(Sample("What is demonstrated?", "B", ("x", "y")), "\\boxed{B}")


def rollout(text: str, demonstrations: Sequence[Demonstration] = ()) -> Rollout:
    return Rollout(SAMPLE, build_messages(SAMPLE, demonstrations), Completion(text))


class Counting:
    """Scores a step by its length and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[Group]] = []
        self.counts: dict[str, int] = {}

    def score(self, groups: Sequence[Group]) -> list[list[StepScores]]:
        self.asked.append(list(groups))
        return [
            [tuple(1 / len(line) for line in text.split("\n") if line.strip()) for text in texts] for _, texts in groups
        ]

    def texts(self) -> list[list[tuple[str, ...]]]:
        """The completions of each group of each call."""
        return [[texts for _, texts in call] for call in self.asked]


@pytest.fixture
def prm(monkeypatch: pytest.MonkeyPatch, checkpoint: Callable[[str], Path]) -> tuple[PRM, Counting]:
    """As with a checkpoint: what is read together is remembered together."""
    plugin, scorer = PRM(PRM.Options(model=str(checkpoint("skywork")), cache_size=3)), Counting()
    monkeypatch.setattr(plugin, "_scorer", scorer)
    return plugin, scorer


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> tuple[PRM, Counting]:
    """As with a judge: each completion is asked about, and remembered, alone."""
    plugin, scorer = PRM(PRM.Options(model="openai:http://nowhere/v1#m", cache_size=3)), Counting()
    monkeypatch.setattr(plugin, "_scorer", scorer)
    return plugin, scorer


def test_one_process_reward_a_rollout_in_order(prm: tuple[PRM, Counting]) -> None:
    plugin, _ = prm
    result = plugin.reward([rollout("ab\nabcd"), rollout("a"), rollout("ab\nabcd")])
    rewards = result.value
    assert rewards[0] == rewards[2] == Reward("prm", "process", score=None, per_step=(0.5, 0.25))
    assert rewards[1].per_step == (1.0,)
    assert result.counts == {"scored": 2, "repeated": 1, "no_steps": 0}


def test_identical_completions_are_judged_once_and_remembered(judge: tuple[PRM, Counting]) -> None:
    plugin, scorer = judge
    plugin.reward([rollout("a"), rollout("b"), rollout("a")])
    plugin.reward([rollout("b"), rollout("c")])
    assert scorer.texts() == [[("a",), ("b",)], [("c",)]]
    plugin.reward([rollout("d")])  # holds 3: a is the one unused for longest
    plugin.reward([rollout(t) for t in "abcd"])
    assert scorer.texts()[-1] == [("a",)]


def test_a_checkpoint_reads_and_remembers_a_questions_completions_together(prm: tuple[PRM, Counting]) -> None:
    plugin, scorer = prm
    other = Sample("And how many bonds?", "A", ("1", "2"))
    more = Rollout(other, build_messages(other), Completion("b"))
    first = plugin.reward([rollout("b"), rollout("a"), more, rollout("b")])
    assert scorer.texts() == [[("a", "b"), ("b",)]]
    assert first.counts == {"scored": 3, "repeated": 1, "no_steps": 0}
    second = plugin.reward([rollout("a"), rollout("b")])
    assert len(scorer.asked) == 1
    assert second.counts == {"scored": 0, "repeated": 2, "no_steps": 0}
    plugin.reward([rollout("a"), more])  # another group: asked again, so that its bits do not depend on history
    assert scorer.texts()[1:] == [[("a",)]]


def test_demonstrations_are_not_shown_to_the_model(prm: tuple[PRM, Counting]) -> None:
    plugin, scorer = prm
    plugin.reward([rollout("a", [DEMONSTRATION])])
    plugin.reward([rollout("a")])
    assert scorer.asked == [[("How many atoms?\nA. 1\nB. 2", ("a",))]]


def test_a_completion_without_steps_is_counted_not_scored(prm: tuple[PRM, Counting]) -> None:
    plugin, scorer = prm
    result = plugin.reward([rollout(""), rollout(" \n\n"), rollout("a")])
    rewards = result.value
    assert [r.per_step for r in rewards] == [(), (), (1.0,)]
    assert result.counts == {"scored": 1, "repeated": 0, "no_steps": 2}
    assert len(scorer.asked[0]) == 1
    assert plugin.reward([]).value == []


def test_a_scorer_that_miscounts_is_refused(prm: tuple[PRM, Counting], monkeypatch: pytest.MonkeyPatch) -> None:
    plugin, scorer = prm
    monkeypatch.setattr(scorer, "score", lambda groups: [[(0.5,)] for _ in groups])
    with pytest.raises(OpenRFTError, match="1 scores for 2 steps"):
        plugin.reward([rollout("a\nb")])


def test_a_model_must_be_named() -> None:
    with pytest.raises(UsageError, match=r"--set prm.model=PATH"):
        PRM.Options()
    with pytest.raises(UsageError, match="at least 1"):
        build_options(PRM.Options, {"model": "x", "batch_tokens": 0})


def test_a_wrong_local_checkpoint_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config.json cannot be read"):
        PRM(PRM.Options(model=str(tmp_path)))


def without(folder: Path, part: str) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if part not in k}, folder / "model.safetensors", {"format": "pt"})


def config(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def layers(folder: Path, count: int) -> None:
    config(folder, num_hidden_layers=count, layer_types=["full_attention"] * count)


def other_tokenizer(folder: Path, replace: Path | None) -> None:
    for file in [*folder.glob("tokenizer*"), *folder.glob("*.jinja")]:
        file.unlink()
    if replace:
        for file in replace.glob("tokenizer*"):
            shutil.copy(file, folder)


@pytest.mark.parametrize(("fault", "message"), [
    (lambda folder, _: without(folder, "layers.1.mlp.up_proj"), "lacks 1 weights of its trunk"),
    (lambda folder, _: other_tokenizer(folder, None), "no token for the end of a line"),
    (lambda folder, _: layers(folder, 1), "no place for"),
    (lambda folder, _: layers(folder, 3), "lacks 12 weights of its trunk"),
    (lambda folder, _: config(folder, intermediate_size=96), "of other shapes than its config says"),
    (lambda folder, good: other_tokenizer(folder, good), "does not know the step token <extra_0>"),
])  # fmt: skip
def test_what_cannot_score_is_refused_before_training_without_reading_weights(
    fault: Callable[[Path, Path], None], message: str, checkpoint: Callable[[str], Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder = Path(shutil.copytree(checkpoint("qwen"), tmp_path / "broken"))
    monkeypatch.delattr("openrft_prm.checkpoint.Checkpoint.load_tensor")
    monkeypatch.delattr("transformers.AutoModel.from_pretrained")
    assert PRM(PRM.Options(model=str(folder)))
    fault(folder, checkpoint("two-label"))
    with pytest.raises(CheckpointError, match=message):
        PRM(PRM.Options(model=str(folder)))


@pytest.mark.parametrize("format", HEADS)
def test_a_good_checkpoint_passes_and_nothing_is_drawn(format: str, checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint(format)
    before = torch.get_rng_state()
    PRM(PRM.Options(model=str(folder)))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_real_checkpoint_end_to_end(checkpoint: Callable[[str], Path]) -> None:
    plugin = PRM(PRM.Options(model=str(checkpoint("skywork"))))
    first = plugin.reward([rollout("one\ntwo"), rollout("three")]).value
    assert [len(r.per_step) for r in first] == [2, 1]
    assert plugin.reward([rollout("three"), rollout("one\ntwo")]).value == first[::-1]
    again = PRM(PRM.Options(model=str(checkpoint("skywork"))))
    assert again.reward([rollout("three"), rollout("one\ntwo")]).value == first[::-1]
    beyond = plugin.reward([rollout("The edge is 2.\n" * 400)])
    assert beyond.counts["steps_beyond_context"] == beyond.value[0].per_step.count(0.0) > 0


def test_nothing_is_kept_where_the_cache_has_no_room(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin, scorer = PRM(PRM.Options(model=str(checkpoint("skywork")), cache_size=0)), Counting()
    monkeypatch.setattr(plugin, "_scorer", scorer)
    assert plugin.reward([rollout("a")]) == plugin.reward([rollout("a")])
    assert len(scorer.asked) == 2


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, openrft_prm; print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
