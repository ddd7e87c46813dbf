"""OpenRFT: reinforcement fine-tuning from about 100 labelled questions, with evidence of what helped.

These names are what plugins may import; everything else is internal.
"""

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
