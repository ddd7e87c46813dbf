"""OpenRFT: reinforcement fine-tuning from about 100 labelled questions, with evidence of what helped.

These names are what plugins may import; everything else is internal.
"""

from openrft.errors import DataError, OpenRFTError, PluginError, UnknownName, UsageError
from openrft.hookspecs import PolicyInfo, hookimpl
from openrft.policies.base import Sampling
from openrft.prompt import boxed, messages_for, question_block, steps_of
from openrft.sample import Completion, Reward, Rollout, Sample, Shot
from openrft.task import DataRequest, Task, TaskInfo

__version__ = "0.1.0"
__all__ = [
    "Completion",
    "DataError",
    "DataRequest",
    "OpenRFTError",
    "PluginError",
    "PolicyInfo",
    "Reward",
    "Rollout",
    "Sample",
    "Sampling",
    "Shot",
    "Task",
    "TaskInfo",
    "UnknownName",
    "UsageError",
    "boxed",
    "hookimpl",
    "messages_for",
    "question_block",
    "steps_of",
]
