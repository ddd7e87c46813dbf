"""The report warns of what RL counted."""

from __future__ import annotations

from dataclasses import replace

from openrft.bench.notes import build_notes
from openrft.bench.summary import summarise
from openrft.bench.training_notes import build_training_notes
from tests.bench import factories
from tests.bench.factories import report

FALLBACK = "Questions to which the teacher found no right answer, so that their bare answers were imitated"


def noted(**counts):
    """The notes of a report whose rl arms counted these in each of two seeds."""
    made = report({"vanilla": 0.3, "rl": 0.5, "rl+prm": 0.5}, seeds=(0, 1))
    metrics = {f"explore.{name}": n for name, n in counts.items()}
    results = [r if r.arm == "vanilla" else replace(r, metrics=metrics) for r in made.results]
    return list(build_training_notes([task.name for task in made.tasks], results))


def test_nothing_is_said_of_a_run_that_went_well():
    assert noted() == []
    assert noted(completions=1000, cut_off=4, blank=0, over_context=0, idle_steps=0, exploded_steps=0) == []


def test_answers_cut_off_inside_a_thought_have_a_note_of_their_own():
    assert noted(completions=100, cut_off=30, cut_off_thinking=20) == [
        "toy/L1/sums: answers cut off in RL at the longest length allowed: rl 30%, rl+prm 30%.",
        "toy/L1/sums: answers cut off in RL at that length inside the thought, before any answer: rl 20%, rl+prm 20%.",
    ]


def started(*, of, rewarded=0, full=0, lenient=0):
    """The notes of arms whose first answers earned this."""
    unrewarded = of - rewarded
    return noted(first_completions=of, first_unrewarded=unrewarded, first_full=full, first_lenient=lenient)


def test_a_start_without_an_outcome_reward_is_named_with_advice():
    assert started(of=160, rewarded=1) == []
    assert started(of=160) == [
        "toy/L1/sums, RL of rl (seed 0, 1), rl+prm (seed 0, 1): none of the first 160 answers earned an outcome"
        " reward, so there is nothing to learn from it. Use sft first, or easier questions."
    ]
    (line,) = started(of=160, lenient=40)
    assert line.endswith(" 25% of them are right in the lenient reading: use sft first, or explore.reading=lenient.")
    (line,) = started(of=160, rewarded=160, full=160, lenient=160)
    assert line.endswith(
        ": all of the first 160 answers earned the full outcome reward, so there is nothing to learn from it."
        " Use harder questions."
    )


def test_steps_lost_at_the_start_are_named_with_advice():
    def short(single, taught):
        earned = {"first_unrewarded": 9, "first_full": 9, "first_lenient": 55}
        seen = {"first_completions": 64, "first_demonstrated": 64, "first_single_step": single, "taught_steps": taught}
        return noted(**earned, **seen)

    assert short(single=32, taught=12) == short(single=64, taught=1) == []
    assert short(single=33, taught=12) == [
        "toy/L1/sums, RL of rl (seed 0, 1), rl+prm (seed 0, 1): most of the first 64 answers have one step at most, and"
        " the imitated solutions have 12. Demonstrations of bare answers can cause it: let them show reasoning, or"
        " leave them out."
    ]


def test_a_seed_that_started_well_is_not_named():
    made = report({"vanilla": 0.3, "rl": 0.5}, seeds=(0, 1))
    counts = {"explore.first_completions": 50.0, "explore.first_full": 0.0, "explore.first_lenient": 0.0}
    results = [
        replace(r, metrics={**counts, "explore.first_unrewarded": 50.0 - r.seed}) if r.arm == "rl" else r
        for r in made.results
    ]
    (line,) = build_training_notes([task.name for task in made.tasks], results)
    assert line.startswith("toy/L1/sums, RL of rl (seed 0): none of the first 50 answers")


