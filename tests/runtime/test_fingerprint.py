"""Paths that users type, and fingerprints that follow every change of what lies there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from openrft import UsageError, expand_path, fingerprint_path


def test_a_path_that_is_there_or_not_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_path("~/here") == tmp_path / "here"


@pytest.mark.parametrize("path", ["x" * 300, "x/" * 3000, "~nosuchuser/x"])
def test_a_path_that_cannot_be_is_refused_with_its_option(path: str) -> None:
    with pytest.raises(UsageError, match=r"^prm\.base="):
        expand_path(path, "prm.base=")


def test_a_fingerprint_follows_every_byte_and_name(tmp_path: Path) -> None:
    """Also a change in the middle of a large file, of the same length and at the same time."""
    folder = tmp_path / "weights"
    (folder / "deep").mkdir(parents=True)
    large, vocabulary = folder / "model.safetensors", folder / "deep" / "vocab.txt"
    large.write_bytes(bytes(1 << 22))
    vocabulary.write_text("a")
    seen = {fingerprint_path(folder)}
    stat = large.stat()
    with large.open("r+b") as file:
        file.seek(1 << 21)
        file.write(b"x")
    os.utime(large, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    seen.add(fingerprint_path(folder))
    vocabulary.write_text("b")
    seen.add(fingerprint_path(folder))
    vocabulary.rename(folder / "deep" / "merges.txt")
    seen.add(fingerprint_path(folder))
    assert len(seen) == 4
    assert fingerprint_path(folder) in seen
    assert fingerprint_path(large) != fingerprint_path(folder / "deep" / "merges.txt")


def test_what_only_tools_write_changes_no_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = fingerprint_path(tmp_path)
    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / ".git" / "objects" / "pack").write_text("x")
    assert fingerprint_path(tmp_path) == before


def test_no_file_has_the_fingerprint_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "folder").mkdir()
    assert fingerprint_path(tmp_path / "empty") != fingerprint_path(tmp_path / "folder")
