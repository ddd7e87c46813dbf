"""Reports with known content, for the tests of the bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from openrft.bench.report import ArmRecord, ArmResult, BaselineResult, Item, ItemRecord, Report, StageCost, TaskRecord

ARMS = {
    "vanilla": (),
    "rl": ("rl",),
    "rl+prm": ("rl", "prm"),
    "rl+icl": ("rl", "icl"),
    "rl+prm+icl": ("rl", "prm", "icl"),
}
LADDER = {"vanilla": "vanilla", "base": "rl", "full": "rl+prm+icl", "plugins": ["prm", "icl"]}
RATES = {"vanilla": 0.3, "rl": 0.45, "rl+prm": 0.6, "rl+icl": 0.45, "rl+prm+icl": 0.7}


def task(name: str = "toy/L1/sums", items: int = 60, **notes: object) -> TaskRecord:
    """A task whose items are their own clusters."""
    ids = [f"{name}-{i:03d}" for i in range(items)]
    return TaskRecord(name, f"hash of {name}", 100, items, notes, tuple(ItemRecord(i, name, i) for i in ids))


def result(
    arm: str, record: TaskRecord, seed: int, right: Sequence[Sequence[bool]], policy: str | None = None
) -> ArmResult:
    """A finished job with these verdicts."""
    items = {
        i.id: Item(tuple(map(bool, row)), tuple(False for _ in row), 10 * len(row))
        for i, row in zip(record.items, right, strict=True)
    }
    stages = (StageCost("explore", 5.0, 1000, arm != "rl"), StageCost("evaluate", 1.0, 100, False))
    return ArmResult(arm, record.name, seed, policy or f"{arm}-{seed}", items, stages)


def report(
    rates: Mapping[str, float] = RATES,
    tasks: Sequence[TaskRecord] = (),
    seeds: Sequence[int] = (0,),
    completions: int = 1,
    noise: int = 0,
) -> Report:
    """Arms that answer each item right at their rate; `noise` draws the answers."""
    tasks = tuple(tasks) or (task(),)
    results = []
    for number, record in enumerate(tasks):
        hard = np.random.default_rng(number).random((len(record.items), 1))  # the same items are hard for every arm
        for a, (arm, rate) in enumerate(rates.items()):
            for seed in seeds:
                luck = np.random.default_rng([number, a, seed, noise]).random((len(record.items), completions))
                results.append(result(arm, record, seed, (hard + luck) / 2 < np.clip(rate, 0, 1)))
    return Report(
        name="toy",
        created="2026-01-02T03:04:05+00:00",
        command="openrft bench --plugins prm,icl",
        plan={"ablation": LADDER} if set(rates) == set(ARMS) else {},
        versions={"openrft": "0.1.0"},
        machine={"cores": 2},
        notices=("rl was added to every arm but vanilla: prm, icl need it to act.",),
        tasks=tasks,
        arms=tuple(ArmRecord(name, ARMS.get(name, ())) for name in rates),
        results=tuple(results),
        baselines=tuple(
            BaselineResult(t.name, "majority answer", 0.25, {i.id: n % 4 == 0 for n, i in enumerate(t.items)})
            for t in tasks
        ),
    )


def readings_report(
    arms: Mapping[str, tuple[float, float, float]],
    items: int = 749,
    completions: int = 1,
    seeds: Sequence[int] = (0,),
    chance: float = 0.25,
    noise: int = 0,
) -> Report:
    """Arms given as shares: of answers in the asked form, of further answers that only the lenient reading can read,
    and of right answers among both. Items differ in difficulty; `noise` draws the answers."""
    record = task("toy/L1/choices", items)
    record = replace(record, items=tuple(replace(item, chance=chance) for item in record.items))
    results = []
    for a, (arm, (form, more, right)) in enumerate(arms.items()):
        for seed in seeds:
            draw = np.random.default_rng([1, a, seed, noise])
            outcomes = {item.id: draw_item(draw, form, more, right, completions) for item in record.items}
            results.append(ArmResult(arm, record.name, seed, f"{arm}-{seed}", outcomes))
    records = tuple(ArmRecord(name, ARMS.get(name, (name,))) for name in arms)
    plan = {"ablation": LADDER} if set(arms) == set(ARMS) else {}
    empty = report({"vanilla": 0.5})
    return replace(empty, plan=plan, notices=(), tasks=(record,), arms=records, results=tuple(results), baselines=())


def draw_item(draw: np.random.Generator, form: float, more: float, right: float, completions: int) -> Item:
    """One item's completions with these shares."""
    written, strength = draw.random(completions), draw.beta(3 * right, 3 * (1 - right)) if 0 < right < 1 else right
    strict, readable = written < form, written < form + more
    hits = readable & (draw.random(completions) < strength)
    marks = [tuple(map(bool, flags)) for flags in (hits & strict, ~strict, hits, ~readable)]
    return Item(marks[0], marks[1], 10 * completions, (), marks[2], marks[3])
