"""Adapter folders, folders with leftovers of a merge, and chat templates that print a date."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from openrft import CheckpointError, Sampling, fingerprint_policy, open_policy
from openrft.config.settings import PolicySettings, parse_stage_settings
from openrft.policies.export import export_checkpoint
from openrft.policies.hf import HFPolicy
from openrft.stages.context import PolicyHandle
from openrft.testing import toy_task

CHAT = [{"role": "user", "content": "What is 3 + 4?"}]
TOKENS = [[5, 6, 7, 8]]


def logprobs(policy):
    with torch.no_grad():
        return policy.completion_logprobs([policy.encode(CHAT)], TOKENS)[0]


@pytest.fixture
def adapter(tiny, tmp_path) -> Path:
    """The folder of an adapter that changes the answers."""
    policy = HFPolicy(str(tiny))
    policy.attach_lora(rank=2, alpha=4, seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in policy.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.2)
    policy.save_adapter(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_an_adapter_folder_is_a_policy(tiny, adapter):
    expected = HFPolicy(str(tiny))
    plain = logprobs(expected)
    expected.load_adapter(adapter)
    expected.merge_adapter()
    policy = open_policy(str(adapter))
    assert torch.equal(logprobs(policy), logprobs(expected))
    assert not torch.allclose(logprobs(policy), plain, atol=1e-3)
    assert not policy.has_adapter
    policy.attach_lora(rank=2, alpha=4, seed=0)
    assert policy.generate([CHAT], Sampling(max_tokens=3))


def test_its_fingerprint_follows_the_adapter_and_its_base(tiny, adapter, tmp_path):
    base = Path(shutil.copytree(tiny, tmp_path / "base"))
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(base)}))
    found = [fingerprint_policy(str(adapter)), fingerprint_policy(str(base))]
    (base / "generation_config.json").write_text("{}")
    found.append(fingerprint_policy(str(adapter)))
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "../base"}))
    found.append(fingerprint_policy(str(adapter)))  # a path beside the adapter is found, too
    assert len(set(found)) == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_model_name_or_path": "./nowhere"}, "needs the base model './nowhere', which is not here"),
        ({"base_model_name_or_path": None}, "names no base model"),
        ({"peft_type": "IA3"}, "an adapter of the kind IA3"),
        ({"use_dora": True}, "an adapter of the kind DoRA"),
    ],
)
def test_an_adapter_that_cannot_be_merged_is_refused_in_one_line(adapter, change, words):
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    for use in (fingerprint_policy, open_policy):
        with pytest.raises(CheckpointError, match=words):
            use(str(adapter))


def test_an_adapter_of_an_adapter_is_refused(adapter, tmp_path):
    shutil.copytree(adapter, tmp_path / "second")
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": str(tmp_path / "second")}))
    with pytest.raises(CheckpointError, match="is an adapter itself"):
        fingerprint_policy(str(adapter))


def test_pickled_adapter_weights_are_not_read(adapter):
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(CheckpointError, match=r"no adapter_model\.safetensors"):
        open_policy(str(adapter))


def test_a_merged_folder_with_leftover_adapter_files_is_the_merged_model(adapter, tmp_path, caplog):
    merged = open_policy(str(adapter))
    export_checkpoint(merged, tmp_path / "merged")
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(adapter / file, tmp_path / "merged" / file)
    policy = open_policy(str(tmp_path / "merged"))
    assert torch.allclose(logprobs(policy), logprobs(merged), atol=1e-6)
    assert not policy.has_adapter
    assert "without the adapter" in caplog.text


DATED = "Today Date: {{ strftime_now('%d %b %Y') }}\n{% for m in messages %}{{ m['content'] }}{% endfor %}"


def test_a_template_prints_the_same_date_on_every_day(tiny, tmp_path):
    folder = Path(shutil.copytree(tiny, tmp_path / "dated"))
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = DATED
    tokenizer.save_pretrained(folder)
    policy = HFPolicy(str(folder))
    fixed = "Today Date: 26 Jul 2024\nWhat is 3 + 4?"
    assert policy.tokenizer.apply_chat_template(CHAT, tokenize=False) == fixed
    assert policy.encode(CHAT) == policy.tokenizer.encode(fixed, add_special_tokens=False)
    for same in (copy.deepcopy(policy.tokenizer), pickle.loads(pickle.dumps(policy.tokenizer))):
        assert same.apply_chat_template(CHAT, tokenize=False) == fixed
    other = open_policy(str(folder), settings=PolicySettings(date="2026-11-28"))
    assert other.tokenizer.apply_chat_template(CHAT, tokenize=False) == fixed.replace("26 Jul 2024", "28 Nov 2026")
    export_checkpoint(policy, tmp_path / "exported")
    assert AutoTokenizer.from_pretrained(tmp_path / "exported").chat_template == DATED


def test_results_depend_on_the_date_and_a_rule_has_none(tiny):
    later, task = PolicySettings(date="2026-11-28"), toy_task(4, 4)
    assert PolicyHandle(str(tiny)).id == PolicyHandle(str(tiny), settings=PolicySettings()).id
    assert PolicyHandle(str(tiny)).id != PolicyHandle(str(tiny), settings=later).id
    rule = "baseline:longest-option"
    assert PolicyHandle(rule, task).id == PolicyHandle(rule, task, later).id


@pytest.mark.parametrize("date", ["28.11.2026", "2026-13-01", "today", ""])
def test_what_is_no_date_is_refused(date):
    (fault,) = parse_stage_settings({"policy": {"date": date}})[1]
    assert fault == f"policy: date={date} is no date; write it as YYYY-MM-DD"
