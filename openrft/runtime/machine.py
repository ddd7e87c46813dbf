"""What kind of machine this is, so that times that were measured on another one are not taken for its own."""

from __future__ import annotations

import functools
import os
import platform
import re
import sys
from pathlib import Path

from openrft.runtime.gpus import describe_gpus
from openrft.types import content_id

CPU_INFO = Path("/proc/cpuinfo")


def identify_machine() -> str:
    """16 hex digits of the processor, the number of cores and the GPU. Machines of one kind share them.

    Where PyTorch is not loaded, nothing runs on a GPU, and none is counted.
    """
    gpus = describe_gpus() if "torch" in sys.modules else None
    return content_id(platform.system(), platform.machine(), _describe_processor(), os.cpu_count(), gpus)


@functools.cache
def _describe_processor() -> str:
    """The model of the processor, as far as the system tells it."""
    if CPU_INFO.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text("utf-8", "replace"), re.MULTILINE)
        if found:
            return found[1]
    return platform.processor()


def count_threads() -> int | None:
    """The threads that PyTorch computes with in this process; None where it is not loaded."""
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())
