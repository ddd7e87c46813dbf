"""Imitation on a tiny model: what is learnt, what is masked, what is left behind."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from openrft_sft import SFT
from openrft_sft.rows import IGNORED, build_rows
from transformers import AutoTokenizer

import openrft
from openrft import Completion, Rollout, Sample, Sampling, build_messages
from openrft.testing import build_options, write_tiny_checkpoint
from tests.device import Device

# PEFT asks transformers by an older name; nothing that this plugin could change.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


class RecordedProgress:
    """Keeps the progress that the plugin reports."""

    def __init__(self) -> None:
        self.updates: list[tuple[int, int, str]] = []

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        assert stage == "imitate"
        self.updates.append((done, total, note))


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other on busy cores make tiny models ten times slower."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random tiny Llama that can be taught."""
    from transformers import AutoModelForCausalLM

    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny"))
    model = AutoModelForCausalLM.from_pretrained(folder)
    # With the head's usual small start no adapter below it could make any token likely.
    model.lm_head.weight.data *= 20
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def policy(checkpoint: Path, device: Device) -> Any:
    return device.open_policy(checkpoint)


def rollouts_of(count: int = 8, text: str = "so\n\\boxed{B}") -> list[Rollout]:
    samples = [Sample(f"Is it {i}?", "B", ("no", "yes"), task="toy") for i in range(count)]
    return [Rollout(s, build_messages(s, instruction="Reason."), Completion(text), correct=True) for s in samples]


def train(policy: Any, rollouts: Sequence[Rollout], seed: int = 3, **options: Any) -> tuple[Any, Any, RecordedProgress]:
    settings = {"lr": 5e-3, "epochs": 4, "batch_size": 4, **options}
    plugin, progress = SFT(SFT.Options(**settings)), RecordedProgress()
    result = plugin.train_step(policy, rollouts, "imitate", seed, progress)
    assert result is not None
    return result.value, result.counts, progress


def likelihood(policy: Any, rollout: Rollout, text: str) -> float:
    """Log-probability that the policy gives `text` and the end token after the rollout's prompt."""
    import torch

    prompt = policy.encode(rollout.messages)
    target = [*policy.tokenizer.encode(text, add_special_tokens=False), policy.end_token]
    with torch.no_grad():
        ids = torch.tensor([prompt + target], device=policy.model.device)
        logits = policy.model(ids).logits[0, len(prompt) - 1 : -1].cpu()
    return float(logits.log_softmax(-1)[torch.arange(len(target)), torch.tensor(target)].sum())


def test_rows_are_the_policys_own_prompt_and_the_completion_with_its_end(policy: Any) -> None:
    (rollout,) = rollouts_of(1)
    rows = build_rows(policy, [rollout], 2048)
    prompt = policy.encode(rollout.messages)
    assert rows.input_ids[0][: len(prompt)] == prompt
    assert rows.labels[0][: len(prompt)] == [IGNORED] * len(prompt)
    target = rows.labels[0][len(prompt) :]
    assert target == rows.input_ids[0][len(prompt) :]
    assert policy.tokenizer.decode(target[:-1]) == rollout.completion.text
    assert target[-1] == policy.end_token == policy.tokenizer.eos_token_id
    assert rows.targets == len(target)


def test_cut_and_dropped_rows_are_counted(policy: Any) -> None:
    rollouts = rollouts_of(2)
    prompt = len(policy.encode(rollouts[0].messages))
    rows = build_rows(policy, rollouts, prompt + 3)
    assert (rows.truncated, rows.dropped, rows.targets) == (2, 0, 6)
    long = Sample("long " * 300, "B", ("no", "yes"))
    too_long = Rollout(long, build_messages(long), Completion("\\boxed{B}"))
    assert build_rows(policy, [*rollouts, too_long], 2048).dropped == 1  # the model's context is 1024
    with pytest.raises(openrft.OpenRFTError, match="all 2 prompts are longer"):
        build_rows(policy, rollouts, prompt)


