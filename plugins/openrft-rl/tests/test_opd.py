"""On-policy distillation: the equations by hand, the teacher's numbers against transformers, and runs of it."""

from __future__ import annotations

import json
import math
import shutil
from typing import ClassVar

import pytest
import torch
from openrft_rl.batch import build_sequences
from openrft_rl.distillation import DistillationTeacher
from openrft_rl.equations.distillation import (
    compute_divergence,
    discounted_returns,
    find_disagreement,
    reverse_kl_rewards,
)
from openrft_rl.equations.losses import clipped_policy_loss
from openrft_rl.metrics import Metrics
from openrft_rl.opd import OPD
from transformers import AutoModelForCausalLM, AutoTokenizer

import openrft
from openrft import Completion, MemoryPlan, Reward, Rollout, UsageError, build_messages, open_policy, pipeline
from openrft.config.settings import EvaluateSettings, ExploreSettings, Settings
from openrft.job import Arm, Job
from openrft.runtime.store import Store
from openrft.testing import check_plugin, toy_task, use_plugins, write_tiny_checkpoint

TASK = toy_task(8, 2)


def test_a_tokens_reward_is_what_the_teacher_gives_it_over_what_the_student_gives_it():
    own, teachers = torch.tensor([0.5, 0.25, 0.9]).log(), torch.tensor([0.25, 0.5, 0.9]).log()
    rewards = reverse_kl_rewards(own, teachers)
    assert rewards.tolist() == pytest.approx([-math.log(2), math.log(2), 0.0])
    assert find_disagreement(torch.tensor([-0.8, -0.6, 0.7])).tolist() == [1, 0, 0]


@pytest.mark.parametrize(("discount", "expected"), [(0.0, [1, -2, 4]), (0.5, [1.0, 0.0, 4]), (1.0, [3, 2, 4])], ids=str)
def test_returns_by_hand(discount, expected):
    assert discounted_returns(torch.tensor([1.0, -2, 4]), discount).tolist() == expected


