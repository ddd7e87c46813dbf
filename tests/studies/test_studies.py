"""Studies: every entry of the catalogue becomes benches, and made reports become tables, sentences and plots."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from openrft.bench.plan import BenchRequest
from openrft.bench.report import Failure
from openrft.bench.summary import summarise
from openrft.cli import cli
from openrft.errors import UnknownName, UsageError
from openrft.studies.catalog import STUDIES, Axis, Level, Study
from openrft.studies.page import build_study_page, format_study
from openrft.studies.plan import Point, StudyPlan, find_study, make_study_plan, replace_values
from openrft.studies.result import build_table, collect_result
from tests.bench import factories
from tests.bench.test_adaptive import PLAN

ASKED = BenchRequest(seeds=(0, 1), data={"test": 8})


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_becomes_benches(name):
    study = STUDIES[name]
    plan = make_study_plan(study, ASKED)
    assert plan.reference == study.reference
    count = 1
    for axis in study.axes:
        count *= len(axis.levels)
    assert len(plan.points) == len({point.labels for point in plan.points}) == count
    jobs = {repr(job.settings) + repr(job.options) + repr((job.data, job.arm.plugins)) for job in all_jobs(plan)}
    assert len(jobs) >= count + 1  # all combinations differ from one another and from vanilla
    for point in plan.points:
        assert point.arm in [arm.name for arm in plan.benches[point.bench].arms]


def all_jobs(plan):
    return [job for bench in plan.benches for job in bench.jobs()]


def test_numbers_of_questions_need_benches_of_their_own():
    plan = make_study_plan(replace_values(find_study("data-size"), ["questions=10,20"]), ASKED)
    assert plan.suffixes == ("train-10", "train-20")
    assert [bench.data.train for bench in plan.benches] == [10, 20]
    assert [point.bench for point in plan.points] == [0, 0, 1, 1]
    assert len(all_jobs(plan)) == 2 * 3 * 2


def test_values_replace_those_of_an_axis():
    study = replace_values(find_study("alpha-f"), ["alpha=0.5, 0.9", "f=min"])
    plan = make_study_plan(study, ASKED)
    assert [point.labels for point in plan.points] == [("0.5", "min"), ("0.9", "min")]
    alphas = {job.arm.name: job.settings.explore.alpha for job in plan.benches[0].jobs()}
    assert alphas["alpha-0.9-f-min"] == 0.9
    other = make_study_plan(replace_values(find_study("synthesis"), ["tries=1"]), ASKED)
    assert other.reference == "vanilla"  # because 16 tries are left out


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("alpha-f", ["alpha"], "is not AXIS=VALUE,VALUE"),
        ("alpha-f", ["beta=1"], "unknown axis of the study alpha-f: 'beta'"),
        ("icl", ["shown=never"], "not the values of one option"),
    ],
)
def test_other_values_are_refused(name, values, says):
    with pytest.raises((UsageError, UnknownName), match=says):
        replace_values(find_study(name), values)


def test_what_a_study_varies_cannot_be_set_besides():
    with pytest.raises(UsageError, match=r"the study alpha-f varies explore\.alpha itself"):
        make_study_plan(find_study("alpha-f"), replace(ASKED, values={"explore": {"alpha": 0.2}}))
    with pytest.raises(UsageError, match=r"data-size varies data\.train itself"):
        make_study_plan(find_study("data-size"), replace(ASKED, data={"train": 5}))
    with pytest.raises(UnknownName, match="study"):
        find_study("alpha")


HOSTILE = "<img src=x>"
MADE = Study("made", f"What is {HOSTILE} worth?", (), (Axis("prm", (Level("no"), Level("yes"))), Axis("icl", ())), "rl")
POINTS = (Point(("no", "yes"), "rl+icl", 0), Point(("yes", "no"), "rl+prm", 0), Point(("yes", "yes"), "rl+prm+icl", 0))


@functools.cache
def made_result(seeds=(0, 1, 2), lost=()):
    report = factories.report(tasks=[factories.task(items=300)], seeds=seeds, completions=3)
    results = tuple(r for r in report.results if r.arm not in lost)
    failures = tuple(Failure(arm, "toy/L1/sums", 0, "out of memory") for arm in lost)
    report = replace(report, results=results, failures=failures)
    plan = StudyPlan(MADE, POINTS, (replace(PLAN, seeds=seeds),), ("",), "rl")
    return collect_result(plan, [report], [summarise(report)], "openrft study made")


def test_rows_are_compared_with_the_reference_and_p_corrected_for_their_number():
    result = made_result()
    by_arm = {row.arm: row for row in (*result.rows, *result.beside)}
    assert set(by_arm) == set(factories.ARMS)
    assert [row.arm for row in result.beside] == ["vanilla", "rl"]
    for row in result.rows:
        assert row.gain.value == pytest.approx(row.accuracy.value - by_arm["rl"].accuracy.value)
        assert row.gain.p <= row.gain.adjusted <= 3 * row.gain.p + 1e-12
    assert by_arm["rl"].gain is None
    assert result.answer[0] == f"Best: prm yes, icl yes, {100 * by_arm['rl+prm+icl'].accuracy.value:.1f}% right."
    assert result.answer[1].startswith(f"Shown to be above rl ({100 * by_arm['rl'].accuracy.value:.1f}%): prm yes")
    assert result.answer[2].startswith("Not shown to differ from rl")
    assert "prm no, icl yes" in result.answer[2]


def test_one_seed_shows_nothing():
    result = made_result(seeds=(0,))
    assert all(row.gain.p is None for row in result.rows)
    assert any(line.startswith("Suggested, by one training seed") for line in result.answer)
    assert not any(line.startswith("Shown") for line in result.answer)


def test_a_failed_combination_has_no_score():
    result = made_result(lost=("rl+prm",))
    assert (
        result.answer[-1] == "Without a score: prm yes, icl no (rl+prm failed on toy/L1/sums, seed 0: out of memory)."
    )
    row = next(row for row in build_table(result).rows if row[:2] == ("yes", "no"))
    assert row[2] == "failed"
    assert made_result(lost=tuple(p.arm for p in POINTS)).answer == (
        "No combination has a score, so nothing is known.",
    )


class Page(HTMLParser):
    """Collects tags and the titles of marks."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_has_a_mark_for_each_combination_no_script_and_obeys_no_text():
    result = made_result()
    parser = Page()
    parser.feed(build_study_page(result, "toy"))
    tags = [tag for tag, _ in parser.tags]
    assert "script" not in tags
    assert "img" not in tags
    assert tags.count("circle") == len(result.rows)
    assert [attrs["href"] for tag, attrs in parser.tags if tag == "a"] == ["report.html"]
    assert f"What is {HOSTILE} worth?" in "".join(parser.text)
    parser = Page()
    parser.feed(build_study_page(result, "elsewhere"))
    assert [attrs["href"] for tag, attrs in parser.tags if tag == "a"] == ["../toy/report.html"]


