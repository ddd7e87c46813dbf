from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openrft.bench.answers import RIGHT, UNREAD, UNSCORED, WRONG, explain_verdict, format_gold, read_verdict
from openrft.bench.page import answers
from openrft.bench.page.answers import collect_answers, count_bars, find_bar
from tests.bench import factories
from tests.bench.made_run import HOSTILE, make_run


def row(**changes: Any) -> dict[str, Any]:
    """A rollout as JSON: right, and read strictly."""
    return {"correct": True, "answer": "A", "completion": {"finish_reason": "stop", "text": ""}, **changes}


@pytest.mark.parametrize(
    ("given", "verdict", "why"),
    [
        (row(), RIGHT, "it is the gold answer"),
        (row(correct=False), WRONG, "it is not the gold answer"),
        (row(correct=False, answer=None), UNREAD, "no answer can be read"),
        (
            row(correct=False, answer=None, lenient_answer="B", lenient_correct=True),
            UNREAD,
            "no answer in the asked form; a careful reader would take B, which is right",
        ),
        (row(correct=None), UNSCORED, "not scored: no rule can grade it, and no plugin did"),
        (row(correct=False, score=0.25), WRONG, "partly right: it scores 0.25"),
        (
            row(correct=None, completion={"finish_reason": "error", "error": "no route"}),
            UNSCORED,
            "the server failed: no route",
        ),
        (
            row(correct=False, answer=None, completion={"finish_reason": "context"}),
            UNREAD,
            "not given: the prompt alone exceeds the policy's context",
        ),
        (
            row(correct=False, completion={"finish_reason": "length"}),
            WRONG,
            "it is not the gold answer; it was cut off at the longest length allowed",
        ),
    ],
)
def test_verdicts_and_why(given: dict[str, Any], verdict: int, why: str) -> None:
    assert (read_verdict(given), explain_verdict(given)) == (verdict, why)


def test_the_gold_answer_of_a_choice_has_its_text() -> None:
    assert format_gold({"answer": "B", "kind": "choice", "options": ["2", "four"]}) == "B. four"
    assert format_gold({"answer": "3.5", "kind": "number", "options": []}) == "3.5"


def test_every_answer_is_there_and_every_text_once(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    data = collect_answers(report, tmp_path)
    texts = data["texts"]
    assert len(texts) == len(set(texts))
    assert [job["arm"] for job in data["jobs"]] == ["vanilla", "rl+prm"]
    first, second = (job["answers"] for job in data["jobs"])
    assert [[answer[0] for answer in answers] for answers in (first, second)] == [[n // 2 for n in range(24)]] * 2
    third_text = HOSTILE[2].replace("\ud800", "\ufffd")  # half a pair of surrogates cannot be shown
    item, prompt, text, read, verdict, why, tokens = second[4]  # of the third question, which rl+prm could not answer
    assert (item, read, verdict, tokens) == (2, -1, UNREAD, 3)
    assert (texts[text], texts[why]) == (f"{third_text}\nso None", "no answer can be read")
    assert [texts[part] for part in data["prompts"][prompt]] == ["system", "Reason.", "user", third_text]
    third = data["items"][2]
    assert (texts[third["gold"]], texts[third["groups"]["level"]], third["task"]) == ("A. 2", "L0", "toy/L1/sums")


def test_measured_process_rewards_by_question_and_bar(tmp_path: Path) -> None:
    """Each of 12 questions has the scores .05, .35, .35, .95 with the answers A, B, A, B; half of the golds are A."""
    report = make_run(tmp_path)
    measured = collect_answers(report, tmp_path)["measured"][0]
    assert measured["title"] == "before rl+prm on toy/L1/sums, seed 0"
    assert measured["sources"] == {"prm": "last"}
    assert measured["questions"][0]["answers"][0][3] == {
        "prm": [[0.9, 0.05], [0, 2], 0.05]
    }  # the blank line is no step
    assert count_bars(measured, "prm") == [(6, 6), (0, 0), (0, 0), (12, 12), *[(0, 0)] * 5, (6, 6)]


def test_the_kept_steps_of_rl_have_their_groups_and_what_rl_maximised(tmp_path: Path) -> None:
    report = make_run(tmp_path)
    _, *steps = collect_answers(report, tmp_path)["measured"]
    assert [(one["title"], one["step"]) for one in steps] == [("rl+prm on toy/L1/sums, seed 0", n) for n in (0, 14, 29)]
    first, last = steps[0], steps[-1]
    assert first["sources"] == {"R": "", "prm": "min"}  # of which the plan says nothing
    assert [len(question["answers"]) for question in first["questions"]] == [4, 4]
    assert first["questions"][0]["answers"][0][3] == {
        "R": [[0.9, 0.05], [0, 2], 0.05],  # with the steps of the process reward
        "prm": [[0.9, 0.05], [0, 2], 0.05],
    }
    assert [sum(pair) for pair in count_bars(first, "R")] == [8, *[0] * 9]
    assert [sum(pair) for pair in count_bars(last, "R")] == [0] * 5 + [8] + [0] * 4
    assert [sum(pair) for pair in count_bars(first, "prm")] == [2, 0, 0, 4, 0, 0, 0, 0, 0, 2]


def test_a_page_has_room_for_some_of_the_long_answers_of_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer has 11 or more characters: three steps of 60 have room for one group of four."""
    report = make_run(tmp_path)
    monkeypatch.setattr(answers, "STEP_CHARACTERS", 3 * 60)
    _, *steps = collect_answers(report, tmp_path)["measured"]
    assert [len(one["questions"]) for one in steps] == [1, 1, 1]


@pytest.mark.parametrize(("score", "bar"), [(0.0, 0), (0.1, 1), (0.999, 9), (1.0, 9), (-0.2, 0), (1.3, 9)])
def test_the_bar_of_a_score(score: float, bar: int) -> None:
    assert find_bar(score) == bar


def test_a_report_without_answers_beside_it(tmp_path: Path) -> None:
    data = collect_answers(factories.report(), tmp_path)
    assert (data["jobs"], data["items"], data["measured"]) == ([], [], [])
