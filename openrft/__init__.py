"""OpenRFT: reinforcement fine-tuning from about 100 labelled questions, with evidence of what helped.

These names are what plugins may import; everything else is internal. Each is loaded when it is first used, so that
`openrft --help` answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openrft.checkpoints import checkpoint_path, open_policy
    from openrft.errors import CheckpointError, DataError, OpenRFTError, UsageError
    from openrft.hookspecs import PolicyInfo, hookimpl
    from openrft.policies.base import Sampling
    from openrft.prompt import boxed, messages_for, steps_of
    from openrft.sample import Completion, Reward, Rollout, Sample, Shot
    from openrft.task import DataRequest, Task, TaskInfo

__version__ = "0.1.0"
__all__ = [
    "CheckpointError",
    "Completion",
    "DataError",
    "DataRequest",
    "OpenRFTError",
    "PolicyInfo",
    "Reward",
    "Rollout",
    "Sample",
    "Sampling",
    "Shot",
    "Task",
    "TaskInfo",
    "UsageError",
    "boxed",
    "checkpoint_path",
    "hookimpl",
    "messages_for",
    "open_policy",
    "steps_of",
]

_HOMES = {
    "checkpoints": ("checkpoint_path", "open_policy"),
    "errors": ("CheckpointError", "DataError", "OpenRFTError", "UsageError"),
    "hookspecs": ("PolicyInfo", "hookimpl"),
    "policies.base": ("Sampling",),
    "prompt": ("boxed", "messages_for", "steps_of"),
    "sample": ("Completion", "Reward", "Rollout", "Sample", "Shot"),
    "task": ("DataRequest", "Task", "TaskInfo"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"openrft.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'openrft' has no attribute {name!r}")
