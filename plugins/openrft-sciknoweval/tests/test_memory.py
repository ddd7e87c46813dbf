"""As many rows as the whole benchmark has, in one file, take less than 500 MB; and 100,000 that are no rows, too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BOUND = 500_000  # kB
ROWS, WORDS = 28_392, "some words of a question that is about as long as the benchmark's questions are " * 12
LOAD = """
import sys
from pathlib import Path
from openrft import DataRequest
from openrft.families import load_task
task = load_task("sciknoweval/file", DataRequest(data=sys.argv[1], skip_bad_rows=True))
print(task.notes["rows_read"], len(task.test), sum(task.notes["bad_rows"].values()))
# Of this program alone: the usage that a child reports begins with what its parent held.
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
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
