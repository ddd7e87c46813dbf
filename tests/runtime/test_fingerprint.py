"""Paths that users type, and fingerprints that follow every change of what lies there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from openrft import UsageError, expand_path, fingerprint_path
from openrft.runtime import fingerprint as module


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


def test_files_behind_links_count_and_a_circle_of_links_ends(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    (blobs / "weights").write_text("a")
    (snapshot / "model.safetensors").symlink_to(blobs / "weights")
    (snapshot / "more").symlink_to(blobs)
    (snapshot / "again").symlink_to(snapshot)
    before = fingerprint_path(snapshot)
    (blobs / "weights").write_text("b")
    assert fingerprint_path(snapshot) != before


def test_large_files_are_read_once_by_all_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "LARGE", 10)
    file, read = tmp_path / "model.safetensors", []
    kept = module._read_digest
    monkeypatch.setattr(module, "_read_digest", lambda path: read.append(path) or kept(path))

    def fingerprint_in_a_new_process() -> str:
        module._find_large_digest.cache_clear()
        return fingerprint_path(file)

    file.write_text("a" * 20)
    assert fingerprint_path(file) == fingerprint_path(file)
    assert len(read) == 2  # it was written just now, and could change without another time
    monkeypatch.setattr(module, "SETTLED", 0)
    assert fingerprint_in_a_new_process() == fingerprint_in_a_new_process()
    assert len(read) == 3
    time.sleep(0.02)
    file.write_text("b" * 20)
    changed = fingerprint_in_a_new_process()
    assert len(read) == 4
    (tmp_path / "cache/openrft/fingerprints.json").write_text("damaged")
    assert fingerprint_in_a_new_process() == changed
    assert len(read) == 5
