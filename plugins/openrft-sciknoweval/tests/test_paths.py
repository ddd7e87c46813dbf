"""Paths that users type, and digests that follow every change of what lies there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.paths import digest_path, expand_path

from openrft import DataRequest, OpenRFTError, UsageError
from openrft.plugins.task_registry import load_task, select_tasks

IMPOSSIBLE = ("x" * 300, "x/" * 3000, "~nosuchuser/x")


@pytest.mark.parametrize("path", IMPOSSIBLE)
def test_paths_that_cannot_be_are_refused_with_their_option(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="--data "):
        select_tasks("sciknoweval/L3", path)
    with pytest.raises(UsageError, match="--data "):
        load_task("sciknoweval/L3", DataRequest(data=path))
    family = SciKnowEval().tasks()
    with pytest.raises(UsageError, match="--from "):
        family.prepare(path, tmp_path / "store", False, None)
    with pytest.raises(UsageError, match="--to "):
        family.prepare(str(tmp_path), Path(path), False, None)
    for option in ("judge", "similarity", "verdicts"):
        with pytest.raises(OpenRFTError, match=f"sciknoweval.{option}=") as refused:
            SciKnowEval(SciKnowEval.Options(**{option: path}))  # type: ignore[arg-type]
        assert refused.value.exit_code == 2
    monkeypatch.setenv("OPENRFT_SCIKNOWEVAL_DATA", path)
    with pytest.raises(UsageError, match="OPENRFT_SCIKNOWEVAL_DATA="):
        load_task("sciknoweval/L3", DataRequest())
    assert family.names()  # a listing does not fail for a variable that is set wrong


def test_a_path_that_is_there_or_not_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_path("~/here") == tmp_path / "here"


def test_a_digest_follows_every_byte_and_name(tmp_path: Path) -> None:
    """Also a change in the middle of a large file, of the same length and at the same time."""
    folder = tmp_path / "weights"
    (folder / "deep").mkdir(parents=True)
    large, vocabulary = folder / "model.safetensors", folder / "deep" / "vocab.txt"
    large.write_bytes(bytes(1 << 22))
    vocabulary.write_text("a")
    seen = {digest_path(folder)}
    stat = large.stat()
    with large.open("r+b") as file:
        file.seek(1 << 21)
        file.write(b"x")
    os.utime(large, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    seen.add(digest_path(folder))
    vocabulary.write_text("b")
    seen.add(digest_path(folder))
    vocabulary.rename(folder / "deep" / "merges.txt")
    seen.add(digest_path(folder))
    assert len(seen) == 4
    assert digest_path(folder) in seen
    assert digest_path(large) != digest_path(folder / "deep" / "merges.txt")
