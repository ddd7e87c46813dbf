"""Tables of results in the documents hold the numbers of the committed reports beside them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A document, the heading above the first table that is meant, and the report behind it.
TABLES = [
    ("README.md", "## What it prints", "pocket-default-three-seeds"),
    ("docs/results.md", "## What needs no training", "pocket-untrained"),
    ("docs/results.md", "## Eight tasks, three seeds, unseen questions", "pocket-eight"),
    ("docs/results.md", "## Questions that the teacher does not solve", "pocket-left-out"),
    ("docs/results.md", "### T7: which diffusion is fastest", "smollm2-T7"),
    ("docs/results.md", "### Molecular properties", "smollm2-property"),
    ("docs/results.md", "### T1: the fitness of mutants", "smollm2-T1"),
    ("docs/method.md", "## On a real model", "real-T7"),
]


def read_rows(text: str) -> list[list[str]]:
    """The cells of the first table in a text, without its head."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


@pytest.mark.parametrize(("document", "heading", "report"), TABLES, ids=[row[2] for row in TABLES])
def test_every_number_of_a_table_is_in_its_report(document: str, heading: str, report: str) -> None:
    shown = read_rows((ROOT / document).read_text("utf-8").split(heading + "\n")[1])
    measured = read_rows((ROOT / "benchmarks" / "results" / report / "report.md").read_text("utf-8").split("\n## ")[1])
    by_arm = {cells[0]: cells[1:] for cells in measured}
    rules = [cells[1] for cells in measured if cells[0].startswith(("no model: best-surface", "baseline:best-surface"))]
    assert len(shown) > 3
    for name, *numbers in shown:
        known = rules if name == "best rule without a model" else by_arm[name.split(":")[0]]
        for number in filter(None, numbers):
            assert any(cell.split(" [")[0] == number or cell == number for cell in known), f"{name}: {number}"
