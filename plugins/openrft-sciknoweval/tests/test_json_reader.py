"""Lines and arrays are read one value at a time; what is broken is named by its place."""

from __future__ import annotations

import contextlib
import json
import math
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_sciknoweval.json_reader import BadRow, read_values

from openrft import DataError


def read(path: Path, data: bytes) -> list[tuple[str, object]]:
    path.write_bytes(data)
    return [(str(place), value.reason if isinstance(value, BadRow) else value) for place, value in read_values(path)]


def test_lines(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"a": 1}\n\n{"a": 2\n"\xff"\n3')
    assert found == [("line 1", {"a": 1}), ("line 3", "not JSON"), ("line 4", "encoding"), ("line 5", 3)]


def test_deep_and_long_values_are_faults(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", b'{"a": ' + b"[" * 100_000 + b"\n" + b"9" * 5000 + b"\n")
    assert [reason for _, reason in found] == ["not JSON", math.inf]  # a number, and no field takes one


def test_array(tmp_path: Path) -> None:
    found = read(tmp_path / "a.json", b' [ {"a": 1} , [2] ,"]" ]\n ')
    assert found == [("row 1", {"a": 1}), ("row 2", [2]), ("row 3", "]")]


@pytest.mark.parametrize("data", [b"[1, 2", b"[1 2]", b"[1, ]", b"[1] 2", b"[1, oops]", b'["\xff"]', b"[" * 100_000])
def test_broken_array_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.json, (line|row) 1"):
        read(tmp_path / "a.json", data)


def test_lines_that_begin_with_a_whole_array_are_lines(tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", b'\n["oops"]\n{"a": 1}\n') == [("line 2", ["oops"]), ("line 3", {"a": 1})]
    assert read(tmp_path / "a.jsonl", b'["one"]\n\n') == [("row 1", "one")]
    assert read(tmp_path / "a.json", b'[{"a": 1},\n[2]\n]') == [("row 1", {"a": 1}), ("row 2", [2])]


@pytest.mark.parametrize(("data", "word"), [(b"", "empty"), (b" \n", "empty"), (b"[ ]", "empty array")])
def test_nothing_is_refused(tmp_path: Path, data: bytes, word: str) -> None:
    with pytest.raises(DataError, match=word):
        read(tmp_path / "a.json", data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ['{"a": 1}', '[{"a": 1}]'])
def test_other_encoding_is_refused(tmp_path: Path, encoding: str, text: str) -> None:
    with pytest.raises(DataError, match=r"UTF-16.*Save it as UTF-8"):
        read(tmp_path / "a.jsonl", text.encode(encoding))


def test_latin_1_is_a_fault_of_the_line_or_of_the_array(tmp_path: Path) -> None:
    line = '{"a": "caf\u00e9"}\n'.encode("latin-1")
    assert read(tmp_path / "a.jsonl", b'{"a": 1}\n' + line) == [("line 1", {"a": 1}), ("line 2", "encoding")]
    with pytest.raises(DataError, match=r"a\.json, line 3: not UTF-8"):
        read(tmp_path / "a.json", b'[{"a": 1},\n2,\n' + line + b"]")


def test_rows_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrft_sciknoweval.json_reader._LONGEST", 1 << 10)
    monkeypatch.setattr("openrft_sciknoweval.json_reader._WINDOW", 1 << 6)
    with pytest.raises(DataError, match="line 2: longer than"):
        read(tmp_path / "a.jsonl", b'1\n"' + b"x" * 2000 + b'"')
    for size in (1 << 10, 1 << 9, 4000):  # whether or not the window holds it; in bytes, as of a line
        with pytest.raises(DataError, match=r"row 2.*longer than"):
            read(tmp_path / "a.json", b'[1, "' + "\u00e9".encode() * size + b'"]')
    assert len(read(tmp_path / "a.json", b'[1, "' + b"x" * 1000 + b'"]')) == 2


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="directory"):
        list(read_values(tmp_path))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(VALUES, min_size=1, max_size=6), window=st.integers(1, 40), raw=st.booleans(), wide=st.booleans())
def test_an_array_is_the_same_through_any_window(
    tmp_path_factory: pytest.TempPathFactory, rows: list[object], window: int, raw: bool, wide: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "window.json"
    text = json.dumps(rows, ensure_ascii=not raw, indent=2 if wide else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("openrft_sciknoweval.json_reader._WINDOW", window)
        found = read(path, text.encode())
        assert found == [(f"row {number}", value) for number, value in enumerate(rows, 1)]
        for cut in range(1, len(text), 7):  # cut short, it is refused, wherever that is
            with pytest.raises(DataError):
                read(path, text[:cut].encode())


@pytest.mark.parametrize("name", ["big.jsonl", "big.json"])
def test_a_large_file_is_never_in_memory(tmp_path: Path, name: str) -> None:
    row = json.dumps({"question": "x" * 1000})
    path = tmp_path / name
    with path.open("w") as out:
        if name.endswith(".jsonl"):
            out.writelines(f"{row}\n" for _ in range(20_000))
        else:
            out.write("[" + row)
            out.writelines(f",\n{row}" for _ in range(19_999))
            out.write("]")
    tracemalloc.start()
    assert sum(1 for _ in read_values(path)) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 8


@settings(deadline=None)
@given(data=st.binary(max_size=60) | st.text('[]{},:"\\ 1e-.tfnul\n', max_size=40).map(str.encode))
def test_no_bytes_raise_anything_but_data_errors(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    with contextlib.suppress(DataError):
        read(path, data)
