"""From a typed name to a policy: what `vllm:` before it changes, and what it says where vLLM is not installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from openrft.checkpoints import checkpoint_identity, named_checkpoint, open_policy
from openrft.errors import CheckpointError, UsageError


def test_a_policy_sampled_by_vllm_is_another_policy_with_the_same_recommendations(tiny):
    assert checkpoint_identity("vllm:pocket") == "vllm:" + checkpoint_identity("pocket")
    assert checkpoint_identity(f"vllm:{tiny}") == "vllm:" + checkpoint_identity(str(tiny))
    assert named_checkpoint("vllm:pocket") == named_checkpoint("pocket") is not None
    with pytest.raises(CheckpointError, match="neither a folder"):
        open_policy("vllm:./nowhere")


def test_without_vllm_the_advice_is_to_install_it(monkeypatch, tiny):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs vLLM\. Install it: pip install vllm; for CPUs"):
        open_policy(f"vllm:{tiny}")


def test_importing_the_policy_imports_no_vllm():
    code = "import openrft.policies.vllm, sys; print('vllm' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
