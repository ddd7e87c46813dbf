"""What rules without a model are known to score on SciKnowEval. Needs OPENRFT_SCIKNOWEVAL_DATA."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from statsmodels.stats.proportion import proportion_confint

from openrft.baselines.registry import make_answerer
from openrft.errors import DataError
from openrft.plugins.task_registry import load_task
from openrft.tasks.task import DataRequest, Task, hide_answer

FOLDER = os.environ.get("OPENRFT_SCIKNOWEVAL_DATA")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER, reason="OPENRFT_SCIKNOWEVAL_DATA names no folder of SciKnowEval rows"),
]


def task(name: str, **asked_for: int) -> Task:
    try:
        return load_task(name, DataRequest(data=FOLDER, **asked_for))
    except DataError as fault:
        if " needs" not in str(fault):  # only files that are not there excuse a test
            raise
        pytest.skip(str(fault))


def score(rule: str, of: Task) -> tuple[float, int]:
    answer = make_answerer(rule, of)
    right = [answer(hide_answer(sample)) == sample.answer for sample in of.test]
    return sum(right) / len(right), len(right)


@pytest.mark.parametrize(
    ("name", "rule", "published"),
    [
        ("T1", "best-surface-rule", 0.65),  # the number nearest to the median of the training answers
        ("T2", "most-similar-option", 0.83),
        ("T7", "task-rule", 0.96),  # the lowest barrier
        ("T8", "best-surface-rule", 0.60),  # the largest of the last numbers in the given data
    ],
)
def test_the_papers_tasks_fall_to_rules_as_often_as_is_known(name: str, rule: str, published: float) -> None:
    found, items = score(rule, task(f"sciknoweval/openrft/{name}"))
    low, high = proportion_confint(round(found * items), items, method="wilson")
    assert low <= published <= high
    assert abs(found - published) <= 0.05


def test_a_molecular_property_is_always_the_second_largest_number() -> None:
    whole = task("sciknoweval/L3/molecular_property_calculation", train=100, test=400)
    assert score("second-largest-number", whole) == (1.0, len(whole.test))
    assert score("task-rule", whole)[0] == 1.0


def test_the_second_smallest_number_of_a_calculation() -> None:
    """T6: its test file may be missing, so the rule, which learns nothing, is held against the training half."""
    import json
    from pathlib import Path

    path = Path(str(FOLDER)) / "openrft" / "train" / "material_calculation.json"
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    rows = json.loads(path.read_text("utf-8"))
    file = load_task("sciknoweval/file", DataRequest(data=str(path), train=1, test=len(rows) - 1))
    found, items = score("second-smallest-number", file)
    low, high = proportion_confint(round(found * items), items, method="wilson")
    assert low <= 0.68 <= high


def test_all_rules_run_as_arms_without_torch(tmp_path) -> None:  # type: ignore[no-untyped-def]
    task("sciknoweval/openrft/T7")
    program = (
        "import sys; from openrft.cli import main\n"
        "sys.argv = ['openrft', 'evaluate', '--task', 'sciknoweval/openrft/T7', '--policy', 'baseline:task-rule',"
        " '--baselines']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "vanilla" in done.stdout
    assert "95.9" in done.stdout
    assert "baseline:nearest-neighbour" in done.stdout
