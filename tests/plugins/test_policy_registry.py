"""From a typed name to a policy: what `vllm:` before it changes, and what it says where vLLM is not installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from openrft.errors import CheckpointError, UsageError
from openrft.plugins.policy_registry import describe_policy, find_named_checkpoint, fingerprint_policy, open_policy
from openrft.policies.description import PolicyDescription, write_description


def test_a_policy_sampled_by_vllm_is_another_policy_with_the_same_recommendations(tiny):
    assert fingerprint_policy("vllm:pocket") == "vllm:" + fingerprint_policy("pocket")
    assert fingerprint_policy(f"vllm:{tiny}") == "vllm:" + fingerprint_policy(str(tiny))
    assert find_named_checkpoint("vllm:pocket") == find_named_checkpoint("pocket") is not None
    with pytest.raises(CheckpointError, match="neither a folder"):
        open_policy("vllm:./nowhere")


def test_without_vllm_the_advice_is_to_install_it(monkeypatch, tiny):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs vLLM\. Install it: pip install vllm; for CPUs"):
        open_policy(f"vllm:{tiny}")


def test_importing_the_policy_imports_no_vllm():
    code = "import openrft.policies.vllm, sys; print('vllm' in sys.modules)"
    notices = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert notices.stdout.strip() == "False"


def test_a_gguf_file_is_described_by_its_folder(tmp_path):
    about = PolicyDescription("rl", ("rl",), 0, "t/a", "pocket", "0", "Think.", {}, {}, 6, "0", 6)
    write_description(tmp_path, about)
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    assert describe_policy(str(tmp_path / "model.gguf")) == describe_policy(str(tmp_path)) == about
    assert describe_policy(str(tmp_path / "README.md")) is None
