from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from openrft.bench.locate import locate_report
from openrft.bench.report import (
    ArmResult,
    Failure,
    Item,
    from_json,
    read_report,
    record_task,
    to_json,
    validate_report,
    write_report,
)
from openrft.errors import DataError, StoreError, UnknownName
from openrft.grading.grade import Grade
from openrft.tasks.task import Task
from openrft.types import Sample
from tests.bench import factories


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    report = factories.report(seeds=(0, 1), completions=2)
    write_report(report, tmp_path / "new" / "report.json")
    assert read_report(tmp_path / "new" / "report.json") == report


def test_a_metric_that_is_no_number_does_not_cost_the_report() -> None:
    report = factories.report()
    odd = replace(report.results[0], metrics={"f1": math.nan, "bleu": 0.5})
    back = from_json(to_json(replace(report, results=(odd, *report.results[1:]))))
    assert back.results[0].metrics == {"f1": None, "bleu": 0.5}


def test_text_that_is_no_utf8_survives() -> None:
    failure = Failure("rl", "toy/L1/sums", 1, "broken \ud800 text")
    assert from_json(to_json(replace(factories.report(), failures=(failure,)))).failures == (failure,)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.pop("format"), "its format is None"),
        (lambda d: d.update(format="openrft-report/9"), "openrft-report/9"),
        (lambda d: d.pop("tasks"), ": tasks is missing"),
        (lambda d: d["results"][2].pop("policy_id"), "results[2].policy_id is missing"),
        (lambda d: d["results"][0].update(seed="zero"), "results[0].seed: 'zero' is not a whole number"),
        (lambda d: d["results"][0]["items"].popitem(), "not the task's test items"),
        (lambda d: d["results"][0].update(arm="ghost"), "not among the report's own"),
        (lambda d: d["results"].append(d["results"][0]), "listed twice"),
        (
            lambda d: d["results"][0]["items"]["toy/L1/sums-000"].update(correct=[2]),
            "correct[0]: 2 is neither",
        ),
        (lambda d: d["results"][0]["items"]["toy/L1/sums-000"].update(correct=[]), "at least one"),
        (lambda d: d["results"][0]["items"]["toy/L1/sums-000"].update(lenient_correct=[0, 1]), "one verdict for each"),
        (lambda d: d["results"][0]["items"]["toy/L1/sums-000"].update(lenient_unparsed=[1]), "one verdict for each"),
    ],
)
def test_a_fault_is_named_by_its_place(change: object, named: str) -> None:
    data = json.loads(to_json(factories.report()))
    change(data)  # type: ignore[operator]
    with pytest.raises(DataError, match=r"^runs/x: ") as raised:
        from_json(json.dumps(data), "runs/x")
    assert named in str(raised.value)


PLAN = {"ablation": factories.LADDER, "settings": {"explore": {"aggregation": "min"}}, "options": {"rl": {"lr": 1}}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.update(created="yesterday"), "created: 'yesterday' is no date and time"),
        (lambda d: d["plan"].update(settings=["explore"]), "plan.settings: ['explore'] is not a table"),
        (lambda d: d["plan"].update(settings={"explore": 5}), "plan.settings.explore: 5 is not a table"),
        (lambda d: d["plan"]["settings"]["explore"].update(credit=["x"]), "plan.settings.explore.credit: ['x'] is not"),
        (lambda d: d["plan"].update(options={"rl": "lr"}), "plan.options.rl: 'lr' is not a table"),
        (lambda d: d["plan"].update(data="rows.csv"), "plan.data: 'rows.csv' is not a table"),
        (lambda d: d["plan"].update(policy=5), "plan.policy: 5 is not text"),
        (lambda d: d["plan"].update(ablation=[1]), "plan.ablation.list in place of a table of vanilla, base, full"),
        (lambda d: d["plan"]["ablation"].update(plugins="prm"), "plan.ablation.plugins: 'prm' is not a list"),
        (lambda d: d["plan"].update(seed_rule=3), "plan.seed_rule.int in place of a table"),
        (lambda d: d["plan"].update(seed_rule={"looks": [3, 2], "until": 1.0}), "looks must be numbers of seeds"),
        (lambda d: d["arms"][1].update(overrides={"explore": 1}), "arms[1].overrides.explore: 1 is not a table"),
        (
            lambda d: d["arms"][1].update(overrides={"explore": {"aggregation": []}}),
            "arms[1].overrides.explore.aggregation: [] is not text",
        ),
        (lambda d: d["tasks"][0].update(notes={"warnings": 5}), "tasks[0].notes.warnings: 5 is not a list"),
        (lambda d: d["tasks"][0].update(notes={"columns_ignored": [5]}), "notes.columns_ignored[0]: 5 is not text"),
        (lambda d: d["tasks"][0].update(notes={"overlaps": {"same": "x"}}), "tasks[0].notes.overlaps.same: 'x' is not"),
        (lambda d: d["tasks"][0].update(notes={"bad_rows": {"empty": None}}), "tasks[0].notes.bad_rows"),
        (lambda d: d.update(machine=[]), "machine: [] is not a table"),
        (lambda d: d.update(versions={"openrft": 1}), "versions.openrft: 1 is not text"),
    ],
)
def test_a_wrong_type_in_an_open_table_is_named_before_it_is_used(change: object, named: str) -> None:
    data = json.loads(to_json(replace(factories.report(), plan=PLAN)))
    assert from_json(json.dumps(data), "runs/x").plan == PLAN
    change(data)  # type: ignore[operator]
    with pytest.raises(DataError, match=r"^runs/x: ") as raised:
        from_json(json.dumps(data), "runs/x")
    assert named in str(raised.value)


