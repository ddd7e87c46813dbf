"""Grade hostile completions by the hundred thousand, and repeat every fragment to 100 kB: faults, and time by kind.

    python -m benchmarks.hostile_grading --cases 100000 --seed 0
    python -m benchmarks.hostile_grading --repeat 100000
    python -m benchmarks.hostile_grading --expressions

The first grades completions that are drawn by seed (tests/grading/hostile.py) and names each that raises. The second
lists fragments that take more than 50 ms per 10 kB when they are repeated to that many characters. The third grades
short expressions that would compute for ever, alone and many in one completion. Times are of the processor, with what
the process that compares expressions took.
"""

from __future__ import annotations

import time
from collections import Counter

import click

from openrft import Sample, grade
from openrft.grading.expression_process import count_seconds
from tests.grading.hostile import FRAGMENTS, REPEATED, SAMPLES, WRAPS, draw_cases
from tests.grading.hostile_expressions import GOLD, HOSTILE, write_completions

LIMIT = 0.05 / 10_000  # seconds for a character


@click.command()
@click.option("--cases", default=0, help="How many completions to draw.")
@click.option("--seed", default=0, help="Draws them.")
@click.option("--repeat", default=0, help="How long repeated fragments become, in characters.")
@click.option("--expressions", is_flag=True, help="Grade expressions that would compute for ever.")
def main(cases: int, seed: int, repeat: int, expressions: bool) -> None:
    """Grade them, and print what went wrong."""
    if cases:
        _grade_drawn(cases, seed)
    if repeat:
        _grade_repeated(repeat)
    if expressions:
        _grade_expressions()


def _grade_drawn(cases: int, seed: int) -> None:
    seconds: Counter[str] = Counter()
    graded: Counter[str] = Counter()
    faults = 0
    for sample, completion in draw_cases(cases, seed):
        start = time.process_time()
        try:
            grade(sample, completion)
        except Exception as fault:  # noqa: BLE001 - to count whatever the grader raises is the purpose
            faults += 1
            click.echo(f"{type(fault).__name__}: {fault} {sample.kind} {completion!r}")
        seconds[sample.kind] += time.process_time() - start
        graded[sample.kind] += 1
    for kind, count in sorted(graded.items()):
        click.echo(f"{kind:12} {count:8} graded, {1e6 * seconds[kind] / count:8.0f} microseconds each")
    click.echo(f"{faults} faults")


def _grade_repeated(length: int) -> None:
    samples = {sample.kind: sample for sample in reversed(SAMPLES)}
    slow = 0
    for piece in dict.fromkeys((*REPEATED, *FRAGMENTS)):
        for wrap in WRAPS:
            completion = wrap.replace("%s", piece * (length // len(piece)))
            for sample in samples.values():
                taken = _time(sample, completion)
                if taken > LIMIT * len(completion):
                    taken = min(taken, _time(sample, completion))  # the first may have met a busy machine
                if taken > LIMIT * len(completion):
                    slow += 1
                    click.echo(f"{1000 * taken:.0f} ms: {sample.kind} {wrap!r} of {piece[:40]!r}")
    click.echo(f"{slow} were too slow")


def _grade_expressions() -> None:
    taken = []
    for gold in GOLD:
        sample = Sample("q", gold, kind="expression")
        grade(sample, r"\boxed{\Gamma(n) n!}")  # starts the process, and reads the gold answer
        for piece in HOSTILE:
            for completion, again in zip(write_completions(piece), write_completions("7" + piece), strict=True):
                seconds = min(_time(sample, completion), _time(sample, again))  # one may have met a busy machine
                taken.append((seconds / max(1.0, len(completion) / 10_000), gold, completion))
    taken.sort(reverse=True)
    for seconds, gold, completion in taken[:10]:
        click.echo(f"{1000 * seconds:.1f} ms per 10 kB: {gold} {completion[:60]!r}, {len(completion)} characters")
    slow = sum(seconds > LIMIT * 10_000 for seconds, _, _ in taken)
    click.echo(f"{len(taken)} completions, {slow} were too slow")


def _time(sample: Sample, completion: str) -> float:
    start = time.process_time() + count_seconds()
    grade(sample, completion)
    return time.process_time() + count_seconds() - start


if __name__ == "__main__":
    main()
