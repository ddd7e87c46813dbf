"""What is asked for fits what is judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_sciknoweval.grading import (
    answer_form,
    build_instruction,
    build_question,
    contains_gold,
    grade,
    has_outcome_reward,
)

from openrft import Sample

EQUATION = "2H2 + O2 = 2H2O"


def test_instruction_names_the_forms_that_occur() -> None:
    assert build_instruction(["choice", "choice"]) is None
    yes_no = build_instruction(iter(["boolean"]))
    assert yes_no
    assert "Yes" in yes_no
    assert "letter" not in yes_no
    mixed = build_instruction(["text", "choice", "boolean"])
    assert mixed
    assert all(word in mixed for word in ("letter", "Yes", "alone", "\\boxed{}"))


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (EQUATION, True),
        ("2H2  +  O2 = 2H2O.", True),
        ("The equation is 2H2 + O2 = 2H2O", True),
        ("12H2 + O2 = 2H2O", False),
        ("2H2 + O2 = 2H2O2", False),
        ("H2 + O2 = H2O", False),
        ("Balanced, with 4 H on both sides, it is 2H2 + O2 = 2H2O (4 = 4).", True),
        ("H2 + O2 = H2O or 2H2 + O2 = 2H2O", False),
        ("2H2 + O2 = 2H2O, 4H2 + O2 = 4H2O", False),
        ("2H2 + O2 = 2H2O H2 + O2 -> H2O", False),
        ("not 2H2 + O2 = 2H2O", False),
        ("", False),
    ],
)
def test_containment_is_of_whole_words(answer: str, right: bool) -> None:
    assert contains_gold(answer, EQUATION) is right


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("about 7, which is odd", "7", True),
        ("6, 7 or 8", "7", False),
        ("7 and 8", "7", False),
        ("copper, a red metal", "copper", True),
        ("it is copper", "copper", True),
        ("iron, copper, zinc", "copper", False),
        ("copper/iron", "copper", False),
        ("iron or copper", "iron or copper", True),
    ],
)
def test_what_is_listed_among_others_is_no_answer(answer: str, gold: str, right: bool) -> None:
    assert contains_gold(answer, gold) is right


def test_text_is_judged_by_its_final_answer_alone() -> None:
    sample = Sample("Balance.", EQUATION, kind="text")
    assert grade(sample, f"Balance it.\n\\boxed{{{EQUATION}}}").correct
    assert not grade(sample, f"Is it {EQUATION}? No.\n\\boxed{{H2 + O2 = H2O}}").correct
    unparsed = grade(sample, f"{EQUATION}")
    assert (unparsed.answer, unparsed.correct) == (None, False)


def test_other_kinds_are_judged_by_the_harness() -> None:
    assert grade(Sample("q", "B", ("x", "y")), "\\boxed{B}").correct
    assert grade(Sample("q", "Yes", kind="boolean"), "\\boxed{true}").correct


@pytest.mark.parametrize(
    ("type_", "leaf", "form"),
    [
        ("mcq-4-choices", "retrosynthesis", "choice"),
        ("mcq-2-choices", "fluorescence_prediction", "choice"),
        ("true_or_false", "solubility_prediction", "boolean"),
        ("filling", "balancing_chemical_equation", "text"),
        ("relation_extraction", "drug_drug_relation_extraction", "relations"),
        ("relation_extraction", "extract_doping", "judged"),
        ("open-ended-qa", "physics_problem_solving", "judged"),
    ],
)
def test_every_type_has_a_form(type_: str, leaf: str, form: str) -> None:
    assert answer_form(type_, leaf) == form
    sample = Sample("q", "Yes" if form == "boolean" else "x", kind="text", task=f"s/L2/{leaf}", meta={"type": type_})
    assert has_outcome_reward(sample) is (form != "judged")


def test_what_only_the_rows_instruction_says_is_asked() -> None:
    told = "You are a chemist. Find all pairs. Directly give me the list, DO NOT output any other characters."
    asked = build_question("relation_extraction", "drug_drug_relation_extraction", told, "A text.")
    assert asked == "You are a chemist. Find all pairs.\n\nA text."
    derive = "Your task is to output the process of derivation directly, do not output other characters."
    assert build_question("open-ended-qa", "physics_formula_derivation", derive, "Given x.") == (
        "Your task is to output the process of derivation.\n\nGiven x."
    )
    assert build_question("mcq-4-choices", "retrosynthesis", told, "Which?") == "Which?"
    assert build_question("open-ended-qa", "biological_text_summary", "", "A text.") == "A text."


def test_instruction_for_relations_and_texts() -> None:
    assert "each relation in parentheses" in (build_instruction(["relations"]) or "")
    assert "At the end" in (build_instruction(["judged"]) or "")
    pooled = build_instruction(["choice", "relations"]) or ""
    assert "letter" in pooled
    assert "list" in pooled


SAMPLES = [
    Sample("q", "B", ("x", "y")),
    Sample("q", "Yes", kind="boolean"),
    Sample("q", EQUATION, kind="text", meta={"type": "filling"}),
    Sample("q", "(a, int, b)", kind="text", task="s/L2/drugs", meta={"type": "relation_extraction"}),
    Sample("q", "gold", kind="text", task="s/L2/summary", meta={"type": "open-ended-qa"}),
]
written = st.one_of(st.text(max_size=60), st.text(alphabet="\\boxed{}()AB,. answer is<think>/\n", max_size=60))


@given(written, st.sampled_from(SAMPLES))
def test_no_completion_breaks_the_grader(text: str, sample: Sample) -> None:
    verdict = grade(sample, text)
    assert verdict.value is None or 0 <= verdict.value <= 1
    assert verdict.answer is not None or not verdict.correct


@given(st.text(alphabet="AB (x,y)int.yes no2H+O=", min_size=1, max_size=40).filter(str.strip), st.sampled_from(SAMPLES))
def test_reading_what_was_read_changes_nothing(text: str, sample: Sample) -> None:
    first = grade(sample, f"\\boxed{{{text}}}")
    if first.answer is not None:
        again = grade(sample, f"\\boxed{{{first.answer}}}")
        assert (again.answer, again.correct, again.score) == (first.answer, first.correct, first.score)


@given(st.text(alphabet="AB \n.,box{}", max_size=40), st.sampled_from(SAMPLES))
def test_the_last_box_decides_whatever_was_thought_or_written_before(text: str, sample: Sample) -> None:
    gold = f"\\boxed{{{sample.answer}}}"
    verdict = grade(sample, f"<think>\\boxed{{{text}}}</think>{text}\n{gold}")
    assert verdict == grade(sample, gold)
