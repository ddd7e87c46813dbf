"""From a name and a folder to a task: layouts, selectors, refusals and what the notes say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.catalogue import ROWS, V2

from openrft import DataError, UsageError
from openrft.plugins.task_registry import select_tasks

FAMILY = SciKnowEval().tasks()
L3 = "raw_data/Material/L3"


def test_names_are_unique_and_complete() -> None:
    names = [info.name for info in FAMILY.names()]
    assert len({name.lower() for name in names}) == len(names)
    assert sum(name.count("/") == 3 for name in names) == 58 + 3  # and the three of V1 that the paper takes
    for name in ("L1", "Physics", "Chemistry/L3", "L3/retrosynthesis", "Material/L3/diffusion_rate_analysis"):
        assert f"sciknoweval/{name}" in names
    for name in ("openrft", "openrft/T1", "openrft/T8", "openrft/chemical_calculation"):
        assert f"sciknoweval/{name}" in names
    infos = {info.name: info for info in FAMILY.names()}
    assert sum(infos[f"sciknoweval/L{n}"].rows or 0 for n in range(1, 6)) == 28_392
    assert infos["sciknoweval/Physics/L3"].rows == 1018
    lab = infos["sciknoweval/L4/physics_laboratory_safety_test"]
    assert (lab.level, lab.domain, lab.types) == ("L4", "Physics", {"true_or_false": 331, "mcq-4-choices": 274})


def test_counts_add_up() -> None:
    for whole, total in ROWS.items():
        counts = [leaf.rows for leaf in V2 if whole in (leaf.level, leaf.domain)]
        known = sum(count for count in counts if count)
        assert known == total if None not in counts else known < total
    assert None not in [leaf.rows for leaf in V2 if leaf.level == "L3" or leaf.domain == "Physics"]


def test_every_file_goes_by_its_domain_and_level(choice: Any, write: Any, rows: Any, load: Any) -> None:
    folder = write(f"{L3}/adding.jsonl", rows(choice))
    for leaf in V2:
        domains = (leaf.domain, leaf.domain.upper(), *["Materials", "materials"] * (leaf.domain == "Material"))
        for domain in domains:
            name = f"sciknoweval/{domain}/{leaf.level}/{leaf.name}"
            assert select_tasks(name, str(folder)) == [f"sciknoweval/{leaf.domain}/{leaf.level}/{leaf.name}"]
    for name in ("sciknoweval/Materials/L3/adding", "sciknoweval/materials/l3/ADDING/"):
        assert load(name, folder, train=4, test=4).name == "sciknoweval/Material/L3/adding"
        assert select_tasks(name, str(folder)) == ["sciknoweval/Material/L3/adding"]
    assert select_tasks("sciknoweval/Materials/*/*", str(folder)) == ["sciknoweval/Material/L3/adding"]
    assert select_tasks("sciknoweval/Materials/L3", str(folder)) == ["sciknoweval/Materials/L3"]
    for wrong in ("Materials/L4/adding", "Physics/L3/adding", "Materials/L3/addin", "Materialss/L3/adding"):
        with pytest.raises(UsageError, match=r"unknown task: .*" + wrong + r".*Did you mean .*L3/adding"):
            select_tasks(f"sciknoweval/{wrong}", str(folder))
        with pytest.raises(UsageError, match=r"unknown task: .*" + wrong + r".*Did you mean .*L3/adding"):
            load(f"sciknoweval/{wrong}", folder)


def test_folder_of_the_variable_adds_names(
    choice: Any, write: Any, monkeypatch: pytest.MonkeyPatch, rows: Any, load: Any
) -> None:
    folder = write(f"{L3}/adding.jsonl", rows(choice))
    write("openrft/train/subtracting.json", rows(choice))
    monkeypatch.setenv("OPENRFT_SCIKNOWEVAL_DATA", str(folder))
    names = [info.name for info in FAMILY.names()]
    assert {"sciknoweval/L3/adding", "sciknoweval/Material/L3/adding", "sciknoweval/openrft/subtracting"} <= {*names}
    task = load("sciknoweval/l3/ADDING", None, train=4, test=4)
    assert (task.name, len(task.train), len(task.test)) == ("sciknoweval/L3/adding", 4, 4)


@pytest.mark.parametrize("below", ["", "raw_data", "raw_data/Material", "raw_data/Material/L3", "raw_data/../raw_data"])
def test_any_part_of_the_raw_layout_serves(choice: Any, write: Any, below: str, rows: Any, load: Any) -> None:
    folder = write(f"{L3}/adding.jsonl", rows(choice))
    assert len(load("sciknoweval/L3", folder / below, train=4, test=4).train) == 4


def test_folders_may_be_written_in_any_case(choice: Any, write: Any, rows: Any, load: Any) -> None:
    folder = write("SciKnowEval/Raw_Data/material/l3/adding.jsonl", rows(choice))
    write("OpenRFT/train/retrosynthesis.json", rows(choice))
    write("OpenRFT/test/retrosynthesis.json", rows(choice, start=20))
    assert load("sciknoweval/L3/adding", folder).notes["rows_read"] == 12
    assert len(load("sciknoweval/openrft/T2", folder).test) == 12


def test_samples_say_where_they_come_from(choice: Any, write: Any, rows: Any, load: Any) -> None:
    folder = write(f"{L3}/adding.jsonl", rows(choice, details={"level": "L5", "task": "t", "subtask": "s"}))
    sample = min(load("sciknoweval/L3/adding", folder).train, key=lambda s: s.meta["row"])
    assert (sample.task, sample.gold, sample.answer) == ("sciknoweval/L3/adding", str(sample.meta["row"]), "B")
    expected = {"file": "adding.jsonl", "domain": "Material", "level": "L3", "level_in_row": "L5", "subtask": "s"}
    assert expected.items() <= sample.meta.items()
    json.dumps(dict(sample.meta))


def test_pool_is_stratified_and_does_not_train_on_what_has_no_reward(
    choice: Any, other: Any, write: Any, rows: Any, load: Any
) -> None:
    write("raw_data/Material/L3/adding.jsonl", rows(choice, 30))
    write("raw_data/Physics/L3/holding.jsonl", [other("true_or_false", f"Is {i} odd?", "No") for i in range(20)])
    write("raw_data/Physics/L3/telling.jsonl", [other("open-ended-qa", f"Why {i}?", "So.") for i in range(7)])
    folder = write("raw_data/Chemistry/L3/filling.jsonl", [other("filling", f"{i} is", f"{i}") for i in range(10)])
    task = load("sciknoweval/L3", folder, train=12, test=6)
    names = [sample.task.split("/")[-1] for sample in task.train]
    assert {name: names.count(name) for name in names} == {"adding": 6, "holding": 4, "filling": 2}
    assert [sample.task for sample in task.test].count("sciknoweval/L3/telling") == 1
    assert task.notes["left_out_by_type"] == {"open-ended-qa": 7}
    assert task.notes["rows_read"] == 67
    assert all(word in task.instruction for word in ("letter", "Yes", "alone"))
    assert task.notes["trainable_types"] == ["filling", "mcq-4-choices", "true_or_false"]


def test_what_only_a_judge_can_score_stands_in_test_in_proportion(
    choice: Any, other: Any, write: Any, rows: Any, load: Any
) -> None:
    """Never in train, nor in test where its leakage group is in train; a split that is given stays as it is."""
    asked = [other("open-ended-qa", f"Why {i}?", "So.") for i in range(30)]
    write("raw_data/Physics/L3/telling.jsonl", asked)
    folder = write("raw_data/Material/L3/adding.jsonl", rows(choice, 60))
    for size, judged in (((20, 30), 10), ((20, 29), 10), ((200, 200), 12)):
        task = load("sciknoweval/L3", folder, train=size[0], test=size[1])
        of_a_judge = [s for s in task.test if s.meta["type"] == "open-ended-qa"]
        assert len(of_a_judge) == judged
        assert len(task.test) == min(size[1], 36)
        assert {s.meta["type"] for s in task.train} == {"mcq-4-choices"}
        assert {task.grade(s, "\\boxed{So.}").correct for s in of_a_judge} == {None}
        assert "where a text is asked for" in task.instruction
        assert f"{judged} of test only a judge can score" in task.notes["split"]
    write(
        "raw_data/Physics/L3/telling.jsonl",
        [other("open-ended-qa", row["question"], "So.") for row in rows(choice, 60)],
    )
    task = load("sciknoweval/L3", folder, train=20, test=40)
    assert len(task.test) == 40
    assert not {s.question for s in task.train} & {s.question for s in task.test}
    write("split/train/adding.json", [*rows(choice), *asked[:5]])
    write("split/test/adding.json", [*rows(choice, start=20), *asked[5:9]])
    task = load("sciknoweval/openrft/adding", folder / "split")
    assert (len(task.train), len(task.test)) == (12, 16)


def test_what_only_a_judge_can_score_is_a_test_without_scores(other: Any, write: Any, load: Any) -> None:
    asked = [other("open-ended-qa", f"Why {i}?", "So.") for i in range(7)]
    folder = write("raw_data/Physics/L3/telling.jsonl", asked)
    write("raw_data/Chemistry/L2/extract_doping.jsonl", [other("relation_extraction", "Which?", "[('a', 'b')]")])
    for name, count in (("L3/telling", 5), ("L2", 1)):
        task = load(f"sciknoweval/{name}", folder, test=5)
        assert (task.train, len(task.test)) == ((), count)
        assert task.notes["trainable_types"] == []
        verdict = task.grade(task.test[0], "\\boxed{So.}")
        assert verdict.correct is None


def test_materials_is_v1s_name_of_material(choice: Any, write: Any, rows: Any, load: Any) -> None:
    folder = write(f"{L3}/adding.jsonl", rows(choice))
    for name in ("sciknoweval/Materials", "sciknoweval/materials/l3"):
        (whole,) = select_tasks(name, str(folder))
        task = load(whole, folder)
        assert task.notes["fingerprint"] == load("sciknoweval/Material/L3", folder).notes["fingerprint"]
    assert select_tasks("sciknoweval/Material*", str(folder)) == ["sciknoweval/Material"]


def test_one_name_in_two_domains(choice: Any, write: Any, rows: Any, load: Any) -> None:
    folder = write("raw_data/Biology/L2/reasoning.jsonl", rows(choice, 6))
    write("raw_data/Chemistry/L2/reasoning.jsonl", rows(choice, 8, start=20))
    counts = {name: load(f"sciknoweval/{name}/reasoning", folder).notes["rows_read"] for name in ("Biology/L2", "L2")}
    assert counts == {"Biology/L2": 6, "L2": 14}
    assert load("sciknoweval/Chemistry/L2/reasoning", folder).notes["rows_read"] == 8


def test_names_in_rows_have_no_case(choice: Any, write: Any, rows: Any, load: Any) -> None:
    details = {"level": "l3", "task": "Retrosynthesis", "subtask": "Retrosynthesis"}
    file = write("mine.jsonl", rows(choice, details=details, domain="Chemistry")) / "mine.jsonl"
    task = load("sciknoweval/L3/retrosynthesis", file)
    assert {(s.task, s.meta["level"]) for s in task.train} == {("sciknoweval/L3/retrosynthesis", "L3")}


def test_names_tell_what_the_source_has(choice: Any, write: Any, rows: Any, load: Any) -> None:
    write("raw_data/Material/L3/diffusion_rate_analysis.jsonl", rows(choice))
    write("openrft/train/retrosynthesis.json", rows(choice))
    folder = write("raw_data/Physics/L1/adding.jsonl", rows(choice))
    there = {info.name for info in FAMILY.names(str(folder)) if not info.absent and not info.alias_of}
    short = {"L1", "L3", "Material", "Physics", "Material/L3", "Physics/L1", "L3/diffusion_rate_analysis", "L1/adding"}
    long = {"Material/L3/diffusion_rate_analysis", "Physics/L1/adding"}
    assert there == {f"sciknoweval/{name}" for name in short | long}
    assert select_tasks("sciknoweval/L3/*", str(folder)) == ["sciknoweval/L3/diffusion_rate_analysis"]
    with pytest.raises(DataError, match="no file of task"):
        load(select_tasks("sciknoweval/L3/retrosynthesis", str(folder))[0], folder)


def test_first_version_by_folders_of_tasks_and_by_domains(choice: Any, write: Any, rows: Any, load: Any) -> None:
    """Two forms that V1 was published in; names are those of V2 or the paper."""
    labels = {"level": "L3", "task": "sci_calculate", "subtask": "MMLU"}
    for domain in ("Chemistry", "Physics"):
        of_domain = rows(choice, 6, domain=domain, details=labels if domain == "Chemistry" else {"level": "L1"})
        by_domain = write(f"hub/data/{domain}/sciknoweval_{domain.lower()}_test.jsonl", of_domain) / "hub"
    nested = write("git/raw_data/Chemistry/L3/sci_calculate/MMLU.jsonl", rows(choice, 6)) / "git"
    write("git/raw_data/Chemistry/L3/sci_calculate/SciEval.jsonl", rows(choice, 6, start=9))
    for folder, count in ((by_domain, 6), (nested, 12)):
        task = load("sciknoweval/L3/chemical_calculation", folder)
        assert len(task.train) + len(task.test) == count
        assert {s.task for s in task.test} == {"sciknoweval/L3/chemical_calculation"}
    assert select_tasks("sciknoweval/L3/chem*", str(nested)) == ["sciknoweval/L3/chemical_calculation"]


def test_instruction_does_not_depend_on_the_draw(choice: Any, other: Any, write: Any, rows: Any, load: Any) -> None:
    write(f"{L3}/adding.jsonl", rows(choice, 50))
    folder = write(f"{L3}/holding.jsonl", [other("true_or_false", "Is it?", "No")])
    assert len({load("sciknoweval/L3", folder, train=2, test=2, seed=seed).instruction for seed in range(5)}) == 1


def test_a_file_that_changed_is_read_anew(choice: Any, write: Any, rows: Any, load: Any) -> None:
    for count in (12, 8):
        folder = write(f"{L3}/adding.jsonl", rows(choice, count))
        assert load("sciknoweval/L3/adding", folder).notes["rows_read"] == count


def test_a_gold_of_thousands_of_digits_loads_and_is_graded(other: Any, write: Any, load: Any) -> None:
    huge = "9" * 5000
    made = [other("filling", f"{i} is", text) for i, text in enumerate((f"1e{huge}", huge, "4", "5"))]
    made += [other("filling", f"q\nA: 1e{huge}\nB: {huge}", "6")]
    task = load("sciknoweval/L3/adding", write(f"{L3}/adding.jsonl", made))
    for sample in (*task.train, *task.test):
        assert task.grade(sample, f"\\boxed{{{sample.answer}}}").correct


def test_other_json_in_the_folder_harms_only_those_who_read_it(choice: Any, write: Any, rows: Any, load: Any) -> None:
    write(f"{L3}/adding.jsonl", rows(choice))
    folder = write(f"{L3}/settings.json", [{"colour": "blue"}])
    assert load("sciknoweval/L3/adding", folder).train
    with pytest.raises(DataError, match=r"settings\.json, row 1: the field 'type' is missing"):
        load("sciknoweval/L3", folder)


def test_own_split_is_kept(choice: Any, write: Any, rows: Any, load: Any) -> None:
    write("openrft/train/diffusion_rate_analysis.json", rows(choice, 9))
    write("openrft/train/retrosynthesis.json", rows(choice, 9))
    folder = write("openrft/test/diffusion_rate_analysis.json", rows(choice, 5, start=4))
    for name in ("openrft/T7", "openrft/diffusion_rate_analysis", "L3/diffusion_rate_analysis", "openrft"):
        task = load(f"sciknoweval/{name}", folder)
        assert (len(task.train), len(task.test)) == (9, 5)
    assert task.notes["tasks_left_out"] == ["retrosynthesis"]
    assert len(load("sciknoweval/openrft/T7", folder, train=3, test=2).train) == 3
    with pytest.raises(DataError, match=r"needs test/retrosynthesis\.json"):
        load("sciknoweval/openrft/T2", folder)


def test_one_file(choice: Any, write: Any, rows: Any, load: Any) -> None:
    mixed = [*rows(choice), *rows(choice, 8, start=20, domain="Physics", details={"level": "L1", "task": "deep"})]
    path = write("mixed.json", mixed) / "mixed.json"
    assert load("sciknoweval/file", path).notes["rows_read"] == 20
    task = load("sciknoweval/L1", path)
    assert (len(task.train) + len(task.test), task.notes["rows_of_other_tasks"]) == (8, 12)
    assert {sample.task for sample in task.train} == {"sciknoweval/L1/deep"}
    with pytest.raises(DataError, match="none of 20 rows"):
        load("sciknoweval/Biology", path)
    bare = [{k: v for k, v in row.items() if k not in ("details", "domain", "prompt")} for row in mixed]
    assert load("sciknoweval/Biology/L3", write("bare.jsonl", bare) / "bare.jsonl").train
    named = write("retrosynthesis.jsonl", mixed) / "retrosynthesis.jsonl"
    assert load("sciknoweval/L3/retrosynthesis", named).train[0].task == "sciknoweval/L3/retrosynthesis"


def test_the_hubs_file_in_a_folder(choice: Any, write: Any, rows: Any, load: Any) -> None:
    physics = {"level": "L5", "task": "physics_formula_derivation", "subtask": "x"}
    literature = {"level": "L1", "task": "literature_multi_choice_question", "subtask": "BioRxiv_QA"}
    folder = write(
        "data/v2/sciknoweval_test_v2.jsonl",
        [*rows(choice, 4, domain="Physics", details=physics), *rows(choice, 4, domain="Biology", details=literature)],
    )
    assert {s.task for s in load("sciknoweval/L3", folder).train} == {"sciknoweval/L3/physics_formula_derivation"}
    assert {s.task for s in load("sciknoweval/L1", folder).train} == {"sciknoweval/L1/biology_literature_QA"}


def test_same_request_same_task_from_any_folder(choice: Any, write: Any, rows: Any, load: Any) -> None:
    first = load("sciknoweval/L3/adding", write(f"{L3}/adding.jsonl", rows(choice, 40)), train=9, test=9)
    other = write(f"elsewhere/{L3}/adding.jsonl", rows(choice, 40)[::-1]) / "elsewhere"
    second = load("sciknoweval/L3/adding", other, train=9, test=9)
    assert first.notes["fingerprint"] == second.notes["fingerprint"]
    assert [s.id for s in first.train] == [s.id for s in second.train]


def test_folders_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Any) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("OPENRFT_SCIKNOWEVAL_DATA", str(tmp_path))
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert FAMILY.names()
    with pytest.raises(DataError, match="Permission denied"):
        load("sciknoweval/L3", None)


def test_foreign_folders_are_not_entered(choice: Any, write: Any, rows: Any, load: Any) -> None:
    write("home/projects/Physics/L3/adding.jsonl", rows(choice))
    folder = write("home/notes.jsonl", [5]) / "home"
    with pytest.raises(DataError, match="none of the layouts"):
        load("sciknoweval/L3", folder)


def test_wrong_names_and_places(choice: Any, write: Any, tmp_path: Path, rows: Any, load: Any) -> None:
    with pytest.raises(UsageError, match="Did you mean sciknoweval/L3/retrosynthesis"):
        load("sciknoweval/L3/retrosynthesys", tmp_path)
    with pytest.raises(DataError, match="no such file"):
        load("sciknoweval/L3", tmp_path / "nowhere")
    with pytest.raises(DataError, match="none of the layouts"):
        load("sciknoweval/L3", tmp_path)
    folder = write(f"{L3}/adding.jsonl", rows(choice))
    with pytest.raises(DataError, match="no file of task"):
        load("sciknoweval/L2", folder)
    with pytest.raises(DataError, match="no train/ and test/"):
        load("sciknoweval/openrft/T7", folder)
    with pytest.raises(UsageError, match="takes one file"):
        load("sciknoweval/file", folder)
