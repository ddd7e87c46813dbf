"""The table of docs/your-model.md is what its script prints: a small row and that of 7B."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["0.5B", "7B"])
def test_the_row_is_the_forecast(name: str) -> None:
    script = runpy.run_path(str(ROOT / "docs" / "make_memory_table.py"))
    assert script["forecast_row"](name) in (ROOT / "docs" / "your-model.md").read_text("utf-8").splitlines()
