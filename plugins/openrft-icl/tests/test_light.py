from __future__ import annotations

import numpy as np
from openrft_icl.light import DIMENSIONS, Light, hashes


def test_hashes_by_hand() -> None:
    assert len(hashes("ab")) == 2 + 1  # " ab ": two trigrams, one 4-gram
    assert np.array_equal(hashes("A  b"), hashes("a b"))
    assert len(hashes("")) == 0


def test_vectors_have_length_one_and_are_the_same_everywhere() -> None:
    embed = Light().fit(["one text", "another text"])
    vectors = embed(["one text", "unseen words", ""])
    assert vectors.shape == (3, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.array_equal(vectors[:1], embed(["one text"]))
    # Pinned: a change of these numbers must change Light.id, or kept tables would go stale.
    assert Light.id == "light/1024/3-4-5/1"
    assert np.flatnonzero(embed(["abc"])[0]).tolist() == [54, 328, 741, 763, 812, 815]


def test_common_parts_weigh_less() -> None:
    frame = "What is the answer to the following question about {}?"
    corpus = [frame.format(w) for w in ("zinc", "iron", "gold", "lead")]
    embed = Light().fit(corpus)
    zinc, iron, other = embed([corpus[0], corpus[1], "Tell me of zinc."])
    plain = Light().fit([])
    p_zinc, p_iron, _ = plain([corpus[0], corpus[1], ""])
    assert zinc @ iron < p_zinc @ p_iron
    assert other @ zinc > other @ iron
