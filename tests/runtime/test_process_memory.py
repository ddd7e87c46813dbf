"""What the system tells of memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from openrft.runtime import process_memory
from openrft.runtime.process_memory import read_available_bytes, read_peak_bytes

CPU = SimpleNamespace(type="cpu")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STATUS", "MACHINE", "GROUP"):
        monkeypatch.setattr(process_memory, name, tmp_path / name)
    (tmp_path / "GROUP").mkdir()
    return tmp_path


def test_nothing_is_said_where_the_system_tells_nothing(files: Path) -> None:
    assert read_peak_bytes(CPU) == 0
    assert read_available_bytes() is None


def test_the_peak_is_that_of_the_process(files: Path) -> None:
    (files / "STATUS").write_text("Name:\tpython\nVmPeak:\t  9000 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n")
    assert read_peak_bytes(CPU) == 2 << 20


def test_a_container_may_have_less_than_its_machine(files: Path) -> None:
    (files / "MACHINE").write_text("MemTotal:       8192 kB\nMemFree:         100 kB\nMemAvailable:   4096 kB\n")
    assert read_available_bytes() == 4 << 20
    (files / "GROUP" / "memory.max").write_text("max\n")
    (files / "GROUP" / "memory.current").write_text("1048576\n")
    assert read_available_bytes() == 4 << 20
    (files / "GROUP" / "memory.max").write_text("3145728\n")
    assert read_available_bytes() == 2 << 20
    (files / "GROUP" / "memory.stat").write_text("anon 524288\ninactive_file 262144\n")
    assert read_available_bytes() == (2 << 20) + (1 << 18)


def test_this_process_has_held_something() -> None:
    if not process_memory.STATUS.exists():
        pytest.skip("memory is read as Linux tells it")
    assert read_peak_bytes(CPU) > 1 << 20
