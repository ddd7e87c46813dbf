"""Gap: whether what a source of rewards says and the strict grade parted during RL. Read from the log of its steps."""

from __future__ import annotations

from pathlib import Path

from openrft.rewards.gap import RewardGap
from openrft.runtime.files import read_jsonl


def measure_reward_gaps(metrics: Path | None) -> tuple[RewardGap, ...]:
    """The gap of every source. `metrics` is the log of RL, with one row per step; None: there was no RL."""
    if metrics is None:
        return ()
    from openrft.rewards.gap_trend import find_reward_gaps

    return find_reward_gaps(list(read_jsonl(metrics)))
