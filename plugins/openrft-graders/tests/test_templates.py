"""Templates find nested values, write them as text, and are refused with their place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_graders.case import Case, build_case, read_output
from openrft_graders.template import MissingValue, Template, Variable, parse_template

from openrft import Sample, UsageError

ROW = {"x": {"y": ["a", {"z": 2.5}]}, "list": [1, 2], "flag": True, "odd name": "o", "name-with-dash": "d"}
CALL = '<tool_call>{"name": "find", "arguments": {"q": "é"}}</tool_call>'


def render(text: str, item: dict[str, Any] = ROW, output: str = "") -> str:
    return parse_template(text, "input").render(Case(item, read_output(output)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ item.x.y[0] }}", "a"),
        ("{{item.x.y[1].z}} of {{ item.list }}", "2.5 of [1, 2]"),
        ("{{ item.flag }}", "true"),
        ("{{ item['odd name'] }}{{ item[\"odd name\"] }}", "oo"),
        ("{{ item.name-with-dash }}", "d"),
        ('{"smiles": "{{item.x.y[0]}}"}', '{"smiles": "a"}'),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("", ""),
    ],
)
def test_values_are_found_and_written(text: str, expected: str) -> None:
    assert render(text) == expected


def test_the_answer_as_text_json_tools_and_choices() -> None:
    output = '<think>hm</think>\n{"name": "Ada", "n": [1]}'
    assert render("{{ sample.output_text }}", output=output) == '{"name": "Ada", "n": [1]}'
    assert render("{{ sample.output_json.name }}{{ sample.output_json.n[0] }}", output=output) == "Ada1"
    assert render("{{ sample.choices[0].message.content }}", output="hi") == "hi"
    assert render("{{ sample.output_tools[0].function.name }}", output=CALL) == "find"
    assert json.loads(render("{{ sample.output_tools[0].function.arguments }}", output=CALL)) == {"q": "é"}
    assert render("{{ sample.final_answer }}", output="so\n\\boxed{42}") == "42"


@pytest.mark.parametrize("output", ["no json", "[1", "NaN", '{"a": Infinity}', "[" * 100_000])
def test_what_is_no_json_has_no_fields(output: str) -> None:
    with pytest.raises(MissingValue, match=r"the answer has no sample\.output_json\.name"):
        render("{{ sample.output_json.name }}", output=output)


@pytest.mark.parametrize("path", ["item.none", "item.x.y[7]", "item.x[0]", "item.list.y", "item.flag.a"])
def test_a_value_that_is_not_there(path: str) -> None:
    with pytest.raises(MissingValue, match="the row has no") as missing:
        render("{{ " + path + " }}")
    assert missing.value.namespace == "item"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ item }}", "names no variable"),
        ("{{ other.x }}", "begins with neither item nor sample"),
        ("{{ }}", "begins with neither"),
        ("{{ sample.output }}", "an answer has no 'output' here"),
        ("{{ sample.output_audio.data }}", "an answer has no 'output_audio' here"),
        ("{{ item.a b }}", "cannot be read from 'b' on"),
        ("{{ item.a() }}", "cannot be read from '\\(\\)' on"),
        ("{{ item.a[-1] }}", "cannot be read from"),
        ("x {{ item.a", "a {{ is not closed"),
        (3, "it is a number, not a text"),
    ],
)
def test_a_wrong_template_is_refused_with_its_path(text: object, words: str) -> None:
    with pytest.raises(UsageError, match=rf"^graders\.a\.input: .*{words}"):
        parse_template(text, "graders.a.input")


def test_a_sample_of_any_task_is_an_item() -> None:
    sample = Sample("Which?", "B", ("tin", "lead"), task="t", meta={"source": "s"})
    case = build_case(sample, "\\boxed{B}")
    text = "{{item.question}} {{item.answer}} {{item.reference_answer}} {{item.options[0]}} {{item.meta.source}}"
    assert parse_template(text, "").render(case) == "Which? B lead tin s"
    own = Sample("Which?", "B", ("tin", "lead"), meta={"item": {"key": "k"}})
    assert build_case(own, "").item == {"key": "k"}


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)


@given(st.lists(st.one_of(names, st.integers(0, 5)), min_size=1, max_size=6).filter(lambda s: isinstance(s[0], str)))
def test_every_path_is_read_back(steps: list[str | int]) -> None:
    text = "item" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)
    assert parse_template("{{ " + text + " }}", "").parts == (Variable(text, "item", tuple(steps)),)


@given(st.text())
def test_any_text_is_a_template_or_is_refused(text: str) -> None:
    try:
        found = parse_template(text, "input")
    except UsageError:
        assert "{{" in text
    else:
        assert isinstance(found, Template)
        if "{{" not in text:
            assert found.render(Case({}, {})) == text


@given(st.dictionaries(names, st.text(), min_size=1))
def test_a_value_is_never_a_template_itself(row: dict[str, str]) -> None:
    name = next(iter(row))
    row[name] = "{{ item.secret }}" + row[name]
    assert render("<{{ item." + name + " }}>", row) == f"<{row[name]}>"
