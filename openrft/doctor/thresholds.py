"""The limits of the checks: from which value on there is a warning or a stop, each with its reason.

Every limit is for a value that is worse the higher it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from openrft.plugins.hookspecs import Diagnosis, Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """A value from `warn` on is a warning, and one from `stop` on stops. None: it never does."""

    warn: float | None
    stop: float | None


# Share of the training questions that have the commonest answer. RL then learns to write it without reading. Half is
# what Yes and No have by chance.
SAME_ANSWER = Limits(0.6, 0.9)
# Share of the test questions that are in the train split, too. One is a flaw of the measurement; from a tenth on the
# gain of a few points that a bench looks for can be memory alone.
LEAKED = Limits(0.001, 0.1)
# Share of the training questions that repeat another. They count twice in training, which wastes some of it.
DUPLICATES = Limits(0.05, 0.5)
# Accuracy of the best rule without a model, beyond guessing. From half of the way to all right, the task can be solved
# without understanding, and RL finds such a rule. Beyond nine tenths there is nothing else to learn.
RULE = Limits(0.5, 0.9)
# Share of the completions whose answer cannot be read. Pocket has 2%, small instruct models 10-30%. Beyond nine tenths
# hardly a group of eight has an answer to reward.
UNREADABLE = Limits(0.3, 0.9)
# Share of the completions that end at the longest length. The graders call them wrong, however right they would have
# been. Beyond half RL learns to be short above all.
CUT_OFF = Limits(0.05, 0.5)
# Share of the questions with no right completion among k. They have no reward to learn from. At 1 RL learns nothing.
NEVER_RIGHT = Limits(0.8, 1.0)
# Share of the questions of which all k completions are right. They have nothing to learn. At 0.95 of 20 questions or
# more, a test of 100 can hardly show what is left.
ALWAYS_RIGHT = Limits(0.7, 0.95)
# Share of prompts that leave no room for a completion of the longest length (warn) or none at all (stop at any).
PROMPT_TOO_LONG = Limits(0.001, 0.05)
# Share of the questions that the teacher cannot solve: their target is the bare answer. Beyond half most targets teach
# to answer without reasoning; at nine tenths nothing is imitated but that.
UNSOLVED = Limits(0.5, 0.9)
# Nats per token by which the teacher's right traces are less likely under the policy than its own right ones. Measured
# on pocket: -0.1 for `pocket/teacher`, whose traces help by 40 points, and 6.1 for `pocket/teacher-prose`, whose traces
# cost 24. The limits are between the two. They are not yet confirmed on larger models.
FOREIGN = Limits(1.0, 2.0)
# The teacher's tokens for each token of the policy's own right traces, or its inverse if that is more. A policy that
# imitates traces of another length has its completions cut off, or gives up steps.
LENGTH_RATIO = Limits(2.0, 6.0)
# Share of the rewordings that lose or change a number, a unit, a formula or a name: their answer is no longer known.
CHANGED = Limits(0.05, 0.3)
# Accuracy that is lost when the policy answers the new samples in place of the old. Sampling alone gives about 0.1 for
# ten questions.
REWORDING_LOSS = Limits(0.2, 0.5)
# Share of the wrong answers that are the letter of a demonstration, beyond what chance has.
COPIED = Limits(0.2, 0.5)
# Accuracy that is lost with demonstrations. In the paper they gain; on pocket they cost 8 to 10 points.
DEMONSTRATION_LOSS = Limits(0.05, 0.3)
# Share of the free memory that the largest job needs: its forecast is right within a quarter.
MEMORY = Limits(0.8, 1.25)
# GB that are missing on the disk: below 1 GB free a run may end in the middle; below 0.1 GB it cannot begin.
DISK_FREE_GB = Limits(1.0, 0.1)


def judge(value: float, limits: Limits) -> tuple[Verdict, float | None]:
    """The verdict on a value, and the limit that decided it; for a value that passes, the next limit."""
    if limits.stop is not None and value >= limits.stop:
        return "stop", limits.stop
    if limits.warn is not None and value >= limits.warn:
        return "warn", limits.warn
    return "ok", limits.warn if limits.warn is not None else limits.stop


def diagnose(check: str, value: float, limits: Limits, finding: str, advice: str) -> Diagnosis:
    """The diagnosis of a value. Without a fault it has no advice."""
    verdict, threshold = judge(value, limits)
    return Diagnosis(check, verdict, finding, "" if verdict == "ok" else advice, round(value, 4), threshold)


def skip(check: str, why: str) -> Diagnosis:
    """The diagnosis of a check that does not apply to this run, with the reason."""
    return Diagnosis(check, "skipped", why)
