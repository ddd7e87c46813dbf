"""One answer of several completions: who wins, what is kept of the others, and what a plugin may not do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import openrft
from openrft import Completion, PluginError, Sample
from openrft.bench.single_job import summarise_job
from openrft.grading.agreement import number_answers
from openrft.grading.grade import apply_grade, grade
from openrft.grading.rules import GradingRules
from openrft.job import Arm, Job
from openrft.pipeline import JobResult
from openrft.stages.choose import choose_answers, find_best, find_winner, number_votes
from openrft.stages.context import StageStats
from openrft.stages.work import count_draws
from openrft.types import Draw, Rollout, rollout_from_json, to_json
from tests.stages.factories import TASK, Trainee, make_context

SAMPLE = TASK.test[0]
RIGHT, (WRONG, OTHER) = SAMPLE.answer, [letter for letter in "ABCD" if letter != SAMPLE.answer][:2]


class Weigher:
    """Weighs completions by what is told; remembers what it saw."""

    def __init__(self, weights: Any, size: int = 4, rule: str = "vote") -> None:
        self.weights, self.completions_per_answer, self.answer_rule, self.seen = weights, size, rule, []

    @openrft.hookimpl
    def weigh(self, candidates: Any) -> Any:
        self.seen += candidates
        return self.weights


def draw(text: str, finish: Any = "stop") -> Rollout:
    """A graded completion of four bytes a letter, with log-probabilities."""
    completion = Completion(text, tuple(text.encode()), (-0.5,) * len(text), finish)
    rollout = Rollout(SAMPLE, ({"role": "user", "content": "?"},), completion)
    return rollout if finish == "error" else apply_grade(rollout, grade(SAMPLE, text))


def choose(monkeypatch: Any, tmp_path: Path, plugin: Weigher, *drawn: Rollout) -> list[Rollout]:
    context = make_context(monkeypatch, tmp_path, Trainee(lambda messages, i: ""), weigher=plugin)
    return choose_answers(context, number_votes(context, drawn, len(drawn)), StageStats())


def boxed(answer: str) -> str:
    return f"so\n\\boxed{{{answer}}}"


def test_most_votes_win_and_the_draws_are_kept(monkeypatch, tmp_path):
    plugin = Weigher([[1.0] * 4])
    (found,) = choose(monkeypatch, tmp_path, plugin, *map(draw, (boxed(WRONG), boxed(RIGHT), "hm", boxed(RIGHT))))
    assert (found.answer, found.correct, found.completion.logprobs) == (RIGHT, True, ())
    length = len(boxed("A"))
    assert found.draws == (
        Draw(0, 0.0, 1.0, length),
        Draw(1, 1.0, 1.0, length),
        Draw(None, 0.0, 1.0, 2),
        Draw(1, 1.0, 1.0, length),
    )
    assert rollout_from_json(json.loads(json.dumps(to_json(found)))) == found
    (seen,) = plugin.seen
    assert not hasattr(seen.question, "answer")  # the gold answer is out of reach
    assert seen.completions[0].logprobs


def test_several_answers_of_one_question_and_what_the_report_keeps(monkeypatch, tmp_path):
    texts = [boxed(WRONG), boxed(WRONG), boxed(RIGHT), boxed(RIGHT)]
    plugin = Weigher([[1.0, 1.0], [0.25, 0.75]], size=2, rule="best")
    found = choose(monkeypatch, tmp_path, plugin, *map(draw, texts))
    assert [r.answer for r in found] == [WRONG, RIGHT]
    job: Any = Job(Arm("arm"), "toy/sums", 0, "scripted")
    nothing: Any = None
    result = summarise_job(JobResult(job, TASK, tuple(found), tmp_path, None, (), (), "scripted", nothing))
    item = result.items[SAMPLE.id]
    assert (item.correct, item.votes) == ((False, True), (0, 0, 1, 1))
    assert (item.drawn, item.weights) == ((0.0, 0.0, 1.0, 1.0), (1.0, 1.0, 0.25, 0.75))
    assert item.tokens == 4 * len(boxed("A"))


def test_weights_decide_a_vote_or_choose_alone(monkeypatch, tmp_path):
    drawn = [draw(boxed(answer)) for answer in (WRONG, WRONG, RIGHT, OTHER)]
    vote = Weigher([[0.3, 0.3, 0.5, 0.1]])
    assert choose(monkeypatch, tmp_path, vote, *drawn)[0].answer == WRONG
    assert choose(monkeypatch, tmp_path, Weigher([[0.3, 0.3, 0.7, 0.1]]), *drawn)[0].answer == RIGHT
    best = Weigher([[0.3, 0.3, 0.5, 0.1]], rule="best")
    assert choose(monkeypatch, tmp_path, best, *drawn)[0].answer == RIGHT


def test_what_was_not_written_is_neither_weighed_nor_chosen(monkeypatch, tmp_path):
    plugin = Weigher([[0.0]], size=2, rule="best")
    (found,) = choose(monkeypatch, tmp_path, plugin, draw("", "error"), draw(boxed(RIGHT)))
    assert found.answer == RIGHT
    assert [one.weight for one in found.draws] == [None, 0.0]
    assert [one.score for one in found.draws] == [None, 1.0]
    (lost,) = choose(monkeypatch, tmp_path, Weigher([[]], size=2), draw("", "error"), draw("", "error"))
    assert lost.correct is None


def test_without_a_strict_answer_the_lenient_ones_vote(monkeypatch, tmp_path):
    texts = [f"x\n{WRONG}", f"x\n{RIGHT}", f"y\n{RIGHT}"]
    (found,) = choose(monkeypatch, tmp_path, Weigher([[1.0] * 3], size=3), *map(draw, texts))
    assert (found.answer, found.correct, found.lenient_correct) == (None, False, True)


@pytest.mark.parametrize("weights", [[], [[1.0]], [[1.0, -1.0]], [[1.0, float("nan")]], [[1.0, "x"]], None])
def test_weights_that_cannot_be_used_name_the_plugin(monkeypatch, tmp_path, weights):
    with pytest.raises(PluginError, match="weigher"):
        choose(monkeypatch, tmp_path, Weigher(weights, size=2), draw("a"), draw("b"))


def test_ties_go_to_the_first():
    assert find_best([None, 0.5, 0.5]) == 1
    assert find_winner([2, 1, 1, 2], [1.0, 1.0, 1.0, 1.0]) == 0
    assert find_winner([None, None], [None, 1.0]) == 1


def test_completions_are_rounded_up_to_whole_answers(monkeypatch, tmp_path):
    plugins = make_context(monkeypatch, tmp_path, Trainee(lambda m, i: ""), weigher=Weigher([], size=16)).plugins
    assert [count_draws(plugins, n) for n in (1, 3, 16, 17)] == [16, 16, 16, 32]


def test_equal_answers_share_a_number():
    amount = Sample("How much?", "7", kind="number")
    assert number_answers(amount, ["0.5", None, "1/2", "2"]) == [0, None, 0, 1]
    assert number_answers(amount, ["100", "101"], GradingRules(0.05)) == [0, 0]
    assert number_answers(SAMPLE, ["A", "B", "A"]) == [0, 1, 0]
