"""Character n-grams weighted by rarity (TF-IDF), hashed into a fixed number of dimensions. No weights, no download.

The same text and corpus give the same vector on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from openrft_icl.vectors import Vectors

DIMENSIONS = 1024  # a power of two; hashing noise in a cosine is about 1 / sqrt(DIMENSIONS)
SIZES = (3, 4, 5)  # lengths of the n-grams: word stems, numbers, fragments of formulas and sequences
_BASE = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


class Light:
    """See the module."""

    id = f"light/{DIMENSIONS}/{'-'.join(map(str, SIZES))}/1"

    def fit(self, corpus: Sequence[str]) -> Callable[[Sequence[str]], Vectors]:
        """Learn from `corpus` how common each n-gram is."""
        distinct = [np.unique(hashes(text)) for text in corpus]
        grams, documents = np.unique(np.concatenate([*distinct, np.zeros(0, np.uint64)]), return_counts=True)

        def embed(texts: Sequence[str]) -> Vectors:
            return np.stack([_vector(hashes(text), grams, documents, len(corpus)) for text in texts])

        return embed


def hashes(text: str) -> Hashes:
    """A 64-bit hash of every n-gram of the text, repeated ones included; case and runs of blanks do not matter."""
    plain = f" {' '.join(text.lower().split())} "
    codes = np.array([ord(c) for c in plain], dtype=np.uint64)
    found = [np.zeros(0, np.uint64)]
    for size in SIZES:
        if len(codes) >= size:
            windows = np.lib.stride_tricks.sliding_window_view(codes, size)
            value = np.full(len(windows), size, dtype=np.uint64)
            for column in range(size):
                value = (value ^ windows[:, column]) * _BASE  # wraps around, as hashes do
            found.append((value ^ (value >> np.uint64(32))) * _MIX)
    return np.concatenate(found)


def _vector(grams: Hashes, known: Hashes, documents: NDArray[np.int64], total: int) -> NDArray[np.float32]:
    """(DIMENSIONS,) of length 1: each distinct n-gram adds (1 + log count) * idf, with a sign, to one dimension."""
    distinct, counts = np.unique(grams, return_counts=True)
    if not len(distinct):
        return np.eye(1, DIMENSIONS, dtype=np.float32)[0]  # an empty text, too, needs a direction
    seen = np.zeros(len(distinct))
    if len(known):
        at = np.minimum(np.searchsorted(known, distinct), len(known) - 1)
        seen = np.where(known[at] == distinct, documents[at], 0)
    weights = (1 + np.log(counts)) * (np.log((1 + total) / (1 + seen)) + 1)
    # Signs make n-grams that fall on one dimension cancel as often as they add up.
    signs = np.where(distinct >> np.uint64(63), 1.0, -1.0)
    places = (distinct % np.uint64(DIMENSIONS)).astype(np.int64)
    vector = np.bincount(places, weights * signs, DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
