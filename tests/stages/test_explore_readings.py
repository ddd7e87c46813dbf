"""Which of the two readings earns the reward in RL, and starts that teach nothing or lack what was imitated."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import openrft
from openrft import Grade
from openrft.tasks.prompt import box_answer
from tests.stages.factories import (
    TASK,
    Judge,
    Trainee,
    Trainer,
    always_wrong,
    half_right,
    make_context,
    outcome,
    run_explore,
)


def read_both_ways(sample, text):
    """Strict: boxed letters only. Lenient: a bare letter on the last line, too."""
    strict = openrft.grade(sample, text)
    last = text.rsplit("\n", 1)[-1].strip()
    if strict.answer is None and last in "ABCD":
        return replace(strict, lenient=Grade(last, last == sample.answer))
    return strict


def bare_letter(messages, i):
    """The right letter without its box, every other time."""
    sample = next(s for s in TASK.train if s.question in messages[-1]["content"])
    return f"so\n{sample.answer}" if i == 0 else "so\nwell"


def read_in_both_ways(context):
    context.task = replace(TASK, grade=read_both_ways)
    return context


def test_the_strict_reading_earns_the_reward_and_the_lenient_one_does_by_option(monkeypatch, tmp_path):
    shown = {}
    for reading in ("strict", "lenient"):
        context = make_context(
            monkeypatch, tmp_path / reading, Trainee(bare_letter), trainer=Trainer(), reading=reading
        )
        rows, counts = run_explore(read_in_both_ways(context))
        shown[reading] = [(row["reward"], row["correct"], row["lenient_correct"], row["unparsed"]) for row in rows]
        assert counts["idle_steps"] == (3 if reading == "strict" else 0)
        assert context.stage_records[-1].metrics["last.lenient_correct"] == 0.5
    assert shown == {"strict": [(0.0, 0.0, 0.5, 1.0)] * 3, "lenient": [(0.5, 0.0, 0.5, 1.0)] * 3}


@pytest.mark.parametrize(
    ("script", "reading", "words"),
    [
        (bare_letter, "strict", "50% of them are right in the lenient reading: use sft first, or explore.reading=len"),
        (bare_letter, "lenient", ""),
        (always_wrong, "strict", "none of the first 24 answers earned an outcome reward.*Use sft first, or easier"),
        (half_right, "strict", ""),
        (lambda messages, i: half_right(messages, 0), "strict", "all of the first 24 answers earned the full outcome"),
    ],
)
def test_a_start_that_teaches_nothing_is_warned_of_at_once(monkeypatch, tmp_path, caplog, script, reading, words):
    trainer = Trainer()
    context = make_context(monkeypatch, tmp_path, Trainee(script), trainer=trainer, reading=reading)
    _, counts = run_explore(read_in_both_ways(context))
    assert counts["first_completions"] == 24
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    if words:
        (line,) = warnings
        assert re.search(words, line)
    else:
        assert warnings == []


def test_a_plugins_outcome_reward_is_judged_by_what_it_gave(monkeypatch, tmp_path, caplog):
    context = make_context(monkeypatch, tmp_path, Trainee(bare_letter), trainer=Trainer(), judge=Judge(outcome(0.0)))
    run_explore(read_in_both_ways(context))
    assert "lenient" not in caplog.text  # its reward does not follow a reading
    assert "none of the first 24 answers earned an outcome reward" in caplog.text
    caplog.clear()
    run_explore(
        make_context(
            monkeypatch, tmp_path / "some", Trainee(always_wrong), trainer=Trainer(), judge=Judge(outcome(0.25))
        )
    )
    assert caplog.text == ""


def test_only_the_answers_before_training_count_as_the_first(monkeypatch, tmp_path):
    """Steps are counted until there are 50 completions; later ones say nothing about the start."""
    _, counts = run_explore(
        make_context(monkeypatch, tmp_path, Trainee(half_right), steps=9, prompts_per_step=12, trainer=Trainer())
    )
    assert (counts["completions"], counts["first_completions"], counts["first_unrewarded"]) == (216, 72, 36)


class Shower:
    """Shows the first demonstration that is allowed, before each question."""

    @openrft.hookimpl
    def retrieve(self, samples, pool):
        return [[next(one for one in pool if one.sample.id != sample.id)] for sample in samples]


def bare_where_demonstrated(messages, i):
    """Two steps, or the bare answer after a demonstration."""
    return half_right(messages, i) if len(messages) < 4 else half_right(messages, i).splitlines()[-1]


@pytest.mark.parametrize(
    ("trace", "plugins", "script", "words"),
    [
        ("a\nb\nc", {"show": Shower()}, bare_where_demonstrated, "Demonstrations of bare answers can cause it"),
        ("a\nb\nc", {}, lambda messages, i: half_right(messages, i).splitlines()[-1], "train sft for more epochs"),
        ("a\nb\nc", {}, half_right, ""),
        ("a", {"show": Shower()}, bare_where_demonstrated, ""),
        (None, {"show": Shower()}, bare_where_demonstrated, ""),
    ],
)
def test_steps_that_were_imitated_and_are_gone_are_warned_of(
    monkeypatch, tmp_path, caplog, trace, plugins, script, words
):
    context = make_context(monkeypatch, tmp_path, Trainee(script), trainer=Trainer(), **plugins)
    pool = [openrft.Demonstration(sample, box_answer(sample.answer), trace) for sample in TASK.train]
    _, counts = run_explore(context, pool)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert bool(words) == bool(warnings)
    assert counts["first_demonstrated"] == (24 if plugins else 0)
    if words:
        assert "first 24 answers have one step at most, and the imitated solutions have 3" in warnings[0]
        assert words in warnings[0]
