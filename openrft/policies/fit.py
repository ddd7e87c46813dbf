"""Whether a model can be loaded here: its weights fit into memory, and the packages that its settings need are there.

This is asked before anything is read. This file does not import torch.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from openrft.config.settings import ModelSettings
from openrft.errors import UsageError
from openrft.policies.weight_files import count_stored_weights
from openrft.runtime.process_memory import read_available_bytes
from openrft.runtime.ranks import joined_ranks

# Memory that is needed besides the weights at the least: keys and values, activations, the adapter's optimizer.
SPARE_BYTES = 256 << 20
FOUR_BITS = 0.6  # bytes of a 4-bit weight with its scale


def check_fit(
    path: str, settings: ModelSettings, owner: str, parameters: int, itemsize: int, device: str, free: int
) -> None:
    """Raises UsageError if so many weights of `itemsize` bytes do not fit into the `free` bytes of the device.

    owner: whose settings they are, such as "policy" or "prm".
    """
    size = FOUR_BITS if settings.load == "4bit" else itemsize  # embeddings apart
    needed = parameters * size + SPARE_BYTES
    if needed <= free:
        return
    on_cpu = device == "cpu"
    advice = ["a smaller model", "a machine with more memory" if on_cpu else "a larger GPU"]
    if on_cpu and itemsize > 2:
        advice.append(f"{owner}.dtype=bfloat16")
    if settings.load != "4bit":
        advice.append(f"{owner}.load=4bit")
    if not on_cpu:
        advice.append(f"{owner}.device=cpu")
    raise UsageError(
        f"the weights of {path} need {needed / 1e9:.1f} GB, and {device} has {free / 1e9:.1f} GB free.",
        f"Choose {', '.join(advice[:-1])} or {advice[-1]}.",
    )


def check_fit_on_cpu(path: str, settings: ModelSettings, owner: str = "policy") -> None:
    """Raises UsageError for a folder whose weights do not fit into this machine's free memory. What cannot be
    measured (a hub id, a system that does not tell what is free) is not refused."""
    free = read_available_bytes()
    stored = count_stored_weights(Path(path)) if free is not None else None
    if free is not None and stored is not None:
        itemsize = 4 if settings.dtype in ("auto", "float32") else 2
        check_fit(path, settings, owner, stored, itemsize, "cpu", free)


def check_attention(settings: ModelSettings, owner: str = "policy") -> None:
    """Raises UsageError for an attention whose package is not installed. transformers takes it from either of two."""
    if settings.attention == "flash_attention_2" and not any(map(importlib.util.find_spec, ("flash_attn", "kernels"))):
        raise UsageError(
            f"{owner}.attention=flash_attention_2 needs the package flash-attn, which is not installed.",
            f"Run pip install flash-attn, or set {owner}.attention=sdpa.",
        )


def check_vllm(path: str) -> None:
    """Raises UsageError where vLLM is to draw for the model in `path` and cannot: beside other ranks, or if it is not
    installed."""
    if (ranks := joined_ranks().size) > 1:
        raise UsageError(
            f"the policy 'vllm:{path}' draws with vLLM, which does not share a process with {ranks} ranks.",
            "Leave out vllm:, or give the command without torchrun.",
        )
    if importlib.util.find_spec("vllm") is None:
        raise UsageError(
            f"the model 'vllm:{path}' needs vLLM.",
            "Install it: pip install vllm; for CPUs requirements-vllm.txt says how.",
        )
