"""An update that fails leaves the policy's adapter, and its critic, as it found them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from openrft import OpenRFTError


@contextmanager
def unchanged_on_failure(optimizers: Sequence[torch.optim.Optimizer], several: bool) -> Iterator[None]:
    """Within this context an OpenRFTError puts the optimizers' parameters and moments back before it goes on.

    several: whether there is more than one optimiser step; the failure of an only one comes before it changed anything.
    """
    parameters = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    kept = [p.detach().clone() for p in parameters] if several else []
    moments = [copy.deepcopy(optimizer.state_dict()) for optimizer in optimizers] if several else []
    try:
        yield
    except OpenRFTError:
        if several:
            with torch.no_grad():
                for parameter, value in zip(parameters, kept, strict=True):
                    parameter.copy_(value)
            for optimizer, state in zip(optimizers, moments, strict=True):
                optimizer.load_state_dict(state)
        raise
