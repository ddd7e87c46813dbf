"""What probe answers earned from one source, as plain data, with the warnings. See probes.py for the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from openrft.rewards.probes import PROBES_BY_NAME

R = "R"  # the source that stands for the combined reward
Finding = Literal["", "above right", "above wrong"]


@dataclass(frozen=True, slots=True)
class Pay:
    """What one sort of answer earned: the mean over questions with its 95% interval."""

    answers: str  # the probe's name; "right" or "wrong" for answers that the policy gave
    questions: int
    mean: float
    low: float
    high: float
    finding: Finding = ""  # what is shown of a probe; see `compare_pay`

    @property
    def label(self) -> str:
        """The answers in words."""
        return OWN.get(self.answers) or PROBES_BY_NAME[self.answers].label


OWN = {"right": "right answers of the policy", "wrong": "wrong answers of the policy"}


@dataclass(frozen=True, slots=True)
class ProbedReward:
    """One source of rewards, or R, on probe answers before RL."""

    source: str  # the reward's name, or "R" for all of them combined
    policy: str  # the policy's id; arms that start RL from this policy with these rewards share the measurement
    right: Pay | None  # of right answers: the policy's own if there are enough, else right answers alone
    wrong: Pay | None  # likewise
    probes: tuple[Pay, ...]
    separates: bool | None  # whether right answers are shown to earn more than wrong ones; None: nothing to compare

    @property
    def named(self) -> tuple[Pay, ...]:
        """The probes that are paid without being right."""
        return tuple(pay for pay in self.probes if pay.finding)


def describe_probed_reward(found: ProbedReward) -> Iterator[str]:
    """Sentences that name every probe which is paid without being right, and a source that cannot tell at all."""
    source = f"`{found.source}`"
    for pay in found.named:
        if pay.finding == "above right" and found.right:
            yield f"{source} pays {pay.mean:.2f} for {pay.label}: more than for right ones ({found.right.mean:.2f})"
        elif found.right and found.wrong:
            as_right = pay.mean >= found.right.mean
            than = (
                f"as much as for right ones ({found.right.mean:.2f})"
                if as_right
                else f"well above wrong ones ({found.wrong.mean:.2f}; right ones {found.right.mean:.2f})"
            )
            yield f"{source} pays {pay.mean:.2f} for {pay.label}: {than}"
    if found.separates is False and found.right and found.wrong:
        yield (
            f"{source} is not shown to pay right answers ({found.right.mean:.2f}) more than wrong ones"
            f" ({found.wrong.mean:.2f})"
        )
