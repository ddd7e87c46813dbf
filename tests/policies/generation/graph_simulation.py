"""What a CUDA graph does, on the CPU: a step's operations are recorded once and repeated on the same tensors.

Python does not run again at a replay. So a step that reads a changing Python value, or a tensor made anew, gives wrong
numbers here as it would on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

ASKING = (  # the host waits for the device's value, or the output's size depends on it
    "_local_scalar_dense",
    "item",
    "nonzero",
    "is_nonzero",
    "equal",
    "masked_select",
    "_unique2",
    "unique_dim",
    "repeat_interleave.Tensor",
    "lift_fresh",  # a tensor from a Python value, which is copied from the host
    "pin_memory",
)
DRAWING = ("rand", "randn", "randint", "bernoulli", "multinomial", "native_dropout", "normal")


class Recording(TorchDispatchMode):
    """Runs a step and keeps its operations. Raises AssertionError for one that a graph cannot hold."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []
        self._before: list[tuple[torch.Tensor, torch.Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        full = f"{name}.{func._overloadname}"
        assert name.rstrip("_") not in (*ASKING, *DRAWING), f"{full} cannot be captured"
        assert full not in ASKING, f"{full} cannot be captured"
        if name.rstrip("_") in ("index", "index_put"):
            masks = [at for at in args[1] if at is not None and at.dtype == torch.bool]
            assert not masks, f"{full} with a mask cannot be captured"
        for given, argument in zip(args, func._schema.arguments, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._before.append((given, given.clone()))
        out = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, out))
        return out

    def undo(self) -> None:
        """Put back what the operations changed."""
        for changed, before in reversed(self._before):
            changed.copy_(before)
        self._before.clear()

    def replay(self) -> None:
        """Do the same again on the same tensors."""
        for func, args, kwargs, out in self.operations:
            again = func(*args, **kwargs)
            for kept, new in zip(tree_flatten(out)[0], tree_flatten(again)[0], strict=True):
                if isinstance(kept, torch.Tensor) and kept.data_ptr() != new.data_ptr():
                    kept.copy_(new)


def capture(step: Callable[[], None]) -> Callable[[], None]:
    """A `Capture` of `openrft.policies.generation.replay`. CUDA's does not run the step, so its changes are undone."""
    with Recording() as recording:
        step()
    recording.undo()
    return recording.replay
