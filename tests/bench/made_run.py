"""A run's folder with known questions, answers, training logs, measured process rewards and steps of RL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from openrft.bench.report import ArmRecord, ArmResult, Item, ItemRecord, Report, StageCost, TaskRecord
from openrft.rewards.fitness import RewardFitness, Separation
from openrft.runtime.files import write_jsonl
from openrft.types import Completion, Reward, Rollout, Sample, to_json
from tests.bench import factories

TASK = "toy/L1/sums"
HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "&lt;b&gt; <b>bold</b> \x00 \x1b[31m \u202e \ud800",
)


def make_samples(count: int) -> list[Sample]:
    """Choices, the first of them with hostile texts in their questions."""
    questions = [*HOSTILE, *(f"What is {n} + {n}?" for n in range(len(HOSTILE), count))]
    return [Sample(question, "AB"[n % 2], ("2", "four")) for n, question in enumerate(questions[:count])]


def answer(sample: Sample, text: str, read: str | None, rewards: Sequence[Reward] = ()) -> Rollout:
    """A graded answer."""
    messages = ({"role": "system", "content": "Reason."}, {"role": "user", "content": sample.question})
    right = read == sample.answer
    return Rollout(
        sample, messages, Completion(text, (1, 2, 3)), (), tuple(rewards), None, read, right, (), None, read, right
    )


def make_run(folder: Path, count: int = 12, completions: int = 2) -> Report:
    """Write the files of a run with the arms vanilla and rl+prm.

    vanilla answers A to everything. rl+prm is right but for the third question, to which no answer can be read. Of its
    RL the steps 0, 14 and 29 are kept, with two groups of four; R is 0.05 in step 0, then 0.5.
    """
    samples = make_samples(count)
    reads = {
        "vanilla": ["A"] * count,
        "rl+prm": [None if n == 2 else sample.answer for n, sample in enumerate(samples)],
    }
    results = []
    for arm, read in reads.items():
        rollouts = [
            answer(sample, f"{HOSTILE[n % 3]}\nso {mine}", mine)
            for n, (sample, mine) in enumerate(zip(samples, read, strict=True))
            for _ in range(completions)
        ]
        name = f"{arm}--{TASK.replace('/', '-')}--0.jsonl"
        write_rows(folder / "rollouts" / name, rollouts)
        items = {
            s.id: Item((mine == s.answer,) * completions, (mine is None,) * completions, 6)
            for s, mine in zip(samples, read, strict=True)
        }
        results.append(ArmResult(arm, TASK, 0, arm, items, (StageCost("evaluate", 2.0, 50, False),)))
        if arm == "rl+prm":
            measured = [
                answer(s, f"one {n}\n\ntwo", "AB"[n % 2], [Reward("prm", "process", None, (0.9, share))])
                for s in samples
                for n, share in enumerate((0.05, 0.35, 0.35, 0.95))
            ]
            write_rows(folder / "fitness" / name, measured)
            metrics = [{"step": n, "reward": n / 30, "reward.prm": 0.5, "seconds.train": 1.0} for n in range(30)]
            (folder / "metrics").mkdir()
            write_jsonl(folder / "metrics" / name, metrics)
            steps = [(n, replace(row, reward=0.5 if n else 0.05)) for n in (0, 14, 29) for row in measured[:8]]
            (folder / "steps").mkdir()
            write_jsonl(folder / "steps" / name, ({"step": n, **to_json(row)} for n, row in steps))
            separation = Separation("last", 0.7, 0.6, 0.8, 0.7, 0.6, 0.8, 0.6, 0.1, 0.0)
            fitness = RewardFitness("prm", arm, 4 * count, 24, count, count, 0, (separation,), "last", 0.9, ())
            explore = StageCost("explore", 40.0, 100, False)
            results[-1] = replace(results[-1], fitness=(fitness,), stages=(*results[-1].stages, explore))
    records = tuple(ItemRecord(s.id, TASK, s.id, {"level": f"L{n % 2}"}) for n, s in enumerate(samples))
    return replace(
        factories.report({"vanilla": 0.5}),
        name="<made> & run",
        tasks=(TaskRecord(TASK, "hash", 10, count, {}, records),),
        arms=(ArmRecord("vanilla", ()), ArmRecord("rl+prm", ("rl", "prm"))),
        results=tuple(results),
        baselines=(),
    )


def write_rows(path: Path, rollouts: Sequence[Rollout]) -> None:
    """Write rollouts as a bench does."""
    path.parent.mkdir(exist_ok=True)
    write_jsonl(path, map(to_json, rollouts))
