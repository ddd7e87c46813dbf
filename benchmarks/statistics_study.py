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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from openrft.bench.gate import _Pair, _row
from openrft.bench.seed_rule import make_seed_rule
from openrft.bench.sequential import LEVEL, Looks, adjust_for_looks
from openrft.bench.significance import adjust_holm, compare_arms, compare_contrast
from openrft.bench.statistics import BootstrapDraws, TaskScores, resample
from openrft.rewards.fitness_statistics import compute_reward_fitness
from openrft.types import Completion, Reward, Rollout, Sample

OUT = Path(__file__).parent / "results" / "statistics"
ITEMS, COMPLETIONS, REPLICATES = 500, 3, 1000
LOOKS = make_seed_rule().looks
Rng = np.random.Generator
Rates = dict[str, float]


def simulate(
    rng: Rng,
    arms: int,
    seeds: int,
    noise: float,
    lasting: float = 1.0,
    drops: float = 0.0,
    shared: float = 0.0,
    items: int = ITEMS,
    gains: Sequence[float] = (),
    untrained: bool = False,
) -> TaskScores:
    """The scores of `arms` policies, equal but for their `gains`.

    noise: the standard deviation of accuracy over training seeds. lasting: how far an arm's strengths on items are its
    own, in logits. drops: the share of training runs that fall by 35 points. shared: the correlation of the arms' luck
    with one seed. untrained: the first arm has no training noise.
    """
    difficulty = rng.normal(0.2, 1.5, items)
    ability = 1 / (1 + np.exp(-(difficulty + rng.normal(0, lasting, (arms, 1, items)))))
    own, alike = rng.normal(0, noise, (arms, seeds, 1)), rng.normal(0, noise, (1, seeds, 1))
    luck = math.sqrt(1 - shared) * own + math.sqrt(shared) * alike
    luck = luck - 0.35 * (rng.random((arms, seeds, 1)) < drops)
    if untrained:
        luck[0] = 0.0
    right = np.clip(ability + luck + np.array([*gains, *[0.0] * (arms - len(gains))])[:, None, None], 0, 1)
    return TaskScores(rng.binomial(COMPLETIONS, right) / COMPLETIONS, np.arange(items), COMPLETIONS)


def compare_two(rng: Rng, seeds: int, **how: Any) -> Rates:
    """Whether p is below .05 and whether the interval leaves out 0. No p with one seed."""
    block = simulate(rng, 2, seeds, **how)
    replicates = REPLICATES if seeds == 1 else 2  # several seeds are compared without the bootstrap
    found = compare_arms([block], resample([block], replicates), 1, 0, same_checkpoint=False)
    outside = not found.interval.low <= 0 <= found.interval.high
    return {"p < .05": float("nan") if found.p is None else float(found.p < 0.05), "0 outside": float(outside)}


def compare_shared(rng: Rng, seeds: int) -> Rates:
    """Two arms of one checkpoint, which differ in how it is asked."""
    block = simulate(rng, 2, seeds, noise=0.0)
    shared = rng.normal(0, 0.05, (1, seeds, 1))  # training noise, which both have
    right = np.clip(block.scores * 0 + block.scores.mean(axis=1, keepdims=True) + shared, 0, 1)
    block = TaskScores(rng.binomial(COMPLETIONS, right) / COMPLETIONS, block.clusters, COMPLETIONS)
    found = compare_arms([block], resample([block], REPLICATES), 1, 0, same_checkpoint=True)
    outside = not found.interval.low <= 0 <= found.interval.high
    return {"p < .05": float(found.p is not None and found.p < 0.05), "0 outside": float(outside)}


def compare_shapley(rng: Rng, seeds: int) -> Rates:
    """The Shapley value of a plugin that does nothing, from the four arms of two plugins."""
    block = simulate(rng, 4, seeds, noise=0.02)  # base, a, b, ab
    weights = np.array([-0.5, 0.5, -0.5, 0.5])
    found = compare_contrast([block], resample([block], REPLICATES if seeds == 1 else 2), weights, trained=True)
    outside = not found.interval.low <= 0 <= found.interval.high
    return {"p < .05": float("nan") if found.p is None else float(found.p < 0.05), "0 outside": float(outside)}


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


