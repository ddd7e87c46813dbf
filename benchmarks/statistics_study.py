"""How often the bench's statistics are wrong, by simulation through its own functions.

    python benchmarks/statistics_study.py --benches 500      # writes results/statistics/, within 20 minutes

Two policies of equal ability answer 500 items three times each. Their strengths lie on different items, and each
training run moves an arm's accuracy by its own luck. Every p below .05, and every interval that leaves out the truth,
is a false alarm: 5% are promised. (The file is not called statistics.py: that would hide Python's own module.)
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from openrft.bench.gate import _Pair, _row
from openrft.bench.significance import adjust_holm, compare_arms
from openrft.bench.statistics import TaskScores, resample

OUT = Path(__file__).parent / "results" / "statistics"
ITEMS, COMPLETIONS, REPLICATES = 500, 3, 1000
Rng = np.random.Generator
Rates = dict[str, float]


def simulate(rng: Rng, arms: int, seeds: int, noise: float, lasting: float = 1.0, drops: float = 0.0) -> TaskScores:
    """The scores of `arms` equal policies.

    noise: the standard deviation of accuracy over training seeds. lasting: how far an arm's strengths on items are its
    own, in logits. drops: the share of training runs that fall by 35 points.
    """
    difficulty = rng.normal(0.2, 1.5, ITEMS)
    ability = 1 / (1 + np.exp(-(difficulty + rng.normal(0, lasting, (arms, 1, ITEMS)))))
    luck = rng.normal(0, noise, (arms, seeds, 1)) - 0.35 * (rng.random((arms, seeds, 1)) < drops)
    right = np.clip(ability + luck, 0, 1)
    return TaskScores(rng.binomial(COMPLETIONS, right) / COMPLETIONS, np.arange(ITEMS), COMPLETIONS)


def compare_two(rng: Rng, seeds: int, **how: Any) -> Rates:
    """Whether p is below .05 and whether the interval leaves out 0. No p with one seed."""
    block = simulate(rng, 2, seeds, **how)
    found = compare_arms([block], resample([block], REPLICATES), 1, 0, same_checkpoint=False)
    outside = not found.interval.low <= 0 <= found.interval.high
    return {"p < .05": float("nan") if found.p is None else float(found.p < 0.05), "0 outside": float(outside)}


def compare_shared(rng: Rng, seeds: int) -> Rates:
    """Two arms of one checkpoint, which differ in how it is asked."""
    block = simulate(rng, 2, seeds, noise=0.0)
    shared = rng.normal(0, 0.05, (1, seeds, 1))  # the luck of training, which both have
    right = np.clip(block.scores * 0 + block.scores.mean(axis=1, keepdims=True) + shared, 0, 1)
    block = TaskScores(rng.binomial(COMPLETIONS, right) / COMPLETIONS, block.clusters, COMPLETIONS)
    found = compare_arms([block], resample([block], REPLICATES), 1, 0, same_checkpoint=True)
    outside = not found.interval.low <= 0 <= found.interval.high
    return {"p < .05": float(found.p is not None and found.p < 0.05), "0 outside": float(outside)}


def compare_family(rng: Rng, seeds: int) -> Rates:
    """Eight arms against one: whether any of the corrected p's is below .05."""
    block = simulate(rng, 9, seeds, noise=0.02)
    draws = resample([block], REPLICATES)
    raw = [compare_arms([block], draws, arm, 0, same_checkpoint=False).p or 1.0 for arm in range(1, 9)]
    return {"any p < .05": float(min(adjust_holm(raw)) < 0.05), "any p < .05, uncorrected": float(min(raw) < 0.05)}


def gate(rng: Rng, seeds: int) -> Rates:
    """The gate with a margin of 5 points on a true drop of 5 points: 2.5% each are promised."""
    luck = rng.normal(0, 0.02, (2, seeds, 1))
    ability = 1 / (1 + np.exp(-rng.normal(0.5, 1.5, 240)))
    right = np.clip(ability + luck - np.array([0.0, 0.05])[:, None, None], 0, 1)
    block = TaskScores(rng.binomial(COMPLETIONS, right) / COMPLETIONS, np.arange(240), COMPLETIONS)
    pair = _Pair(("rl",), (block,), resample([block], REPLICATES), frozenset())
    verdict = _row(pair, "rl", {"rl": 1.0}, 0.05, 0.02).verdict
    return {"passes": float(verdict == "pass"), "called a regression": float(verdict == "regression")}


def list_studies() -> Iterator[tuple[str, int, Callable[[Rng], Rates]]]:
    """Each study: what, with how many seeds, and one simulated bench of it."""
    for seeds in (1, 2, 3, 5):
        for noise in (0.0, 0.01, 0.02, 0.1):
            yield f"training noise {100 * noise:g} points", seeds, _two(seeds, noise=noise)
        yield "noise 2 points, alike on items", seeds, _two(seeds, noise=0.02, lasting=0.2)
        yield "noise 2 points, one run in eight falls by 35", seeds, _two(seeds, noise=0.02, drops=1 / 8)
    for seeds in (1, 3):
        yield "arms of one checkpoint", seeds, lambda rng, seeds=seeds: compare_shared(rng, seeds)  # type: ignore[misc]
        yield "gate, a true drop of the margin", seeds, lambda rng, seeds=seeds: gate(rng, seeds)  # type: ignore[misc]
    yield "eight arms against one, noise 2 points", 3, lambda rng: compare_family(rng, 3)


def _two(seeds: int, **how: Any) -> Callable[[Rng], Rates]:
    return lambda rng: compare_two(rng, seeds, **how)


def run_study(once: Callable[[Rng], Rates], benches: int, seed: int) -> dict[str, tuple[float, float]]:
    """Each rate over so many simulated benches, with its Monte-Carlo standard error. Rates without a value are left
    out."""
    rng = np.random.default_rng(seed)
    drawn = [once(rng) for _ in range(benches)]
    rates = {name: float(np.mean([row[name] for row in drawn])) for name in drawn[0]}
    return {name: (r, math.sqrt(r * (1 - r) / benches)) for name, r in rates.items() if not math.isnan(r)}


def format_table(rows: list[dict[str, Any]], benches: int) -> str:
    """The rates as Markdown."""
    lines = [f"{benches} simulated benches a row; +- is the Monte-Carlo standard error.", ""]
    lines += ["| what | seeds | rate, % |", "|---|---|---|"]
    for row in rows:
        shown = "; ".join(f"{name} {100 * r:.1f} +- {100 * e:.1f}" for name, (r, e) in row["rates"].items())
        lines.append(f"| {row['what']} | {row['seeds']} | {shown} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate how often the bench's statistics are wrong.")
    parser.add_argument("--benches", type=int, default=500, help="simulated benches a row (default 500)")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    rows = []
    for seed, (what, seeds, once) in enumerate(list_studies()):
        rows.append({"what": what, "seeds": seeds, "rates": run_study(once, arguments.benches, seed)})
        print(what, seeds, rows[-1]["rates"], flush=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    content = {"benches": arguments.benches, "rows": rows}
    (arguments.out / "statistics.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    (arguments.out / "statistics.md").write_text(format_table(rows, arguments.benches), "utf-8")


if __name__ == "__main__":
    main()
