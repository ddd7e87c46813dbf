"""What more samples are worth: unbiased estimates of pass@k, maj@k and rm@k from n completions of one question.

Each is the mean over all subsets of k of the n completions, computed exactly and without listing them. So it is
unbiased for k fresh completions, and its value at k = n is what the n completions give together. Ties are shared: of
completions or answers that tie, each is chosen equally often. Pure functions.

`values` are the scores of the completions in [0, 1]: 1 if right, 0 if wrong, between where answers can be partly right.
`votes` say which answer each completion gives, as numbers; None: no answer can be read, so there is no vote.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

MOST_COMPLETIONS = 1000  # of which binomial coefficients are finite as floats
MOST_SUBSETS = 1000  # so many subsets of a weighted vote are listed; of more, so many are drawn


def estimate_pass_at_k(values: Sequence[float], k: int) -> float:
    """pass@k: the expected score of the best of k completions. For right and wrong ones, the chance that one is right.

    With c of n right it is 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374, equation 1). Scores between 0
    and 1 are their own marks of a perfect reward model: rm@k.
    """
    return estimate_rm_at_k(values, values, k)


def estimate_rm_at_k(values: Sequence[float], marks: Sequence[float], k: int) -> float:
    """rm@k, best of k: the expected score of the completion with the highest mark among k.

    In ascending order of the marks, the best of a random subset is at place i (from 1) in C(i-1, k-1) of the C(n, k)
    subsets. Equal marks share their places. Best-of-n: Stiennon et al. 2020 (arXiv 2009.01325); with a reward model of
    steps: Lightman et al. 2023 (arXiv 2305.20050).
    """
    n = _check(len(values), k, len(marks))
    total, below = 0.0, 0
    for _, tied in itertools.groupby(sorted(zip(marks, values, strict=True)), key=lambda pair: pair[0]):
        level = [value for _, value in tied]
        chance = (math.comb(below + len(level), k) - math.comb(below, k)) / math.comb(n, k)
        total += chance * math.fsum(level) / len(level)
        below += len(level)
    return total


def estimate_maj_at_k(values: Sequence[float], votes: Sequence[int | None], k: int) -> float:
    """maj@k: the expected score of the answer that most of k completions give, 0 without any vote. An answer's score is
    the mean over its completions. Self-consistency: Wang et al. 2022 (arXiv 2203.11171).

    The subsets are counted by their largest number t of equal answers: a product over the answers of the polynomials
    sum_i C(n_a, i) x^i for i <= t, times (1 + x)^u for u unreadable completions.
    """
    _check(len(values), k, len(votes))
    groups: dict[int, list[float]] = {}
    for value, vote in zip(values, votes, strict=True):
        if vote is not None:
            groups.setdefault(vote, []).append(value)
    answers = tuple(sorted((len(group), math.fsum(group) / len(group)) for group in groups.values()))
    return _expect_plurality(answers, len(values) - sum(size for size, _ in answers))[k]


@functools.lru_cache(maxsize=4096)
def _expect_plurality(answers: tuple[tuple[int, float], ...], unreadable: int) -> tuple[float, ...]:
    """The expected score of the plurality answer among k completions, for k = 0..n. `answers`: (votes, score)."""
    n = unreadable + sum(size for size, _ in answers)
    total = np.zeros(n + 1)
    for most in range(1, max((size for size, _ in answers), default=0) + 1):
        # By the number of answers with `most` votes: the subsets by size, and the sum of the tied answers' scores.
        ways = {0: _choose(unreadable, n, n)}
        scores: dict[int, Counts] = {0: np.zeros(n + 1)}
        for size, score in answers:
            below = _choose(size, most - 1, n)
            level = _choose(size, most, n) - below
            more_ways: dict[int, Counts] = {}
            more_scores: dict[int, Counts] = {}
            for tied in ways:
                for now, factor, gain in ((tied, below, 0.0), (tied + 1, level, score)):
                    if factor.any():
                        fewer, marked = _times(ways[tied], factor), _times(scores[tied], factor)
                        more_ways[now] = more_ways.get(now, 0) + fewer
                        more_scores[now] = more_scores.get(now, 0) + marked + gain * fewer
            ways, scores = more_ways, more_scores
        for tied, found in scores.items():
            if tied:
                total += found / tied
    return tuple(float(total[k] / math.comb(n, k)) for k in range(n + 1))


def _choose(size: int, most: int, n: int) -> Counts:
    """The coefficients of sum_i C(size, i) x^i for i <= `most`, up to x^n."""
    return np.array([math.comb(size, i) if i <= most else 0 for i in range(n + 1)], dtype=float)


def _times(one: Counts, other: Counts) -> Counts:
    """The product of two polynomials up to x^n."""
    product: Counts = np.convolve(one, other)[: len(one)]
    return product


def estimate_weighted_vote_at_k(
    values: Sequence[float], votes: Sequence[int | None], weights: Sequence[float], k: int
) -> float:
    """The expected score of the answer with the largest sum of weights among k completions: weighted self-consistency
    (arXiv 2203.11171, section 2); with the marks of a reward model as weights, Uesato et al. 2022 (arXiv
    2211.14275).

    Weights are not negative. The mean is over all subsets of k if they are at most 1,000, else over 1,000 subsets that
    are drawn with a fixed seed, which is unbiased, too.
    """
    n = _check(len(values), k, len(votes), len(weights))
    numbers = {vote: at for at, vote in enumerate(dict.fromkeys(vote for vote in votes if vote is not None))}
    if not numbers:
        return 0.0
    table = np.zeros((n, len(numbers)))  # the weight of each completion at its answer
    score, size = np.zeros(len(numbers)), np.zeros(len(numbers))
    for i, vote in enumerate(votes):
        if vote is not None:
            table[i, numbers[vote]] = weights[i]
            score[numbers[vote]] += values[i]
            size[numbers[vote]] += 1
    chosen = _list_subsets(n, k)
    given = np.zeros((len(chosen), len(numbers)), dtype=bool)  # a vote of weight 0 still is one
    for at, vote in enumerate(votes):
        if vote is not None:
            given[:, numbers[vote]] |= chosen[:, at]
    sums = np.where(given, chosen @ table, -1.0)
    best = given & (sums >= sums.max(axis=1, keepdims=True) - 1e-12)
    shares = best / np.maximum(best.sum(axis=1, keepdims=True), 1)
    return float((shares @ (score / size)).mean())


@functools.lru_cache(maxsize=64)
def _list_subsets(n: int, k: int) -> NDArray[np.bool_]:
    """(subsets, n): all subsets of k of n, or MOST_SUBSETS of them."""
    if math.comb(n, k) <= MOST_SUBSETS:
        rows = np.zeros((math.comb(n, k), n), dtype=bool)
        for row, members in zip(rows, itertools.combinations(range(n), k), strict=True):
            row[list(members)] = True
        return rows
    places = np.random.default_rng([n, k]).random((MOST_SUBSETS, n)).argsort(axis=1)
    found: NDArray[np.bool_] = places < k
    return found


def _check(n: int, k: int, *lengths: int) -> int:
    """n, if it and k can be used."""
    if any(length != n for length in lengths):
        raise ValueError(f"{n} completions with {lengths[0]} votes or marks")
    if not 1 <= k <= n:
        raise ValueError(f"k is {k}, which is not between 1 and the {n} completions")
    if n > MOST_COMPLETIONS:
        raise ValueError(f"{n} completions are more than {MOST_COMPLETIONS}")
    return n
