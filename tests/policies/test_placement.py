"""Where a model's weights go."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import openrft
from openrft.config.settings import PolicySettings, parse_stage_settings
from openrft.errors import UsageError
from openrft.plugins.manager import create_plugin
from openrft.plugins.policy_registry import check_placement
from openrft.policies import fit, placement
from openrft.policies.placement import choose_placement, count_parameters
from openrft.policies.weight_files import count_stored_weights
from openrft.testing import write_tiny_checkpoint

PROMPT = [{"role": "user", "content": "Is 2 even?"}]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine with one GPU, as far as PyTorch's questions about it go."""
    card = SimpleNamespace(free=80 << 30, bfloat16=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (card.free, 80 << 30))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: card.bfloat16)
    return card


def test_parameters_are_counted_without_reading_weights(checkpoint: str, tmp_path: Path) -> None:
    policy: Any = openrft.open_policy(checkpoint)
    (tmp_path / "config.json").write_bytes(Path(checkpoint, "config.json").read_bytes())
    assert count_parameters(str(tmp_path)) == policy.model.num_parameters()


def test_a_small_model_stays_on_the_cpu_unless_told_otherwise(
    checkpoint: str, gpu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose_placement(checkpoint, PolicySettings()).device.type == "cpu"
    assert choose_placement(checkpoint, PolicySettings()).dtype == torch.float32
    assert choose_placement(checkpoint, PolicySettings(device="cuda")).dtype == torch.bfloat16
    monkeypatch.setattr(placement, "count_parameters", lambda path: 135_000_000)
    assert choose_placement(checkpoint, PolicySettings()).device.type == "cuda"
    gpu.bfloat16 = False
    assert choose_placement(checkpoint, PolicySettings()).dtype == torch.float16
    assert choose_placement(checkpoint, PolicySettings(dtype="float32")).dtype == torch.float32
    assert choose_placement(checkpoint, PolicySettings(device="cpu")).device.type == "cpu"


@pytest.mark.parametrize("settings", [PolicySettings(device="cpu"), PolicySettings(device="cpu", dtype="bfloat16")])
def test_weights_that_do_not_fit_on_a_cpu_are_refused_before_they_are_read(
    checkpoint: str, settings: PolicySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "count_stored_weights", lambda folder: 8_000_000_000)
    monkeypatch.setattr(fit, "read_available_bytes", lambda: 15_000_000_000)
    needed, more = ("32.3", True) if settings.dtype == "auto" else ("16.3", False)
    words = f"the weights of .* need {needed} GB, and cpu has 15.0 GB free."
    for refuse in (lambda: check_placement(checkpoint, settings), lambda: choose_placement(checkpoint, settings)):
        with pytest.raises(UsageError, match=words) as caught:
            refuse()
        assert caught.value.advice.startswith("Choose a smaller model, a machine with more memory")
        assert ("policy.dtype=bfloat16" in caught.value.advice) == more
        assert caught.value.advice.endswith(" or policy.load=4bit.")
    monkeypatch.setattr(fit, "read_available_bytes", lambda: 40_000_000_000)
    check_placement(checkpoint, settings)
    monkeypatch.setattr(fit, "read_available_bytes", lambda: None)  # a system that does not tell
    check_placement(checkpoint, settings)


def test_stored_weights_are_counted_from_headers(checkpoint: str, tmp_path: Path) -> None:
    policy: Any = openrft.open_policy(checkpoint)
    assert count_stored_weights(Path(checkpoint)) == policy.model.num_parameters()
    assert count_stored_weights(tmp_path) is None
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 20)
    assert count_stored_weights(tmp_path) is None


