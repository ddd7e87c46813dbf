"""What a plugin found out about its own rewards before RL, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RewardCheck:
    """The findings of one plugin on answers of one policy."""

    findings: tuple[str, ...]  # what was measured, with intervals, each without a full stop
    warnings: tuple[str, ...] = ()  # reasons not to rely on these rewards, likewise
    source: str = ""  # the plugin; the core fills it in

    def __str__(self) -> str:
        warned = "".join(f" WARNING: {text}." for text in self.warnings)
        return f"{'; '.join(self.findings)}.{warned}"
