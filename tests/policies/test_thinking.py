"""Thinking models: where a thought is opened, how it is switched, what is read from it and what is taught."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from openrft import (
    Demonstration,
    Sample,
    Sampling,
    UsageError,
    build_messages,
    final_answer,
    split_steps,
)
from openrft.config.settings import PolicySettings, Settings
from openrft.grading.thinking import split_thought
from openrft.job import Arm, Job
from openrft.pipeline import check_jobs
from openrft.policies.export import export_checkpoint
from openrft.policies.generation.decode import DecodedRow
from openrft.policies.hf import HFPolicy
from openrft.testing import toy_task
from tests.policies import templates as families
from tests.policies.templates import FAMILIES, write_checkpoint

ASKED_SAMPLE = Sample("2 + 3?", "A", ("five", "six"))
ASKED = build_messages(ASKED_SAMPLE, (), "Do it.")
THOUGHT, ANSWER = "Two.\n\\boxed{B}? No.", "So five.\n\\boxed{A}"


@pytest.fixture
def opened(tmp_path):
    def open_family(name, written="", **settings):
        template, eos = FAMILIES[name]
        folder = tmp_path / name
        if not folder.exists():
            write_checkpoint(folder, template, eos)
        return HFPolicy(str(folder), write(written), settings=PolicySettings(**settings))

    return open_family


def write(text):
    """A sampler that writes this text, and the end of the turn after it unless it is cut off ("...")."""

    def sample(policy, prompts, sampling, limits, tick):
        ids = policy.tokenizer.encode(text.removesuffix("..."), add_special_tokens=False)
        ids = ids if text.endswith("...") else [*ids, policy.end_token]
        return [[DecodedRow(ids, [-0.5] * len(ids), not text.endswith("..."))] * sampling.n for _ in prompts]

    return sample


def text_of(policy, ids):
    return policy.tokenizer.decode(ids)


def prompt_end(policy):
    return text_of(policy, policy.encode(ASKED)).rpartition("six")[2]


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "settings", "written"),
    [
        ("R1", {}, "{t}\n</think>\n\n{a}"),  # the prompt has opened the thought
        ("QwQ", {}, "{t}\n</think>\n\n{a}"),
        ("DeepSeek-V3.1", {"thinking": "on"}, "{t}</think>{a}"),
        ("Qwen3", {}, "<think>\n{t}\n</think>\n\n{a}"),  # the model opens it
        ("Magistral", {}, "[THINK]{t}[/THINK]{a}"),  # with special tokens
        (
            "gpt-oss",
            {},
            "<|channel|>analysis<|message|>{t}<|end|><|start|>assistant<|channel|>final<|message|>{a}",
        ),
    ],
)
def test_what_is_thought_is_never_the_answer(opened, family, settings, written):
    whole = written.format(t=THOUGHT, a=ANSWER)
    policy = opened(family, whole, **settings)
    (completion,) = policy.generate([ASKED], Sampling())[0]
    found = split_thought(completion.text)
    assert (found.thought.strip(), found.answer.strip()) == (THOUGHT, ANSWER)
    assert final_answer(completion.text) == "A"
    assert "".join(split_steps(completion.text)) == (THOUGHT + ANSWER).replace("\n", "")
    assert text_of(policy, completion.tokens[:-1]) == whole  # tokens are those that were drawn
    assert completion.text.count("\n") == whole.count("\n")  # so each line ends at the token that ends it
    assert policy.decode_completion(ASKED, completion.tokens[:-1]) == completion.text
    cut = opened(family, whole[: whole.index("B}") + 3] + "...", **settings)
    (completion,) = cut.generate([ASKED], Sampling())[0]
    assert final_answer(completion.text) is None
    assert split_thought(completion.text).unfinished
    assert completion.finish_reason == "length"


def test_special_tokens_that_mark_no_thought_are_dropped_as_before(opened):
    policy = opened("Gemma", "a<|end|>b[THINK]c<think>d</think>")
    assert policy.generate([ASKED], Sampling())[0][0].text == "abc<think>d</think>"


def test_a_begun_thought_is_continued_where_it_stands(opened):
    policy = opened("R1", "Then five.\n</think>\n\\boxed{A}")
    begun = (*ASKED, {"role": "assistant", "content": "<think>Two.\n"})
    assert text_of(policy, policy.encode(begun)).endswith("<think>\nTwo.\n")  # opened once
    (completion,) = policy.generate([begun], Sampling())[0]
    assert completion.text == "Then five.\n</think>\n\\boxed{A}"
    assert final_answer("<think>Two.\n" + completion.text) == "A"
    (anew,), (whole,) = policy.generate([(*ASKED, {"role": "assistant", "content": ""}), ASKED], Sampling())
    assert anew == whole  # nothing was begun, so nothing has the mark in front


# -- the switch --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "thinking", "end"),
    [
        ("Qwen3", "auto", "<|im_end|>\n<|im_start|>assistant\n"),
        ("Qwen3", "on", "<|im_end|>\n<|im_start|>assistant\n"),
        ("Qwen3", "off", "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("DeepSeek-V3.1", "auto", "<|Assistant|></think>"),
        ("DeepSeek-V3.1", "on", "<|Assistant|><think>"),
        ("DeepSeek-V3.1", "off", "<|Assistant|></think>"),
        ("R1", "on", "<|Assistant|><think>\n"),  # it thinks without a switch
        ("Gemma", "off", "<end_of_turn>\n<start_of_turn>model\n"),  # it never thinks
        ("base", "off", "\nAnswer:\n"),
    ],
)
def test_the_switch_is_handed_to_templates_that_take_one(opened, family, thinking, end):
    assert prompt_end(opened(family, thinking=thinking)) == end


@pytest.mark.parametrize(
    ("family", "thinking", "why"),
    [
        ("R1", "off", "has no switch for thinking"),
        ("Magistral", "off", "has no switch for thinking"),
        ("gpt-oss", "off", "has no switch for thinking"),  # its effort has no "none"
        ("Gemma", "on", "knows no thought"),
        ("base", "on", "has no chat template, so it knows no thought"),
    ],
)
def test_a_switch_that_is_not_there_is_refused(opened, family, thinking, why):
    with pytest.raises(UsageError, match=f"policy.thinking={thinking}: .*{why}"):
        opened(family, thinking=thinking)


def test_what_cannot_be_switched_is_refused_before_anything_runs(tmp_path):
    """No weights are needed to see it: there are none here."""
    template, eos = FAMILIES["R1"]
    folder = write_checkpoint(tmp_path, template, eos)
    (folder / "model.safetensors").unlink()
    off, on = (Settings(policy=PolicySettings(thinking=thinking)) for thinking in ("off", "on"))
    job, tasks = Job(Arm("vanilla"), "pocket/L3", 0, str(folder), settings=off), {"pocket/L3": toy_task(4, 4)}
    with pytest.raises(UsageError, match=r"policy.thinking=off: .* no switch for thinking"):
        check_jobs([job], tasks)
    check_jobs([replace(job, settings=on)], tasks)
    check_jobs([replace(job, policy="baseline:longest-option")], tasks)


def test_an_effort_that_can_be_none_is_a_switch(tmp_path):
    effort = "{% if reasoning_effort == 'high' %}[THINK]{% elif reasoning_effort != 'none' %}?{% endif %}"
    template = "{% for m in messages %}{{ m.content }}{% endfor %}" + effort
    for thinking, end in (("auto", "six?"), ("on", "six[THINK]"), ("off", "six")):
        folder = write_checkpoint(tmp_path / thinking, template)
        policy = HFPolicy(str(folder), settings=PolicySettings(thinking=thinking))
        assert text_of(policy, policy.encode(ASKED)).endswith(end)


# -- targets -----------------------------------------------------------------------------------------------------------

TRACES = {
    "with a thought": f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}",
    "of a prompt that opened it": f"<think>{THOUGHT}\n</think>\n{ANSWER}",
    "closed only": f"{THOUGHT}</think>{ANSWER}",
    "in other marks": f"[THINK]{THOUGHT}[/THINK]{ANSWER}",
    "of channels": f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|channel|>final<|message|>{ANSWER}",
}


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
@pytest.mark.parametrize(
    ("family", "settings", "target"),
    [
        ("R1", {}, "{t}\n</think>\n\n{a}</s>"),
        ("QwQ", {}, "{t}\n</think>\n\n{a}<|im_end|>"),
        ("Qwen3", {}, "<think>\n{t}\n</think>\n\n{a}<|im_end|>"),
        ("Qwen3", {"thinking": "off"}, "{t}\n{a}<|im_end|>"),
        ("DeepSeek-V3.1", {}, "{t}\n{a}</s>"),
        ("DeepSeek-V3.1", {"thinking": "on"}, "{t}\n</think>\n\n{a}</s>"),
        ("Magistral", {}, "[THINK]\n{t}\n[/THINK]\n\n{a}</s>"),
        (
            "gpt-oss",
            {},
            "<|channel|>analysis<|message|>{t}<|end|><|start|>assistant<|channel|>final<|message|>{a}<|return|>",
        ),
        ("Gemma", {}, "{t}\n{a}<end_of_turn>"),
        ("base", {}, "{t}\n{a}</s>"),
    ],
)
def test_a_teachers_trace_is_taught_in_the_students_form(opened, family, settings, target, trace):
    policy = opened(family, **settings)
    assert text_of(policy, policy.encode_target(trace)) == target.format(t=THOUGHT, a=ANSWER)


@pytest.mark.parametrize(
    ("family", "key"), [("QwQ", "reasoning_content"), ("Qwen3", "reasoning_content"), ("gpt-oss", "thinking")]
)
@pytest.mark.parametrize("thought", [THOUGHT, ""])
def test_prompt_and_target_are_the_templates_own_rendering(opened, family, key, thought):
    policy = opened(family)
    trace = f"<think>{thought}</think>{ANSWER}" if thought else "\\boxed{A}"
    turn = {"role": "assistant", "content": ANSWER if thought else "\\boxed{A}", key: thought}
    whole = policy.tokenizer.apply_chat_template([*ASKED, turn], tokenize=False)
    taught = text_of(policy, [*policy.encode(ASKED), *policy.encode_target(trace)])
    assert taught == whole.rstrip("\n")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("trace", [*TRACES.values(), "Two.\nSo five.\n\\boxed{A}", "\\boxed{A}", "The answer is A."])
def test_a_thought_is_opened_once_closed_once_and_read_back(opened, family, trace):
    policy = opened(family)
    target, marks = policy.encode_target(trace), policy.prompts.form.marks
    turn = prompt_end(policy) + text_of(policy, target)
    if marks:
        thinks = "\n" in trace or family in ("R1", "QwQ", "Qwen3")  # these write an empty thought if there is none
        assert turn.count(marks[0]) == thinks
        assert turn.count(marks[1]) == thinks + (marks[1] == "<|end|>")  # which ends the user's turn, too
    else:
        assert "<think>" not in turn
    assert final_answer(policy.decode_completion(ASKED, target[:-1])) == "A"


@pytest.mark.parametrize("family", ["R1", "QwQ", "Qwen3", "gpt-oss", "Magistral", "DeepSeek-V3.1"])
@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_demonstrations_with_thoughts_are_shown_as_the_template_shows_earlier_turns(opened, family, trace):
    """However a teacher marked its thought: gpt-oss's template, say, refuses marks in a content."""
    policy = opened(family)
    demonstration = Demonstration(Sample("1 + 1?", "B", ("one", "two")), "\\boxed{B}", trace)
    shown = text_of(policy, policy.encode(build_messages(ASKED_SAMPLE, [demonstration], "Do it.")))
    (turn,) = re.findall(r"two(.*)2 \+ 3", shown, re.DOTALL)
    assert ANSWER in turn
    thought = {"Magistral": f"[THINK]\n{THOUGHT}\n[/THINK]\n\n", "DeepSeek-V3.1": f"{THOUGHT}\n"}
    assert (THOUGHT in turn) == (family in thought)  # the others cut thoughts of earlier turns away
    assert thought.get(family, "") + ANSWER in turn


