"""Form and ability: how much of a gain is answers in the asked form, and how much is right answers.

Strict accuracy mixes two things. A policy that learns to write its answer in the asked form gains as much as one that
learns to answer. The lenient reading, which takes what a careful person would take for the answer, tells them apart.

For one arm and one task, as means over completions, items and seeds:

    A  strict accuracy
    F  share of answers that the strict reading can read (the asked form)
    R  share of answers that either reading can read
    U  accuracy where each answer is read strictly if possible, else leniently
    B = U / R, the share of right answers among the readable ones

The gain of arm 1 over arm 0 is split as Kitagawa (1955, "Components of a difference between two rates") and Oaxaca and
Blinder (1973) split a difference of products, here A = F x B, with the averages of both arms as weights:

    ability = (B1 - B0) (F1 + F0) / 2
    form    = (A1 - A0) - ability

They add up to the gain exactly. If B is the same whether an answer is in the asked form or not, form is
(F1 - F0) (B1 + B0) / 2. Otherwise it also has the change in which answers are in the asked form, (A1 - F1 B1) -
(A0 - F0 B0). B comes from both readings because few strict answers (1% of vanilla's, say) would tell little of it. An
arm without any readable answer has no B. Then B1 - B0 counts as 0, and the interval of ability allows any B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openrft.bench.report import ArmResult, Item
from openrft.bench.sequential import Looks
from openrft.bench.statistics import (
    REPLICATES,
    Array,
    BootstrapDraws,
    Interval,
    TaskScores,
    combine_tasks,
    estimate_accuracy,
    make_interval,
    resample_by_task,
    sum_by_cluster,
)

STRICT, FORM, RIGHT, READABLE = range(4)  # the quantities A, F, U and R of an arm, in this order


@dataclass(frozen=True, slots=True)
class Split:
    """A gain in two parts that add up to it."""

    form: Interval
    ability: Interval


@dataclass(frozen=True, slots=True)
class ReadingDraws:
    """A, F, U and R of several arms by task, with their bootstrap replicates: the draws of `resample`."""

    by_task: tuple[BootstrapDraws, ...]  # of (4 x arms) accuracies: A of each arm, then F of each, U, R
    pseudo: tuple[Array, ...]  # for each task (replicates, arms, 2): see `_draw_pseudo_answers`
    whole: BootstrapDraws  # the macro average over tasks

    def values(self, task: int, arm: int) -> Array:
        """A, F, U and R of an arm on a task: (4,)."""
        return self._of(self.by_task[task].estimate, arm)

    def replicates(self, task: int, arm: int) -> Array:
        """The same for each replicate, with pseudo-answers in U and R: (4, replicates)."""
        found = self._of(self.by_task[task].crossed.T, arm)
        unread = 1 - found[READABLE]
        right, wrong = self.pseudo[task][:, arm].T * unread
        return np.stack([found[STRICT], found[FORM], found[RIGHT] + right, found[READABLE] + right + wrong])

    def by_seed(self, task: int, arm: int) -> Array:
        """The same for each seed: (4, seeds)."""
        return self._of(self.by_task[task].seed_means[0], arm)

    def _of(self, channels: Array, arm: int) -> Array:
        return channels[arm :: len(channels) // 4]


def has_both_readings(results: Sequence[ArmResult]) -> bool:
    """Whether every item of these results was read in both ways."""
    return all(item.lenient_correct for result in results for item in result.items.values())


def measure_item(item: Item) -> tuple[float, float, float, float]:
    """A, F, U and R of one item. An answer that earned something counts as readable, whoever read it."""
    given = item.scores or item.correct
    strict = [not unparsed or score > 0 for unparsed, score in zip(item.unparsed, given, strict=True)]
    marks = list(zip(strict, given, item.lenient_correct, item.lenient_unparsed, strict=True))
    right = sum(score if read else lenient for read, score, lenient, _ in marks)
    readable = sum(read or lenient or not unparsed for read, _, lenient, unparsed in marks)
    n = len(given)
    return sum(given) / n, sum(strict) / n, right / n, readable / n


def draw_readings(blocks: Sequence[TaskScores], replicates: int = REPLICATES, looks: Looks = ()) -> ReadingDraws:
    """Resample blocks of (4 x arms) scores: A of each arm, then F of each, U, R."""
    by_task = resample_by_task(blocks, replicates, looks=looks)
    pseudo = tuple(_draw_pseudo_answers(block, replicates, task) for task, block in enumerate(blocks))
    return ReadingDraws(by_task, pseudo, combine_tasks(by_task))


def _draw_pseudo_answers(block: TaskScores, replicates: int, seed: int) -> Array:
    """(replicates, arms, 2): a right and a wrong answer with random weights, added to the answers of each replicate in
    proportion to what cannot be read.

    If 5 readable answers are all wrong, resampling them says for certain that all would be. Two pseudo-observations
    with exponential weights are the Bayesian bootstrap (Rubin 1981) with a uniform prior on B. Each weighs as much as a
    cluster with readable answers does. Where everything can be read, nothing is added, and ability is the gain.
    """
    sums, sizes = sum_by_cluster(block)
    arms = len(sums) // 4
    readable = sums[READABLE * arms :].mean(axis=1)  # (arms, clusters)
    weight = [float(row[row > 0].mean()) if (row > 0).any() else 1.0 for row in readable]
    drawn = np.random.default_rng([seed, 2]).exponential(size=(replicates, arms, 2))
    return np.asarray(drawn * np.array(weight)[:, None] / sizes.sum(), dtype=float)


def split_gain(draws: ReadingDraws, first: int, second: int) -> Split:
    """Form and ability in the gain of one arm over another, as means over tasks, each with its 95% interval."""
    tasks = range(len(draws.by_task))
    value = np.mean([decompose(draws.values(t, first), draws.values(t, second)) for t in tasks], axis=0)
    replicates = np.mean([decompose(draws.replicates(t, first), draws.replicates(t, second)) for t in tasks], axis=0)
    by_seed = [decompose(draws.by_seed(t, first), draws.by_seed(t, second)) for t in tasks]
    form, ability = (
        make_interval(draws.whole, float(value[part]), replicates[part], [seeds[part] for seeds in by_seed], 1.0)
        for part in range(2)
    )
    return Split(form, ability)


def split_tested_gain(draws: ReadingDraws, first: int, second: int, resampled: Interval, tested: Interval) -> Split:
    """The split, with intervals as much narrower or wider as the gain's interval from a test is than when `resampled`.

    Where every answer of both arms is in the asked form, ability is the gain itself.
    """
    split = split_gain(draws, first, second)
    if all(draws.values(task, arm)[FORM] == 1 for task in range(len(draws.by_task)) for arm in (first, second)):
        return Split(split.form, tested)
    factor = (tested.high - tested.low) / (resampled.high - resampled.low)
    return Split(*(_widen(part, factor) for part in (split.form, split.ability)))


def _widen(part: Interval, factor: float) -> Interval:
    low, high = (part.value + (end - part.value) * factor for end in (part.low, part.high))
    return Interval(part.value, max(low, -1.0), min(high, 1.0))


def name_gain(gain: Interval, split: Split, comparable: bool) -> str:
    """What the intervals show of a gain, in a few words; empty if they show nothing.

    `comparable`: both arms gave a readable answer. A part that is not shown is called none only if its interval is
    smaller than the part that is shown.
    """
    form, ability = (_sign(part) for part in (split.form, split.ability))
    if not comparable:
        return {1: _UNKNOWN, -1: "a loss of form, ability not known"}.get(form, "")
    if form and not ability:
        most = split.ability.high if form > 0 else -split.ability.low
        alone = most <= abs(split.form.value)
        return {1: FORM_ALONE, -1: "a loss of form"}[form] if alone else _OPEN[form]
    if not form and not ability:
        return {1: "form or ability", -1: "a loss of form or ability", 0: ""}[_sign(gain)]
    return _KINDS[form, ability]


FORM_ALONE = "form alone"
_UNKNOWN = "form, ability not known"
_OPEN = {1: "form, and perhaps ability", -1: "a loss of form, and perhaps ability"}
MAYBE_FORM_ALONE = frozenset({_UNKNOWN, _OPEN[1]})  # names of gains that may be form alone
_KINDS = {
    (1, 1): "form and ability",
    (0, 1): "ability",
    (-1, 1): "ability at a loss of form",
    (1, -1): "form at a loss of ability",
    (0, -1): "a loss of ability",
    (-1, -1): "a loss of form and ability",
}


def _sign(part: Interval) -> int:
    """1 or -1 if the interval shows a gain or a loss, else 0."""
    return int(part.low > 0) - int(part.high < 0)


def decompose(first: Array, second: Array) -> Array:
    """(form, ability) of a gain, from A, F, U and R of both arms, each (4, ...): see the file's docstring."""
    gap = np.nan_to_num(share_right(first) - share_right(second))
    ability = gap * (first[FORM] + second[FORM]) / 2
    return np.stack([first[STRICT] - second[STRICT] - ability, ability])


def share_right(measured: Array) -> Array:
    """B, the share of right answers among the readable ones, from (4, ...); nan where none is readable."""
    readable = measured[READABLE]
    return np.where(readable > 0, measured[RIGHT] / np.where(readable > 0, readable, 1.0), np.nan)


def estimate_lenient_accuracy(draws: ReadingDraws, arm: int) -> Interval:
    """U, the accuracy where what cannot be read strictly is read leniently, with its 95% interval."""
    return estimate_accuracy(draws.whole, RIGHT * (len(draws.whole.estimate) // 4) + arm)


def estimate_share_right(draws: ReadingDraws, arm: int) -> Interval | None:
    """B as a mean over tasks, with its 95% interval; None if on some task no answer of the arm is readable."""
    tasks = range(len(draws.by_task))
    value = float(np.mean([share_right(draws.values(t, arm)) for t in tasks]))
    if np.isnan(value):
        return None
    replicates = np.mean([share_right(draws.replicates(t, arm)) for t in tasks], axis=0)
    by_seed = [np.nan_to_num(share_right(draws.by_seed(t, arm))) for t in tasks]
    found = make_interval(draws.whole, value, replicates, by_seed, 1.0)
    return Interval(value, max(found.low, 0.0), found.high)