def test_the_trainer_masks_the_prompt(policy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batches that reach the model carry labels for the completion and nothing else."""
    from trl import SFTTrainer

    seen: list[Any] = []
    inner = SFTTrainer.compute_loss

    def spy(self: Any, model: Any, inputs: Any, **named: Any) -> Any:
        seen.append({name: tensor.clone() for name, tensor in inputs.items()})
        return inner(self, model, inputs, **named)

    monkeypatch.setattr(SFTTrainer, "compute_loss", spy)
    rollouts = [*rollouts_of(3), *rollouts_of(1, "a much longer completion\n\\boxed{B}")]
    train(policy, rollouts, epochs=1)
    (batch,) = seen
    texts = set()
    for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        learnt = [label for label in labels if label != IGNORED]
        texts.add(policy.tokenizer.decode(learnt))
        first = labels.index(learnt[0])
        assert ids[first : first + len(learnt)] == learnt
        assert ids[:first] in [policy.encode(rollout.messages) for rollout in rollouts]
    assert texts == {"so\n\\boxed{B}<end>", "a much longer completion\n\\boxed{B}<end>"}


def test_the_first_loss_is_that_of_the_completions_alone(policy: Any) -> None:
    rollouts = rollouts_of(4)
    tokens = len(policy.tokenizer.encode(rollouts[0].completion.text)) + 1
    expected = -sum(likelihood(policy, r, r.completion.text) for r in rollouts) / (4 * tokens)
    metrics, _, _ = train(policy, rollouts, epochs=1)
    assert metrics["loss.first"] == pytest.approx(expected, rel=1e-3)  # the trainer logs four digits


def test_the_targets_become_likely_and_the_adapter_is_what_does_it(policy: Any, tmp_path: Path) -> None:
    rollouts = rollouts_of()
    text = rollouts[0].completion.text
    before = likelihood(policy, rollouts[0], text)
    metrics, counts, progress = train(policy, rollouts, epochs=20, lora_rank=8)
    after = likelihood(policy, rollouts[0], text)
    assert metrics["loss.last"] < 0.5 * metrics["loss.first"]
    assert metrics["steps"] == 40
    assert after > before + 20
    with policy.disable_adapter():
        assert likelihood(policy, rollouts[0], text) == pytest.approx(before, abs=1e-3)
    assert counts == {"rollouts": 8, "truncated": 0, "dropped": 0, "tokens": 20 * 8 * 13}
    assert progress.updates[-1][:2] == (40, 40)
    policy.save_adapter(tmp_path)
    policy.merge_adapter()
    assert likelihood(policy, rollouts[0], text) == pytest.approx(after, abs=1e-3)
    fresh = openrft.open_policy(policy.path)
    fresh.load_adapter(tmp_path)
    assert likelihood(fresh, rollouts[0], text) == pytest.approx(after, abs=1e-3)


def test_the_trained_policy_stops_where_the_targets_stop(policy: Any) -> None:
    rollouts = rollouts_of()
    train(policy, rollouts, epochs=20, lora_rank=8)
    ((answer,),) = policy.generate([rollouts[0].messages], Sampling(temperature=0, max_tokens=40))
    assert (answer.text, answer.finish_reason) == ("so\n\\boxed{B}", "stop")


def test_same_seed_same_adapter_other_seed_another(checkpoint: Path) -> None:
    def weights(seed: int) -> list[float]:
        policy = openrft.open_policy(str(checkpoint))
        train(policy, rollouts_of(), seed=seed, epochs=1)
        tensors = [p.flatten() for name, p in policy.model.named_parameters() if "lora_" in name]
        return list(itertools.chain.from_iterable(t.tolist() for t in tensors))

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_nothing_is_left_behind(
    policy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import trl.trainer.base_trainer as base_trainer

    sent: list[Any] = []
    monkeypatch.setattr(base_trainer, "send_telemetry", lambda *a, **k: sent.append(a))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    base, tokenizer = policy.model, policy.tokenizer
    tokenizer.pad_token = None  # as many tokenizers come: TRL would give it one
    before = (base.config.to_dict(), base.generation_config.to_dict(), tokenizer.pad_token, base.training)
    train(policy, rollouts_of())
    assert sent == []
    assert list(tmp_path.iterdir()) == []
    assert (base.config.to_dict(), base.generation_config.to_dict(), tokenizer.pad_token, base.training) == before
    assert "forward" not in vars(base)
    assert policy.model.get_base_model() is base
    trainable = {name for name, p in policy.model.named_parameters() if p.requires_grad}
    assert trainable
    assert all("lora_" in name for name in trainable)
    output = capfd.readouterr()
    assert output.out == ""
    assert output.err == ""


def test_a_loss_that_is_no_number_names_the_step(policy: Any) -> None:
    with pytest.raises(openrft.OpenRFTError, match=r"the loss is (nan|inf) at step \d+ of 8"):
        train(policy, rollouts_of(), lr=1e30)


def test_accumulated_parts_make_the_same_batch(checkpoint: Path) -> None:
    whole, parts = (openrft.open_policy(str(checkpoint)) for _ in range(2))
    one, _, _ = train(whole, rollouts_of(), epochs=2)
    two, _, _ = train(parts, rollouts_of(), epochs=2, gradient_accumulation_steps=4)
    assert one["steps"] == two["steps"] == 4
    assert one["loss.last"] == pytest.approx(two["loss.last"], rel=1e-2)


def test_importing_the_plugin_imports_no_trainer() -> None:
    code = "import openrft_sft, sys; print([m for m in ('torch', 'trl', 'datasets') if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"


def test_another_objective_is_not_its_business() -> None:
    assert SFT(SFT.Options()).train_step(None, [], "explore", 0, RecordedProgress()) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lora_rank": 0}, "lora_rank: 0 is not at least 1"),
        ({"max_length": 0}, "max_length: 0 is not at least 1"),
        ({"gradient_accumulation_steps": 3}, "cannot be split into 3"),
        ({"lr": 0.0}, "lr: 0.0 is not above 0"),
    ],
)
def test_what_cannot_be_done_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(openrft.UsageError, match=message):
        build_options(SFT.Options, options)


OPENED = "{% for m in messages %}<{{ m.role[0] }}>{{ m.content.split('</think>')[-1] }}{% if m.role == 'assistant' %}"
OPENED += "{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}<a><think>\n{% endif %}"


@pytest.fixture
def thinking(checkpoint: Path, tmp_path: Path) -> Any:
    """A policy whose template opens the thought."""
    folder = shutil.copytree(checkpoint, tmp_path / "thinking")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = OPENED
    tokenizer.save_pretrained(folder)
    return openrft.open_policy(str(folder))


@pytest.mark.parametrize(
    "trace", ["<think>\nso\n</think>\n\n\\boxed{B}", "<think>so</think>\\boxed{B}", "so\n\\boxed{B}"]
)
def test_a_student_whose_prompt_opens_the_thought_is_taught_to_close_it_once(thinking: Any, trace: str) -> None:
    """However the teacher marked its thought."""
    (ids,) = build_rows(thinking, rollouts_of(1, trace), 2048).input_ids
    assert thinking.tokenizer.decode(ids).endswith("yes<a><think>\nso\n</think>\n\n\\boxed{B}<end>")


def test_what_was_taught_is_what_the_policy_then_writes_after_its_own_prompt(thinking: Any) -> None:
    rollouts = rollouts_of(text="[THINK]so[/THINK]\\boxed{B}")
    train(thinking, rollouts, epochs=60, lora_rank=16, lr=1e-2, batch_size=8)
    ((answer,),) = thinking.generate([rollouts[0].messages], Sampling(temperature=0, max_tokens=40))
    assert (answer.text, answer.finish_reason) == ("<think>so\n</think>\n\n\\boxed{B}", "stop")
    assert openrft.final_answer(answer.text) == "B"
