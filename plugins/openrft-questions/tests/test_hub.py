"""Data sets of a hub, played by a server on this machine: fetched for real, then read without it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forked import ForkServer

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


Show = Callable[..., tuple[int, str]]


def start_show(endpoint: str, home: Path, offline: bool) -> Iterator[Show]:
    """Gives a function for exit code and output of `tasks show`, in forks: the library reads its settings once."""
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": str(int(offline))}
    server = ForkServer(settings, ["datasets", "openrft.plugins.task_registry"])

    def show(data: str, *options: str) -> tuple[int, str]:
        done = server.run(["-m", "openrft", "tasks", "show", "questions", "--data", data, *options], home)
        return done.returncode, done.stdout or done.stderr

    yield show
    server.stop()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def show_online(home: Path) -> Iterator[Show]:
    with hub.serve_hub("our/quiz", FILES) as endpoint:
        yield from start_show(endpoint, home, offline=False)


@pytest.fixture(scope="module")
def show_offline(home: Path) -> Iterator[Show]:
    yield from start_show("http://127.0.0.1:9", home, offline=True)


def test_a_data_set_is_fetched_once_and_read_offline(show_online: Show, show_offline: Show) -> None:
    code, shown = show_online("hf:our/quiz:one")
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
        code, shown = show_online(data, *options)
        assert (code, shown.count("\n")) == (2, 1), shown
        assert why in shown
    code, shown = show_offline("hf:our/quiz:one@main")
    assert code == 0, shown
    code, shown = show_offline("hf:our/none")
    assert (code, shown.count("\n")) == (2, 1)
    assert "cannot be had (Couldn't reach 'our/none' on the Hub (OfflineModeIsEnabled))" in shown


@pytest.mark.parametrize("data", ["hf:", "hf:/x", "hf:our/quiz:", "hf:our/quiz@", "hf:our/quiz/more", "hf:our/a b"])
def test_a_name_that_can_be_none_is_refused(data: str, show_offline: Show) -> None:
    code, shown = show_offline(data)
    assert code == 2
    assert "not the name of a data set. Write hf:org/name[:config][@revision]." in shown
