"""TRL asks the policy's own prompts, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openrft_trl.prompts import format_prompts, limit_completions
from tokenizers import processors
from transformers import AutoTokenizer

from openrft import OpenRFTError, build_messages, open_policy
from openrft.config.settings import PolicySettings
from openrft.testing import CHAT_TEMPLATE, toy_task, write_tiny_checkpoint

ASKED = [build_messages(sample) for sample in toy_task().train]


@pytest.fixture
def policy(tmp_path: Path) -> Any:
    return open_policy(str(write_tiny_checkpoint(tmp_path / "tiny")))


def tokens_of(policy: Any, asked: Any) -> list[int]:
    """What TRL's trainer makes of a prompt."""
    if isinstance(asked, str):
        return list(policy.tokenizer(text=[asked])["input_ids"][0])
    made = policy.tokenizer.apply_chat_template(
        conversation=[asked], add_generation_prompt=True, tokenize=True, return_dict=True
    )
    return list(made["input_ids"][0])


def test_a_chat_template_is_trls_to_render(policy: Any) -> None:
    asked = format_prompts(policy, ASKED)
    assert asked == [list(messages) for messages in ASKED]
    assert [tokens_of(policy, a) for a in asked] == [policy.encode(m) for m in ASKED]


def test_without_a_template_the_text_is_given(tmp_path: Path) -> None:
    policy: Any = open_policy(str(write_tiny_checkpoint(tmp_path, chat_template=None)))
    asked = format_prompts(policy, ASKED)
    assert [tokens_of(policy, a) for a in asked] == [policy.encode(m) for m in ASKED]


def test_a_template_that_refuses_a_system_turn(tmp_path: Path) -> None:
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    policy: Any = open_policy(str(write_tiny_checkpoint(tmp_path, chat_template=refusing + CHAT_TEMPLATE)))
    asked = format_prompts(policy, ASKED)
    assert all(isinstance(a, str) for a in asked)
    assert [tokens_of(policy, a) for a in asked] == [policy.encode(m) for m in ASKED]


@pytest.mark.parametrize("begins", [True, False])
def test_a_begin_token_stands_once_whoever_writes_it(tmp_path: Path, begins: bool) -> None:
    """Gemma's way: the template writes it and refuses a system turn, and the tokenizer puts it in front of any text."""
    refusing = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}{{ bos_token }}"
    )
    folder = write_tiny_checkpoint(tmp_path, chat_template=refusing + CHAT_TEMPLATE)
    tokenizer = AutoTokenizer.from_pretrained(folder, bos_token="<pad>")
    if begins:
        both = {"single": "<pad> $A", "pair": "<pad> $A $B", "special_tokens": [("<pad>", 0)]}
        tokenizer._tokenizer.post_processor = processors.TemplateProcessing(**both)
    tokenizer.save_pretrained(folder)
    policy: Any = open_policy(str(folder))
    asked = format_prompts(policy, ASKED)
    assert [tokens_of(policy, a) for a in asked] == [policy.encode(m) for m in ASKED]
    assert all(tokens_of(policy, a).count(0) == 1 for a in asked)


@pytest.mark.parametrize("thinking", ["auto", "on", "off"])
def test_trl_asks_with_thinking_switched_as_the_policy_has_it(tmp_path: Path, thinking: Any) -> None:
    switch = "{% if add_generation_prompt %}<think>{{ '' if enable_thinking else '</think>' }}{% endif %}"
    folder = write_tiny_checkpoint(tmp_path, chat_template=CHAT_TEMPLATE + switch)
    policy: Any = open_policy(str(folder), settings=PolicySettings(thinking=thinking))
    asked = format_prompts(policy, ASKED)
    assert [tokens_of(policy, a) for a in asked] == [policy.encode(m) for m in ASKED]
    end = str(policy.tokenizer.decode(tokens_of(policy, asked[0]))).rpartition("<a>")[2]
    assert end == ("<think>" if thinking == "on" else "<think></think>")


def test_a_prompt_that_trl_cannot_ask_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy: Any = open_policy(str(write_tiny_checkpoint(tmp_path, chat_template=None)))
    half = policy.tokenizer.convert_tokens_to_ids("Ã")  # the first byte of two: no text has it alone
    monkeypatch.setattr(policy, "encode", lambda messages: [half])
    with pytest.raises(OpenRFTError, match="not give this policy its own prompts"):
        format_prompts(policy, ASKED)


def test_completions_have_the_room_that_the_longest_prompt_leaves(policy: Any) -> None:
    longest = max(len(policy.encode(m)) for m in ASKED)
    assert limit_completions(policy, ASKED, 10) == 10
    assert limit_completions(policy, ASKED, 10_000) == policy.context - longest
    with pytest.raises(OpenRFTError, match=r"1 of 2 prompts fill the policy's context of 1024 tokens"):
        limit_completions(policy, [ASKED[0], [{"role": "user", "content": "x" * 2000}]], 10)
