"""Identity, lineage, and JSON there and back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.errors import DataError
from openrft.runtime.files import read_jsonl, write_jsonl
from openrft.types import Completion, Reward, Rollout, Sample, rollout_from_json, sample_from_json, to_json

text = st.text(st.characters(codec="utf-8"))


@given(text, st.lists(text, min_size=1, max_size=5), st.data())
def test_json_there_and_back(question, options, data):
    sample = Sample(question, "ABCDE"[data.draw(st.integers(0, len(options) - 1))], tuple(options), meta={"a": [1]})
    completion = Completion("so\n\\boxed{A}", (1, 2), (-0.5, -0.25), "length", 0.6)
    rollout = Rollout(
        sample, ({"role": "user", "content": question},), completion, ("x",), (Reward("p", "process", 0.5, (0.5,)),)
    )
    assert rollout_from_json(json.loads(json.dumps(to_json(rollout)))) == rollout


def test_identity_is_question_options_and_answer():
    one = Sample("q", "A", ("x", "y"))
    assert one.id == Sample("q", "A", ("x", "y"), task="other", meta={"k": 1}).id
    assert (
        len({one.id, Sample("q", "B", ("x", "y")).id, Sample("q", "A", ("y", "x")).id, Sample("p", "A", ("x", "y")).id})
        == 4
    )


def test_kin_share_a_root():
    original = Sample("q", "A", ("x", "y"))
    child = Sample("Q?", "B", ("y", "x"), parent=original.id, created_by="da")
    assert child.root_id == original.root_id == original.id
    assert replace(original, task="t").id == original.id


def test_equal_samples_of_one_task_are_told_apart_and_are_kin():
    first = Sample("q", "A", ("x", "y"))
    second, third = replace(first, copy_index=1), replace(first, copy_index=2)
    assert len({first.id, second.id, third.id}) == 3
    assert first.root_id == second.root_id == third.root_id == first.id
    assert sample_from_json(to_json(second)) == second


@pytest.mark.parametrize("answer", ["C", "", "AB", "a", " A", "BA", "\u0410"])
def test_an_answer_that_is_no_letter_of_the_options_is_refused(answer):
    with pytest.raises(DataError, match=f"{answer!r} is not among the labels of 2 options"):
        Sample("q", answer, ("x", "y"))
    with pytest.raises(DataError, match="'A' is not among the labels of 0 options"):
        Sample("q", "A")


def test_there_are_no_more_options_than_letters():
    options = tuple(map(str, range(27)))
    assert Sample("q", "Z", options[:26]).gold == "25"
    with pytest.raises(DataError, match="27 options, and only 26 letters"):
        Sample("q", "A", options)


@pytest.mark.parametrize("answer", ["", "yes", "True", "A"])
def test_a_boolean_is_yes_or_no(answer):
    assert [Sample("q", good, kind="boolean").gold for good in ("Yes", "No")] == ["Yes", "No"]
    with pytest.raises(DataError, match="is not Yes or No"):
        Sample("q", answer, kind="boolean")


def test_a_kind_that_does_not_exist_is_refused():
    with pytest.raises(DataError, match=r"no kind of answer 'list' .*Use choice, boolean, number, expression, text"):
        Sample("q", "A", kind="list")


def test_gold_is_the_options_text():
    assert Sample("q", "B", ("x", "y")).gold == "y"
    assert Sample("q", "42", kind="number").gold == "42"


def test_a_bad_line_is_named(tmp_path):
    file = tmp_path / "rows.jsonl"
    write_jsonl(file, [{"a": 1}])
    file.write_text(file.read_text() + "\n{oops\n")
    with pytest.raises(DataError, match=r"rows.jsonl:3: not JSON"):
        list(read_jsonl(file))
