"""Data sets of a hub, played by a server on this machine: fetched for real, then read without it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("hub", Path(__file__).with_name("hub.py"))
assert spec is not None
assert spec.loader is not None
hub = importlib.util.module_from_spec(spec)
spec.loader.exec_module(hub)

CARD = b"""---
configs:
- config_name: one
  data_files:
  - {split: train, path: one/train.jsonl}
  - {split: test, path: one/test.jsonl}
- config_name: two
  data_files:
  - {split: validation, path: two.jsonl}
---
"""


def rows(letter: str) -> bytes:
    given = [{"question": f"{letter}{i}?", "choices": ["x", "y"], "subject": "s", "answer": i % 2} for i in range(6)]
    return "\n".join(map(json.dumps, given)).encode()


FILES = {
    "README.md": CARD,
    "one/train.jsonl": rows("q"),
    "one/test.jsonl": rows("r"),
    "two.jsonl": rows("s"),
}


def show(data: str, home: Path, endpoint: str, *options: str, offline: bool = False) -> tuple[int, str]:
    """Exit code and output of `tasks show`, in a process of its own: the library reads its settings once."""
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": str(int(offline))}
    command = [sys.executable, "-m", "openrft", "tasks", "show", "questions", "--data", data, *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout or done.stderr


def test_a_data_set_is_fetched_once_and_read_offline(tmp_path: Path) -> None:
    with hub.serve_hub("our/quiz", FILES) as endpoint:
        code, shown = show("hf:our/quiz:one", tmp_path, endpoint)
        assert code == 0, shown
        assert "6 train, 6 test; your own" in shown
        assert "MMLU: choices, and the answer's number, counted from 0" in shown
        assert f"hf:our/quiz:one {hub.COMMIT}" in shown
        for data, options, why in (
            ("hf:our/quiz", (), "hf:our/quiz has several configs; there are ['one', 'two']. Name one"),
            ("hf:our/quiz:three", (), "hf:our/quiz:three has no config 'three'; there are ['one', 'two']"),
            ("hf:our/quiz:two", ("--split", "test"), "hf:our/quiz:two has no split 'test'; there are validation."),
            (
                "hf:our/quiz:one@old",
                (),
                "one@old: the data set cannot be had (Revision 'old' doesn't exist",
            ),
            ("hf:our/none", (), "hf:our/none: the data set cannot be had (Dataset 'our/none' doesn't exist"),
        ):
            code, shown = show(data, tmp_path, endpoint, *options)
            assert (code, shown.count("\n")) == (2, 1), shown
            assert why in shown
    code, shown = show("hf:our/quiz:one@main", tmp_path, endpoint, offline=True)
    assert code == 0, shown
    code, shown = show("hf:our/none", tmp_path, endpoint, offline=True)
    assert (code, shown.count("\n")) == (2, 1)
    assert "cannot be had (Couldn't reach 'our/none' on the Hub (OfflineModeIsEnabled))" in shown


@pytest.mark.parametrize("data", ["hf:", "hf:/x", "hf:our/quiz:", "hf:our/quiz@", "hf:our/quiz/more", "hf:our/a b"])
def test_a_name_that_can_be_none_is_refused(data: str, tmp_path: Path) -> None:
    code, shown = show(data, tmp_path, "http://127.0.0.1:9", offline=True)
    assert code == 2
    assert "not the name of a data set. Write hf:org/name[:config][@revision]." in shown