def _look(block: TaskScores, seeds: int, looks: Looks) -> tuple[TaskScores, BootstrapDraws]:
    """What a bench with so many of the seeds sees. Several seeds are compared without the bootstrap's replicates."""
    seen = TaskScores(block.scores[:, :seeds], block.clusters, block.completions)
    return seen, resample([seen], replicates=2, looks=looks)


def add_seeds_until_shown(rng: Rng) -> Rates:
    """Two equal arms; a look after each seed from 3 to 10. Whether p is below .05 at any of them."""
    block = simulate(rng, 2, LOOKS[-1], noise=0.02)
    found = {"any p < .05": 0.0, "any p < .05, without the rule": 0.0}
    for seeds in LOOKS:
        seen, draws = _look(block, seeds, LOOKS)
        p = compare_arms([seen], draws, 1, 0, same_checkpoint=False).p or 1.0
        found["any p < .05"] += adjust_for_looks(p, LOOKS) < LEVEL
        found["any p < .05, without the rule"] += p < LEVEL
    return {name: float(count > 0) for name, count in found.items()}


def add_seeds_until_known(rng: Rng, noise: float, until: float = 0.03) -> Rates:
    """Two equal arms; seeds are added until the interval reaches at most `until` either way."""
    block = simulate(rng, 2, LOOKS[-1], noise=noise, lasting=0.2)
    for seeds in LOOKS:
        seen, draws = _look(block, seeds, LOOKS)
        found = compare_arms([seen], draws, 1, 0, same_checkpoint=False).interval
        if (found.high - found.low) / 2 <= until:
            break
    outside = not found.low <= 0 <= found.high
    return {"0 outside": float(outside), "of ten seeds run": seeds / LOOKS[-1]}


def stop_arms(rng: Rng, lead: float) -> Rates:
    """Five arms, of which the last is better by `lead`; after each look those below the best one are stopped."""
    block = simulate(rng, 5, LOOKS[-1], noise=0.02, lasting=0.5, gains=(0, 0, 0, 0, lead))
    going, jobs = list(range(5)), 0
    for seeds in LOOKS:
        jobs += len(going) * (seeds if seeds == LOOKS[0] else 1)
        own = TaskScores(block.scores[going], block.clusters, block.completions)
        seen, draws = _look(own, seeds, LOOKS)
        best = int(draws.estimate.argmax())
        rivals = [arm for arm in range(len(going)) if arm != best]
        found = {arm: compare_arms([seen], draws, arm, best, same_checkpoint=False) for arm in rivals}
        low = [
            going[arm]
            for arm, f in found.items()
            if f.interval.high < 0 and adjust_for_looks(f.p or 1.0, LOOKS) * len(rivals) < LEVEL
        ]
        going = [arm for arm in going if arm not in low]
        if len(going) == 1:
            break
    return {"the best is stopped": float(4 not in going), "of all jobs run": jobs / (5 * LOOKS[-1])}


