"""No completion is a fault of the grader, and none costs more than linear time. More: benchmarks/hostile_grading.py.

Times are of this process's own work: at most 50 ms per 10 kB, the least of up to three tries. On a processor that is
slow, or busy with other work, as many more as a pass of known cost takes there, up to four times as many.
"""

from __future__ import annotations

import re
import time

import pytest

from openrft.grading.grade import Grade, grade
from openrft.types import Sample
from tests.grading.hostile import REPEATED, SAMPLES, WRAPS, draw_cases

CASES = 6_000  # the benchmark grades 100,000
LENGTH = 20_000
PASS = 0.0018  # seconds for `pass_over` of LENGTH characters on a processor with nothing else to do
BY_KIND = {sample.kind: sample for sample in reversed(SAMPLES)}


def check(verdict: Grade) -> None:
    """What holds for every verdict."""
    lenient = verdict.lenient or verdict
    assert isinstance(verdict.correct, bool)
    assert isinstance(lenient.correct, bool)
    assert not (verdict.answer is None and verdict.correct)
    assert not (lenient.answer is None and lenient.correct)
    assert verdict.answer is None or lenient.answer is not None  # what strict reads, lenient reads too
    assert lenient.correct or not verdict.correct


@pytest.mark.parametrize("seed", range(4))
def test_no_completion_is_a_fault(seed):
    for sample, completion in draw_cases(CASES // 4, seed, without=("expression",)):
        verdict = grade(sample, completion)
        check(verdict)
        assert grade(sample, completion) == verdict


def test_no_expression_is_a_fault():
    """Fewer of them: each may ask a process of its own."""
    for sample, completion in draw_cases(150, 0, without=("choice", "boolean", "number", "text")):
        check(grade(sample, completion))


def seconds(sample: Sample, completion: str) -> float:
    start = time.process_time()
    check(grade(sample, completion))
    return time.process_time() - start


def pass_over(length: int) -> float:
    """Seconds for one match of an expression at each of that many characters."""
    match, text = re.compile("[{}]").match, "}" * length
    start = time.process_time()
    for at in range(length):
        match(text, at)
    return time.process_time() - start


@pytest.mark.parametrize("kind", BY_KIND)
@pytest.mark.parametrize("wrap", ["\\boxed{%s}", "\\boxed{B %s}", "The answer is %s", "%s"])
def test_what_a_collapsed_policy_repeats_costs_linear_time(kind, wrap):
    assert wrap in (*WRAPS, "\\boxed{B %s}")
    for piece in REPEATED:
        completion = wrap.replace("%s", piece * (LENGTH // len(piece)))
        limit = 0.05 * len(completion) / 10_000
        assert any(
            seconds(BY_KIND[kind], completion) <= limit * min(max(1.0, pass_over(LENGTH) / PASS), 4.0) for _ in range(3)
        ), piece
