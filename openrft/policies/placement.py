"""Where a model's weights are put and how they are held: device, precision, 4-bit, attention."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig

from openrft.config.settings import ModelSettings
from openrft.errors import CheckpointError, UsageError
from openrft.policies.fit import check_fit, check_fit_on_cpu
from openrft.policies.model_families import choose_model_class
from openrft.prefix_tree.scaled_attention import leave_out_cudnn

# Parameters below which "auto" means the CPU. Measured: a model of 0.9M parameters is 3 to 14 times faster on two CPU
# cores than on an H100, because launching a kernel takes longer than computing it; one of 135M is 10 times slower.
SMALL_MODEL = 20_000_000


_deterministic = False  # whether `use_deterministic_kernels` has switched them on


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model goes."""

    device: torch.device
    dtype: torch.dtype


def choose_placement(path: str, settings: ModelSettings, owner: str = "policy") -> Placement:
    """Where the model in `path` (a folder or hub id) goes. The weights are not read.

    owner: whose settings they are, such as "policy" or "prm", for messages. Raises UsageError for a device or a package
    that is not there and for weights that do not fit.
    """
    check_settings(settings, owner)
    device = _choose_device(path, settings)
    if settings.dtype != "auto":
        dtype: torch.dtype = getattr(torch, settings.dtype)
    elif device.type == "cpu":
        dtype = torch.float32
    else:
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cuda":
        free = read_free_bytes(device)
        check_fit(path, settings, owner, count_parameters(path), dtype.itemsize, str(device), free)
    else:
        check_fit_on_cpu(path, settings, owner)
    return Placement(device, dtype)


def read_free_bytes(device: torch.device) -> int:
    """The memory of a GPU that tensors may take: what is free, and what PyTorch holds without using it."""
    free, _ = torch.cuda.mem_get_info(device)
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))


def _choose_device(path: str, settings: ModelSettings) -> torch.device:
    if settings.device == "cpu" or (settings.device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if settings.device == "auto":
        return torch.device("cpu" if count_parameters(path) < SMALL_MODEL else "cuda")
    return torch.device(settings.device)


def check_settings(settings: ModelSettings, owner: str = "policy") -> None:
    """Raises UsageError for a device or a package that is not there. Nothing is read."""
    if settings.load == "4bit" and importlib.util.find_spec("bitsandbytes") is None:
        raise UsageError(
            f"{owner}.load=4bit needs the package bitsandbytes, which is not installed.",
            f"pip install bitsandbytes, or leave {owner}.load out.",
        )
    if settings.device in ("auto", "cpu"):
        return
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (torch.device(settings.device).index or 0) >= count:
        here = f"PyTorch sees {count} GPU{'s'[: count != 1]}" if count else "PyTorch sees no GPU"
        raise UsageError(
            f"{owner}.device={settings.device}, and {here}.",
            f"Set {owner}.device=auto or cpu. Does CUDA_VISIBLE_DEVICES hide it, or is this PyTorch built for CPUs?",
        )


def count_parameters(path: str) -> int:
    """The parameters of the model in `path`, from its config alone."""
    with torch.device("meta"):
        return int(choose_model_class(path).from_config(AutoConfig.from_pretrained(path)).num_parameters())


def load_model(path: str, settings: ModelSettings, owner: str = "policy") -> Any:
    """The causal language model in `path` on its device, in eval mode. Neither remote code nor pickled weights.

    Raises UsageError for a device or a package that is not there and for weights that do not fit, CheckpointError for
    missing weights, and whatever transformers raises.
    """
    placement = choose_placement(path, settings, owner)
    if placement.device.type == "cuda":
        leave_out_cudnn()
    loader, options = choose_model_class(path), make_load_options(placement, settings)
    model, found = loader.from_pretrained(path, output_loading_info=True, **options)
    if missing := sorted(found["missing_keys"]):  # transformers would draw them at random
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise CheckpointError(
            f"{path} lacks weights of its architecture ({model.config.model_type}): {', '.join(missing[:3])}{more}.",
            "Copy or download it again, with the config.json that was published with the weights.",
        )
    return (model if settings.load == "4bit" else model.to(placement.device)).eval()


def use_deterministic_kernels(wanted: bool) -> None:
    """Make PyTorch use kernels that give the same bits every time, or any. Where it has none of a kind it warns.

    The workspace of cuBLAS must be set before CUDA is used: https://docs.nvidia.com/cuda/cublas/#results-reproducibility
    """
    global _deterministic
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if wanted != _deterministic:  # what a program has set by itself is left alone
        torch.use_deterministic_algorithms(wanted, warn_only=True)
        _deterministic = wanted


def make_load_options(placement: Placement, settings: ModelSettings) -> dict[str, Any]:
    """The arguments of transformers' `from_pretrained` for these settings. Weights in 4 bits are put on their device by
    it; others are moved there afterwards."""
    options: dict[str, Any] = {"dtype": placement.dtype, "use_safetensors": True}
    if settings.attention != "auto":
        options["attn_implementation"] = settings.attention
    if settings.load == "4bit":
        options |= {"quantization_config": _quantise(placement.dtype), "device_map": {"": placement.device}}
    return options


def _quantise(dtype: torch.dtype) -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
