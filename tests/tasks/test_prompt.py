"""Instruction, demonstrations and question as chat messages."""

from __future__ import annotations

from openrft.tasks.prompt import box_answer, build_messages
from openrft.types import Demonstration, Sample

SAMPLE = Sample("Which is \\boxed?", "A", ("one", "two"))


def test_messages_hold_instruction_demonstrations_and_question_in_order():
    demonstration = Demonstration(Sample("Earlier?", "B", ("x", "y")), box_answer("B"), "because\n\\boxed{B}")
    roles = [(m["role"], m["content"]) for m in build_messages(SAMPLE, [demonstration], "Do it.")]
    assert roles == [
        ("system", "Do it."),
        ("user", "Earlier?\nA. x\nB. y"),
        ("assistant", "because\n\\boxed{B}"),
        ("user", "Which is \\boxed?\nA. one\nB. two"),
    ]


def test_the_backslash_survives():
    """The released code of the paper turned \\boxed into backspace + oxed in every training prompt."""
    assert "\\boxed{}" in build_messages(SAMPLE)[0]["content"]
    assert "\x08" not in str(build_messages(SAMPLE))


def test_a_samples_own_turns_stand_around_the_demonstrations():
    system, hello, reply = (
        {"role": role, "content": text} for role, text in (("system", "s"), ("user", "hi"), ("assistant", "yes?"))
    )
    demonstration = Demonstration(Sample("Earlier?", "B", ("x", "y")), "\\boxed{B}")
    sample = Sample("Now?", "A", ("one", "two"), history=(system, hello, reply))
    messages = build_messages(sample, [demonstration], "Do it.")
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert messages[0] == system  # in place of the instruction
    assert messages[3:5] == (hello, reply)
    assert messages[5]["content"] == "Now?\nA. one\nB. two"
    spoken = Sample("Now?", "A", ("one", "two"), history=(hello, reply))
    assert [m["content"] for m in build_messages(spoken, (), "Do it.")][:3] == ["Do it.", "hi", "yes?"]


def test_an_empty_instruction_is_left_out():
    assert [m["role"] for m in build_messages(SAMPLE, (), "")] == ["user"]
