"""The hub: a copy in the cache needs no network, and no network is said at once in one line."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.hub import REVISION

from openrft import DataError, DataRequest

FAMILY = SciKnowEval().tasks()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(folder))
    return folder


def test_cached_copy_is_read_without_network(
    cache: Path, choice: Any, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    snapshot = f"hub/datasets--hicai-zju--SciKnowEval/snapshots/{REVISION}"
    write(f"{snapshot}/data/v2/sciknoweval_test_v2.jsonl", [choice(number) for number in range(8)])
    task = FAMILY.load("sciknoweval/L3", DataRequest())
    assert (len(task.train), len(task.test)) == (4, 4)
    assert (task.notes["source"], task.notes["revision"]) == ("hicai-zju/SciKnowEval", REVISION)


def test_no_network_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **more: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    begin = time.monotonic()
    with pytest.raises(DataError, match="hub cannot be reached") as refusal:
        FAMILY.load("sciknoweval/L3", DataRequest())
    assert time.monotonic() - begin < 6
    assert "--data DIR" in refusal.value.advice
    assert "OPENRFT_SCIKNOWEVAL_DATA" in refusal.value.advice


def test_hub_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match="HF_HUB_OFFLINE"):
        FAMILY.load("sciknoweval/L3", DataRequest())


def test_paper_split_is_not_on_the_hub() -> None:
    with pytest.raises(DataError, match="not on the hub"):
        FAMILY.load("sciknoweval/openrft/T7", DataRequest())


def test_download_is_pinned_and_its_failure_is_said(choice: Any, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    def download(repository: str, name: str, **more: object) -> str:
        asked.update(more, repository=repository)
        if asked.get("fail"):
            raise OSError(28, "No space left on device")
        return str(write("downloaded.jsonl", [choice(number) for number in range(8)]) / "downloaded.jsonl")

    monkeypatch.setattr("openrft_sciknoweval.hub._reach", lambda: None)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert len(FAMILY.load("sciknoweval/Material/L3", DataRequest()).train) == 4
    assert (asked["repository"], asked["revision"], asked["repo_type"]) == (
        "hicai-zju/SciKnowEval",
        REVISION,
        "dataset",
    )
    asked["fail"] = True
    with pytest.raises(DataError, match=r"could not be downloaded from the hub.*No space left"):
        FAMILY.load("sciknoweval/L3", DataRequest())
