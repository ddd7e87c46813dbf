"""The plugin as the core sees it: counts, lineage, determinism, guards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from openrft_augment import Augment

import openrft
from openrft import Completion, Sample, Sampling, Task
from openrft.testing import build_options, check_plugin


@dataclass
class Scribe:
    """A language model that says what it was told to say, question by question."""

    answers: Sequence[str]
    finish_reason: str = "stop"
    asked: list[Any] = field(default_factory=list)
    id: str = "scribe"

    def generate(self, prompts: Any, sampling: Sampling, progress: Any = None) -> list[list[Completion]]:
        self.asked += list(prompts)
        return [[Completion(text, finish_reason=self.finish_reason)] for text in self.answers]  # type: ignore[arg-type]


class Notes:
    """Keeps what the plugin says of its progress."""

    def __init__(self) -> None:
        self.updates: list[str] = []

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        self.updates.append(f"{stage} {done}/{total} {note}")


SAMPLE = Sample("Which gas fills 5 L?", "B", ("helium", "neon", "argon", "xenon"), task="toy", meta={"k": 1})


def task_of(*samples: Sample, rewrite: Any = None) -> Task:
    return Task("toy", samples, samples, rewrite=rewrite)


def run(
    policy: Any = None, samples: Sequence[Sample] = (SAMPLE,), rewrite: Any = None, seed: int = 0, n: int = 5
) -> tuple[list[Sample], Mapping[str, int], Notes]:
    plugin = Augment(Augment.Options(variants=n))
    notes = Notes()
    result = plugin.augment(samples, task_of(*samples, rewrite=rewrite), policy, seed, notes)
    return result.value, result.counts, notes


def rules(sample: Sample, n: int, seed: int) -> list[str]:
    return [("Again: " * i) + "Say: " + sample.question for i in range(n)]


def test_a_hundred_questions_become_six_hundred_with_lineage() -> None:
    samples = [Sample(f"Question {i}?", "A", ("w", "x", "y", "z"), task="toy") for i in range(100)]
    made, counts, _ = run(samples=samples, rewrite=rules)
    assert len(made) == 500
    assert counts["made"] == counts["reworded"] == 500
    by_id = {sample.id: sample for sample in samples}
    assert len({sample.id for sample in made} | by_id.keys()) == 600
    for sample in made:
        original = by_id[sample.parent or ""]
        assert (sample.created_by, sample.kind, sample.task, sample.meta) == ("da", "choice", "toy", original.meta)
        assert sample.gold == original.gold == "w"
        assert sorted(sample.options) == sorted(original.options)


def test_the_gold_letter_moves_about_evenly() -> None:
    samples = [Sample(f"Question {i}?", "A", ("w", "x", "y", "z")) for i in range(200)]
    made, _, _ = run(samples=samples, rewrite=rules)
    letters = [sample.answer for sample in made]
    assert all(190 <= letters.count(letter) <= 310 for letter in "ABCD")  # expected 250, 4.4 standard deviations


def test_the_language_model_sees_the_stem_without_options() -> None:
    policy = Scribe(["What gas fills 5 L?<sep>5 L are filled by which gas?"])
    made, counts, _ = run(policy, n=2)
    assert [sample.question for sample in made] == ["What gas fills 5 L?", "5 L are filled by which gas?"]
    assert counts["reworded"] == 2
    prompt = " ".join(turn["content"] for turn in policy.asked[0])
    assert SAMPLE.question in prompt
    assert "<sep>" in prompt
    assert "neon" not in prompt


def test_refused_rewordings_are_counted_and_filled_by_shuffles() -> None:
    answer = "What gas fills 6 L?<sep>What gas fills a volume?<sep>Is it neon that fills 5 L?<sep>What gas fills 5 L?"
    made, counts, notes = run(Scribe([answer]), n=3)
    assert counts["refused_number"] == 2
    assert counts["refused_answer"] == 1
    assert counts["reworded"] == 1
    assert counts["filled"] == 2
    assert [sample.question for sample in made].count(SAMPLE.question) == 2
    assert len({sample.id for sample in (*made, SAMPLE)}) == 4
    assert "refused_number 2" in notes.updates[-1]
    assert notes.updates[-1].startswith("augment 1/1")


def test_another_language_model_is_opened_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    other, student = Scribe(["What gas fills 5 L?"]), Scribe([])
    monkeypatch.setattr(openrft, "open_policy", lambda spec, **_: opened.append(spec) or other)
    plugin = Augment(Augment.Options(model="openai:http://h/v1#m", rewrite="policy", variants=1))
    (made,) = plugin.augment([SAMPLE], task_of(SAMPLE, rewrite=rules), student, 0, Notes()).value
    assert (opened, made.question, student.asked) == (["openai:http://h/v1#m"], "What gas fills 5 L?", [])


def test_a_tasks_own_rules_may_write_formulas_anew_but_no_other_numbers() -> None:
    cell = Sample("Weigh Al3N of 2 g?", "A", ("6", "5"))
    made, counts, _ = run(samples=[cell], rewrite=lambda s, n, seed: ["2 g of Al3N^x?", "4 g of Al3N?"], n=2)
    assert made[0].question == "2 g of Al3N^x?"
    assert (counts["reworded"], counts["refused_number"], counts["refused_formula"]) == (1, 1, 0)


def test_an_incomplete_last_rewording_is_dropped() -> None:
    _, counts, _ = run(Scribe(["What gas fills 5 L?<sep>5 L are filled by"], finish_reason="length"), n=2)
    assert counts["reworded"] == 1


def test_options_that_speak_of_their_place_keep_their_order() -> None:
    fixed = Sample("Which holds?", "C", ("one", "two", "both A and B", "none of these"))
    made, counts, _ = run(samples=[fixed], rewrite=rules, n=4)
    assert counts["fixed_order"] == 1
    assert len(made) == 4
    assert all(sample.options == fixed.options and sample.answer == "C" for sample in made)


def test_two_options_have_one_other_order_and_the_rest_is_missing() -> None:
    two = Sample("Up or down?", "A", ("up", "down"))
    plugin = Augment(Augment.Options(variants=5, rewrite="none"))
    result = plugin.augment([two], task_of(two), None, 0, Notes())
    made = result.value
    assert [(sample.options, sample.answer) for sample in made] == [(("down", "up"), "B")]
    assert result.counts["filled"] == 1
    assert result.counts["missing"] == 4


def test_a_question_without_options_is_reworded_only() -> None:
    number = Sample("How much is 2 + 3?", "5", kind="number")
    made, counts, _ = run(Scribe(["What is 2 + 3?"]), samples=[number], n=2)
    assert [sample.question for sample in made] == ["What is 2 + 3?"]
    assert counts["missing"] == 1
    assert made[0].answer == "5"


def test_same_seed_same_samples_other_seed_others() -> None:
    samples = [Sample(f"Question {i}?", "A", ("w", "x", "y", "z")) for i in range(20)]
    first, _, _ = run(samples=samples, rewrite=rules, seed=1)
    again, _, _ = run(samples=samples, rewrite=rules, seed=1)
    other, _, _ = run(samples=samples, rewrite=rules, seed=2)
    assert first == again
    assert first != other


def test_one_question_more_changes_no_other_questions_samples() -> None:
    samples = [Sample(f"Question {i}?", "A", ("w", "x", "y", "z")) for i in range(3)]
    few, _, _ = run(samples=samples[1:], rewrite=rules)
    more, _, _ = run(samples=samples, rewrite=rules)
    assert few == more[5:]


def test_it_conforms_as_installed() -> None:
    assert check_plugin("da", {"variants": "2"}) == ["check_job", "augment"]


def test_what_cannot_be_done_is_refused() -> None:
    plugin = Augment(Augment.Options(rewrite="task"))
    with pytest.raises(openrft.UsageError, match="brings no rewriter"):
        plugin.augment([SAMPLE], task_of(SAMPLE), None, 0, Notes())
    with pytest.raises(openrft.UsageError, match="nothing to do"):
        Augment(Augment.Options(rewrite="none", shuffle=False))
    with pytest.raises(openrft.UsageError, match="variants: 0 is not at least 1"):
        build_options(Augment.Options, {"variants": 0})
    with pytest.raises(openrft.UsageError, match=r"temperature: -1\.0 is not at least 0"):
        build_options(Augment.Options, {"temperature": -1.0})
    with pytest.raises(openrft.UsageError, match=r"model=none names no model.*rewrite=none"):
        Augment.Options(model="none")
