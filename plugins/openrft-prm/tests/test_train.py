from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from openrft_prm import PRM
from openrft_prm.labels import read
from openrft_prm.train import train
from transformers import AutoModelForCausalLM, AutoModelForTokenClassification

from openrft import Completion, DataError, Rollout, UsageError


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
    out = train(
        str(checkpoint("rlhflow")), data, tmp_path / "mine", head, epochs=12, lr=5e-3, batch_tokens=1024,
        tick=lambda step, steps, loss: losses.append(loss),
    )  # fmt: skip
    assert losses[-1] < losses[0] / 4
    (reward,) = PRM(PRM.Options(model=str(out))).reward([sample_rollout("Question 1", "a a\nb b\na a")])
    right, wrong, again = reward.per_step
    assert min(right, again) > 0.8 > 0.2 > wrong
    _, report = model_class.from_pretrained(out, output_loading_info=True)  # the form others read, too
    assert not report["missing_keys"]


def test_training_twice_gives_the_same_weights(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    data = write(tmp_path / "steps.jsonl", 8)
    a, b = (train(str(checkpoint("skywork")), data, tmp_path / name, epochs=1) for name in "ab")
    assert (a / "model.safetensors").read_bytes() == (b / "model.safetensors").read_bytes()
    with pytest.raises(UsageError, match="not empty"):
        train(str(checkpoint("skywork")), data, a)


@pytest.mark.parametrize(("line", "fault"), [
    ("{", "not a row"),
    ('{"prompt": "q"}', "not a row"),
    ('{"prompt": "q", "completions": ["a"], "labels": []}', "do not fit"),
    ('{"prompt": "q", "completions": [], "labels": []}', "do not fit"),
    ('{"prompt": "q", "completions": ["a"], "labels": ["yes"]}', "do not fit"),
    ('{"prompt": "q", "completions": ["a\\nb"], "labels": [true]}', "one line"),
])  # fmt: skip
def test_a_malformed_row_is_named(line: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "steps.jsonl"
    file.write_text('{"prompt": "q", "completions": ["a"], "labels": [true]}\n\n' + line + "\n")
    with pytest.raises(DataError, match=rf"steps.jsonl:3: .*{fault}"):
        list(read(file))


def test_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no rows"):
        list(read(tmp_path / "empty.jsonl"))
    with pytest.raises(DataError, match="no such file"):
        list(read(tmp_path / "gone.jsonl"))


@pytest.fixture
def sample_rollout() -> Callable[[str, str], Rollout]:
    from openrft import Sample

    def make(problem: str, text: str) -> Rollout:
        return Rollout(Sample(problem, "A", ("1", "2")), ({"role": "user", "content": problem},), Completion(text))

    return make
