"""Every kind of grader on answers: scores, the answer's faults, and failures that are no score."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from openrft_graders.case import Case, Score, read_output
from openrft_graders.read import parse_grader
from openrft_graders.settings import GraderSettings

from openrft import OpenRFTError, PolicyError
from openrft.runtime.paid.account import Account, AccountSettings, use_account

CLOSE = {
    "type": "score_model",
    "input": [
        {"role": "developer", "content": "Grade."},
        {"role": "user", "content": [{"type": "input_text", "text": "{{ item.gold }} / {{ sample.output_text }}"}]},
    ],
    "model": "gpt-4.1-2025-04-14",
    "range": [1, 5],
    "sampling_params": {"seed": 42, "top_p": 0.9, "temperature": 0.2, "max_completions_tokens": 99},
}


def grade(grader: dict[str, Any], *rows: tuple[dict[str, Any], str], **settings: Any) -> list[Score]:
    found = parse_grader(grader, settings=GraderSettings(**settings))
    return found.grade([Case(item, read_output(output)) for item, output in rows])


@pytest.mark.parametrize(
    ("operation", "text", "reference", "value"),
    [
        ("eq", "Paris", "Paris", 1),
        ("eq", "paris", "Paris", 0),
        ("ne", "Paris", "Paris", 0),
        ("ne", "Lyon", "Paris", 1),
        ("like", "It is Paris.", "Paris", 1),
        ("like", "It is paris.", "Paris", 0),
        ("like", "Par", "Paris", 0),
        ("ilike", "it is PARIS", "Paris", 1),
        ("ilike", "it is Lyon", "Paris", 0),
    ],
)
def test_string_check(operation: str, text: str, reference: str, value: float) -> None:
    grader = {"type": "string_check", "input": "{{ sample.output_text }}", "reference": "{{ item.r }}"}
    assert grade({**grader, "operation": operation}, ({"r": reference}, text))[0].value == value


def test_openais_example_of_a_multi_grader() -> None:
    grader = {
        "type": "multi",
        "graders": {
            "name": {
                "type": "text_similarity",
                "input": "{{sample.output_json.name}}",
                "reference": "{{item.name}}",
                "evaluation_metric": "fuzzy_match",
                "pass_threshold": 0.9,
            },
            "email": {
                "type": "string_check",
                "input": "{{sample.output_json.email}}",
                "reference": "{{item.email}}",
                "operation": "eq",
            },
        },
        "calculate_output": "(name + email) / 2",
    }
    item = {"name": "Ada Lovelace", "email": "ada@example.org"}
    right, wrong_email, misspelt, broken = grade(
        grader,
        (item, json.dumps(item)),
        (item, json.dumps({**item, "email": "ada@example.com"})),
        (item, json.dumps({**item, "name": "Ada Lovelac"})),
        (item, "Ada Lovelace"),
    )
    assert right.value == 1
    assert wrong_email.value == 0.5  # "between 0 and 0.5" without the email
    assert 0.95 < (misspelt.value or 0) < 1  # "between 0.5 and 1" with it
    assert broken.value == 0  # no JSON: the answer's fault
    assert broken.parts["email"].reason == "the answer has no sample.output_json.email"


def test_openais_example_of_tool_calls() -> None:
    part = {"type": "string_check", "operation": "eq"}
    name = {**part, "input": "get_acceptors", "reference": "{{sample.output_tools[0].function.name}}"}
    arguments = {
        **part,
        "input": '{"smiles": "{{item.smiles}}"}',
        "reference": "{{sample.output_tools[0].function.arguments}}",
    }
    graders = {"function_name": name, "arguments": arguments}
    grader = {"type": "multi", "graders": graders, "calculate_output": "0.5 * function_name + 0.5 * arguments"}
    call = '<tool_call>\n{"name": "get_acceptors", "arguments": {"smiles": "CCO"}}\n</tool_call>'
    scores = grade(grader, ({"smiles": "CCO"}, call), ({"smiles": "CCN"}, call), ({"smiles": "CCO"}, "none"))
    assert [score.value for score in scores] == [1, 0.5, 0]


def test_a_failing_python_grader_is_no_score() -> None:
    code = {"type": "python", "source": "def grade(sample, item):\n    return 1 / len(sample['output_text'])"}
    good, failed = grade(code, ({}, "four"), ({}, ""))
    assert good.value == 0.25
    assert failed == Score(None, "python: ZeroDivisionError: division by zero (line 2)")
    multi = {"type": "multi", "graders": {"a": code, "b": code}, "calculate_output": "a + b"}
    assert grade(multi, ({}, ""))[0].value is None
    assert "a: python: ZeroDivisionError" in grade(multi, ({}, ""))[0].reason


def test_the_user_may_say_what_an_invalid_grade_is_worth() -> None:
    code = {"type": "python", "source": "def grade(sample, item):\n    return sample['output_json']['x']"}
    assert grade(code, ({}, "text"), invalid_grade=0.0)[0].value == 0
    assert grade({**code, "invalid_grade": 0.1}, ({}, "text"), invalid_grade=0.0)[0].value == 0.1
    slow = {"type": "python", "source": "def grade(sample, item):\n    while True: pass", "invalid_grade": 0.1}
    assert grade(slow, ({}, ""), seconds=0.3)[0].value is None  # a time-out is no invalid grade


def test_a_formula_without_a_value_is_no_score() -> None:
    check = {"type": "string_check", "input": "a", "reference": "b", "operation": "eq"}
    multi = {"type": "multi", "graders": {"a": check}, "calculate_output": "1 / a"}
    (score,) = grade(multi, ({}, ""))
    assert score.value is None
    assert "division by zero" in score.reason
    assert grade({**multi, "invalid_grade": 0}, ({}, ""))[0].value == 0


def test_a_row_without_the_reference_is_no_score() -> None:
    check = {"type": "string_check", "input": "{{ sample.output_text }}", "reference": "{{ item.gold }}"}
    assert grade({**check, "operation": "eq"}, ({}, "a"))[0] == Score(None, "the row has no item.gold")


@pytest.fixture
def judge(serve: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    def reply(request: dict[str, Any]) -> str | int:
        text = request["messages"][-1]["content"].split("\n")[0]
        gold, answer = text.split(" / ")
        if answer == "fail":
            return 500
        return "well" if answer == "mumble" else json.dumps({"steps": [], "result": 5 if gold == answer else 2.5})

    with serve(reply) as found:
        yield found


def test_score_model_asks_as_the_grader_says(judge: tuple[str, list[dict[str, Any]]]) -> None:
    spec, asked = judge
    right, wrong, again = grade(CLOSE, ({"gold": "a"}, "a"), ({"gold": "a"}, "b"), ({"gold": "a"}, "a"), judge=spec)
    assert [right.value, wrong.value, again.value] == [5, 2.5, 5]
    assert len(asked) == 2  # the same question is asked once
    request = next(r for r in asked if "a / a" in r["messages"][1]["content"])
    assert [m["role"] for m in request["messages"]] == ["system", "user"]
    assert request["messages"][0]["content"] == "Grade."
    assert (request["temperature"], request["top_p"], request["max_tokens"]) == (0.2, 0.9, 99)
    schema = request["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["result"] == {"type": "number"}


def test_an_unreadable_or_failing_judge_is_no_score(
    judge: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openrft.policies.openai.RETRIES", 0)
    spec, asked = judge
    rows = [({"gold": "a"}, answer) for answer in ("a", "mumble", "b", "c")]
    scores = grade(CLOSE, *rows, judge=spec)
    assert [score.value for score in scores] == [5, None, 2.5, 2.5]
    assert "unreadable: 'well'" in scores[1].reason
    assert sum("mumble" in request["messages"][1]["content"] for request in asked) == 3


def test_a_judge_that_never_answers_in_form_stops_the_run(serve: Any) -> None:
    with serve(lambda request: "I cannot say") as (spec, _):
        with pytest.raises(OpenRFTError, match="none of 8 replies"):
            grade(CLOSE, *(({"gold": "a"}, answer) for answer in "abcdefgh"), judge=spec)
        grader = parse_grader(CLOSE, settings=GraderSettings(judge=spec))
        cases = [Case({"gold": "a"}, read_output(answer)) for answer in "abcdefgh"]
        assert [grader.grade([case])[0].value for case in cases[:7]] == [None] * 7  # one bad reply stops nothing
        with pytest.raises(OpenRFTError, match="none of 8 replies"):
            grader.grade(cases[7:])


@pytest.mark.parametrize("kind", ["score_model", "label_model"])
def test_a_lone_answer_that_the_judge_refuses_stops_nothing(serve: Any, kind: str) -> None:
    labels: dict[str, Any] = {"labels": ["5", "1"], "passing_labels": ["5"]}
    value = {**CLOSE, "type": kind, **(labels if kind == "label_model" else {})}
    if kind == "label_model":
        del value["range"]

    def reply(request: dict[str, Any]) -> Any:
        refused = " / bad" in request["messages"][-1]["content"]
        return {"message": "we do not talk about this"} if refused else '{"result": "5"}'

    with serve(reply) as (spec, _):
        grader = parse_grader(value, settings=GraderSettings(judge=spec))
        right, bad, other = (Case({"gold": "a"}, read_output(answer)) for answer in ("a", "bad", "b"))
        best = grader.range[1]
        assert [score.value for score in grader.grade([right])] == [best]
        assert [score.value for score in grader.grade([right, bad])] == [best, None]  # only the bad one is asked about
        assert "we do not talk about this" in grader.grade([bad])[0].reason
        assert [score.value for score in grader.grade([bad, other])] == [None, best]
    with serve(lambda request: 401) as (spec, asked):
        grader = parse_grader(value, settings=GraderSettings(judge=spec))
        with pytest.raises(PolicyError, match="refused the key"):
            grader.grade([right, other])
        assert len(asked) <= 2


def test_a_server_without_schemas_is_asked_in_words_alone(serve: Any) -> None:
    def reply(request: dict[str, Any]) -> str | dict[str, Any]:
        if "response_format" in request:
            return {"message": "guided decoding is not enabled", "code": 400}
        assert "JSON object" in request["messages"][-1]["content"]
        return "Reasoning {a}.\n" + '{"result": 4}'

    with serve(reply) as (spec, _):
        assert grade(CLOSE, ({"gold": "a"}, "a"), judge=spec)[0].value == 4


def test_every_kind_in_one_formula_with_a_judge_that_fails_in_three_of_ten(
    serve: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer is scored, and no reply is asked for twice: not by the kinds, and not by the next process."""
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.001)
    draw, given = random.Random(5), Counter[str]()

    def reply(request: dict[str, Any]) -> Any:
        if draw.random() < 0.3:
            return draw.choice([429, 500, 503])
        given[json.dumps(request, sort_keys=True)] += 1
        schema = request["response_format"]["json_schema"]["schema"]["properties"]
        right = "Paris" in request["messages"][-1]["content"]
        if "result" not in schema:
            return json.dumps(dict.fromkeys(schema, right))
        return json.dumps({"steps": [], "result": ("yes" if right else "no") if "enum" in schema["result"] else 4})

    turn = [{"role": "user", "content": "{{ sample.output_text }}, or Rome?"}]
    text = {"input": "{{ sample.output_text }}", "reference": "{{ item.target }}"}
    asked = {"model": "gpt-x", "input": turn}
    parts = {
        "check": {"type": "string_check", "operation": "eq", **text},
        "alike": {"type": "text_similarity", "evaluation_metric": "rouge_l", **text},
        "code": {"type": "python", "source": "def grade(sample, item):\n    return len(item['target']) / 10"},
        "score": {"type": "score_model", "range": [0, 8], **asked},
        "label": {"type": "label_model", "labels": ["yes", "no"], "passing_labels": ["yes"], **asked},
        "rubric": {"type": "rubric", "model": "gpt-x", "rubric": "+3 names it\nonly it"},
    }
    value = {"type": "multi", "graders": parts, "calculate_output": " + ".join(parts)}
    cases = [Case({"target": "Paris"}, read_output(answer)) for answer in ("Paris", *(f"Lyon {i}" for i in range(5)))]
    with serve(reply) as (spec, _):
        for _ in range(2):
            with use_account(Account(AccountSettings(tmp_path, "r"))):
                scores = parse_grader(value, settings=GraderSettings(judge=spec)).grade(cases)
            # 1 + 1 + 0.5 + 4 + 1 + 1 for the right answer, and 0 + 0 + 0.5 + 4 + 0 + 0 for a wrong one
            assert [score.value for score in scores] == [pytest.approx(8.5), *[pytest.approx(4.5)] * 5]
            assert list(scores[0].parts) == list(parts)
    assert len(given) == 18  # three judges, six answers
    assert set(given.values()) == {1}


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"steps": [], "result": 3}', 3),
        ('<think>maybe 1</think>{"result": "4.5"}', 4.5),
        ("4", 4),
        ("It is close.\nScore: 2", 2),
        ('{"result": 9}', 5),  # cut to the range
        ('{"result": -1}', 1),
        ('```json\n{"result": 2}\n```', 2),
        ("**Score: 2.**", 2),
        ("Score: 2 of 5", None),
        ("it has 4 legs", None),
        ("none", None),
        ("", None),
        ('{"result": true}', None),
        ('{"result": NaN}', None),
    ],
)
def test_how_a_score_is_read(reply: str, value: float | None) -> None:
    grader: Any = parse_grader(CLOSE, settings=GraderSettings(judge="openai:http://127.0.0.1:9/v1#m"))
    score = grader.read_reply(reply)
    assert (score and score.value) == value


