"""The GPUs that this process may use. Jobs are dealt to them, one worker process a GPU."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"
DRIVERS = (Path("/proc/driver/nvidia"), Path("/dev/kfd"))  # of NVIDIA and of AMD


def list_gpus() -> list[str]:
    """The GPUs that PyTorch sees, by the names that CUDA_VISIBLE_DEVICES has for them. Empty without a GPU."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    named = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return (named or [str(i) for i in range(count)])[:count]


def has_gpu_driver() -> bool:
    """Whether there may be a GPU for this process. Costs nothing, where `list_gpus` imports PyTorch."""
    return os.environ.get(VISIBLE, "0") not in ("", "-1") and any(driver.exists() for driver in DRIVERS)


def describe_gpus() -> str | None:
    """The model of the GPUs, such as "4 x NVIDIA H100 80GB HBM3". None without a GPU."""
    import torch

    count = len(list_gpus())
    if not count:
        return None
    name = str(torch.cuda.get_device_name())
    return name if count == 1 else f"{count} x {name}"


def pick_gpu(gpus: Collection[str], busy: Collection[str]) -> str | None:
    """The GPU that the fewest of the `busy` workers have; the first of those. None without a GPU."""
    return min(gpus, key=list(busy).count, default=None)


def use_gpu(name: str) -> None:
    """Let this process see one GPU only. It must be called before CUDA is used."""
    os.environ[VISIBLE] = name
