"""Lines and arrays are read one value at a time; what is broken is named by its place."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_sciknoweval.reading import Fault, values

from openrft import DataError


def read(path: Path, data: bytes) -> list[tuple[str, object]]:
    path.write_bytes(data)
    return [(str(place), value.reason if isinstance(value, Fault) else value) for place, value in values(path)]


def test_lines(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"a": 1}\n\n{"a": 2\n"\xff"\n3')
    assert found == [("line 1", {"a": 1}), ("line 3", "not JSON"), ("line 4", "encoding"), ("line 5", 3)]


def test_deep_and_long_values_are_faults(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", b'{"a": ' + b"[" * 100_000 + b"\n" + b"9" * 5000 + b"\n")
    assert [reason for _, reason in found] == ["not JSON", "not JSON"]


def test_array(tmp_path: Path) -> None:
    found = read(tmp_path / "a.json", b' [ {"a": 1} , [2] ,"]" ]\n ')
    assert found == [("row 1", {"a": 1}), ("row 2", [2]), ("row 3", "]")]


@pytest.mark.parametrize("data", [b"[1, 2", b"[1 2]", b"[1] 2", b"[1, oops]", b'["\xff"]', b"[" * 100_000])
def test_broken_array_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.json, (line|row) 1"):
        read(tmp_path / "a.json", data)


@pytest.mark.parametrize(("data", "word"), [(b"", "empty"), (b" \n", "empty"), (b"[ ]", "empty array")])
def test_nothing_is_refused(tmp_path: Path, data: bytes, word: str) -> None:
    with pytest.raises(DataError, match=word):
        read(tmp_path / "a.json", data)


def test_other_encoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="UTF-16"):
        read(tmp_path / "a.jsonl", '{"a": 1}'.encode("utf-16"))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="directory"):
        list(values(tmp_path))


@given(data=st.binary(max_size=60) | st.text('[]{},:"\\ 1e-.tfnul\n', max_size=40).map(str.encode))
def test_no_bytes_raise_anything_but_data_errors(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    with contextlib.suppress(DataError):
        read(path, data)
