"""A prompt that ends with an assistant's message asks to go on from there."""

from __future__ import annotations

import pytest
import torch

from openrft.errors import UsageError
from openrft.policies.base import Sampling
from openrft.policies.hf import HFPolicy
from openrft.tasks.prompt import build_messages
from openrft.testing import toy_task, write_tiny_checkpoint

QUESTION = build_messages(toy_task(1, 1).train[0])


def begun(text):
    return (*QUESTION, {"role": "assistant", "content": text})


def test_the_completion_holds_what_comes_after_the_beginning(tiny, device):
    torch.set_num_threads(1)
    policy, greedy = device.open_policy(tiny), Sampling(temperature=0, max_tokens=12)
    ids = policy.encode(begun("so 2\n"))
    assert ids == [*policy.encode(QUESTION), *policy.tokenizer.encode("so 2\n", add_special_tokens=False)]
    (went_on,), (anew,), (whole,) = policy.generate([begun("so 2\n"), begun(""), QUESTION], greedy)
    theirs = policy.model.generate(device.tensor([ids]), max_new_tokens=12, do_sample=False)[0, len(ids) :]
    assert list(went_on.tokens) == theirs.tolist()
    assert anew == whole


def test_a_template_that_refuses_a_system_turn_still_goes_on(tmp_path):
    template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ m['content'] }}{% endfor %}>"
    )
    policy = HFPolicy(str(write_tiny_checkpoint(tmp_path, chat_template=template)))
    assert policy.tokenizer.decode(policy.encode(begun("so"))).endswith(">so")


def test_a_server_refuses():
    pytest.importorskip("openai")
    from openrft.policies.openai import OpenAIPolicy

    with pytest.raises(UsageError, match="cannot continue a begun answer"):
        OpenAIPolicy("openai:http://127.0.0.1:9/v1#m").generate([begun("so")], Sampling())
