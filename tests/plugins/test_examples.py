"""The examples for plugin authors: they conform, and do what they say. test_gallery.py has those of other kinds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openrft.errors import OpenRFTError
from openrft.plugins.manager import PluginSet
from openrft.runtime.progress import NoProgress
from openrft.stages.context import StageStats
from openrft.stages.grade import call_grade_hooks
from openrft.stages.reward import call_reward_hooks
from openrft.testing import check_plugin, toy_task
from openrft.types import Completion, Rollout, Sample

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TASK = toy_task(2, 2)
pytestmark = pytest.mark.usefixtures("example_plugins")


def rollouts(*texts: str, sample: Sample = TASK.train[0]) -> list[Rollout]:
    return [Rollout(sample, (), Completion(text), answer="old", correct=False) for text in texts]


def reward(name: str, options: dict[str, Any], *texts: str) -> list[float | None]:
    given = call_reward_hooks(PluginSet([name], {name: options}), rollouts(*texts), TASK, 0, 0, StageStats())
    return [row[0].score for row in given if row is not None]


# The rules of worked_solutions.py, and what one of them uses.
RULES = {"count_down", "lowest_barrier", "second_largest", "typical_fitness"}


def test_they_are_short_and_named_in_the_guide(example_plugins: dict[str, str]) -> None:
    guide = (EXAMPLES.parent / "plugins.md").read_text("utf-8")
    for file in EXAMPLES.glob("*.py"):
        assert len(file.read_text("utf-8").splitlines()) < 60, file
        assert f"(examples/{file.name})" in guide
    modules = {entry.partition(":")[0] for entry in example_plugins.values()}
    assert modules | RULES == {file.stem for file in EXAMPLES.glob("*.py")}


def test_a_grader_with_partial_marks() -> None:
    assert check_plugin("keywords") == ["grade"]
    sample = replace(TASK.train[0], kind="text", options=(), answer="tin; zinc; Lead")
    answers = rollouts("Tin and lead.", "zinc, lead, tin", " ", sample=sample)

    def grade(needed: float) -> list[Rollout]:
        plugins = PluginSet(["keywords"], {"keywords": {"needed": needed}})
        return call_grade_hooks(plugins, answers, TASK, NoProgress(), StageStats())

    assert [(r.answer, r.correct, r.score) for r in grade(1.0)] == [
        ("Tin and lead.", False, pytest.approx(2 / 3)),
        ("zinc, lead, tin", True, 1.0),
        (None, False, 0.0),
    ]
    assert [r.reason for r in grade(1.0)] == ["lacks zinc", "lacks nothing", "no answer"]
    assert [r.correct for r in grade(0.6)] == [True, True, False]


def test_a_reward_for_brevity() -> None:
    assert check_plugin("brevity") == ["reward"]
    assert reward("brevity", {"words": 2}, "one two", "one two three four", "") == [1.0, 0.5, 0.0]


def test_a_learned_verifier(tmp_path: Path) -> None:
    graded = tmp_path / "rollouts.jsonl"
    rows = [("so yes", True), ("so yes yes", True), ("so no", False), ("no idea", None)]
    lines = [json.dumps({"completion": {"text": text}, "correct": correct}) for text, correct in rows]
    graded.write_text("\n".join(lines))
    options = {"rollouts": str(graded)}
    assert check_plugin("word-verifier", options) == ["reward"]
    # The odds are (2 + 1) / (1 + 1) for `so`, 3 / 1 for `yes`, 1 / 2 for `no`, and 1 for a word that was never seen.
    odds = [1.5 * 3, 1.5 * 0.5, 1.0]
    assert reward("word-verifier", options, "so yes", "so no", "new") == [pytest.approx(o / (1 + o)) for o in odds]


def test_a_verifier_without_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OpenRFTError, match=r"rollouts must be set"):
        PluginSet(["word-verifier"], {})
    with pytest.raises(OpenRFTError, match=r"word-verifier.rollouts=.* is not a file"):
        PluginSet(["word-verifier"], {"word-verifier": {"rollouts": str(tmp_path / "none.jsonl")}})


def ask_about(barriers: str, answer: str) -> Sample:
    return Sample(f"Which diffuses fastest?\n{barriers}", answer, ("Zn in Cu", "Zn in Ag", "Zn in Pb"))


GIVEN = """Solute Element 1: Zn, Host Element 1: Ag, Diffusion Barrier 1: 0.25 eV
Solute Element: Zn, Host Element 2: Pb, Diffusion Barrier 2(eV): -0.5
Solute Element 3: Zn, Host Element 3: Cu, Diffusion Barrier: -0.125 eV"""


def work_out(*samples: Sample, **options: str) -> tuple[list[str], dict[str, float]]:
    plugins = PluginSet(["worked-solutions"], {"worked-solutions": options})
    common = {"task": TASK, "policy": None, "seed": 0, "progress": NoProgress()}
    _, found = plugins.call_first("synthesize", samples=samples, **common) or pytest.fail("none answered")
    return [rollout.completion.text for rollout in found.value], found.counts


def test_a_rule_works_out_what_it_solves_and_the_rest_is_bare() -> None:
    assert check_plugin("worked-solutions") == ["synthesize"]
    table = ["A. Zn in Cu: -0.125, tenths -1", "B. Zn in Ag: 0.25, tenths 2", "C. Zn in Pb: -0.5, tenths -5"]
    steps = [*table, "-9 no, -8 no, -7 no, -6 no, -5 C", "The lowest is C. Zn in Pb."]
    bare = [r"\boxed{C}", r"\boxed{A}", r"\boxed{C}"]
    wrong_key, no_data = ask_about(GIVEN, "A"), ask_about("(the table is lost)", "C")
    asked = ask_about(GIVEN, "C"), wrong_key, no_data
    assert work_out(*asked) == (["\n".join([*steps, bare[0]]), *bare[1:]], {"questions": 3, "solved": 1})
    assert work_out(*asked, steps="false") == (bare, {"questions": 3, "solved": 0})


def test_where_the_tenths_are_alike_the_next_digit_tells() -> None:
    asked = [
        ask_about(GIVEN.replace("-0.125", value).replace("-0.5\n", "-0.51\n"), "A") for value in ("-0.58", "-0.518")
    ]
    (tie, alike), _ = work_out(*asked)
    counted = ["-9 no, -8 no, -7 no, -6 no, -5 A C", "A -58, C -51", "-59 no, -58 A", "The lowest is A. Zn in Cu."]
    assert tie.split("\n")[3:] == [*counted, r"\boxed{A}"]
    assert alike.split("\n")[3:6] == [
        "-9 no, -8 no, -7 no, -6 no, -5 A C",
        "A -51, C -51",
        "-59 no, -58 no, -57 no, -56 no, -55 no, -54 no, -53 no, -52 no, -51 A C",
    ]
    assert work_out(replace(asked[1], answer="C"))[0] == [r"\boxed{C}"]  # the rule says A, which the key denies


def test_the_second_largest_number_is_found_digit_by_digit() -> None:
    def ask(*options: str, answer: str) -> Sample:
        return Sample("What is logD?", answer, options)

    asked = [
        ask("1.7", "-0.2", "3.1", answer="A"),  # one number a place
        ask("-2.38", "-2.31", "-1.06", "-2.4", answer="B"),  # three places alike, then two
        ask("2.5", "2.50", "0.1", answer="A"),  # no digit tells
        ask("1.7", "-0.2", "3.1", answer="C"),  # the key denies the rule
    ]
    (plain, alike, *bare), counts = work_out(*asked, rule="second-largest")
    down = "9 no, 8 no, 7 no, 6 no, 5 no, 4 no, 3 "
    assert plain.split("\n") == [
        *("A. 1.7: 1", "B. -0.2: -0", "C. 3.1: 3"),
        f"Place 2 of A B C: {down}C, 2 no, 1 A",
        *("It is A.", r"\boxed{A}"),
    ]
    assert alike.split("\n")[4:] == [
        f"Place 2 of A B C D: {down}no, 2 no, 1 no, 0 no, -0 no, -1 C, -2 A B D",
        "A -2.3, B -2.3, D -2.4",
        "Place 1 of A B D: -2.0 no, -2.1 no, -2.2 no, -2.3 A B",
        "A -2.38, B -2.31",
        "Place 1 of A B: -2.30 no, -2.31 B",
        *("It is B.", r"\boxed{B}"),
    ]
    assert bare == [r"\boxed{A}", r"\boxed{C}"]
    assert counts == {"questions": 4, "solved": 2}


def test_numbers_are_counted_away_from_the_typical_one_and_leave_the_answer_open() -> None:
    asked = Sample("Which fitness?", "B", ("1.9", "0.003", "0.03"))
    found = "A. 1.9\nB. 0.003\nC. 0.03\n0.005 no, 0.004 no, 0.006 no, 0.003 B"
    for answer in "BC":
        assert work_out(replace(asked, answer=answer), rule="typical-fitness")[0] == [f"{found}\n\\boxed{{{answer}}}"]
    far = work_out(replace(asked, options=("1.9", "0.012", "0.011")), rule="typical-fitness")[0][0]
    assert far.startswith("A. 1.9\nB. 0.012\nC. 0.011\n0.005 no, 0.004 no,")
    assert "0.0 no, 0.01 no, 0.011 C\n" in far
    assert work_out(replace(asked, options=("1.9", "2.5", "one")), rule="typical-fitness")[0] == [r"\boxed{B}"]