def fitness(rng: Rng, questions: int, auroc: float) -> Rates:
    """Process scores of four answers to each question, with this AUROC: whether they are said to tell right from
    wrong. .5 is a reward without information."""
    gap = math.sqrt(2) * NormalDist().inv_cdf(auroc)
    rollouts, rewards = [], []
    for number in range(questions):
        sample = Sample(f"Question {number}?", "A", ("p", "q"))
        rate = 1 / (1 + math.exp(-rng.normal(0, 1)))
        for _ in range(4):
            right = bool(rng.random() < rate)
            text = "x" * int(rng.integers(50, 150))
            rollouts.append(Rollout(sample, (), Completion(text), answer="A" if right else "B", correct=right))
            steps = 1 / (1 + np.exp(-(rng.normal(gap * right, 1) + rng.normal(0, 0.5, int(rng.integers(2, 6))))))
            rewards.append(Reward("study", "process", per_step=tuple(map(float, steps))))
    found = compute_reward_fitness("study", "policy", rollouts, rewards)
    return {"called informative": float(found.best.is_informative)}


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
    for seeds in (2, 3):
        yield "noise 1 point, the arms' luck correlated .8", seeds, _two(seeds, noise=0.01, shared=0.8)
        yield "against vanilla, 2,000 items, noise 1 point", seeds, _two(seeds, noise=0.01, items=2000, untrained=True)
        yield "against vanilla, 2,000 items, noise 2 points", seeds, _two(seeds, noise=0.02, items=2000, untrained=True)
    yield "240 items, noise 1.5 points", 3, _two(3, noise=0.015, items=240)
    yield "seeds added until p < .05, noise 2 points", 10, add_seeds_until_shown
    for noise in (0.01, 0.03):
        what = f"seeds added until 3 points either way, noise {100 * noise:g} points"
        yield what, 10, lambda rng, noise=noise: add_seeds_until_known(rng, noise)  # type: ignore[misc]
    for lead in (0.0, 0.05):
        what = f"arms stopped that are below the best, of five; it leads by {100 * lead:g} points"
        yield what, 10, lambda rng, lead=lead: stop_arms(rng, lead)  # type: ignore[misc]
    for questions in (20, 50):
        for auroc in (0.5, 0.7):
            what = f"process reward of AUROC {auroc:g}, {questions} questions with 4 answers"
            yield what, 1, lambda rng, n=questions, a=auroc: fitness(rng, n, a)  # type: ignore[misc]
    yield "a Shapley value of two plugins, noise 2 points", 3, lambda rng: compare_shapley(rng, 3)
    for seeds in (2, 3):
        yield "against vanilla, 2,000 items, noise 4 points", seeds, _two(seeds, noise=0.04, items=2000, untrained=True)


def _two(seeds: int, **how: Any) -> Callable[[Rng], Rates]:
    return lambda rng: compare_two(rng, seeds, **how)


def run_study(once: Callable[[Rng], Rates], benches: int, seed: int) -> dict[str, tuple[float, float]]:
    """Each rate over so many simulated benches, with its Monte-Carlo standard error. Rates without a value are left
    out."""
    rng = np.random.default_rng(seed)
    drawn = [once(rng) for _ in range(benches)]
    rates = {name: float(np.mean([row[name] for row in drawn])) for name in drawn[0]}
    return {name: (r, math.sqrt(r * (1 - r) / benches)) for name, r in rates.items() if not math.isnan(r)}


def format_table(rows: list[dict[str, Any]]) -> str:
    """The rates as Markdown."""
    lines = ["+- is the Monte-Carlo standard error over so many simulated benches.", ""]
    lines += ["| what | seeds | benches | rate, % |", "|---|---|---|---|"]
    for row in rows:
        shown = "; ".join(f"{name} {100 * r:.1f} +- {100 * e:.1f}" for name, (r, e) in row["rates"].items())
        lines.append(f"| {row['what']} | {row['seeds']} | {row['benches']} | {shown} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate how often the bench's statistics are wrong.")
    parser.add_argument("--benches", type=int, default=500, help="simulated benches a row (default 500)")
    parser.add_argument("--only", default="", help="run the rows that hold this text, and keep the others' results")
    parser.add_argument(
        "--seeds", type=int, help="run the rows with this number of seeds, and keep the others' results"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    file = arguments.out / "statistics.json"
    part = arguments.only or arguments.seeds
    kept = json.loads(file.read_text("utf-8"))["rows"] if part and file.is_file() else []
    rows = {(row["what"], row["seeds"]): row for row in kept}
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed, (what, seeds, once) in enumerate(list_studies()):
        if arguments.only in what and arguments.seeds in (None, seeds):
            rates = run_study(once, arguments.benches, seed)
            rows[what, seeds] = {"what": what, "seeds": seeds, "benches": arguments.benches, "rates": rates}
            print(what, seeds, rates, flush=True)
            found = [rows[what, seeds] for what, seeds, _ in list_studies() if (what, seeds) in rows]
            file.write_text(json.dumps({"rows": found}, indent=1) + "\n", "utf-8")
            (arguments.out / "statistics.md").write_text(format_table(found), "utf-8")


if __name__ == "__main__":
    main()
