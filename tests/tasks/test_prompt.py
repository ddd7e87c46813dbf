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
