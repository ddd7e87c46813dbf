"""Relations: reading lists of them, and F1s worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_sciknoweval.grading import grade
from openrft_sciknoweval.metrics import compute_official_relation_f1, compute_relation_f1, parse_official_relations
from openrft_sciknoweval.relations import Counts, MatchCounts, list_entities, match_relations, parse_relations
from openrft_sciknoweval.similarity import PairwiseSimilarity, make_name_matcher, match_exactly

from openrft import Completion, Rollout, Sample

GOLD = "(aspirin, effect, warfarin), (aspirin, int, ibuprofen)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[(Aspirin, effect, Warfarin)]", (("aspirin", "effect", "warfarin"),)),
        (GOLD, (("aspirin", "effect", "warfarin"), ("aspirin", "int", "ibuprofen"))),
        ("[['a b', 'int', 'c']]", (("a b", "int", "c"),)),
        ("[a, b], [c, d]", (("a", "b"), ("c", "d"))),
        ("The list: [(a,b), (c , d)].", (("a", "b"), ("c", "d"))),
        ("(1,25(OH)2D3, effect, calcium)", (("1,25(oh)2d3", "effect", "calcium"),)),
        ("[((R)-warfarin, effect, x)]", (("(r)-warfarin", "effect", "x"),)),
        ("(a, b, c, d, e), (f, g)", (("f", "g"),)),
        ("(a, , c)", None),
        ("[]", ()),
        ("none", None),
        ("", None),
        (")(", None),
    ],
)
def test_lists_are_read(text: str, found: object) -> None:
    assert parse_relations(text) == found


def test_the_composite_by_hand() -> None:
    """Entities: 2 of 3 found are right, 1 of 3 gold missed: 4/6. Second: both found right, none missed: 1. Relations:
    1 of 2 right, 1 missed: 1/2. ((2/3 + 1)/2 + 1/2)/2 = 2/3."""
    found = parse_relations("(aspirin, effect, warfarin), (aspirin, int, heparin)") or ()
    counts = match_relations(found, parse_relations(GOLD) or (), match_exactly)
    assert counts == MatchCounts(Counts(2, 1, 1), Counts(2, 0, 0), Counts(1, 1, 1))
    assert counts.score == pytest.approx(((4 / 6 + 1) / 2 + 1 / 2) / 2)


def test_pairs_have_their_first_part_as_entity() -> None:
    counts = match_relations([("lead", "anaemia")], [("lead", "anaemia"), ("lead", "pain")], match_exactly)
    assert counts == MatchCounts(Counts(1, 0, 0), Counts(1, 0, 1), Counts(1, 0, 1))
    assert counts.score == pytest.approx(((1 + 2 / 3) / 2 + 2 / 3) / 2)
    assert list_entities([("a", "b", "c"), ("c", "d", "e")]) == ["a", "c", "e"]


def test_repeating_oneself_earns_nothing_and_claiming_everything_costs() -> None:
    one = ("aspirin", "effect", "warfarin")
    gold = parse_relations(GOLD) or ()
    assert match_relations([one, one], gold, match_exactly) == match_relations([one], gold, match_exactly)
    flood = [(a, "effect", b) for a in ("aspirin", "x", "y") for b in ("warfarin", "z")]
    assert match_relations(flood, gold, match_exactly).score < match_relations([one], gold, match_exactly).score


def test_nothing_to_find_and_nothing_claimed_is_right() -> None:
    assert match_relations([], [], match_exactly).score == 1
    assert match_relations([("a", "b", "c")], [], match_exactly).score == 0
    assert match_relations([], [("a", "b", "c")], match_exactly).score == 0


VECTORS = {"aspirin": (1.0, 0.0), "aspirins": (0.96, 0.28), "warfarin": (0.0, 1.0), "riboflavin": (0.99, 0.14)}


class Vectors:
    """Two spellings of aspirin point nearly the same way."""

    name = "made"

    def embed(self, texts: list[str]) -> list[tuple[float, float]]:
        return [VECTORS.get(text, (0.0, 0.0)) for text in texts]


def test_alike_by_vectors_and_by_letters() -> None:
    texts = ["aspirin", "aspirins", "warfarin", "riboflavin", "unknown"]
    same = make_name_matcher(texts, Vectors())
    like = PairwiseSimilarity(texts, Vectors())
    # Letters: 10 shared counts (a, s twice, p, i four, r, n) over lengths 3 and the root of 12: .962.
    assert like("aspirin", "aspirins") == pytest.approx(min(0.96, 10 / (3 * 12**0.5)))
    assert like("warfarin", "riboflavin") == pytest.approx(0.14)
    assert same("aspirin", "aspirins", 0.9)
    assert not same("aspirin", "aspirins", 0.97)
    assert not same("aspirin", "riboflavin", 0.9)  # vectors agree, letters do not
    assert same("unknown", "unknown", 0.95)
    assert not same("unknown", "aspirin", 0.0)
    pair = [("aspirins", "int", "warfarin")], [("aspirin", "int", "warfarin")]
    assert match_relations(*pair, make_name_matcher([*texts, "int"], Vectors())) == MatchCounts(
        *[Counts(n, 0, 0) for n in (2, 1, 1)]
    )
    assert match_relations(*pair, match_exactly).whole == Counts(0, 1, 1)


def rollout(answer: str, gold: str = GOLD, question: str = "q") -> Rollout:
    return Rollout(Sample(question, gold, kind="text"), (), Completion(answer), answer=answer)


def test_counts_are_pooled_over_texts_and_matched_within_one() -> None:
    first, second = "(a, int, b)", "(c, int, d)"
    right = [rollout(first, first, "1"), rollout(second, second, "2")]
    assert compute_relation_f1(right, None) == 1
    swapped = [rollout(second, first, "1"), rollout(first, second, "2")]
    assert compute_relation_f1(swapped, None) == pytest.approx(((0 + 1) / 2 + 0) / 2)  # `int` stands in both
    # The benchmark's scorer, which reads no list of one, needs two relations; it takes the swapped ones for right.
    two = [f"{first}, (x, int, y)", f"{second}, (u, int, v)"]
    assert compute_official_relation_f1(two[::-1], two, 3, None) == 1


def test_an_item_is_graded_by_its_own_score() -> None:
    task, meta = "sciknoweval/L2/drug_drug_relation_extraction", {"type": "relation_extraction"}
    sample = Sample("q", GOLD, kind="text", task=task, meta=meta)
    whole = grade(sample, f"First this.\n\\boxed{{[{GOLD}]}}")
    assert (whole.correct, whole.score, whole.value) == (True, 1.0, 1.0)
    part = grade(sample, "\\boxed{[(aspirin, effect, warfarin), (aspirin, int, heparin)]}")
    assert (part.correct, part.score) == (False, pytest.approx(2 / 3))
    unread = grade(sample, f"{GOLD}")
    assert (unread.answer, unread.correct, unread.score) == (None, False, 0.0)
    assert grade(sample, "\\boxed{no interactions}").answer is None


class TestOfficial:
    """The benchmark's parser and scorer with their faults."""

    def test_a_list_of_one_is_read_as_empty(self) -> None:
        assert parse_official_relations("(a, int, b)", 3) == []
        assert parse_official_relations("[(A, int, b), (c, int, d)]", 3) == [("a", "int", "b"), ("c", "int", "d")]
        assert parse_official_relations("[['a','int','b'],['c','int','d']]", 3) == [
            ("a", "int", "b"),
            ("c", "int", "d"),
        ]

    def test_one_bad_relation_blanks_the_whole_answer(self) -> None:
        assert parse_official_relations("(a, int, b), (c, d)", 3) == [("", "", "")]
        assert parse_official_relations("", 3) == [("", "", "")]
        assert parse_official_relations("  \n", 2) == [("", "")]

    def test_the_right_answers_do_not_score_one(self) -> None:
        golds = ["(a, int, b)", "(c, effect, d), (e, effect, f)"]
        # Only the second text is read on both sides, and it is right.
        assert compute_official_relation_f1(golds, golds, 3, None) == 1
        # An unread answer becomes one relation of empty names, wrong beside the gold ones.
        found = compute_official_relation_f1(["", golds[1]], golds, 3, None)
        names, second, whole = 2 * 4 / (2 * 4 + 1), 2 * 1 / (2 * 1 + 1), 2 * 2 / (2 * 2 + 1)
        assert found == pytest.approx(((names + second) / 2 + whole) / 2)

    def test_the_scorer_of_pairs_stops_where_nothing_matches(self) -> None:
        golds = ["(lead, anaemia), (zinc, rash)"]
        assert compute_official_relation_f1(golds, golds, 2, None) == 1
        assert compute_official_relation_f1(["(lead, anaemia), (zinc, cough)"], golds, 2, None) is None

    def test_a_name_without_a_vector_does_not_match_itself(self) -> None:
        golds = ["(aspirin, int, warfarin), (novel, int, aspirin)"]
        assert (compute_official_relation_f1(golds, golds, 3, Vectors()) or 0) < 1


@given(st.text(alphabet="ab,()[]'\" \n", max_size=60))
def test_no_text_breaks_the_readers(text: str) -> None:
    found = parse_relations(text)
    assert found is None or all(len(relation) in (2, 3) and all(relation) for relation in found)
    for parts in (2, 3):
        assert all(len(relation) == parts for relation in parse_official_relations(text, parts))


@given(st.lists(st.tuples(*[st.text(alphabet="abc 1", min_size=1).filter(str.strip)] * 3), min_size=1, max_size=4))
def test_reading_what_was_read_changes_nothing(relations: list[tuple[str, str, str]]) -> None:
    written = ", ".join(f"({', '.join(relation)})" for relation in relations)
    once = parse_relations(written)
    assert once == parse_relations(", ".join(f"({', '.join(relation)})" for relation in once or ()))
    assert once is not None
    assert match_relations(once, once, match_exactly).score == 1
