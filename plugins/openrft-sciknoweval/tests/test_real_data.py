"""Counts on the real rows at hand: set OPENRFT_SCIKNOWEVAL_DATA to the folder that holds them."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.catalogue import PAPER, V2, leaf_name, level_of
from openrft_sciknoweval.defects import CONFLICT, DEFECTS, DUPLICATE, find_defects
from openrft_sciknoweval.folder import find_paper_files, find_raw_files
from openrft_sciknoweval.json_reader import read_values
from openrft_sciknoweval.metrics import compute_official_relation_f1
from openrft_sciknoweval.relations import match_relations, parse_relations
from openrft_sciknoweval.rows import Row, parse_row
from openrft_sciknoweval.similarity import match_exactly

from openrft import DataError, DataRequest
from openrft.plugins.task_registry import load_task
from openrft.tasks.leakage import find_overlaps

pytestmark = pytest.mark.real_data
FOLDER = os.environ.get("OPENRFT_SCIKNOWEVAL_DATA", "")
FAMILY = SciKnowEval().tasks()
ONE_WORDING = ("beta_lactamase_activity_prediction", "fluorescence_prediction")  # items differ in options alone
LEAVES = {leaf.name: leaf for leaf in V2}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    """The raw rows at hand by file; every one of them parses."""
    if not FOLDER:
        pytest.skip("OPENRFT_SCIKNOWEVAL_DATA is not set")
    found: dict[str, list[Row]] = {}
    for file in find_raw_files(Path(FOLDER)):
        parsed = [parse_row(value) for _, value in read_values(file.path)]
        found[str(file.leaf)] = [row for row in parsed if isinstance(row, Row)]
        assert len(found[str(file.leaf)]) == len(parsed)
    if not found:
        pytest.skip(f"no raw_data in {FOLDER}")
    return found


def test_counts_of_files(rows: dict[str, list[Row]]) -> None:
    for name, of_file in rows.items():
        assert len(of_file) == LEAVES[name].rows


def test_rows_alone_tell_their_file(rows: dict[str, list[Row]]) -> None:
    """What the hub's one file relies on."""
    for name, of_file in rows.items():
        told = {leaf_name(row.domain, row.level, row.task, row.subtask) for row in of_file}
        assert told == {name}
        assert {level_of(name, row.level) for row in of_file} == {LEAVES[name].level}
        assert {row.domain for row in of_file} == {LEAVES[name].domain}


def test_metric_fits_the_types(rows: dict[str, list[Row]]) -> None:
    metrics = {"choice": "accuracy", "boolean": "accuracy", "text": "containment"}
    for name, of_file in rows.items():
        for row in of_file:
            assert LEAVES[name].metric == metrics.get(row.kind, LEAVES[name].metric)
            assert (row.kind == "none") == (LEAVES[name].metric in ("judge", "relation F1"))


def test_defects_are_those_that_were_published(rows: dict[str, list[Row]]) -> None:
    """All L3 files are at hand, so what occurs in L3 alone must agree to the row; the rest can only be fewer."""
    by_name: Counter[str] = Counter()
    groups: dict[str, dict[object, set[str]]] = {CONFLICT: defaultdict(set), DUPLICATE: defaultdict(set)}
    for name, of_file in rows.items():
        for place, row in enumerate(of_file):
            by_name.update(find_defects(row, name))
            groups[CONFLICT][name, row.question, tuple(sorted(row.texts))].add(row.gold)
            groups[DUPLICATE][name, row.question, row.texts, row.gold].add(str(place))
    by_name.update({name: sum(len(found) > 1 for found in of.values()) for name, of in groups.items()})
    assert (by_name["data_missing"], by_name["option_not_in_data"]) == (11, 27)
    assert (by_name["option_count"], by_name["duplicate_gold"]) == (13, 4)
    assert (by_name["eaten_backslash"], by_name["control_character"], by_name["mojibake"]) == (233, 90, 2)
    assert (by_name[DUPLICATE], by_name[CONFLICT]) == (77, 30)
    for defect in DEFECTS:
        assert by_name[defect.name] <= defect.published


