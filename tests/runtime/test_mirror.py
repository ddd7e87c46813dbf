"""A store behind a URL: machines without a common disk share its stages, none is made twice, and none is believed when
it is damaged."""

from __future__ import annotations

import itertools
import threading
import time

import fsspec
import pytest

from openrft.errors import StoreError, UsageError
from openrft.runtime.mirror import Mirror
from openrft.runtime.store import Store

_COUNT = itertools.count()


@pytest.fixture(params=["memory", "file"])
def url(request, tmp_path):
    return f"memory://mirror-{next(_COUNT)}" if request.param == "memory" else f"file://{tmp_path}/mirror"


def open_store(folder, url, **times):
    return Store(folder, mirror=Mirror(url, **{"poll": 0.01, **times}))


def writer(text, calls, wait=0.0):
    def make(folder):
        calls.append(text)
        time.sleep(wait)
        (folder / "deep").mkdir()
        (folder / "deep/out.txt").write_text(text)

    return make


def test_another_machine_finds_the_stage(url, tmp_path):
    calls = []
    first = open_store(tmp_path / "a", url).result("stage", {"x": 1}, writer("text", calls))
    other = open_store(tmp_path / "b", url).result("stage", {"x": 1}, writer("other", calls))
    assert (first.reused, other.reused, calls) == (False, True, ["text"])
    assert (other.folder / "deep/out.txt").read_text() == "text"
    assert other.folder.is_relative_to(tmp_path / "b")


def test_one_makes_it_while_the_others_wait(url, tmp_path):
    calls, found = [], []

    def work(number):
        found.append(open_store(tmp_path / str(number), url).result("stage", {}, writer("text", calls, 0.2)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["text"]
    assert sorted(one.reused for one in found) == [False, True, True, True]
    assert {(one.folder / "deep/out.txt").read_text() for one in found} == {"text"}


@pytest.mark.parametrize("harm", ["changed", "gone", "no list"])
def test_a_damaged_stage_is_made_again(url, tmp_path, harm):
    calls = []
    first = open_store(tmp_path / "a", url).result("stage", {}, writer("text", calls))
    files, root = fsspec.core.url_to_fs(url)
    there = f"{root}/stage/{first.key}"
    if harm == "gone":
        files.rm_file(f"{there}/deep/out.txt")
    else:
        files.pipe_file(f"{there}/{'checksums.json' if harm == 'no list' else 'deep/out.txt'}", b"tampered")
    other = open_store(tmp_path / "b", url).result("stage", {}, writer("again", calls))
    assert (other.reused, calls) == (False, ["text", "again"])
    third = open_store(tmp_path / "c", url).result("stage", {}, writer("third", calls))
    assert (third.reused, (third.folder / "deep/out.txt").read_text()) == (True, "again")


def test_half_a_stage_is_none(url, tmp_path):
    files, root = fsspec.core.url_to_fs(url)
    calls = []
    key = open_store(tmp_path / "a", f"{url}-elsewhere").result("stage", {}, writer("text", calls)).key
    files.makedirs(f"{root}/stage/{key}", exist_ok=True)
    files.pipe_file(f"{root}/stage/{key}/out.txt", b"half")  # its machine was lost before the checksums
    assert not open_store(tmp_path / "b", url).result("stage", {}, writer("text", calls)).reused


def test_a_name_that_leaves_the_folder_is_damage(tmp_path):
    url = f"memory://mirror-{next(_COUNT)}"
    files, root = fsspec.core.url_to_fs(url)
    files.pipe_file(f"{root}/stage/key/checksums.json", b'{"../../out.txt": "0"}')
    assert not Mirror(url).fetch("stage/key", tmp_path / "stage/key")
    assert not (tmp_path / "out.txt").exists()


def test_the_lock_of_a_lost_machine_ends_and_that_of_a_living_one_does_not(url, tmp_path):
    calls = []
    dead, root = Mirror(url), fsspec.core.url_to_fs(url)[1]
    files = fsspec.core.url_to_fs(url)[0]
    key = open_store(tmp_path / "a", f"{url}-elsewhere").result("stage", {}, writer("text", [])).key
    files.makedirs(f"{root}/stage", exist_ok=True)
    files.pipe_file(f"{root}/stage/{key}.lock", b"lost-machine 1234 0")
    store = open_store(tmp_path / "b", url, lost=0.3)
    began = time.monotonic()
    assert not store.result("stage", {}, writer("text", calls)).reused
    assert time.monotonic() - began >= 0.3
    assert not files.exists(f"{root}/stage/{key}.lock")
    assert dead.fetch(f"stage/{key}", tmp_path / "c")

    slow = threading.Thread(
        target=lambda: open_store(tmp_path / "d", url, heartbeat=0.05).result("slow", {}, writer("slow", calls, 1.0))
    )
    slow.start()
    while "slow" not in calls:
        time.sleep(0.01)
    assert open_store(tmp_path / "e", url, lost=0.4).result("slow", {}, writer("twice", calls)).reused
    slow.join()
    assert calls == ["text", "slow"]


def test_a_file_of_another_machine_is_fetched(url, tmp_path):
    made = open_store(tmp_path / "a", url).result("stage", {}, writer("text", []))
    here = open_store(tmp_path / "b", url)
    file = tmp_path / "b/stage" / made.key / "deep/out.txt"
    here.fetch_file(file)
    assert file.read_text() == "text"


def test_a_failed_attempt_leaves_no_lock_and_no_result(url, tmp_path):
    def fails(folder):
        (folder / "half.txt").write_text("half")
        raise ValueError("no")

    store = open_store(tmp_path / "a", url)
    with pytest.raises(ValueError, match="no"):
        store.result("stage", {}, fails)
    assert not open_store(tmp_path / "b", url).result("stage", {}, writer("text", [])).reused


def test_what_cannot_be_opened_or_read_is_said_in_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"--store nosuch://bucket: Protocol not known: nosuch"):
        Mirror("nosuch://bucket")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match=r"the store file://.* cannot be used: NotADirectoryError"):
        open_store(tmp_path / "a", f"file://{tmp_path}/file/below").result("stage", {}, writer("text", []))
