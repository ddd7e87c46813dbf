"""A pool of shots made searchable: nearest neighbours under the rules of choose.py, remembered by sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from openrft import Sample, Shot
from openrft_icl import text_of
from openrft_icl.choose import choose, ordered, settled
from openrft_icl.embedder import Embedder
from openrft_icl.table import Table
from openrft_icl.vectors import Vectors


class Index:
    """The shots of one pool."""

    def __init__(self, folder: Path, name: str, pool: Sequence[Shot], embedder: Embedder) -> None:
        self._pool = [shot.sample for shot in pool]
        self._texts = [text_of(sample) for sample in self._pool]
        self._embed = embedder.fit(self._texts)
        self._table = Table(folder, name, self._texts, self._embed)
        # Training asks for the same samples step after step. Kin belong to the key: they decide what is allowed.
        self._known: dict[tuple[str, str, int, float], list[int]] = {}

    def nearest(self, samples: Sequence[Sample], k: int, least: float) -> list[list[int]]:
        """For each sample the rows of up to `k` shots, the most similar first."""
        keys = [(s.id, s.root, k, least) for s in samples]
        new = {key: sample for key, sample in zip(keys, samples, strict=True) if key not in self._known}
        if new:
            found = self._search(list(new.values()), k, least)
            self._known.update(zip(new, found, strict=True))
        return [self._known[key] for key in keys]

    def _search(self, samples: Sequence[Sample], k: int, least: float) -> list[list[int]]:
        """Ask for a few more than k rows, and for more again where too many of them were not allowed."""
        texts = [text_of(sample) for sample in samples]
        vectors: Vectors = self._embed(texts)
        rows: list[list[int]] = [[] for _ in samples]
        waiting, limit = list(range(len(samples))), min(self._table.size, 2 * k + 8)
        while waiting:
            again = []
            for i, unordered in zip(waiting, self._table.nearest(vectors[waiting], limit), strict=True):
                hits = ordered(unordered)
                chosen = choose(samples[i], texts[i], hits, self._pool, self._texts, k, least)
                rows[i] = [row for row, _ in chosen]
                if limit < self._table.size and not settled(chosen, hits, k, least):
                    again.append(i)
            waiting, limit = again, min(self._table.size, limit * 4)
        return rows
