"""Checks of the machine: free disk and free memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from openrft.bench.memory import describe_memory, forecast_memory
from openrft.doctor import thresholds as limits
from openrft.doctor.subject import Subject
from openrft.doctor.thresholds import diagnose, skip
from openrft.plugins.hookspecs import Diagnosis, Verdict
from openrft.runtime.process_memory import read_available_bytes


def check_disk(subject: Subject) -> Iterator[Diagnosis]:
    """Whether the disk that the run writes to has enough free space."""
    folder = _find_existing(subject.folder)
    free = shutil.disk_usage(folder).free / 1e9
    low, none = limits.DISK_FREE_GB.warn or 0.0, limits.DISK_FREE_GB.stop or 0.0
    verdict: Verdict = "stop" if free < none else "warn" if free < low else "ok"
    yield Diagnosis(
        "disk",
        verdict,
        f"{free:.1f} GB are free at {folder}",
        "" if verdict == "ok" else "Make room, or give another folder with --out.",
        round(free, 2),
        none if verdict == "stop" else low,
    )


def _find_existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())


def check_memory(subject: Subject) -> Iterator[Diagnosis]:
    """Whether the largest job fits into the free memory. A GPU's is checked when the weights are placed on it."""
    arms = forecast_memory(subject.plan)
    words, free = describe_memory(arms, 1), read_available_bytes()
    if not words or free is None:
        yield skip("memory", "no model is loaded here" if free else "this system does not tell what is free")
        return
    most = max(arms, key=lambda arm: arm.peak)
    if most.policy is not None and most.policy.device != "cpu":
        yield skip("memory", words)
        return
    yield diagnose(
        "memory",
        most.peak / free,
        limits.MEMORY,
        f"{free / 1e9:.1f} GB are free; {words}",
        "Lower explore.group_size or max_tokens, run with --workers 1, or take a smaller policy.",
    )
