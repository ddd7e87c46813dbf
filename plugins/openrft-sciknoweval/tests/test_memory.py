"""As many rows as the whole benchmark has, in one file, take less than 500 MB; so do 100,000 that are no rows, and a
store of 100,000 that is shown, and compared with itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BOUND = 500_000  # kB
ROWS, WORDS = 28_392, "some words of a question that is about as long as the benchmark's questions are " * 12
# Of a program alone: the usage that a child reports begins with what its parent held.
PEAK = "Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]"
COMMAND = f"""
import sys
from pathlib import Path
from openrft.cli import cli
cli.main(sys.argv[1:], standalone_mode=False)
print({PEAK})
"""
LOAD = f"""
import sys
from pathlib import Path
from openrft import DataRequest
from openrft.plugins.task_registry import load_task
task = load_task("sciknoweval/file", DataRequest(data=sys.argv[1], skip_bad_rows=True))
print(task.notes["rows_read"], len(task.test), sum(task.notes["bad_rows"].values()))
print({PEAK})
"""


def _loaded(file: Path) -> tuple[list[int], int]:
    done = subprocess.run([sys.executable, "-c", LOAD, str(file)], capture_output=True, text=True, check=True)
    counts, peak = done.stdout.splitlines()
    return [int(count) for count in counts.split()], int(peak)


def test_the_whole_benchmark(choice: Any, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    with file.open("w") as out:
        out.writelines(json.dumps(choice(n, question=f"{n}: {WORDS}")) + "\n" for n in range(ROWS))
    assert file.stat().st_size > 28_000_000
    counts, peak = _loaded(file)
    assert counts == [ROWS, 100, 0]
    assert peak < BOUND


def test_a_hundred_thousand_bad_rows_are_counted_and_not_kept(choice: Any, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    bad = json.dumps(choice(question=7, filler=WORDS[:500])) + "\n"
    with file.open("w") as out:
        out.writelines(json.dumps(choice(n)) + "\n" for n in range(200))
        out.writelines(bad for _ in range(100_000))
    counts, peak = _loaded(file)
    assert counts == [100_200, 100, 100_000]
    assert peak < BOUND


def _told(*command: str) -> tuple[str, int]:
    """What a command prints, and its peak."""
    done = subprocess.run([sys.executable, "-c", COMMAND, *command], capture_output=True, text=True, check=True)
    text, _, peak = done.stdout.rstrip().rpartition("\n")
    return text, int(peak)


def test_a_store_of_a_hundred_thousand_rows(choice: Any, tmp_path: Path) -> None:
    file, store = tmp_path / "large.jsonl", str(tmp_path / "store")
    with file.open("w") as out:
        for n in range(100_000):
            own = n if n % 1000 else 1  # every thousandth asks the same
            options = {"text": [f"{WORDS[:40]} {own + k}" for k in range(4)], "label": [*"ABCD"]}
            out.write(json.dumps(choice(n, question=f"{own}: {WORDS[:600]}", choices=options)) + "\n")
    peaks = {"prepare": _told("tasks", "prepare", "sciknoweval", "--from", str(file), "--to", store)[1]}
    peaks["list"] = _told("tasks", "list", "sciknoweval/*", "--data", store)[1]
    shown, peaks["show"] = _told("tasks", "show", "sciknoweval/file", "--data", store)
    assert "100000 (100000 mcq-4-choices)" in shown
    pair = ("tasks", "overlap", "sciknoweval/file", "sciknoweval/file", "--data", store)
    alike, peaks["overlap"] = _told(*pair)
    assert "exact     5050 pairs: 100 of one, 100 of other" in alike  # 101 rows: 0, 1000, ... and 1
    assert max(peaks.values()) < BOUND, peaks
