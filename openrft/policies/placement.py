"""Where a model's weights are put and how they are held: device, precision, 4-bit, attention."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig

from openrft.config.settings import PolicySettings
from openrft.errors import UsageError
from openrft.policies.model_families import choose_model_class

# Parameters below which "auto" means the CPU. Measured: a model of 0.9M parameters is 3 to 14 times faster on two CPU
# cores than on an H100, because launching a kernel takes longer than computing it; one of 135M is 10 times slower.
SMALL_MODEL = 20_000_000

# Memory that is needed besides the weights at the least: keys and values, activations, the adapter's optimizer.
SPARE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model goes."""

    device: torch.device
    dtype: torch.dtype


def choose_placement(path: str, settings: PolicySettings) -> Placement:
    """Where the model in `path` (a folder or hub id) goes. The weights are not read.

    Raises UsageError for a device or a package that is not there and for weights that do not fit on the GPU.
    """
    check_settings(settings)
    device = _choose_device(path, settings)
    if settings.dtype != "auto":
        dtype: torch.dtype = getattr(torch, settings.dtype)
    elif device.type == "cpu":
        dtype = torch.float32
    else:
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cuda":
        _check_fit(path, settings, device, dtype)
    return Placement(device, dtype)


def _choose_device(path: str, settings: PolicySettings) -> torch.device:
    if settings.device == "cpu" or (settings.device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if settings.device == "auto":
        return torch.device("cpu" if count_parameters(path) < SMALL_MODEL else "cuda")
    return torch.device(settings.device)


def check_settings(settings: PolicySettings) -> None:
    """Raises UsageError for a device or a package that is not there. Nothing is read."""
    if settings.load == "4bit" and importlib.util.find_spec("bitsandbytes") is None:
        raise UsageError(
            "policy.load=4bit needs the package bitsandbytes.", "pip install bitsandbytes, or leave policy.load out."
        )
    if settings.device in ("auto", "cpu"):
        return
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (torch.device(settings.device).index or 0) >= count:
        here = f"PyTorch sees {count} GPU{'s'[: count != 1]}" if count else "PyTorch sees no GPU"
        raise UsageError(
            f"policy.device={settings.device}, and {here}.",
            "Set policy.device=auto or cpu. Does CUDA_VISIBLE_DEVICES hide it, or is this PyTorch built for CPUs?",
        )


def count_parameters(path: str) -> int:
    """The parameters of the model in `path`, from its config alone."""
    with torch.device("meta"):
        return int(choose_model_class(path).from_config(AutoConfig.from_pretrained(path)).num_parameters())


def _check_fit(path: str, settings: PolicySettings, device: torch.device, dtype: torch.dtype) -> None:
    """Raises UsageError if the weights alone fill the GPU's free memory."""
    size = 0.6 if settings.load == "4bit" else dtype.itemsize  # a 4-bit weight with its scale, embeddings apart
    needed, (free, _) = count_parameters(path) * size + SPARE_BYTES, torch.cuda.mem_get_info(device)
    if needed > free:
        smaller = "" if settings.load == "4bit" else ", policy.load=4bit"
        raise UsageError(
            f"the weights of {path} need {needed / 1e9:.1f} GB, and {device} has {free / 1e9:.1f} GB free.",
            f"Choose a smaller model or a larger GPU{smaller}, or policy.device=cpu.",
        )


def load_model(path: str, settings: PolicySettings) -> Any:
    """The causal language model in `path` on its device, in eval mode. Neither remote code nor pickled weights.

    Raises UsageError for a device or a package that is not there and for weights that do not fit; and whatever
    transformers raises.
    """
    placement = choose_placement(path, settings)
    options: dict[str, Any] = {"dtype": placement.dtype, "use_safetensors": True}
    if settings.attention != "auto":
        options["attn_implementation"] = settings.attention
    if settings.load == "4bit":
        options |= {"quantization_config": _quantise(placement.dtype), "device_map": {"": placement.device}}
    model: Any = choose_model_class(path).from_pretrained(path, **options)
    return (model if settings.load == "4bit" else model.to(placement.device)).eval()


def _quantise(dtype: torch.dtype) -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
