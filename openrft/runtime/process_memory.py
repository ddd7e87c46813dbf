"""The memory of this process, and what the machine has left. As Linux tells it; elsewhere it is not known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

STATUS, MACHINE = Path("/proc/self/status"), Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")  # the limits of a container


def read_peak_bytes(device: Any) -> int:
    """The most memory that this process has held so far: its tensors on a GPU, or on a CPU all of it that is resident,
    Python and libraries included. 0 where the system does not tell. `device` is a torch.device."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    return _read_field(STATUS, "VmHWM") or 0


def read_available_bytes() -> int | None:
    """The memory that this process can still take without swapping: that of the machine, or of its container if that
    is less. None where the system does not tell."""
    found = [_read_field(MACHINE, "MemAvailable"), _read_group_bytes()]
    return min((size for size in found if size is not None), default=None)


def _read_group_bytes() -> int | None:
    """What the container's limit leaves; None without a limit. Cached files do not count, as they can be dropped."""
    limit, used = _read_text(GROUP / "memory.max"), _read_text(GROUP / "memory.current")
    if not (limit.isdecimal() and used.isdecimal()):
        return None
    cached = re.search(r"^inactive_file (\d+)$", _read_text(GROUP / "memory.stat"), re.MULTILINE)
    return max(0, int(limit) - int(used) + (int(cached[1]) if cached else 0))


def _read_field(file: Path, name: str) -> int | None:
    """The bytes of a line such as "VmHWM:  1024 kB"."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", _read_text(file), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _read_text(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except OSError:
        return ""
