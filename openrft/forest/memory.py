"""Where freed memory goes on a CPU."""

from __future__ import annotations

import functools

import torch

MOST = 31 << 20  # bytes; glibc raises its threshold up to 32 MiB


@functools.cache
def keep_freed() -> None:
    """Let glibc keep blocks of up to MOST bytes when they are freed, for the next layer to use. It would give them back
    to the kernel, and each use would begin with a page fault for every 4 KiB: a fifth of the time of a small model's
    forward pass. Freeing a large block once is what tells it (mallopt(3), M_MMAP_THRESHOLD)."""
    torch.empty(MOST, dtype=torch.uint8)