COMMITTED = sorted(Path(__file__).parents[2].glob("benchmarks/results/*/report.json"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_committed_reports_are_written_back_byte_for_byte(path: Path) -> None:
    text = path.read_text("utf-8")
    assert to_json(from_json(text)) == text


def test_marks_of_the_lenient_reading_and_chance_are_written_only_where_there_are_some() -> None:
    report = factories.report()
    plain = to_json(report)
    assert "lenient" not in plain
    assert "chance" not in plain
    (task,), job = report.tasks, report.results[0]
    items = {i: replace(o, lenient_correct=o.correct, lenient_unparsed=o.unparsed) for i, o in job.items.items()}
    told = replace(
        report,
        tasks=(replace(task, items=tuple(replace(item, chance=0.25) for item in task.items)),),
        results=(replace(job, items=items), *report.results[1:]),
    )
    text = to_json(told)
    assert from_json(text) == told
    assert text.count('"lenient_correct": [') == text.count('"chance": 0.25') == len(task.items)


def test_fields_of_a_later_version_are_passed_over() -> None:
    report = factories.report()
    data = json.loads(to_json(report))
    data["results"][0]["watts"] = 3
    data["energy"] = {"joules": 5}
    assert from_json(json.dumps(data)) == report


def test_truth_values_of_completions_are_written_as_0_and_1_and_read_in_both_ways() -> None:
    report = factories.report()
    data = json.loads(to_json(report))
    item = next(iter(data["results"][0]["items"].values()))
    assert {*item["correct"], *item["unparsed"]} <= {0, 1}
    assert not any(isinstance(flag, bool) for flag in item["correct"])
    item["correct"] = [bool(flag) for flag in item["correct"]]
    assert from_json(json.dumps(data)) == report


def test_several_faults_are_named_at_once_and_a_file_nested_too_deep_is_refused() -> None:
    data = json.loads(to_json(factories.report()))
    data["results"][0].update(seed=1.5, arm=3)
    data["plan"] = []
    with pytest.raises(DataError, match=r"plan: \[\] is not a table; .*arm: 3 is not text; .*seed: 1.5 is not a whole"):
        from_json(json.dumps(data))
    with pytest.raises(DataError, match="not JSON"):
        from_json("[" * 100_000)


def test_half_a_file_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(to_json(factories.report())[:999])
    with pytest.raises(DataError, match="not JSON"):
        read_report(tmp_path / "report.json")
    with pytest.raises(DataError, match="no such report"):
        read_report(tmp_path / "other.json")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write_report(factories.report(), tmp_path / "file" / "report.json")


def test_a_contradiction_is_never_written(tmp_path: Path) -> None:
    report = factories.report()
    with pytest.raises(DataError):
        write_report(replace(report, tasks=()), tmp_path / "report.json")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_found_by_name_folder_and_file(tmp_path: Path) -> None:
    write_report(factories.report(), tmp_path / "runs" / "mine" / "report.json")
    expected = tmp_path / "runs" / "mine" / "report.json"
    assert locate_report("mine", tmp_path / "runs") == expected
    assert locate_report(str(tmp_path / "runs" / "mine")) == expected
    assert locate_report(str(expected)) == expected
    with pytest.raises(UnknownName, match="Did you mean mine"):
        locate_report("mime", tmp_path / "runs")


def test_near_duplicates_share_a_cluster() -> None:
    test = (
        Sample("How many?", "A", ("one", "two")),
        Sample("how  many", "B", ("two", "one")),
        Sample("How few?", "A", ("one", "two")),
    )
    record = record_task(Task("toy/L1/sums", (test[2],), test))
    cluster = {item.id: item.cluster for item in record.items}
    assert cluster[test[0].id] == cluster[test[1].id] != cluster[test[2].id]
    assert [i.id for i in record.items] == sorted(s.id for s in test)


def test_the_hash_of_a_task_changes_with_its_prompt_grader_and_items_only() -> None:
    a, b = Sample("How many?", "A", ("one", "two")), Sample("How few?", "A", ("one", "two"))
    task = Task("toy/L1/sums", (a,), (a, b))
    assert record_task(task).hash == record_task(replace(task, test=(b, a), train=(b,))).hash
    assert record_task(task).hash != record_task(replace(task, instruction="Guess.")).hash
    assert record_task(task).hash != record_task(replace(task, test=(b,))).hash
    assert record_task(task).hash != record_task(replace(task, grade=lambda sample, text: Grade(None, False))).hash


def test_checked_wants_a_verdict_a_completion() -> None:
    record = factories.task(items=1)
    item = Item((True, False), (False,), 3)
    bad = ArmResult("vanilla", record.name, 0, "p", {record.items[0].id: item})
    with pytest.raises(DataError, match="verdict for each completion"):
        validate_report(replace(factories.report({"vanilla": 0.5}, [record]), results=(bad,)))