def test_a_plain_trace_becomes_a_thought_up_to_the_line_that_answers(opened):
    policy = opened("R1")
    plain = "Two.\nSo five.\n\\boxed{A}"
    assert text_of(policy, policy.encode_target(plain)) == "Two.\nSo five.\n</think>\n\n\\boxed{A}</s>"
    kept = "\\boxed{A}\nBecause of five."  # the last line does not answer: nothing may be hidden in a thought
    assert text_of(policy, policy.encode_target(kept)) == f"\n</think>\n\n{kept}</s>"


def test_what_was_written_is_taught_token_by_token(opened):
    """Self-distillation: a completion that has the template's form comes back as the tokens that were drawn."""
    for family, written in (
        ("R1", f"{THOUGHT}\n</think>\n\n{ANSWER}"),
        ("Qwen3", f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}"),
        ("base", f"{THOUGHT}\n{ANSWER}"),
    ):
        policy = opened(family, written)
        (completion,) = policy.generate([ASKED], Sampling())[0]
        assert policy.encode_target(completion.text) == list(completion.tokens)


@pytest.mark.parametrize("thinking", ["auto", "on", "off"])
def test_a_written_checkpoint_keeps_the_switch_and_where_turns_end(opened, tmp_path, thinking):
    policy = opened("Qwen3", thinking=thinking)
    export_checkpoint(policy, tmp_path / "written")
    again = HFPolicy(str(tmp_path / "written"))
    assert again.encode(ASKED) == policy.encode(ASKED)
    assert again.prompts.form == policy.prompts.form
    assert policy.end_token in AutoModelForCausalLM.from_pretrained(tmp_path / "written").generation_config.eos_token_id
    elsewhere = AutoTokenizer.from_pretrained(tmp_path / "written")
    rendered = elsewhere.apply_chat_template(ASKED, add_generation_prompt=True, return_dict=False)
    assert rendered == policy.encode(ASKED)
    if thinking == "auto":
        assert elsewhere.chat_template == families.QWEN3
    other = HFPolicy(str(tmp_path / "written"), settings=PolicySettings(thinking="off" if thinking == "on" else "on"))
    assert (other.encode(ASKED) == policy.encode(ASKED)) == (thinking == "auto")
