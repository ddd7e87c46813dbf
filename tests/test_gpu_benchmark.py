"""The GPU table's script, in a tiny shape on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.device import Device


@pytest.fixture(scope="module")
def scripts() -> Iterator[tuple[ModuleType, ModuleType]]:
    folder = str(Path(__file__).parents[1] / "benchmarks")
    sys.path.insert(0, folder)  # also while parts run: one of them imports its own script
    try:
        import gpu
        import gpu_parts

        yield gpu, gpu_parts
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize(
    ("part", "measure"),
    [
        ("decode-tiny", "ours_with_adapter.ms_a_token"),
        ("update-tiny", "update.s"),
        ("step-tiny", "step.s"),
        ("step_trl-tiny", "trl_step.s"),
        ("lockstep-tiny", "lockstep_8.rl_step_over_alone"),
    ],
)
def test_each_kind_of_part_runs(
    scripts: tuple[ModuleType, ModuleType], device: Device, monkeypatch: pytest.MonkeyPatch, part: str, measure: str
) -> None:
    monkeypatch.setattr(scripts[1], "choose_device", lambda: torch.device(device.name))
    measures = scripts[1].run_part(part)
    assert measures[measure] > 0
    if part.startswith("decode"):  # both ways of ours, and what stands beside them
        timed = {name for name, value in measures.items() if name.endswith("ms_a_token") and value > 0}
        ways = {f"{way}{adapter}.ms_a_token" for way in ("ours", "eager") for adapter in ("", "_with_adapter")}
        assert timed == {*ways, "transformers.ms_a_token"}


def test_a_part_that_hangs_leaves_time_for_those_behind_it(
    scripts: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu, _ = scripts
    clock, limits = [0.0], list[float]()

    def hang(name: str, seconds: float) -> dict[str, str]:
        limits.append(seconds)
        clock[0] += seconds
        return {"failed": f"{name} hung"}

    monkeypatch.setattr(gpu, "run_part", hang)
    monkeypatch.setattr(gpu.time, "monotonic", lambda: clock[0])
    gpu.run_parts([str(i) for i in range(6)], 480)
    assert limits == pytest.approx([240, 144, 57.6, 23.04, 9.216, 6.144])


def test_a_part_that_fails_stands_in_the_table_and_the_goals_are_judged(
    scripts: tuple[ModuleType, ModuleType],
) -> None:
    gpu, _ = scripts
    failed = gpu.run_part("decode-nosuch", 120)
    assert failed == {"failed": "KeyError: 'nosuch'"}
    assert gpu.run_part("update-tiny", 0.01) == {"failed": "stopped after 0 s"}
    results = {
        "decode-8b": {"ours_with_adapter.ms_a_token": 11.9},
        "decode-1b": failed,
        "update-1b": {"update.s.peak_gb": 9.1, "forecast.peak_gb": 8.19},
        "step-1b": {"step.s": 2.0},
        "step_trl-1b": {"trl_step.s": 12.0},
    }
    table = gpu.format_table(results, {"gpu": "A card", "libraries": {"torch": "2"}})
    assert "| decode-8b | ours_with_adapter.ms_a_token | 11.90 | <= 12: met |" in table
    assert "| decode-1b | failed | KeyError: 'nosuch' |  |" in table
    assert "| update-1b | update.s.peak_gb | 9.10 | <= 9: missed |" in table
    assert "| update-1b | forecast of the peak / peak | 0.90 | 0.75 to 1.25: met |" in table
    assert "| step-1b | TRL's step / ours | 6.00 | >= 5: met |" in table
