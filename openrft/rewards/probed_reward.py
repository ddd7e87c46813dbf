"""What probe answers earned from one source, as plain data, with the warnings. See probes.py for the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def describe_probed_reward(found: ProbedReward, most: int = len(PROBES_BY_NAME)) -> Iterator[str]:
    """One sentence for each degree to which probes are paid without being right, naming them, and one for a source that
    is not shown to pay right answers more than wrong ones. If more than `most` probes earn as much there, it says how
    many, so that sentences about several seeds are alike."""
    right, wrong = found.right, found.wrong
    if right is None or wrong is None:
        return
    degrees: dict[str, list[Pay]] = {}
    for pay in found.named:
        degrees.setdefault(_describe_degree(pay, right, wrong), []).append(pay)
    for degree, pays in degrees.items():
        yield f"`{found.source}` pays {_list_pays(pays)}: {degree}"
    if found.separates is False:
        paid = [pay for pay in found.probes if not pay.finding and pay.mean >= right.mean > 0]
        more = f"; it pays {_list_pays(paid)}" if paid else ""
        if len(paid) > most:
            more = f"; {len(paid)} of {len(found.probes)} kinds of answers made to deceive it earn as much"
        yield (
            f"`{found.source}` is not shown to pay right answers ({right.mean:.2f}) more than wrong ones"
            f" ({wrong.mean:.2f}){more}"
        )


def _describe_degree(pay: Pay, right: Pay, wrong: Pay) -> str:
    if pay.finding == "above right":
        return f"more than for right ones ({right.mean:.2f})"
    if pay.mean >= right.mean:
        return f"no less than for right ones ({right.mean:.2f})"
    return f"well above wrong ones ({wrong.mean:.2f}; right ones {right.mean:.2f})"


def _list_pays(pays: Sequence[Pay]) -> str:
    return ", ".join(f"{pay.mean:.2f} for {pay.label}" for pay in pays)
