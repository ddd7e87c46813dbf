"""How long SciKnowEval takes to load and how much memory, at its full size: made-up rows in the benchmark's own form.

    python benchmarks/sciknoweval_scale.py FOLDER

writes 28,392 rows in 58 files, a file of 100,000 rows and the stores made of them into FOLDER, and prints a line a
measure, each in a process of its own: processor seconds after Python's start, and peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openrft_sciknoweval.catalogue import LEVELS, ROWS, V2, Leaf

WORDS = [f"w{number}" for number in range(5000)]
UNTYPED = {"judge": "open-ended-qa", "relation F1": "relation_extraction"}  # the type, where no row was counted
LONG = 150  # words of a question: a row of 1 kB, as the benchmark's are on average


def main() -> None:
    """Make what is missing, then measure."""
    parser = argparse.ArgumentParser(
        description="Time and memory of SciKnowEval's loaders at the benchmark's full size."
    )
    parser.add_argument("folder", type=Path, help="where the made-up rows and stores are written, about 300 MB")
    folder = parser.parse_args().folder
    raw, big = folder / "raw_data", folder / "big.jsonl"
    if not raw.exists():
        for leaf, count in counts():
            path = raw / leaf.domain / leaf.level / f"{leaf.name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, leaf, count)
        write(big, V2[0], 100_000)
    store, large = folder / "store", folder / "large"
    print(f"{'what':<44} {'cpu s':>7} {'wall s':>7} {'peak MB':>8}")
    measure("tasks prepare, 28,392 rows", "tasks", "prepare", "sciknoweval", "--from", str(raw), "--to", str(store))
    measure("tasks prepare, 100,000 rows", "tasks", "prepare", "sciknoweval", "--from", str(big), "--to", str(large))
    for where, data in (("folder", raw), ("store", store)):
        measure(f"tasks list, {where}", "tasks", "list", "sciknoweval/*", "--data", str(data))
        for name in ("L3/retrosynthesis", "L1/biology_literature_QA", "L3", "L1"):
            measure(f"load {name}, {where}", "load", str(data), f"sciknoweval/{name}")
        measure(f"load every task one after another, {where}", "load", str(data), "*")
        measure(f"tasks show of every task, {where}", "tasks", "show", "sciknoweval/*/*/*", "--data", str(data))
    for where, data in (("file", big), ("store", large)):
        name = "sciknoweval/file" if where == "file" else "sciknoweval/L1"
        measure(f"load 100,000 rows, {where}", "load", str(data), name)
        measure(f"tasks show, 100,000 rows, {where}", "tasks", "show", name, "--data", str(data))
        measure(f"tasks overlap, 100,000 rows, {where}", "tasks", "overlap", name, name, "--data", str(data))


def counts() -> Iterator[tuple[Leaf, int]]:
    """Rows of each task: as counted, and where they are not, so that each level has its published total."""
    for level in LEVELS:
        of_level = [leaf for leaf in V2 if leaf.level == level]
        uncounted = [leaf for leaf in of_level if leaf.rows is None]
        left = ROWS[level] - sum(leaf.rows or 0 for leaf in of_level)
        share, more = divmod(left, max(len(uncounted), 1))
        yield from ((leaf, share + (number < more)) for number, leaf in enumerate(uncounted))
        yield from ((leaf, leaf.rows) for leaf in of_level if leaf.rows is not None)


def write(path: Path, leaf: Leaf, count: int) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows(leaf, count))


def rows(leaf: Leaf, count: int) -> Iterator[dict[str, Any]]:
    """Rows of the task's own types, in their shares."""
    rng = random.Random(leaf.name)
    types = leaf.types or {UNTYPED.get(leaf.metric, "mcq-4-choices"): 1}
    for number in range(count):
        (kind,) = rng.choices([*types], [*types.values()])
        options = [" ".join(rng.choices(WORDS, k=8)) for _ in range(int(kind[4]))] if kind.startswith("mcq") else []
        yield {
            "prompt": {"default": "Given a question and four options, please select the right answer."},
            "question": f"{number} " + " ".join(rng.choices(WORDS, k=LONG)),
            "choices": {"text": options, "label": [*"ABCD"[: len(options)]]},
            "answerKey": rng.choice("ABCD"[: len(options)]) if options else "",
            "answer": "" if options else answer(rng, kind, leaf.name),
            "type": kind,
            "domain": leaf.domain,
            "details": {"level": leaf.level, "task": leaf.name, "subtask": leaf.name, "source": "made up"},
        }


def answer(rng: random.Random, kind: str, name: str) -> str:
    """A gold answer that its metric can read."""
    if kind != "relation_extraction":
        return rng.choice(("Yes", "No"))
    if name == "extract_doping":
        return f"The host {rng.choice(WORDS)} was doped with {rng.choice(WORDS)}."
    return f"({rng.choice(WORDS)}, {rng.choice(WORDS)}, {rng.choice(WORDS)})"


def measure(what: str, *arguments: str) -> None:
    """Run this file again as a process that only does that, and print what it took."""
    command = [sys.executable, __file__, "--only", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what}: {done.stderr.strip()}")
    cpu, wall, peak = done.stderr.split()[-3:]
    print(f"{what:<44} {cpu:>7} {wall:>7} {peak:>8}", flush=True)


def only(arguments: list[str]) -> None:
    """Do one thing, and say on stderr what it took since Python's start."""
    began, before = time.perf_counter(), sum(os.times()[:2])
    if arguments[0] == "load":
        load(arguments[1], arguments[2])
    else:
        from openrft.cli import cli

        cli.main(arguments, standalone_mode=False)
    cpu, wall = sum(os.times()[:2]) - before, time.perf_counter() - began
    print(f"{cpu:.2f} {wall:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}", file=sys.stderr)


def load(data: str, name: str) -> None:
    from openrft_sciknoweval import SciKnowEval

    from openrft import DataRequest

    family = SciKnowEval().tasks()
    every = [info.name for info in family.names(data) if not info.absent and not info.alias_of]
    for one in every if name == "*" else [name]:
        family.load(one, DataRequest(data=data))


if __name__ == "__main__":
    only(sys.argv[2:]) if sys.argv[1:2] == ["--only"] else main()
