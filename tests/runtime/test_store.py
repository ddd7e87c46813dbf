"""Results are made once, whole or not at all, and never trusted when damaged."""

from __future__ import annotations

import errno

import pytest

from openrft.errors import StoreError
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.runtime.store import Store


def writer(text, calls):
    def make(folder):
        calls.append(text)
        (folder / "out.txt").write_text(text)

    return make


def test_made_once_and_found_again(tmp_path):
    calls = []
    store = Store(tmp_path)
    first = store.result("stage", {"a": 1}, writer("x", calls))
    again = store.result("stage", {"a": 1}, writer("y", calls))
    assert (first.reused, again.reused, calls) == (False, True, ["x"])
    assert (again.folder / "out.txt").read_text() == "x"
    assert store.result("stage", {"a": 2}, writer("z", calls)).key != first.key


def test_a_damaged_result_is_made_anew(tmp_path):
    calls = []
    store = Store(tmp_path)
    found = store.result("stage", {}, writer("x", calls))
    (found.folder / "out.txt").write_text("tampered")
    assert not store.result("stage", {}, writer("x", calls)).reused
    assert (found.folder / "out.txt").read_text() == "x"


def test_a_stopped_stage_leaves_its_part_to_go_on_from(tmp_path):
    store = Store(tmp_path)

    def stops(folder):
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.result("stage", {}, stops)

    def goes_on(folder):
        assert (folder / "half.txt").read_text() == "half"

    assert not store.result("stage", {}, goes_on, keep=("half.txt",)).reused


def test_what_a_failed_attempt_left_is_never_part_of_a_result(tmp_path):
    store = Store(tmp_path)

    def fails(folder):
        (folder / "half.txt").write_text("half")
        (folder / "deep").mkdir()
        (folder / "deep" / "more.txt").write_text("more")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        store.result("stage", {}, fails)
    found = store.result("stage", {}, lambda folder: (folder / "out.txt").write_text("x"))
    assert {p.name for p in found.folder.iterdir()} == {"out.txt", "inputs.json", "checksums.json"}


@pytest.mark.parametrize("where", ["/somewhere/else.txt", None])
def test_a_permission_that_a_stage_lacks_is_not_blamed_on_the_store(tmp_path, where):
    def make(folder):
        raise PermissionError(errno.EACCES, "Permission denied", where)

    with pytest.raises(PermissionError):
        Store(tmp_path).result("stage", {}, make)


def test_a_file_of_the_store_that_a_stage_cannot_write_is_named(tmp_path):
    def make(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder / "out.txt"))

    with pytest.raises(StoreError, match=r"out\.txt cannot be written"):
        Store(tmp_path).result("stage", {}, make)


def test_waiting_and_healing_are_logged(tmp_path, caplog):
    store = Store(tmp_path)
    found = store.result("stage", {}, writer("x", []))
    (found.folder / "out.txt").write_text("tampered")
    store.result("stage", {}, writer("x", []))
    assert [(r.levelname, "is damaged" in r.message) for r in caplog.records] == [("WARNING", True)]


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "cannot be written")])
def test_a_disks_faults_become_one_line(tmp_path, number, words):
    with pytest.raises(StoreError, match=words), report_disk_errors(tmp_path):
        raise OSError(number, "disk says no")


def test_a_file_in_the_way_of_the_store_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(tmp_path / "file").result("stage", {}, lambda folder: None)


def test_atomic_write_replaces(tmp_path):
    file = tmp_path / "a.json"
    write_atomic(file, "1")
    write_atomic(file, "2")
    assert file.read_text() == "2"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_name_too_long_is_a_fault_of_the_place_not_of_ours(tmp_path):
    with pytest.raises(StoreError, match="cannot be written: File name too long"), report_disk_errors(tmp_path):
        (tmp_path / ("x" * 300)).mkdir()