def test_weights_that_do_not_fit_are_refused_before_they_are_read(
    checkpoint: str, gpu: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu.free = 15_000_000_000
    monkeypatch.setattr(placement, "count_parameters", lambda path: 8_000_000_000)
    with pytest.raises(UsageError, match=r"need 16\.3 GB, and cuda has 15\.0 GB free") as caught:
        choose_placement(checkpoint, PolicySettings())
    assert "policy.load=4bit" in str(caught.value.advice)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    assert choose_placement(checkpoint, PolicySettings(load="4bit")).device.type == "cuda"


@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_gpu_that_is_not_there(checkpoint: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=f"policy.device={device}, and PyTorch sees no GPU"):
        openrft.open_policy(checkpoint, settings=PolicySettings(device=device))


def test_deterministic_kernels_are_switched_on_for_the_policy_and_change_no_bit_on_a_cpu(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)

    def train(settings: PolicySettings) -> list[torch.Tensor]:
        policy: Any = openrft.open_policy(checkpoint, settings=settings)
        assert torch.are_deterministic_algorithms_enabled() == settings.deterministic
        openrft.open_policy(checkpoint, owner="teacher")
        assert torch.are_deterministic_algorithms_enabled() == settings.deterministic
        policy.attach_lora(4, 8, 0)
        prompt = policy.encode(PROMPT)
        groups = policy.generate([PROMPT], openrft.Sampling(n=2, temperature=1.0, max_tokens=4))
        optimizer = policy.get_optimizer(1e-2)
        for completion in groups[0]:
            optimizer.zero_grad()
            (-policy.completion_logprobs([prompt], [completion.tokens])[0].sum()).backward()
            optimizer.step()
        return [p.detach() for p in policy.model.parameters() if p.requires_grad]

    plain, repeated = train(PolicySettings()), train(PolicySettings(deterministic=True))
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert all(torch.equal(one, other) for one, other in zip(plain, repeated, strict=True))
    train(PolicySettings())  # another job of the process


MODELS = {  # of plugins, each with the option that names it
    "teacher": "model",
    "da": "model",
    "opd": "teacher",
    "prm": "model",
}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_plugins_have_the_same_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {MODELS[name]: "pocket/prm" if name == "prm" else "pocket"}

    def check(**settings: str) -> list[str]:
        plugin, faults = create_plugin(name, {**named, **settings})
        found: list[str] = faults or plugin.check_job()
        return found

    assert check(device="cpu", dtype="bfloat16", attention="eager") == []
    assert "device=gpu is no device" in check(device="gpu")[0]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (fault,) = check(device="cuda:1")
    assert fault.startswith(f"{name}.device=cuda:1, and PyTorch sees no GPU. Set {name}.device=auto or cpu.")
    monkeypatch.setattr(fit, "read_available_bytes", lambda: 0)
    (fault,) = check(device="cpu")
    assert "need 0.3 GB, and cpu has 0.0 GB free." in fault
    assert fault.endswith(f"{name}.dtype=bfloat16 or {name}.load=4bit.")
    monkeypatch.setattr(importlib.util, "find_spec", lambda found: None)
    (fault,) = check(load="4bit")
    assert fault.startswith(f"{name}.load=4bit needs the package bitsandbytes, which is not installed.")


def test_what_is_no_device_is_refused_where_it_is_set() -> None:
    _, faults = parse_stage_settings({"policy": {"device": "gpu"}})
    assert len(faults) == 1
    assert "device=gpu is no device; write auto, cpu, cuda or cuda:N" in faults[0]


def test_attention_and_precision_are_transformers_own(checkpoint: str) -> None:
    settings = PolicySettings(attention="eager", dtype="bfloat16", device="cpu")
    model: Any = openrft.open_policy(checkpoint, settings=settings).model  # type: ignore[attr-defined]
    assert (model.config._attn_implementation, model.dtype) == ("eager", torch.bfloat16)


def test_four_bits_without_the_package(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package bitsandbytes") as caught:
        openrft.open_policy(checkpoint, settings=PolicySettings(load="4bit"))
    assert "pip install bitsandbytes" in str(caught.value.advice)
