"""The folder of a run as large as real ones: arms, answers, steps of RL and training logs, with texts as long as a
language model's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from openrft.bench.report import ArmRecord, ArmResult, Item, ItemRecord, Report, StageCost, TaskRecord
from openrft.job import format_job_name
from openrft.runtime.files import write_jsonl
from openrft.types import Reward, Sample, to_json
from tests.bench import factories
from tests.bench.made_run import TASK, answer, write_rows

SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pra", "que", "ri", "tu", "va", "zer", "chlor"]
LINES = 20_000
STEPS, QUESTIONS_A_STEP, GROUP = 40, 16, 8


class Writer:
    """Texts without meaning that compress about as well as English: gzip leaves a third."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        words = {"".join(self.rng.choices(SYLLABLES, k=self.rng.choice((1, 2, 2, 3)))) for _ in range(3000)}
        weights = [1 / (rank + 3) for rank in range(len(words))]
        stream = self.rng.choices(sorted(words), weights, k=10 * LINES)
        self.lines = [f"{' '.join(stream[at : at + 10])} {at}." for at in range(0, len(stream), 10)]

    def write(self, characters: int) -> str:
        """Steps of about so many characters in all, one a line."""
        wanted = round(characters * self.rng.uniform(0.5, 1.5) / 70)
        return "\n".join(self.rng.choices(self.lines, k=max(1, wanted)))


def make_large_run(folder: Path, arms: int, items: int, completions: int, characters: int) -> Report:
    """Write a run's files: `completions` answers of about so many characters from each arm to each item, and for all
    arms but vanilla 40 steps of RL, of which three are kept with 16 groups of eight answers and a process reward."""
    writer = Writer(0)
    rng = writer.rng
    samples = [Sample(writer.write(200), rng.choice("ABCD"), ("w", "x", "y", "z")) for _ in range(items)]
    records = tuple(ItemRecord(s.id, TASK, s.id, {"level": f"L{n % 4}"}) for n, s in enumerate(samples))
    names = ["vanilla", *(f"rl+plugin-{n}" for n in range(1, arms))]
    results = []
    for arm in names:
        file = f"{format_job_name(arm, TASK, 0)}.jsonl"
        outcomes: dict[str, Item] = {}
        rollouts = []
        for sample in samples:
            reads = rng.choices((*"ABCD", None), k=completions)
            rollouts += [answer(sample, writer.write(characters), read) for read in reads]
            right = tuple(read == sample.answer for read in reads)
            outcomes[sample.id] = Item(right, tuple(read is None for read in reads), characters // 3)
        write_rows(folder / "rollouts" / file, rollouts)
        stages = [StageCost("evaluate", 20.0, items * completions * 100, False)]
        if arm != "vanilla":
            for name in ("steps", "metrics"):
                (folder / name).mkdir(exist_ok=True)
            write_jsonl(folder / "steps" / file, _make_steps(writer, samples, characters))
            rows = [{"step": n, "reward": rng.random(), "correct": rng.random(), "length": 99.0} for n in range(STEPS)]
            write_jsonl(folder / "metrics" / file, rows)
            stages.append(StageCost("explore", 300.0, 90_000, False))
        results.append(ArmResult(arm, TASK, 0, arm, outcomes, tuple(stages)))
    return replace(
        factories.report({"vanilla": 0.5}),
        name="large",
        tasks=(TaskRecord(TASK, "hash", 100, items, {}, records),),
        arms=tuple(ArmRecord(arm, tuple(arm.split("+")) if arm != "vanilla" else ()) for arm in names),
        results=tuple(results),
        baselines=(),
    )


def _make_steps(writer: Writer, samples: list[Sample], characters: int) -> Iterator[dict[str, object]]:
    for step in (0, STEPS // 2, STEPS - 1):
        for sample in writer.rng.sample(samples, min(len(samples), QUESTIONS_A_STEP)):
            for _ in range(GROUP):
                text = writer.write(characters)
                scores = tuple(round(writer.rng.random(), 4) for _ in text.splitlines())
                row = answer(sample, text, writer.rng.choice("ABCD"), [Reward("prm", "process", None, scores)])
                yield {"step": step, **to_json(replace(row, reward=writer.rng.random()))}
