"""Reading rewordings out of what language models really write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from openrft_augment.rewording import parse_rewordings

QUESTION = "Which gas is lightest?"


def test_separators_as_models_write_them() -> None:
    text = "What gas is lightest? <sep>\nName the lightest gas.<SEP/> < sep >The lightest gas is which?</sep>"
    assert parse_rewordings(text, QUESTION) == [
        "What gas is lightest?",
        "Name the lightest gas.",
        "The lightest gas is which?",
    ]


def test_list_numbers_quotes_and_bold_go() -> None:
    text = '1. "What gas is lightest?"<sep>**2)** Name the lightest gas.<sep>Rewording 3: **Tell the lightest gas.**'
    assert parse_rewordings(text, QUESTION) == [
        "What gas is lightest?",
        "Name the lightest gas.",
        "Tell the lightest gas.",
    ]


def test_a_numbered_list_without_separators_is_understood() -> None:
    text = "Here are two rewordings:\n1. What gas is lightest?\n2. Name the lightest gas."
    assert parse_rewordings(text, QUESTION) == ["What gas is lightest?", "Name the lightest gas."]


def test_thinking_is_no_rewording() -> None:
    assert parse_rewordings("<think>a <sep> b</think>Name the lightest gas.", QUESTION) == ["Name the lightest gas."]
    assert parse_rewordings("a <sep> b</think>Name the lightest gas.", QUESTION) == ["Name the lightest gas."]
    assert parse_rewordings("<think>a <sep> b", QUESTION) == []


def test_repetitions_and_the_question_itself_are_dropped() -> None:
    text = "which  gas is LIGHTEST?<sep>Name it.<sep><sep>name it.<sep>"
    assert parse_rewordings(text, QUESTION) == ["Name it."]


def test_a_number_of_the_question_is_not_a_list_number() -> None:
    assert parse_rewordings("1. 5 mol of what?<sep>2 mol of what?", "5 mol of which?") == [
        "5 mol of what?",
        "2 mol of what?",
    ]
    assert parse_rewordings("1. law of Newton?<sep>1. law by Newton?", "1. Newton law?") == [
        "1. law of Newton?",
        "1. law by Newton?",
    ]


def test_an_essay_is_no_rewording() -> None:
    assert parse_rewordings("Let me think about this step by step. " * 20, QUESTION) == []


@given(st.text(), st.text(), st.booleans())
def test_any_text_gives_clean_distinct_rewordings(text: str, question: str, cut: bool) -> None:
    found = parse_rewordings(text, question, cut)
    keys = [" ".join(item.split()).casefold() for item in found]
    assert all(item == item.strip() and item for item in found)
    assert len(set(keys)) == len(keys)
    assert " ".join(question.split()).casefold() not in keys


# Plain words: no list numbers, no quotes, nothing that the parser takes away.
_WORDS = st.lists(st.text("abcdefgh ?", min_size=1, max_size=20), min_size=1, max_size=6)


@given(_WORDS, st.sampled_from(["<sep>", " <sep> ", "\n<sep>\n", "<SEP>"]))
def test_what_was_joined_is_found_again(pieces: list[str], separator: str) -> None:
    wanted = list(dict.fromkeys(" ".join(p.split()) for p in pieces if p.strip()))
    found = parse_rewordings(separator.join(pieces), "zz")
    assert [" ".join(item.split()) for item in found] == wanted
