"""promptfoo's configurations: rows, each type of assertion, weights, thresholds, and what is refused with its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openrft_graders.case import Case, Score, read_output
from openrft_graders.commands import graders
from openrft_graders.grading import open_grader
from openrft_graders.options import GraderOptions
from openrft_graders.promptfoo.config import is_config_file, read_config
from openrft_graders.promptfoo.opening import open_assertions
from openrft_graders.rft.family import RFTFamily
from openrft_graders.settings import GraderSettings

from openrft import DataRequest, UsageError

CONFIG = """
description: capitals
providers: [openai:gpt-5-mini]
prompts:
  - "What is the capital of {{ country }}? {{ extra.hints[0] }}"
defaultTest:
  vars:
    extra: {hints: [One word.]}
  assert:
    - type: not-icontains
      value: sorry
tests:
  - vars: {country: France, capital: Paris}
    assert:
      - type: equals
        value: "{{ capital }}"
  - vars: {country: [Spain, Italy]}
    assert:
      - type: regex
        value: ^(Madrid|Rome)$
"""


def write(folder: Path, config: Any) -> Path:
    file = folder / "promptfooconfig.yaml"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    return file


def one(folder: Path, *assertions: Any, **test: Any) -> Path:
    tests = [{"vars": {"x": "ab"}, "assert": list(assertions), **test}]
    return write(folder, {"prompts": ["Say {{x}}"], "tests": tests})


def grade(file: Path, *outputs: str, **settings: Any) -> list[Score]:
    (row,) = read_config(file)
    return open_assertions(file, GraderSettings(**settings)).grade([Case(row, read_output(text)) for text in outputs])


def values(folder: Path, assertion: dict[str, Any], *outputs: str) -> list[float | None]:
    return [score.value for score in grade(one(folder, assertion), *outputs)]


def test_tests_become_rows(tmp_path: Path) -> None:
    file = write(tmp_path, CONFIG)
    rows = read_config(file)
    assert [row["messages"][-1]["content"] for row in rows] == [
        f"What is the capital of {country}? One word." for country in ("France", "Spain", "Italy")
    ]
    assert rows[0]["reference_answer"] == "Paris"
    assert [part["type"] for part in rows[1]["assert"]] == ["icontains", "regex"]
    task = RFTFamily().load_all("openai-rft/rows", DataRequest(data=str(file)))
    assert [sample.answer for sample in task.train] == ["Paris", "", ""]
    grader = open_grader(GraderOptions(grader=str(file)), "openai-rft")
    assert grader is not None
    assert grader.check_rows(task.train) == []
    cases = [Case(rows[0], read_output(text)) for text in ("Paris", "Sorry, Paris", "Lyon")]
    assert [score.value for score in grader.grader.grade(cases)] == [1.0, 0.0, 0.5]


def test_a_configuration_in_json_and_a_job_are_told_apart(tmp_path: Path) -> None:
    for name, value, known in (("a.json", {"prompts": ["x"], "tests": []}, True), ("b.json", {"method": {}}, False)):
        (tmp_path / name).write_text(json.dumps(value))
        assert is_config_file(tmp_path / name) is known


@pytest.mark.parametrize(
    ("assertion", "good", "bad"),
    [
        ({"type": "equals", "value": "ab"}, "ab", "Ab"),
        ({"type": "equals", "value": {"a": [1]}}, '{"a": [1.0]}', '{"a": [2]}'),
        ({"type": "equals", "value": 5}, "5", "5.0"),
        ({"type": "contains", "value": "{{x}}"}, "xaby", "xAby"),
        ({"type": "icontains", "value": "AB"}, "xaby", "xay"),
        ({"type": "contains-any", "value": ["q", "ab"]}, "ab", "AB"),
        ({"type": "contains-all", "value": "a, b"}, "b a", "a"),
        ({"type": "icontains-any", "value": ["q", "AB"]}, "ab", "a"),
        ({"type": "icontains-all", "value": ["A", "B"]}, "b a", "b"),
        ({"type": "starts-with", "value": "ab"}, "abc", "cab"),
        ({"type": "regex", "value": "(?<n>\\d{4})"}, "in 1984", "in 84"),
        ({"type": "levenshtein", "value": "kitten", "threshold": 3}, "sitting", "stopping"),
        ({"type": "is-json"}, "[1]", "[1"),
        ({"type": "is-json", "value": {"type": "object", "required": ["a"]}}, '{"a": 1}', '{"b": 1}'),
        ({"type": "is-json", "value": "type: array"}, "[]", "{}"),
        ({"type": "contains-json", "value": {"required": ["a"]}}, 'It is {"b": 1} or {"a": 1}.', "It is {a}."),
        ({"type": "not-contains", "value": "ab"}, "x", "ab"),
        ({"type": "assert-set", "assert": [{"type": "contains", "value": "a"}]}, "a", "b"),
    ],
)  # fmt: skip
def test_each_type_passes_and_fails(tmp_path: Path, assertion: dict[str, Any], good: str, bad: str) -> None:
    assert values(tmp_path, assertion, good, bad) == [1.0, 0.0]


def test_graded_types_keep_their_score_where_they_fail(tmp_path: Path) -> None:
    rouge = {"type": "rouge-n", "value": "the cat sat on", "threshold": 0.9}
    assert values(tmp_path, rouge, "the cat sat", "the cat sat on") == pytest.approx([2 * 3 / 7, 1.0])
    assert values(tmp_path, {**rouge, "type": "not-rouge-n"}, "the cat sat", "the cat sat on") == [1.0, 0.0]


def test_weights_sets_and_thresholds(tmp_path: Path) -> None:
    a, b, c = ({"type": "contains", "value": sign} for sign in "abc")
    assert values(tmp_path, {"type": "assert-set", "threshold": 0.5, "assert": [a, b]}, "a", "c") == [1.0, 0.0]
    heavy = one(tmp_path, {**a, "weight": 3}, b, {**c, "weight": 0})
    assert [score.value for score in grade(heavy, "a", "b", "ab", "")] == [0.75, 0.25, 1.0, 0.0]
    enough = one(tmp_path, {**a, "weight": 3}, b, threshold=0.7)
    assert [score.value for score in grade(enough, "a", "b")] == [1.0, 0.25]
    nested = one(tmp_path, {"type": "assert-set", "weight": 2, "assert": [a, b]}, c)
    (score,) = grade(nested, "ac")
    assert score.value == pytest.approx((2 * 0.5 + 1) / 3)
    assert list(score.parts) == ["0.assert-set.0.contains", "0.assert-set.1.contains", "0.assert-set", "1.contains"]


def test_python_runs_in_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("def long(output, context):\n    return len(output) >= context['config']['n']\n")
    several = "if output == context['vars']['x']:\n    return {'pass': True, 'score': 0.5}\nreturn 0.25\n"
    file = one(
        tmp_path,
        {"type": "python", "value": "output[:1] == 'a'"},
        {"type": "python", "value": several, "threshold": 0.5},
        {"type": "python", "value": "file://check.py:long", "config": {"n": 2}},
    )
    try:
        found = grade(file, "ab", "b", isolated=True)
    except UsageError as fault:
        pytest.skip(f"no sandbox here: {fault}")
    assert [score.value for score in found] == [1.0, pytest.approx(0.25 / 3)]
    (broken,) = grade(one(tmp_path, {"type": "python", "value": "1 / 0"}), "ab")
    assert broken.value is None
    assert "ZeroDivisionError" in broken.reason


def test_llm_rubric_asks_the_judge(tmp_path: Path, serve: Any, judge: Any) -> None:
    file = one(tmp_path, {"type": "llm-rubric", "value": "says\n  ab"})
    with serve(judge.reply) as (spec, asked):
        found = grade(file, "ab", "b", judge=spec)
    assert len(asked) == 2
    assert [score.value for score in found] == [1.0, 0.0]
    with pytest.raises(UsageError, match=r"llm-rubric.*graders\.judge"):
        grade(file, "ab")


def test_a_regular_expression_that_takes_too_long_is_no_score(tmp_path: Path) -> None:
    (score,) = grade(one(tmp_path, {"type": "regex", "value": "^(a|a|aa)+$"}), "a" * 60 + "b")
    assert score.value in (None, 0.0)  # the library may see at once that it cannot match


@pytest.mark.parametrize(
    ("assertion", "words"),
    [
        ({"type": "javascript", "value": "output"}, r"tests\[0\]\.assert\[0\]\.type: javascript is not run.*Python"),
        ({"type": "contain", "value": "a"}, r"tests\[0\]\.assert\[0\]\.type: .*Did you mean contains"),
        ({"value": "a"}, r"tests\[0\]\.assert\[0\]\.type: it is missing"),
        ({"type": "contains"}, r"assert\[0\]\.value: it is null"),
        ({"type": "regex", "value": "("}, r"assert\[0\]\.value: it is no regular expression"),
        ({"type": "is-json", "value": {"type": 5}}, r"assert\[0\]\.value: it is no JSON schema"),
        ({"type": "equals", "value": "a", "transform": "x"}, r"assert\[0\]\.transform: it is not known"),
        ({"type": "equals", "value": "a", "weight": -1}, r"assert\[0\]\.weight: it is -1"),
        ({"type": "equals", "value": "a", "weight": 10**400}, r"assert\[0\]\.weight: it is 1000"),
        ({"type": "equals", "value": "{{y}}"}, r"assert\[0\]\.value: there is no variable y.*The test has x"),
        ({"type": "equals", "value": "{{x | upper}}"}, r"assert\[0\]\.value: .*no plain variable"),
        ({"type": "python", "value": "(("}, r"assert\[0\]\.value: it is no Python"),
        ({"type": "python", "value": "file://no.py"}, r"assert\[0\]\.value: there is no file"),
        ({"type": "assert-set", "assert": [{"type": "x"}]}, r"assert\[0\]\.assert\[0\]\.type"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, assertion: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_config(one(tmp_path, assertion))
    assert re.search(words, str(caught.value), re.DOTALL)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"prompts": ["a", "b"], "tests": [{}]}, "prompts: there are 2"),
        ({"prompts": ["a"], "tests": []}, "tests: it must be a list"),
        ({"prompts": ["a"], "tests": [{"vars": {}}]}, r"tests\[0\].assert: it has no assertions"),
        ({"prompts": ["a"], "tests": [{"options": {}}]}, r"tests\[0\].options: it is not read here"),
        ({"prompts": ["{% if x %}"], "tests": [{"assert": [{"type": "is-json"}]}]}, "blocks"),
        ({"prompts": ["a"], "tests": [{"vars": ["x"]}]}, r"tests\[0\].vars: it is a list"),
        ({"prompts": ["a"], "tests": [{"vars": {"x": []}}]}, r"tests\[0\].vars.x: it has no value"),
        ({"prompts": ["a"], "defaultTest": {"options": {}}, "tests": [{}]}, "defaultTest.options: it is not read here"),
        ({"prompts": ["file://bad.txt"], "tests": [{}]}, "bad.txt is no text in UTF-8"),
        ({"prompts": ["a"]}, "no configuration"),
        ("a: [", "neither YAML nor JSON"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_read(tmp_path: Path, config: Any, words: str) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=words):
        read_config(write(tmp_path, config))


def test_a_date_stays_a_text(tmp_path: Path) -> None:
    test = "{vars: {day: 2024-01-01}, assert: [{type: equals, value: x}]}"
    (row,) = read_config(write(tmp_path, f"prompts: ['On {{{{ day }}}}']\ntests: [{test}]"))
    assert row["messages"][0]["content"] == "On 2024-01-01"


def test_the_lowest_value_that_passes_is_the_users(tmp_path: Path) -> None:
    file = one(tmp_path, {"type": "equals", "value": "a"})
    assert open_grader(GraderOptions(grader=str(file), pass_threshold=0.5), "graders").grader.threshold == 0.5
    assert open_grader(GraderOptions(grader=str(file)), "graders").grader.threshold == 1.0


def test_try_refuses_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}")
    asked = ["try", str(one(tmp_path, {"type": "equals", "value": "a"})), str(tmp_path / "rows.jsonl"), "--judge", "x"]
    assert "has its own rows" in str(CliRunner().invoke(graders, asked).exception)