def test_the_expected_gradient_is_that_of_the_reverse_kl():
    """Summed over all tokens that could be drawn, weighted by their probabilities."""
    student = torch.tensor([0.3, -1.0, 0.8, 0.0], dtype=torch.double, requires_grad=True)
    own, teachers = student.log_softmax(0), torch.tensor([1.0, 0.5, -0.7, 0.0], dtype=torch.double).log_softmax(0)
    (exact,) = torch.autograd.grad((own.exp() * (own - teachers)).sum(), student, retain_graph=True)
    loss = clipped_policy_loss(own - own.detach(), reverse_kl_rewards(own, teachers).detach(), 0.2, 0.2)
    (sampled,) = torch.autograd.grad((own.exp().detach() * loss).sum(), student)
    assert torch.allclose(exact, sampled)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    torch.set_num_threads(1)
    return write_tiny_checkpoint(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A checkpoint with the same tokenizer and stronger opinions."""
    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("teacher"))
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.lm_head.weight *= 8
    model.save_pretrained(folder)
    return folder


def rollouts_of(*completions):
    return [
        Rollout(sample, build_messages(sample), completion, reward=0.0)
        for sample, completion in zip(TASK.train, completions, strict=False)
    ]


def test_advantages_are_those_that_transformers_gives(student, teacher):
    policy = open_policy(str(student))
    tokens = (40, 77, 12, 200, 1)
    first = Completion("x", tokens, (-1.0, -2.0, -3.0, -4.0, -5.0), temperature=0.7, inserted=(2,))
    rollouts = rollouts_of(Completion("", ()), first)
    sequences = build_sequences(policy, rollouts)
    metrics = Metrics()
    scorer = DistillationTeacher(str(teacher), policy)
    (scored,) = scorer.read(rollouts).add_advantages(sequences, MemoryPlan(4096), metrics, 0.0)

    model, tokenizer = AutoModelForCausalLM.from_pretrained(teacher), AutoTokenizer.from_pretrained(teacher)
    prompt = tokenizer.apply_chat_template(rollouts[1].messages, add_generation_prompt=True, return_dict=False)
    logits = model(torch.tensor([[*prompt, *tokens]])).logits[0, len(prompt) - 1 : -1] / 0.7
    found = logits.log_softmax(-1)[range(5), tokens].tolist()
    expected = [theirs - own for theirs, own in zip(found, first.logprobs, strict=True)]
    expected[2] = 0.0  # no policy drew this token
    assert scored.advantages.tolist() == pytest.approx(expected, abs=1e-4)
    drawn = [expected[i] for i in (0, 1, 3, 4)]
    assert metrics.report() == {
        "reverse_kl": pytest.approx(-sum(drawn) / 4, abs=1e-4),
        "teacher_disagrees": pytest.approx(sum(value < -math.log(2) for value in drawn) / 4),
    }


@pytest.mark.parametrize(("divergence", "expected"), [("forward", 0.13081), ("reverse", 0.14384), ("jsd", 0.03382)])
def test_divergences_by_hand(divergence, expected):
    """Of a student that says (1/2, 1/2) and a teacher that says (1/4, 3/4)."""
    found = compute_divergence(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, math.log(3)]]), divergence)
    assert found.tolist() == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize("divergence", ["forward", "reverse", "jsd"])
def test_whole_vocabularies_are_compared_as_transformers_has_them_and_come_closer(student, teacher, divergence):
    policy = open_policy(str(student))
    tokens = ((40, 77, 12, 200, 1), (40, 99))
    rollouts = rollouts_of(*(Completion("x", ids, (-1.0,) * len(ids), temperature=0.7) for ids in tokens))
    models = [AutoModelForCausalLM.from_pretrained(folder) for folder in (student, teacher)]
    expected = []
    for rollout in rollouts:
        ids, prompt = rollout.completion.tokens, policy.encode(rollout.messages)
        own, other = (m(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1] / 0.7 for m in models)
        expected += compute_divergence(own, other, divergence).tolist()

    plugin = OPD(OPD.Options(teacher=str(teacher), divergence=divergence, lr=1e-2))
    found = [plugin.train_step(policy, rollouts, "explore", step, 0, None).value["divergence"] for step in range(4)]
    assert found[0] == pytest.approx(sum(expected) / 7, rel=1e-4)
    assert found[0] > found[1] > found[2] > found[3]


class Stop:
    """Stops the run at a step. Its rewards are all the same, so they teach nothing."""

    rewards = ("outcome",)
    at: ClassVar[int | None] = None

    @openrft.hookimpl
    def reward(self, rollouts, step):
        if step == self.at:
            raise KeyboardInterrupt
        return [Reward("stop", "outcome", 0.0) for _ in rollouts]


class Toy:
    """The task family's plugin; its task is handed over directly."""

    @openrft.hookimpl
    def tasks(self):
        return None


@pytest.fixture
def run(monkeypatch):
    """A run of the smallest student and teacher that know something; none of random weights teaches any other."""
    torch.set_num_threads(1)
    monkeypatch.setattr(pipeline, "load_task", lambda name, request: TASK)
    monkeypatch.setattr(Stop, "at", None)

    def explore(store):
        settings = Settings(
            ExploreSettings(steps=6, prompts_per_step=4, group_size=6, max_tokens=32),
            EvaluateSettings(completions=1, max_tokens=4),
        )
        options = {"opd": {"teacher": "pocket/teacher", "lr": 3e-3, "lora_rank": 8, "lora_alpha": 16}}
        job = Job(Arm("arm", ("opd", "stop")), "toy/sums", 0, "pocket", settings=settings, options=options)
        result = pipeline.run_job(job, Store(store))
        (adapter,) = store.glob("explore/*/adapter/adapter_model.safetensors")
        rows = [json.loads(line) for line in result.metrics_file.read_text("utf-8").splitlines()]
        (counts,) = [record.counts for record in result.stage_records if record.stage == "explore"]
        return adapter.read_bytes(), rows, counts

    with use_plugins({"toy": Toy, "stop": Stop}):
        yield explore


def test_training_lowers_the_reverse_kl_and_a_stopped_run_ends_with_the_same_bits(run, tmp_path, monkeypatch, caplog):
    straight, rows, counts = run(tmp_path / "straight")
    assert rows[-1]["reverse_kl"] < 0.5 * rows[0]["reverse_kl"]
    assert all(row["updates"] == 1 and 0 <= row["teacher_disagrees"] <= 1 for row in rows)
    assert counts["idle_steps"] == 0  # equal rewards: nothing learns from them
    assert "nothing to learn" not in caplog.text

    monkeypatch.setattr(Stop, "at", 4)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped")
    monkeypatch.setattr(Stop, "at", None)
    stopped, again, _ = run(tmp_path / "stopped")
    assert stopped == straight
    assert [row["reverse_kl"] for row in again] == [row["reverse_kl"] for row in rows]


def test_a_teacher_with_other_tokens_is_refused(student, teacher, tmp_path):
    policy = open_policy(str(student))
    swapped, ending = (shutil.copytree(teacher, tmp_path / name) for name in ("swapped", "ending"))
    file = swapped / "tokenizer.json"
    layout = json.loads(file.read_text("utf-8"))
    vocabulary = layout["model"]["vocab"]
    vocabulary["A"], vocabulary["B"] = vocabulary["B"], vocabulary["A"]
    file.write_text(json.dumps(layout), "utf-8")
    words = rf"2 of 258 tokens differ \('A' is number {vocabulary['A']}, the policy's is number {vocabulary['B']}\)"
    with pytest.raises(UsageError, match=words):
        DistillationTeacher(str(swapped), policy)

    file = ending / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "eos_token": "<pad>"}), "utf-8")
    with pytest.raises(UsageError, match="ends an answer with '<pad>' and the policy with '<end>'"):
        DistillationTeacher(str(ending), policy)


def test_a_teacher_is_named_and_has_weights():
    faults = [OPD(OPD.Options(teacher=name)).check_job() for name in ("", "openai:http://127.0.0.1/v1#big", "mine")]
    assert [len(found) for found in faults] == [1, 1, 0]
    assert "no teacher is named" in faults[0][0]
    assert "has no weights here" in faults[1][0]
    with pytest.raises(ValueError, match="discount is for divergence=sampled alone"):
        OPD.Options(teacher="mine", divergence="jsd", discount=1.0)


def test_it_conforms():
    check_plugin("opd", {"teacher": "pocket/teacher"})