def test_label_model(serve: Any) -> None:
    grader = {**CLOSE, "type": "label_model", "labels": ["Correct", "Wrong"], "passing_labels": ["Correct"]}
    del grader["range"]
    replies = {"a": '{"result": "Correct"}', "b": "wrong", "c": '"CORRECT".'}

    def reply(request: dict[str, Any]) -> str:
        enum = request["response_format"]["json_schema"]["schema"]["properties"]["result"]["enum"]
        assert enum == ["Correct", "Wrong"]
        return replies[request["messages"][-1]["content"].split("\n")[0][-1]]

    with serve(reply) as (spec, _):
        scores = grade(grader, *(({"gold": "g"}, answer) for answer in "abc"), judge=spec)
    assert [score.value for score in scores] == [1, 0, 1]
    assert scores[0].reason == "label Correct"


def test_a_local_checkpoint_as_judge(tmp_path: Any) -> None:
    from openrft.testing import write_tiny_checkpoint

    folder = write_tiny_checkpoint(tmp_path / "judge")  # it has learnt nothing, so it cannot judge
    sampling = {"max_completions_tokens": 4}
    rows = [({"gold": "a"}, answer) for answer in "abcdefgh"]
    with pytest.raises(OpenRFTError, match=r"none of 8 replies of .*judge can be read"):
        grade({**CLOSE, "sampling_params": sampling}, *rows, judge=str(folder))
