"""What is wrong with a grader is refused before anything runs, and the message begins with the path of the field."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from openrft_graders.grader_file import read_grader_file
from openrft_graders.read import parse_grader
from openrft_graders.settings import GraderSettings

from openrft import DataError, UsageError

CHECK = {"type": "string_check", "input": "{{ sample.output_text }}", "reference": "{{ item.a }}", "operation": "eq"}
LIKE = {"type": "text_similarity", "input": "a", "reference": "b", "evaluation_metric": "rouge_l"}
CODE = {"type": "python", "source": "def grade(sample, item):\n    return 1.0"}
MODEL = {"type": "score_model", "input": [{"role": "user", "content": "{{ item.a }}"}], "model": "openai:http://h/v1#m"}
LABEL = {**MODEL, "type": "label_model", "labels": ["good", "bad"], "passing_labels": ["good"]}
MULTI = {"type": "multi", "graders": {"accuracy": CHECK, "style": LIKE}, "calculate_output": "accuracy * style"}


def change(grader: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in {**grader, **fields}.items() if value is not ...}


def inside(**fields: Any) -> dict[str, Any]:
    return {**MULTI, "graders": {"accuracy": change(CHECK, **fields), "style": LIKE}}


@pytest.mark.parametrize("grader", [CHECK, LIKE, CODE, MODEL, LABEL, MULTI])
def test_every_kind_is_read(grader: dict[str, Any]) -> None:
    assert parse_grader({**grader, "name": "mine"}, settings=GraderSettings()).range == (0, 1)


@pytest.mark.parametrize(
    ("grader", "path", "words"),
    [
        ([], "", "A grader is an object, not a list"),
        (None, "", "A grader is an object, not null"),
        (change(CHECK, type=["multi"]), "type", 'no kind of grader ["multi"]'),
        (change(CHECK, operation=None), "operation", "it is null, not a text. Use eq, ne, like, ilike"),
        (change(CHECK, reference=7), "reference", "it is a number, not a text"),
        (change(CHECK, pass_threshold=7), "pass_threshold", "it is 7, and no answer can have more than 1"),
        (change(CHECK, type=...), "type", "it is missing"),
        (change(CHECK, type="string_chek"), "type", 'no kind of grader "string_chek". Did you mean string_check?'),
        (change(CHECK, operation=...), "operation", "a string_check grader needs it"),
        (change(CHECK, operation="neq"), "operation", "there is no 'neq'"),
        (change(CHECK, opration="eq"), "opration", "has no such field. Did you mean operation?"),
        (change(CHECK, pass_threshold="high"), "pass_threshold", 'it is "high". Write a number'),
        (change(LIKE, evaluation_metric="rogue_l"), "evaluation_metric", "Did you mean rouge_l?"),
        (inside(input="{{ sample.text }}"), "graders.accuracy.input", "an answer has no 'text' here"),
        (inside(reference="{{ row.a }}"), "graders.accuracy.reference", "begins with neither item nor sample"),
        (inside(operation="is"), "graders.accuracy.operation", "there is no 'is'"),
        (change(MULTI, calculate_output="acuracy"), "calculate_output", "Did you mean accuracy?"),
        (change(MULTI, graders={}), "graders", "an object with a grader for each name"),
        (change(MULTI, graders={"a-b": CHECK}), "graders.a-b", "a formula cannot name it"),
        (change(MULTI, graders={"a": MULTI}), "graders.a", "a multi grader cannot be inside another"),
        (change(CODE, source="def grade(sample, item):\n  retrun 1"), "source", "it is no Python"),
        (change(CODE, source="def score(sample, item): return 1"), "source", "it has no function grade"),
        (change(CODE, source="def grade(sample): return 1"), "source", "must take two arguments"),
        (change(CODE, source="#" * 300_000), "source", "longer than 256 kB"),
        (change(MODEL, range=[1, 0]), "range", "1 is not below 0"),
        (change(MODEL, range=[1]), "range", "Write two numbers"),
        (change(MODEL, range=[0, 10**400]), "range", "it is 1000"),
        (change(CODE, pass_threshold=10**400), "pass_threshold", "it is 1000"),
        (change(MODEL, sampling_params={"seed": 10**400}), "sampling_params.seed", "it is 1000"),
        (change(MODEL, pass_threshold=6, range=[1, 5]), "pass_threshold", "no answer can have more than 5"),
        (change(MODEL, input=[{"role": ["user"], "content": "a"}]), "input[0].role", 'it is ["user"]'),
        (change(MODEL, input=[{"role": "user", "content": []}]), "input[0].content", "it is empty"),
        (change(MODEL, sampling_params=[]), "sampling_params", "it is a list, not an object"),
        (change(MODEL, sampling_params={"seed": 1.5}), "sampling_params.seed", "a whole number from 0 on"),
        (change(MODEL, sampling_params={"top_p": 5}), "sampling_params.top_p", "it is 5. Write a number from"),
        (change(MODEL, sampling_params={"temperature": -1}), "sampling_params.temperature", "a number from 0 to 2"),
        (change(MODEL, sampling_params={"max_tokens": 0}), "sampling_params.max_tokens", "a whole number from 1 on"),
        (
            change(MODEL, sampling_params={"max_tokens": 9, "max_completions_tokens": 9}),
            "sampling_params.max_tokens",
            "max_completions_tokens says the same",
        ),
        pytest.param(
            change(MODEL, model="vllm:pocket"),
            "model",
            "needs vLLM, which is not installed",
            marks=pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here"),
        ),
        (change(MODEL, input="text"), "input", "a list of messages"),
        (change(MODEL, input=[{"role": "usr", "content": "a"}]), "input[0].role", 'it is "usr"'),
        (change(MODEL, input=[{"role": "user", "content": "{{ item }}"}]), "input[0].content", "names no variable"),
        (
            change(MODEL, input=[{"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}]),
            "input[0].content",
            "'input_image' cannot be read",
        ),
        (change(MODEL, sampling_params={"temperatur": 1}), "sampling_params.temperatur", "Did you mean temperature?"),
        (change(MODEL, sampling_params={"seed": "x"}), "sampling_params.seed", "Write a number"),
        (change(MODEL, sampling_params={"reasoning_effort": "max"}), "sampling_params.reasoning_effort", 'it is "max"'),
        (change(MODEL, model="gpt-4o-2024-08-06"), "model", "Name another with graders.judge"),
        (change(LABEL, passing_labels=["god"]), "passing_labels", "'god' is none of the labels. Did you mean good?"),
        (change(LABEL, labels=["good", "Good"]), "labels", "stands in it twice"),
        (change(LABEL, labels=[]), "labels", "a list of labels"),
    ],
)
def test_what_is_wrong_is_refused_with_its_path(grader: Any, path: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_grader(grader, settings=GraderSettings())
    message = str(refused.value)
    assert message.startswith(f"{path}: " if path else words)
    assert words in message


def test_a_grader_inside_a_job(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    for value in (
        {"model": "m", "method": {"type": "reinforcement", "reinforcement": {"grader": CHECK}}},
        {"grader": CHECK, "item": {}, "model_sample": ""},
        CHECK,
    ):
        file.write_text(json.dumps(value))
        grader, _ = read_grader_file(file, GraderSettings())
        assert grader.threshold == 1


def test_a_wrong_file_is_named_with_the_place_in_it(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps({"method": {"reinforcement": {"grader": inside(operation="is")}}}))
    with pytest.raises(UsageError) as refused:
        read_grader_file(file, GraderSettings())
    assert refused.value.message.startswith(f"{file}: method.reinforcement.grader.graders.accuracy.operation: ")
    file.write_text("{")
    with pytest.raises(DataError, match="it is no JSON"):
        read_grader_file(file, GraderSettings())
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_grader_file(tmp_path / "none.json", GraderSettings())


def test_a_judge_stands_for_every_model() -> None:
    grader = {**MODEL, "model": "gpt-4o-2024-08-06"}
    found: Any = parse_grader(grader, settings=GraderSettings(judge="openai:http://h/v1#mine"))
    assert found.policy.spec == "openai:http://h/v1#mine"


def test_thresholds() -> None:
    assert parse_grader(CHECK, settings=GraderSettings()).threshold == 1
    assert parse_grader({**LIKE, "pass_threshold": 0.9}, settings=GraderSettings(pass_threshold=0.5)).threshold == 0.9
    assert parse_grader(LIKE, settings=GraderSettings(pass_threshold=0.5)).threshold == 0.5
    assert parse_grader({**MODEL, "range": [1, 7]}, settings=GraderSettings()).threshold == 7
