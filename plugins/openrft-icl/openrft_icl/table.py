"""A LanceDB table of vectors: made once under its name, searched exactly and in batches."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from openrft import OpenRFTError
from openrft_icl.vectors import Vectors

QUERIES = 256  # searched at once; bounds the memory of a result
Embed = Callable[[Sequence[str]], Vectors]
Hit = tuple[int, float]  # (row, cosine distance in [0, 2])


class Table:
    """Rows 0, 1, ... of vectors, with the texts beside them for whoever opens the folder with LanceDB."""

    def __init__(
        self, folder: Path, name: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]
    ) -> None:
        import lancedb

        self.size = len(texts)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Workers that share a folder: the first one builds, the others wait and then find it whole.
            with FileLock(folder / f"{name}.lock"):
                self._table = self._opened(lancedb.connect(folder), name, texts, embed)
        except OSError as fault:
            raise OpenRFTError(
                f"the demonstrations' table cannot be kept in {folder}: {fault}.", "Give another folder as icl.db."
            ) from fault

    def _opened(self, db: Any, name: str, texts: Sequence[str], embed: Embed) -> Any:
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

    def nearest(self, queries: Vectors, limit: int) -> list[list[Hit]]:
        """For each query the `limit` rows of least cosine distance, in no particular order. Exact: no index."""
        found: list[list[Hit]] = []
        for at in range(0, len(queries), QUERIES):
            part = queries[at : at + QUERIES]
            search = self._table.search(list(part), vector_column_name="vector").distance_type("cosine").limit(limit)
            result = search.select(["row", "_distance"]).to_arrow()
            hits: list[list[Hit]] = [[] for _ in part]
            asked = result["query_index"].to_pylist() if "query_index" in result.column_names else [0] * len(result)
            rows, distances = result["row"].to_pylist(), result["_distance"].to_pylist()
            for query, row, distance in zip(asked, rows, distances, strict=True):
                hits[query].append((row, distance))
            found += hits
        return found
