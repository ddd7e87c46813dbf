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


def _store_peaks(choice: Any, folder: Path, count: int) -> tuple[dict[str, int], dict[str, str]]:
    """The peaks in kB of commands on a store of so many rows, of which every thousandth asks the same, and what they
    print."""
    file, store = folder / f"{count}.jsonl", str(folder / f"store{count}")
    with file.open("w") as out:
        for n in range(count):
            own = n if n % 1000 else 1
            options = {"text": [f"{WORDS[:40]} {own + k}" for k in range(4)], "label": [*"ABCD"]}
            out.write(json.dumps(choice(n, question=f"{own}: {WORDS[:600]}", choices=options)) + "\n")
    commands = {
        "prepare": ("prepare", "sciknoweval", "--from", str(file), "--to", store),
        "list": ("list", "sciknoweval/*", "--data", store),
        "show": ("show", "sciknoweval/file", "--data", store),
        "overlap": ("overlap", "sciknoweval/file", "sciknoweval/file", "--data", store),
    }
    told = {name: _told("tasks", *command) for name, command in commands.items()}
    return {name: peak for name, (_, peak) in told.items()}, {name: text for name, (text, _) in told.items()}


def test_a_store_of_a_hundred_thousand_rows(choice: Any, tmp_path: Path) -> None:
    """What 20,000 rows more take is taken five times, beside what the first 5,000 take: a fifth of the time."""
    few, _ = _store_peaks(choice, tmp_path, 5_000)
    many, shown = _store_peaks(choice, tmp_path, 25_000)
    assert "25000 (25000 mcq-4-choices)" in shown["show"]
    assert "exact     325 pairs: 25 of one, 25 of other" in shown["overlap"]  # 26 rows: 0, 1000, ... and 1
    peaks = {name: few[name] + 5 * (many[name] - few[name]) for name in few}
    assert max(peaks.values()) < BOUND, (few, many)
