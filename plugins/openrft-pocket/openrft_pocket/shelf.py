"""The checkpoints that the plugin ships: names, folders, and the settings that suit them."""

from __future__ import annotations

from pathlib import Path

from openrft import PolicyInfo

CHECKPOINTS = Path(__file__).parent / "checkpoints"
SUMMARIES = {
    "pocket": "0.9M-parameter policy; reasons line by line, carelessly",
    "pocket/teacher": "the policy before it learnt carelessness: same style, fewer slips",
    "pocket/prm": "process reward model in the Skywork v_head format, made from the policy",
    "pocket/prm-two-label": "the same judgement as token classification with two labels",
}


def folder_of(name: str) -> Path:
    """Where a checkpoint lies: `pocket` in `policy`, `pocket/x` in `x`."""
    return CHECKPOINTS / (name.partition("/")[2] or "policy")


def shelf() -> dict[str, PolicyInfo]:
    """The checkpoints that are there."""
    return {
        name: PolicyInfo(str(folder_of(name)), summary)
        for name, summary in SUMMARIES.items()
        if (folder_of(name) / "config.json").exists()
    }
