"""What chat templates take and drop: system turns, demonstrations, begin and end tokens, and no template at all."""

from __future__ import annotations

import logging
import re

import pytest

from openrft import CheckpointError, Demonstration, Sample, Sampling, build_messages
from openrft.policies.chat_template import _warn_once
from openrft.policies.decode_loop import DecodeLoop
from openrft.policies.generation.decode import CHECK, DecodedRow
from openrft.policies.hf import HFPolicy
from tests.policies import templates as families
from tests.policies.templates import write_checkpoint

ASKED = build_messages(Sample("2 + 3?", "A", ("five", "six")), (), "Do it.")
SHOWN = build_messages(
    Sample("2 + 3?", "A", ("five", "six")),
    [Demonstration(Sample("1 + 1?", "B", ("one", "two")), "\\boxed{B}", "One and one.\n\\boxed{B}")],
    "Do it.",
)
FIRST, QUESTION = "1 + 1?\nA. one\nB. two", "2 + 3?\nA. five\nB. six"


def text_of(policy, messages):
    return policy.tokenizer.decode(policy.encode(messages))


@pytest.fixture(autouse=True)
def _nothing_said_yet():
    _warn_once.cache_clear()


@pytest.fixture
def opened(tmp_path):
    def open_with(template, **more):
        return HFPolicy(str(write_checkpoint(tmp_path, template, **more)))

    return open_with


@pytest.mark.parametrize(
    ("template", "eos", "shown"),
    [
        (
            families.GEMMA,
            "<end_of_turn>",
            f"<s><start_of_turn>user\nDo it.\n\n{FIRST}<end_of_turn>\n<start_of_turn>model\nOne and one.\n\\boxed{{B}}"
            f"<end_of_turn>\n<start_of_turn>user\n{QUESTION}<end_of_turn>\n<start_of_turn>model\n",
        ),
        (
            families.MISTRAL,
            "</s>",
            f"<s>[INST] Do it.\n\n{FIRST} [/INST] One and one.\n\\boxed{{B}}</s>[INST] {QUESTION} [/INST]",
        ),
        (
            families.PHI3,
            "<|end|>",
            f"<s><|user|>\nDo it.\n\n{FIRST}<|end|>\n<|assistant|>\nOne and one.\n\\boxed{{B}}<|end|>\n"
            f"<|user|>\n{QUESTION}<|end|>\n<|assistant|>\n",
        ),
        (
            families.R1,
            "</s>",
            f"<s>Do it.<|User|>{FIRST}<|Assistant|>One and one.\n\\boxed{{B}}</s><|User|>{QUESTION}"
            "<|Assistant|><think>\n",
        ),
    ],
    ids=["refuses a system turn", "wants alternating roles", "drops the system turn", "takes everything"],
)
def test_instruction_and_demonstrations_reach_every_model(opened, caplog, template, eos, shown):
    caplog.set_level(logging.WARNING)
    policy = opened(template, eos=eos, around="<s> $A")
    assert text_of(policy, SHOWN) == shown
    assert shown.count("<s>") == 1  # the template writes it, so the tokenizer does not
    text_of(policy, ASKED)
    HFPolicy(policy.path)
    said = [record for record in caplog.records if "first user turn" in record.message]
    assert len(said) == (template != families.R1)


def test_what_a_template_does_to_a_system_turn_is_said_as_it_is(opened, caplog):
    opened(families.PHI3)
    assert "drops the system turn without a word: the instruction goes into the first user turn" in caplog.text
    caplog.clear()
    _warn_once.cache_clear()
    opened(families.GEMMA)
    assert "refuses a system turn: the instruction goes into the first user turn" in caplog.text


def test_a_template_that_takes_parts_gets_parts(opened):
    parts = "{% for m in messages %}{{ m.role }}:{% for p in m.content %}{{ p.text }}{% endfor %}|{% endfor %}"
    assert text_of(opened(parts), ASKED) == f"system:Do it.|user:{QUESTION}|"


def test_thoughts_in_unknown_marks_are_not_passed_over_in_silence(opened, caplog):
    own = "{% for m in messages %}{{ '((' + m.reasoning + '))' if m.reasoning else '' }}{{ m.content }}{% endfor %}"
    assert opened(own).prompts.form.marks is None
    assert "writes thoughts without a mark that is known here" in caplog.text


@pytest.mark.parametrize(
    ("template", "why"),
    [("nothing", "it leaves the question out"), ("{{ raise_exception('never') }}", "never")],
)
def test_a_template_that_writes_no_question_is_refused(opened, template, why):
    with pytest.raises(CheckpointError, match=f"the chat template cannot write a question: {why}"):
        opened(template)