def test_shares_are_of_all_completions_and_events_are_added_up():
    assert noted(
        completions=75, over_context=25, cut_off=15, idle_steps=3, exploded_steps=1, damaged_checkpoints=1
    ) == [
        "toy/L1/sums: answers not given in RL, as the prompt alone exceeds the policy's context: rl 25%, rl+prm 25%.",
        "toy/L1/sums: answers cut off in RL at the longest length allowed: rl 20%, rl+prm 20%.",
        "toy/L1/sums: steps of RL in which all answers, or all to each question, earned the same and taught"
        " nothing: rl 6, rl+prm 6.",
        "toy/L1/sums: steps of RL whose loss exploded: rl 2, rl+prm 2.",
        "toy/L1/sums: damaged checkpoints from which RL could not continue: rl 2, rl+prm 2.",
    ]


def test_what_a_family_warns_of_is_in_the_notes():
    made = report({"vanilla": 0.3, "rl": 0.5})
    task = replace(made.tasks[0], notes={**made.tasks[0].notes, "warnings": ["3 gold answers are sentences."]})
    made = replace(made, tasks=(task,))
    assert f"{task.name}: 3 gold answers are sentences." in build_notes(made, summarise(made))


def test_questions_that_the_teacher_left_out_are_named():
    made = report({"vanilla": 0.3, "sft": 0.5})
    counts = {"synthesize.teacher.fallback": 0.0, "synthesize.teacher.left_out": 3.0}
    notes = build_notes(replace(made, results=tuple(replace(r, metrics=counts) for r in made.results)), summarise(made))
    assert [line for line in notes if "teacher" in line] == [
        "Questions to which the teacher found no right answer, so that they were left out of imitation: 3 on"
        " toy/L1/sums (vanilla, sft)."
    ]


def test_questions_without_a_right_answer_by_the_teacher_are_named_and_nothing_is_said_of_none():
    made = report({"vanilla": 0.3, "sft": 0.5})
    for fallback, expected in (
        (0.0, []),
        (1.0, [f"{FALLBACK}: 1 on toy/L1/sums (vanilla, sft)."]),
    ):
        results = [replace(r, metrics={"synthesize.teacher.fallback": fallback}) for r in made.results]
        notes = build_notes(replace(made, results=tuple(results)), summarise(made))
        assert [line for line in notes if "teacher" in line] == expected


def test_what_holds_for_several_tasks_is_said_once():
    """The numbers are 1, 2 and 6 on three tasks, in both seeds; 0 in one of them is no reason to leave the task out."""
    tasks = [factories.task(f"toy/L1/{name}") for name in ("a", "b", "c")]
    made = report({"vanilla": 0.3, "rl": 0.5}, seeds=(0, 1), tasks=tasks)
    counts = dict(zip([task.name for task in tasks], (1.0, 2.0, 6.0), strict=True))
    metrics = {
        "synthesize.teacher.fallback": lambda r: counts[r.task] * r.seed,
        "explore.idle_steps": lambda r: counts[r.task],
        "evaluate.completions": lambda r: 150.0,
        "evaluate.cut_off": lambda r: counts[r.task] * r.seed,
    }
    results = [
        replace(r, metrics={name: of(r) for name, of in metrics.items()}) if r.arm == "rl" else r for r in made.results
    ]
    made = replace(made, results=tuple(results))
    notes = build_notes(made, summarise(made))
    assert f"{FALLBACK}, in each run: 0 to 6 on 3 tasks, most on toy/L1/c (rl)." in notes
    assert "Answers cut off at the longest length allowed: rl 1% on toy/L1/b, 2% on toy/L1/c." in notes
    assert [note for note in notes if "taught nothing" in note] == [
        "Steps of RL in which all answers, or all to each question, earned the same and taught nothing: rl 2 to 12 on"
        " 3 tasks, most on toy/L1/c."
    ]


def test_two_seeds_are_said_to_be_few() -> None:
    for seeds, count in (((0, 1), 1), ((0, 1, 2), 0)):
        notes = summarise(report({"vanilla": 0.3, "rl": 0.5}, seeds=seeds)).notes
        assert sum(note.startswith("Two seeds: ") for note in notes) == count
