"""A demonstration pool made searchable: its vectors in a LanceDB table, and the nearest allowed neighbours of a sample.

Knows nothing of how texts become vectors (embedders.py) or which neighbours are allowed (selection.py).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from openrft import Demonstration, OpenRFTError, Sample
from openrft_icl.embedders import Embed, Embedder, Vectors
from openrft_icl.selection import Hit, is_final, question_text, select_hits, sort_hits

QUERIES = 256  # searched at once; bounds the memory of a result


class DemonstrationIndex:
    """One pool. Remembers what it found for each sample: training asks for the same ones step after step."""

    def __init__(self, folder: Path, name: str, pool: Sequence[Demonstration], embedder: Embedder) -> None:
        self._pool = [demonstration.sample for demonstration in pool]
        self._texts = [question_text(sample) for sample in self._pool]
        self._embed = embedder.fit(self._texts)
        self._table = VectorTable(folder, name, self._texts, self._embed)
        # The original (`root_id`) is part of the key: it decides which neighbours are allowed.
        self._found: dict[tuple[str, str, int, float], list[int]] = {}

    def find_nearest(self, samples: Sequence[Sample], count: int, min_similarity: float) -> list[list[int]]:
        """For each sample the rows of up to `count` demonstrations, the most similar first."""
        keys = [(s.id, s.root_id, count, min_similarity) for s in samples]
        new = {key: sample for key, sample in zip(keys, samples, strict=True) if key not in self._found}
        if new:
            rows = self._search(list(new.values()), count, min_similarity)
            self._found.update(zip(new, rows, strict=True))
        return [self._found[key] for key in keys]

    def _search(self, samples: Sequence[Sample], count: int, min_similarity: float) -> list[list[int]]:
        """Ask for a few more rows than needed, and for more again if too many of them were not allowed."""
        texts = [question_text(sample) for sample in samples]
        vectors: Vectors = self._embed(texts)
        rows: list[list[int]] = [[] for _ in samples]
        waiting, limit = list(range(len(samples))), min(self._table.size, 2 * count + 8)
        while waiting:
            again = []
            for i, unsorted in zip(waiting, self._table.search(vectors[waiting], limit), strict=True):
                hits = sort_hits(unsorted)
                chosen = select_hits(samples[i], texts[i], hits, self._pool, self._texts, count, min_similarity)
                rows[i] = [row for row, _ in chosen]
                if limit < self._table.size and not is_final(chosen, hits, count, min_similarity):
                    again.append(i)
            waiting, limit = again, min(self._table.size, limit * 4)
        return rows


class VectorTable:
    """A LanceDB table with rows 0, 1, ... of vectors, and their texts for people who open the folder with LanceDB.

    It is made once under its name, and searched exactly and in batches.
    """

    def __init__(self, folder: Path, name: str, texts: Sequence[str], embed: Embed) -> None:
        import lancedb

        self.size = len(texts)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # The first of the workers that share a folder builds the table. The others wait for it.
            with FileLock(folder / f"{name}.lock"):
                self._table = self._open_or_create(lancedb.connect(folder), name, texts, embed)
        except OSError as fault:
            raise OpenRFTError(
                f"the demonstrations' table cannot be kept in {folder}: {fault}.",
                "Give another folder as icl.index_dir.",
            ) from fault

    def _open_or_create(self, db: Any, name: str, texts: Sequence[str], embed: Embed) -> Any:
        import pyarrow as pa

        if (Path(db.uri) / f"{name}.lance").exists():
            try:
                table = db.open_table(name)
                if table.count_rows() == self.size:
                    return table
            except (ValueError, OSError, RuntimeError):
                pass  # left unfinished by a killed process
            db.drop_table(name, ignore_missing=True)
            shutil.rmtree(Path(db.uri) / f"{name}.lance", ignore_errors=True)
        vectors = embed(texts)
        flat = pa.array(vectors.ravel())
        columns = {
            "row": pa.array(range(self.size), pa.int64()),
            "text": pa.array(list(texts), pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        }
        return db.create_table(name, pa.table(columns))

    def search(self, queries: Vectors, limit: int) -> list[list[Hit]]:
        """For each query the `limit` rows of least cosine distance, in no particular order. Exact: no index."""
        found: list[list[Hit]] = []
        for at in range(0, len(queries), QUERIES):
            part = queries[at : at + QUERIES]
            search = self._table.search(list(part), vector_column_name="vector").distance_type("cosine").limit(limit)
            result = search.select(["row", "_distance"]).to_arrow()
            hits: list[list[Hit]] = [[] for _ in part]
            several = "query_index" in result.column_names
            query_indexes = result["query_index"].to_pylist() if several else [0] * len(result)
            rows, distances = result["row"].to_pylist(), result["_distance"].to_pylist()
            for query, row, distance in zip(query_indexes, rows, distances, strict=True):
                hits[query].append((row, distance))
            found += hits
        return found


def digest_pool(pool: Sequence[Demonstration], embedder: str) -> str:
    """16 hex digits that depend on the pool's texts, their order, and the embedder."""
    texts = [[demonstration.sample.id, question_text(demonstration.sample)] for demonstration in pool]
    content = json.dumps([embedder, texts], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def make_table_name(task: str, digest: str) -> str:
    """A readable, legal LanceDB name."""
    readable = "".join(c if c.isascii() and c.isalnum() else "_" for c in task.rsplit("/", 1)[-1])[:40]
    return f"{readable or 'task'}-{digest}"