@pytest.mark.parametrize(
    ("name", "groups", "copies"),
    [("L2/extract_doping", 24, 0), ("L2/drug_drug_relation_extraction", 2, 1), ("L5/physics_problem_solving", 4, 0)],
)
def test_conflicting_answers_are_flagged_or_left_out_whatever_grades_them(name: str, groups: int, copies: int) -> None:
    flagged = load_task(f"sciknoweval/{name}", DataRequest(data=FOLDER)).notes
    assert flagged["defects_kept"][CONFLICT] == 2 * groups + copies
    clean = load_task(f"sciknoweval/{name}", DataRequest(data=FOLDER, clean=True)).notes
    assert clean["defects_dropped"][CONFLICT] == 2 * groups + copies
    assert CONFLICT not in clean["defects_kept"]


def test_by_the_benchmarks_own_scorer_the_gold_relations_are_not_all_right(rows: dict[str, list[Row]]) -> None:
    golds = [row.answer for row in rows["drug_drug_relation_extraction"]]
    assert compute_official_relation_f1(golds, golds, 3, None) == pytest.approx(0.950, abs=5e-4)
    read = [parse_relations(gold) or () for gold in golds]
    assert all(match_relations(one, one, match_exactly).score == 1 for one in read)


def test_reasoning_level_as_a_whole(rows: dict[str, list[Row]]) -> None:
    task = load_task("sciknoweval/L3", DataRequest(data=FOLDER))
    assert (len(task.train), len(task.test)) == (100, 100)
    assert task.notes["rows_read"] == 4953
    assert sum(task.notes["overlaps"].values()) == 0
    assert task.notes["left_out_by_type"] == {"open-ended-qa": 218}
    assert task.notes["defects_dropped"] == {}
    assert task.notes["bad_rows"] == {}
    assert {sample.kind for sample in task.test} == {"choice", "boolean", "text"}
    assert len({sample.task for sample in task.train}) == 17


def test_every_file_at_hand_loads(rows: dict[str, list[Row]]) -> None:
    for name, of_file in rows.items():
        task = load_task(f"sciknoweval/{LEAVES[name].path}", DataRequest(data=FOLDER))
        if not task.train:
            assert LEAVES[name].metric == "judge"
            assert (task.train, len(task.test)) == ((), min(100, len(of_file)))
            continue
        sides = [{sample.question for sample in side} for side in (task.train, task.test)]
        assert len(task.test) == min(100, len(of_file) // 2)
        assert not sides[0] & sides[1] or name in ONE_WORDING
        assert sum(task.notes["overlaps"].values()) == 0


def test_paper_split() -> None:
    if not FOLDER or not find_paper_files(Path(FOLDER)):
        pytest.skip("no train/ and test/ in OPENRFT_SCIKNOWEVAL_DATA")
    tests = {file.leaf for file in find_paper_files(Path(FOLDER)) if file.part == "test"}
    for number, leaf in enumerate(PAPER, 1):
        request = DataRequest(data=FOLDER)
        if leaf.name not in tests:
            with pytest.raises(DataError, match=rf"needs test/{leaf.name}\.json"):
                FAMILY.load(f"sciknoweval/openrft/T{number}", request)
            continue
        task = load_task(f"sciknoweval/openrft/T{number}", request)
        assert (len(task.train), len(task.test)) == (100, 49 if number == 7 else 100)
        clean = load_task(f"sciknoweval/openrft/T{number}", DataRequest(data=FOLDER, clean=True, drop_leaks=True))
        assert not any(sample.meta["defects"] for sample in (*clean.train, *clean.test))
        assert not any(find_overlaps(clean.train, clean.test).values())
        leaks = {kind: count for kind, count in task.notes["overlaps"].items() if count}
        assert leaks == {7: {"question": 10}, 8: {"shuffled": 4, "data": 46}}.get(number, {})
