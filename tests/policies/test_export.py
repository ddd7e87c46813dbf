"""The instruction in an exported chat template, rendered by Jinja alone."""

from __future__ import annotations

import jinja2
import pytest

from openrft.policies.export import add_instruction

PLAIN = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
USER = [{"role": "user", "content": "How much?"}]
INSTRUCTION = 'Put it in \\boxed{}.\nSay "no" if you must. Ω'


def render(template: str, messages: list[dict[str, str]]) -> str:
    return jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(template).render(messages=messages)


def test_a_conversation_without_a_system_turn_gets_the_instruction():
    template = add_instruction(PLAIN, INSTRUCTION, takes_system=True)
    assert render(template, USER) == f"<system>{INSTRUCTION}<user>How much?"
    own = [{"role": "system", "content": "Be brief."}, *USER]
    assert render(template, own) == "<system>Be brief.<user>How much?"


def test_without_a_place_for_a_system_turn_it_stands_before_the_question_once():
    template = add_instruction(PLAIN, INSTRUCTION, takes_system=False)
    once = f"<user>{INSTRUCTION}\n\nHow much?"
    assert render(template, USER) == once
    assert render(template, [{"role": "user", "content": f"{INSTRUCTION}\n\nHow much?"}]) == once
    turns = [*USER, {"role": "assistant", "content": "4"}, {"role": "user", "content": "Sure?"}]
    assert render(template, turns) == f"{once}<assistant>4<user>Sure?"


@pytest.mark.parametrize("takes_system", [True, False])
def test_the_rest_of_the_template_is_as_it_was(takes_system):
    assert add_instruction("\n " + PLAIN, INSTRUCTION, takes_system).endswith("\n " + PLAIN)
