"""The shipped models: complete, small, in the right format, and able."""

import subprocess
import sys

import pytest
from openrft_pocket import Pocket
from openrft_pocket.models import CHECKPOINTS, SUMMARIES, checkpoint_folder, list_policies
from openrft_pocket.tasks import check_steps
from openrft_pocket.training.encoding import INSTRUCTION

import openrft
from openrft import DataRequest


def test_all_are_there_and_small():
    assert set(list_policies()) == set(SUMMARIES)
    assert sum(file.stat().st_size for file in CHECKPOINTS.rglob("*") if file.is_file()) < 20_000_000
    for name in SUMMARIES:
        assert (checkpoint_folder(name) / "README.md").read_text().startswith("---"), name


def test_the_plugin_imports_no_model_code():
    code = "import sys, openrft_pocket as o; p = o.Pocket(); p.policies(); p.tasks(); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads of so small a model wait for each other on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def task():
    return Pocket().tasks().load("pocket/L3", DataRequest(train=8, test=48, seed=77))


@pytest.fixture(scope="module")
def policy():
    return openrft.open_policy(str(checkpoint_folder("pocket")))


def test_the_instruction_equals_the_core_and_is_one_token(task, policy):
    assert task.instruction == INSTRUCTION
    assert len(policy.tokenizer.encode(INSTRUCTION, add_special_tokens=False)) == 1


def test_the_template_ends_assistant_turns_and_masks_them(policy):
    turns = [
        {"role": "system", "content": INSTRUCTION},
        {"role": "user", "content": "Calculate the molar mass of H2O.\nA. 18"},
        {"role": "assistant", "content": "A. 18\n\\boxed{A}"},
    ]
    rendered = policy.tokenizer.apply_chat_template(turns, return_assistant_tokens_mask=True, return_dict=True)
    learnt = [i for i, m in zip(rendered["input_ids"], rendered["assistant_masks"], strict=True) if m]
    assert policy.tokenizer.decode(learnt) == "A. 18\n\\boxed{A}<|end|>"
    assert learnt[-1] == policy.tokenizer.eos_token_id


def test_digits_stand_alone_and_lines_split_cleanly(policy):
    tokenizer = policy.tokenizer
    text = "C 12*3=36\nB. 162\n\\boxed{B}"
    pieces = [tokenizer.encode(piece, add_special_tokens=False) for piece in text.split("\n")]
    newline = tokenizer.encode("\n", add_special_tokens=False)
    assert len(newline) == 1
    assert tokenizer.encode(text, add_special_tokens=False) == [*pieces[0], *newline, *pieces[1], *newline, *pieces[2]]
    assert tokenizer.convert_ids_to_tokens(tokenizer.encode("162", add_special_tokens=False)) == ["1", "6", "2"]
    assert tokenizer.decode(tokenizer.encode("Grüße, 値!", add_special_tokens=False)) == "Grüße, 値!"


def test_the_policy_answers_in_lines_and_is_imperfect(task, policy):
    prompts = [openrft.build_messages(sample) for sample in task.test]
    answers = policy.generate(prompts, openrft.Sampling(n=8, temperature=0.6, max_tokens=96, seed=1))
    grades = [[task.grade(s, c.text) for c in group] for s, group in zip(task.test, answers, strict=True)]
    every = [grade for group in grades for grade in group]
    assert sum(grade.answer is None for grade in every) / len(every) < 0.05
    assert 0.3 < sum(grade.correct for grade in every) / len(every) < 0.65
    assert sum(any(g.correct for g in group) for group in grades) / len(grades) > 0.75
    assert sum(len(c.tokens) for group in answers for c in group) / len(every) < 60


def test_the_prm_tells_sound_lines_from_flawed(task, policy):
    import torch
    from openrft_pocket.training.encoding import pad_rows
    from openrft_pocket.training.reward_model import load_skywork, tokenize_solution

    model, tokenizer = load_skywork(checkpoint_folder("pocket/prm"))
    prompts = [openrft.build_messages(sample) for sample in task.test]
    answers = policy.generate(prompts, openrft.Sampling(n=2, temperature=1.0, max_tokens=96, seed=2))
    rows, sound = [], []
    for sample, messages, group in zip(task.test, prompts, answers, strict=True):
        for completion in group:
            steps = openrft.split_steps(completion.text)
            rows.append(tokenize_solution(tokenizer, messages[-1]["content"], steps, [True] * len(steps), newline=True))
            sound += check_steps(sample, steps)
    batch = pad_rows(rows, tokenizer.pad_token_id)
    with torch.no_grad():
        logits = model.logits(torch.tensor(batch.ids))
    assert openrft.compute_auroc(logits[torch.tensor(batch.labels) == 1].tolist(), sound) > 0.8