@pytest.mark.parametrize(
    ("template", "eos", "ends", "end", "stops"),
    [
        (families.QWEN3, "</s>", (), "<|im_end|>", ["<|im_end|>", "</s>"]),  # the tokenizer names another
        (families.QWEN3, "<|im_end|>", ("<|im_end|>", "</s>"), "<|im_end|>", ["<|im_end|>", "</s>"]),
        (families.PHI3, "</s>", ("<|return|>", "<|end|>"), "<|end|>", ["<|end|>", "</s>", "<|return|>"]),
        (families.GPT_OSS, "<|return|>", ("</s>",), "<|return|>", ["<|return|>", "</s>"]),
        (None, "</s>", ("<|end|>", "</s>"), "</s>", ["</s>", "<|end|>"]),
    ],
)
def test_any_end_token_stops_and_the_turns_own_is_taught(opened, template, eos, ends, end, stops):
    policy = opened(template, eos=eos, ends=ends, pad=False)
    assert policy.tokenizer.pad_token is None
    assert policy.tokenizer.convert_ids_to_tokens(policy.encode_target("so")[-1]) == end
    ids = policy.tokenizer.convert_tokens_to_ids(stops)
    assert policy._stop == ids
    for stop in ids:
        written = []
        for sign in (1.0, -1.0):  # with one of them the token is the likeliest
            policy.model.lm_head.weight.data.zero_()
            policy.model.lm_head.weight.data[stop] = sign
            written += policy.generate([ASKED], Sampling(temperature=0, max_tokens=4))[0]
        assert (("stop", (stop,))) in [(completion.finish_reason, completion.tokens) for completion in written]
    both = policy.generate([ASKED, SHOWN], Sampling(n=2, temperature=1.0, max_tokens=4))  # padded without a pad token
    assert all(completion.tokens for group in both for completion in group)


# -- no template -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("around", "before"), [("$A", ""), ("<s> $A", "<s>"), ("<s> $A </s>", "<s>"), ("$A </s>", "")])
def test_a_base_model_is_asked_in_plain_text_that_does_not_end(opened, around, before):
    policy = opened(None, around=around)
    plain = f"Do it.\n\nQuestion: {QUESTION}\nAnswer:\n"
    assert text_of(policy, ASKED) == before + plain
    shown = f"Question: {FIRST}\nAnswer:\nOne and one.\n\\boxed{{B}}\n\nQuestion: {QUESTION}\nAnswer:\n"
    assert text_of(policy, SHOWN) == f"{before}Do it.\n\n{shown}"


def test_thoughts_of_demonstrations_are_plain_lines_for_a_model_that_does_not_think(opened):
    thought = "<think>\nOne and one.\n</think>\n\n\\boxed{B}"
    demonstration = Demonstration(Sample("1 + 1?", "B", ("one", "two")), "\\boxed{B}", thought)
    shown = build_messages(Sample("2 + 3?", "A", ("five", "six")), [demonstration], "Do it.")
    for template in (None, families.MISTRAL):
        assert text_of(opened(template), shown) == text_of(opened(template), SHOWN)


def scripted(text, ends=False):
    """A sampler that writes this text, whatever it is asked."""

    def sample(policy, prompts, sampling, limits, tick):
        ids = [*policy.tokenizer.encode(text, add_special_tokens=False), *([policy.end_token] if ends else [])]
        return [[DecodedRow(ids, [-0.5] * len(ids), ends)] * sampling.n for _ in prompts]

    return sample


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize(
    ("written", "text", "finish"),
    [
        ("Two.\n\\boxed{A}\n\nQuestion: and now?\nAnswer:\n\\boxed{B}", "Two.\n\\boxed{A}", "stop"),
        ("Two.\n\\boxed{A}\nQuestion: and", "Two.\n\\boxed{A}", "stop"),
        ("Question: what?", "", "stop"),
        ("The Question: is open", "The Question: is open", "length"),
    ],
)
def test_the_answer_of_a_base_model_ends_before_a_question_of_its_own(tmp_path, written, text, finish, ends):
    policy = HFPolicy(str(write_checkpoint(tmp_path, None)), scripted(written, ends))
    (completion,) = policy.generate([ASKED], Sampling())[0]
    assert (completion.text, completion.finish_reason) == (text, "stop" if ends else finish)
    assert len(completion.tokens) == len(completion.logprobs)
    kept = policy.tokenizer.decode(completion.tokens, skip_special_tokens=True)
    assert written.startswith(kept)
    assert kept.rstrip(" ").endswith("Question:") or finish == "length"  # up to the token that shows the end
    assert policy.decode_completion(ASKED, completion.tokens) == text


def test_a_row_that_is_over_is_not_written_to_the_end(opened, monkeypatch):
    """A random model writes no question of its own, so any written text ends the answer here."""
    policy, lengths = opened(None), []

    def watch(*given):
        rows = DecodeLoop()(*given)
        lengths.extend(len(row.tokens) for group in rows for row in group)
        return rows

    monkeypatch.setattr(policy, "sampler", watch)
    monkeypatch.setattr(policy.prompts, "stop_text", re.compile(r".{3}", re.DOTALL), raising=False)
    completions = policy.generate([ASKED, SHOWN], Sampling(n=2, temperature=1.0, max_tokens=500))
    assert {c.finish_reason for group in completions for c in group} == {"stop"}
    assert max(lengths) == CHECK
