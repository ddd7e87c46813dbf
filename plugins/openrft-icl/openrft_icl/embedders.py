"""Embedders: from texts to vectors whose cosine is the similarity.

`light` hashes character n-grams and needs no weights. Every other name is a Sentence-BERT model, loaded through
sentence-transformers when the first text is embedded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openrft import SentenceEmbedder

Vectors = NDArray[np.float32]  # (texts, dimensions), each of length 1
Embed = Callable[[Sequence[str]], Vectors]
Hashes = NDArray[np.uint64]

DIMENSIONS = 1024  # a power of two; hashing noise in a cosine is about 1 / sqrt(DIMENSIONS)
SIZES = (3, 4, 5)  # lengths of the n-grams: word stems, numbers, fragments of formulas and sequences
_ADVICE = "Give light, minilm, a sentence-transformers folder, or a hub id while online."
_BASE = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Embedder(Protocol):
    """Embeds texts."""

    id: str  # changes when the vectors may change

    def fit(self, corpus: Sequence[str]) -> Embed:
        """A function that embeds texts. From `corpus` an embedder that weighs words learns which ones are common."""
        ...


def open_embedder(name: str) -> Embedder:
    """The embedder of this name: light, minilm, or a sentence-transformers folder or hub id. Raises UsageError."""
    return LightEmbedder() if name == "light" else SentenceModel(name)


# Not scikit-learn's HashingVectorizer: its hashes would give other neighbours, and it would be one more large package.
class LightEmbedder:
    """Character n-grams weighted by rarity (TF-IDF), hashed into `DIMENSIONS` dimensions. No weights, no download.

    The same text and corpus give the same vector on every machine.
    """

    id = f"light/{DIMENSIONS}/{'-'.join(map(str, SIZES))}/1"

    def fit(self, corpus: Sequence[str]) -> Embed:
        """Learn from `corpus` how common each n-gram is."""
        distinct = [np.unique(hash_ngrams(text)) for text in corpus]
        ngrams, documents = np.unique(np.concatenate([*distinct, np.zeros(0, np.uint64)]), return_counts=True)

        def embed(texts: Sequence[str]) -> Vectors:
            return np.stack([_embed_hashes(hash_ngrams(text), ngrams, documents, len(corpus)) for text in texts])

        return embed


def hash_ngrams(text: str) -> Hashes:
    """A 64-bit hash of every n-gram of the text, repeated ones included. Case and runs of blanks do not matter."""
    plain = f" {' '.join(text.lower().split())} "
    codes = np.array([ord(c) for c in plain], dtype=np.uint64)
    hashes = [np.zeros(0, np.uint64)]
    for size in SIZES:
        if len(codes) >= size:
            windows = np.lib.stride_tricks.sliding_window_view(codes, size)
            value = np.full(len(windows), size, dtype=np.uint64)
            for column in range(size):
                value = (value ^ windows[:, column]) * _BASE  # wraps around, as hashes do
            hashes.append((value ^ (value >> np.uint64(32))) * _MIX)
    return np.concatenate(hashes)


def _embed_hashes(hashes: Hashes, known: Hashes, documents: NDArray[np.int64], total: int) -> NDArray[np.float32]:
    """(DIMENSIONS,) of length 1: each distinct n-gram adds (1 + log count) * idf, with a sign, to one dimension.

    known: the n-grams of the corpus, sorted. documents: in how many of its `total` texts each of them occurs.
    """
    distinct, counts = np.unique(hashes, return_counts=True)
    if not len(distinct):
        return np.eye(1, DIMENSIONS, dtype=np.float32)[0]  # an empty text, too, needs a direction
    frequency = np.zeros(len(distinct))
    if len(known):
        at = np.minimum(np.searchsorted(known, distinct), len(known) - 1)
        frequency = np.where(known[at] == distinct, documents[at], 0)
    weights = (1 + np.log(counts)) * (np.log((1 + total) / (1 + frequency)) + 1)
    # Signs make n-grams that fall on one dimension cancel as often as they add up.
    signs = np.where(distinct >> np.uint64(63), 1.0, -1.0)
    places = (distinct % np.uint64(DIMENSIONS)).astype(np.int64)
    vector = np.bincount(places, weights * signs, DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class SentenceModel:
    """A Sentence-BERT model, which needs no corpus."""

    def __init__(self, name: str) -> None:
        self._embedder = SentenceEmbedder(name, "icl.embedder", "openrft-icl[minilm]", _ADVICE)
        self.id = f"sentence/{self._embedder.fingerprint}"  # a kept table must not outlive the model that made it

    def fit(self, corpus: Sequence[str]) -> Embed:
        """The corpus changes nothing."""
        return self._embedder.embed
