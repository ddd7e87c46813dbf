"""Training from step labels: what it learns, what it writes, and how a stopped training goes on."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from openrft_prm import PRM
from openrft_prm.labelling import LabelledSolution, format_labels, read_labels
from openrft_prm.scorer import CheckpointScorer
from openrft_prm.training import HeldOutResult, TrainingConfig, evaluate_checkpoint, split_held_out, train
from transformers import (
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
)

from openrft import CheckpointError, Completion, OpenRFTError, Rollout, UsageError
from tests.device import Device


def write(path: Path, rows: int) -> Path:
    """A step "a" is right and a step "b" is wrong."""
    rng = random.Random(0)
    with path.open("w") as out:
        for i in range(rows):
            labels = [rng.random() < 0.5 for _ in range(rng.randint(1, 4))]
            steps = ["a a" if label else "b b" for label in labels]
            out.write(json.dumps({"prompt": f"Question {i % 5}", "completions": steps, "labels": labels}) + "\n")
    return path


@pytest.mark.parametrize(("head", "model_class"), [
    ("two-label", AutoModelForTokenClassification), ("skywork", AutoModelForCausalLM),
])  # fmt: skip
def test_it_learns_and_what_it_writes_is_scored(
    head: Literal["two-label", "skywork"], model_class: type, checkpoint: Callable[[str], Path], tmp_path: Path,
    sample_rollout: Callable[[str, str], Rollout],
) -> None:  # fmt: skip
    data, losses = write(tmp_path / "steps.jsonl", 96), []
    out, config = tmp_path / "mine", TrainingConfig(head, epochs=12, lr=5e-3, batch_tokens=1024, hold_out=0.2)
    result = train(str(checkpoint("rlhflow")), data, out, config, lambda step, steps, loss: losses.append(loss))
    assert losses[-1] < losses[0] / 4
    assert result.questions == 1
    assert result.auroc > 0.95
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("mine")] == ["mine"]
    (reward,) = PRM(PRM.Options(model=str(out))).reward([sample_rollout("Question 1", "a a\nb b\na a")]).value
    right, wrong, again = reward.per_step
    assert min(right, again) > 0.8 > 0.2 > wrong
    _, report = model_class.from_pretrained(out, output_loading_info=True)  # the form others read, too
    assert not report["missing_keys"]


@pytest.mark.parametrize(("head", "hold_out"), [("two-label", 0.0), ("two-label", 0.4), ("skywork", 0.0)])
def test_a_trunk_by_another_name_than_model(
    head: Literal["two-label", "skywork"], hold_out: float, checkpoint: Callable[[str], Path], tmp_path: Path,
    sample_rollout: Callable[[str, str], Rollout],
) -> None:  # fmt: skip
    """GPT-2 calls it `transformer`, and its context `n_positions`."""
    base, out, data = tmp_path / "gpt2", tmp_path / "mine", write(tmp_path / "steps.jsonl", 16)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint("rlhflow"))
    shape = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=64)
    GPT2LMHeadModel(shape).save_pretrained(base)
    tokenizer.save_pretrained(base)
    result = train(str(base), data, out, TrainingConfig(head, epochs=1, hold_out=hold_out))
    assert (result is not None) is (hold_out > 0)
    result = PRM(PRM.Options(model=str(out))).reward([sample_rollout("Question 1", "a a\n" * 64)])
    (reward,) = result.value
    assert reward.per_step[0] > 0
    assert 0 < result.counts["steps_beyond_context"] < 64
    if head == "skywork":
        model, report = AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
        assert (model.config.architectures, report["missing_keys"]) == (["GPT2LMHeadModel"], set())


def test_a_base_that_cannot_be_read_is_refused_before_training(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    base = Path(shutil.copytree(checkpoint("rlhflow"), tmp_path / "base"))
    tokenizer = AutoTokenizer.from_pretrained(base)
    known = len(tokenizer)
    tokenizer.add_tokens(["a a"])
    tokenizer.save_pretrained(base)
    with pytest.raises(CheckpointError, match=f"writes token {known}, and the model knows {known}"):
        train(str(base), write(tmp_path / "steps.jsonl", 8), tmp_path / "mine", TrainingConfig())


class Stopped(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("stop_at", [1, 5, 8])
def test_a_stopped_training_ends_with_the_same_weights(
    stop_at: int, checkpoint: Callable[[str], Path], tmp_path: Path, device: Device
) -> None:
    data, config = write(tmp_path / "steps.jsonl", 24), TrainingConfig("skywork", epochs=3, batch_tokens=400)
    train(str(checkpoint("skywork")), data, tmp_path / "straight", config)

    def stop(step: int, steps: int, loss: float) -> None:
        if step == stop_at:
            raise Stopped

    ticks: list[int] = []
    with pytest.raises(Stopped):
        train(str(checkpoint("skywork")), data, tmp_path / "stopped", config, stop)
    assert not (tmp_path / "stopped").exists()
    if stop_at > 5:
        with pytest.raises(UsageError, match="holds a training run with other data or settings"):
            train(str(checkpoint("skywork")), data, tmp_path / "stopped", TrainingConfig("skywork", epochs=4))
    train(str(checkpoint("skywork")), data, tmp_path / "stopped", config, lambda step, *_: ticks.append(step))
    device.assert_equal_weights(tmp_path / "stopped" / "model.safetensors", tmp_path / "straight" / "model.safetensors")
    assert (ticks[0] == 1) is (stop_at == 1)


def test_a_stopped_training_with_dropout_ends_with_the_same_weights(
    checkpoint: Callable[[str], Path], tmp_path: Path, device: Device
) -> None:
    base = shutil.copytree(checkpoint("skywork"), tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**config, "attention_dropout": 0.3}))
    data, config = write(tmp_path / "steps.jsonl", 12), TrainingConfig("skywork", epochs=2, batch_tokens=400)
    train(str(base), data, tmp_path / "straight", config)

    def stop(step: int, steps: int, loss: float) -> None:
        if step > steps // 2:
            raise Stopped

    with pytest.raises(Stopped):
        train(str(base), data, tmp_path / "stopped", config, stop)
    train(str(base), data, tmp_path / "stopped", config)
    device.assert_equal_weights(tmp_path / "stopped" / "model.safetensors", tmp_path / "straight" / "model.safetensors")


def test_a_folder_in_use_and_a_solution_beyond_the_context(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    data = write(tmp_path / "steps.jsonl", 8)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(UsageError, match="not empty"):
        train(str(checkpoint("skywork")), data, tmp_path / "used", TrainingConfig())
    data.write_text(json.dumps({"prompt": "q " * 600, "completions": ["a"], "labels": [1]}))
    with pytest.raises(UsageError, match=r"has \d+ tokens and the model reads 512 \('q q"):
        train(str(checkpoint("skywork")), data, tmp_path / "new", TrainingConfig())


def test_a_loss_that_is_no_number_is_said_and_nothing_written(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    data = write(tmp_path / "steps.jsonl", 24)
    with pytest.raises(OpenRFTError, match=r"the loss is (nan|inf) at step \d+. Lower --lr"):
        train(str(checkpoint("skywork")), data, tmp_path / "mine", TrainingConfig(lr=1e20, epochs=4, batch_tokens=400))
    assert not (tmp_path / "mine").exists()


def test_what_is_held_out_shares_no_question() -> None:
    rows = [LabelledSolution(f"q{i % 10}", ("a",), (1.0,)) for i in range(40)]
    learnt, kept = split_held_out(rows, 0.2, seed=0)
    assert len({r.prompt for r in kept}) == 2
    assert not {r.prompt for r in learnt} & {r.prompt for r in kept}
    assert split_held_out(rows, 0.0, seed=0) == (rows, [])
    assert split_held_out(rows[:1], 0.9, seed=0) == (rows[:1], [])


def test_soft_labels_are_learnt_as_such(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    data = tmp_path / "steps.jsonl"
    rows = [LabelledSolution(f"q{i}", ("a a", "b b"), (0.25, 0.75)) for i in range(32)]
    data.write_text(format_labels(rows))
    assert list(read_labels(data)) == rows
    for head in ("two-label", "skywork"):
        out = tmp_path / head
        train(
            str(checkpoint("rlhflow")),
            data,
            out,
            TrainingConfig(head, epochs=20, lr=5e-3, batch_tokens=1024, hold_out=0),
        )
        ((scores,),) = CheckpointScorer(str(out), "auto", 1024).score([("q1", ("a a\nb b",))])
        assert scores == pytest.approx((0.25, 0.75), abs=0.1)


@pytest.fixture
def sample_rollout() -> Callable[[str, str], Rollout]:
    from openrft import Sample

    def make(problem: str, text: str) -> Rollout:
        return Rollout(Sample(problem, "A", ("1", "2")), ({"role": "user", "content": problem},), Completion(text))

    return make


def test_a_checkpoint_is_evaluated_on_labelled_steps(checkpoint: Callable[[str], Path]) -> None:
    model = str(checkpoint("skywork"))
    ((scores,),) = CheckpointScorer(model, "auto", 1024).score([("q", ("a\nb b\na a b",))])
    low, middle, high = sorted(range(3), key=lambda i: scores[i])
    labels = {low: 0.0, middle: 0.7, high: 0.2}
    row = LabelledSolution("q", ("a", "b b", "a a b"), tuple(labels[i] for i in range(3)))
    assert evaluate_checkpoint(model, [row]) == HeldOutResult(1, 3, 1, 0.5)
    assert evaluate_checkpoint(model, [replace(row, labels=(1.0,) * 3)]).auroc is None