def test_markdown_has_the_answer_and_the_table():
    text = format_study(made_result())
    assert text.startswith("# made: What is ")
    assert "| prm | icl | accuracy | over rl | p | tokens | seconds |" in text
    assert "- Best: prm yes, icl yes" in text


def test_a_study_runs_and_goes_on_from_what_is_kept(tmp_path, capsys):
    command = ["study", "noise", "--values", "share=1.0", "--values", "kind=noise", "--seeds", "0", "--workers", "1"]
    for setting in ("explore.steps=1", "explore.prompts_per_step=2", "explore.group_size=2", "explore.probes=0"):
        command += ["--set", setting]
    command += ["--set", "evaluate.completions=1", "--train", "8", "--test", "8", "--out", str(tmp_path), "--name", "s"]
    cli.main(command, standalone_mode=False)
    assert "share 1.0, kind noise" in capsys.readouterr().out
    assert {file.name for file in (tmp_path / "s").iterdir()} >= {"study.html", "study.md", "study.json", "report.html"}
    cli.main([*command, "--json"], standalone_mode=False)
    again = json.loads(capsys.readouterr().out)
    kept = json.loads((tmp_path / "s" / "report.json").read_text())
    assert all(stage["reused"] for result in kept["results"] for stage in result["stages"])
    assert [row["labels"] for row in again["rows"]] == [["1.0", "noise"]]
    assert [row["arm"] for row in again["beside"]] == ["vanilla", "rl"]


def test_studies_are_listed_and_forecast(capsys):
    cli.main(["study"], standalone_mode=False)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(STUDIES)
    cli.main(["study", "samples", "--dry-run", "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert found["reference"] == "answers-8"
    (bench,) = found["benches"]
    assert bench["arms"] == ["vanilla", "answers-2", "answers-4", "answers-8", "answers-16"]
    assert len(bench["jobs"]) == 15
