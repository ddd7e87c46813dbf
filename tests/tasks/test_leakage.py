"""Pairs that are alike, and clusters of them."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from openrft import Sample
from openrft.tasks.leakage import Match, cluster_samples, find_matches, find_overlaps, leakage_keys


def sample(question: str, *groups: str, options: tuple[str, ...] = ("x", "y"), copy: int = 0) -> Sample:
    return Sample(question, "A", options, meta={"leakage_groups": list(groups)}, copy_index=copy)


def find_sample_matches(one: Sequence[Sample], other: Sequence[Sample]) -> Iterator[Match]:
    keys = [leakage_keys(sample) for sample in one]
    yield from find_matches(keys, keys if other is one else [leakage_keys(sample) for sample in other])


def test_a_pair_is_listed_once_under_the_first_kind_that_fits():
    one = [sample("How many?", "data:1"), sample("Else.", "data:1")]
    other = [sample("How many?", "data:1"), sample("how  MANY", "data:1"), sample("How many?", options=("y", "x"))]
    a, b = (s.id for s in one)
    found = find_overlaps(one, other)
    assert found["exact"] == [(a, other[0].id)]
    assert found["text"] == [(a, other[1].id)]
    assert found["shuffled"] == [(a, other[2].id)]
    assert found["data"] == [(b, other[0].id), (b, other[1].id)]


def test_copies_are_the_same_to_the_letter():
    first, second = sample("q"), sample("q", copy=1)
    assert find_overlaps([first], [second])["exact"] == [(first.id, second.id)]


def test_a_million_pairs_take_no_memory_of_their_own():
    equal = [sample("q", copy=n) for n in range(1000)]
    tracemalloc.start()
    count = sum(1 for _ in find_sample_matches(equal, equal))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1_000_000
    assert peak < 10_000_000
    assert [m.other for m in islice(find_sample_matches(equal, equal), 3)] == [0, 1, 2]


def words(text: str) -> str:
    """Words and numbers alone, in the plainest way."""
    found = re.findall(r"[\w.+-]+", text.lower().replace("\u2212", "-"))
    return " ".join(word.strip(".") for word in found if word.strip("."))


def kind_of(one: Sample, other: Sample) -> str | None:
    """The first kind that fits a pair, told by comparing the two."""
    if (one.question, one.options, one.answer) == (other.question, other.options, other.answer):
        return "exact"
    if words(one.question) == words(other.question):
        left, right = [[words(option) for option in sample.options] for sample in (one, other)]
        if left == right:
            return "text"
        if sorted(left) == sorted(right):
            return "shuffled"
    shared = {mark.partition(":")[0] for mark in {*one.meta["leakage_groups"]} & {*other.meta["leakage_groups"]}}
    return min(shared, default=None)


texts = st.sampled_from(
    ["a b", "A, b.", "b a", "a  b!", "-1", "\u22121", "1", "1.", "é\u00a0A", "É a", "_", "", "'a', b"]
)
made_up = st.builds(
    lambda question, options, answer, groups: Sample(
        question, answer, tuple(options), kind="text", meta={"leakage_groups": groups}
    ),
    texts,
    st.lists(texts, max_size=2),
    st.sampled_from("AB"),
    st.lists(st.sampled_from(["data:1", "data:2", "question:1", "question:x:y", "alpha:1"]), max_size=3),
)
sets = st.lists(made_up, max_size=8)


@given(sets, sets)
def test_pairs_are_those_that_comparing_each_with_each_finds(one, other):
    for left, right in ((one, other), (one, one)):
        by_hand = {(i, j): kind_of(a, b) for i, a in enumerate(left) for j, b in enumerate(right)}
        found = list(find_sample_matches(left, right))
        assert {(m.one, m.other): m.kind for m in found} == {pair: kind for pair, kind in by_hand.items() if kind}
        assert len(found) == len({(m.one, m.other) for m in found})
        order = ["exact", "text", "shuffled", "alpha", "data", "question"]
        ranks = [(m.one, order.index(m.kind)) for m in found]
        assert ranks == sorted(ranks)


marks = st.lists(st.sets(st.integers(0, 8), max_size=2), max_size=12)


@given(marks)
def test_clusters_are_closed(sets):
    """Chains of shared leakage groups are one cluster, whatever their order: A like B and B like C."""
    samples = [sample(f"q{n}", *(f"data:{mark}" for mark in sorted(own))) for n, own in enumerate(sets)]
    found = cluster_samples(samples)
    joined = {(m.one, m.other) for m in find_sample_matches(samples, samples)}
    assert all(found[a] == found[b] for a, b in joined)
    assert all(found[place] == place <= n for n, place in enumerate(found))
    for n, place in enumerate(found):  # nothing is joined without a chain
        reached, before = {n}, set()
        while reached != before:
            before = set(reached)
            reached |= {b for a, b in joined if a in before}
        assert place == min(reached)


def test_what_was_said_before_tells_questions_apart():
    first, second, third = (
        Sample("And now?", "a", kind="text", history=({"role": "user", "content": text},))
        for text in ("Tin?", "Lead?", "tin")
    )
    assert not any(find_overlaps([first], [second]).values())
    assert find_overlaps([first], [third])["text"] == [(first.id, third.id)]
    assert first.id != second.id
