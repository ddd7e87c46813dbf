"""Write and read an AdamW's moments as safetensors. The learning rate is not saved; the trainer sets it each step."""

from __future__ import annotations

from pathlib import Path

import torch


def save_optimizer_state(optimizer: torch.optim.Optimizer | None, file: Path) -> None:
    """Write the state of every parameter; a file without tensors for an optimizer that was never used."""
    from safetensors.torch import save_file

    state = optimizer.state_dict()["state"] if optimizer else {}
    tensors = {f"{i}.{key}": value for i, entry in state.items() for key, value in entry.items()}
    save_file({k: v.contiguous() for k, v in tensors.items()}, file)


def load_optimizer_state(optimizer: torch.optim.Optimizer, file: Path) -> None:
    """Restore what `save_optimizer_state` wrote for an optimizer over the same parameters."""
    from safetensors.torch import load_file

    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in load_file(file).items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
