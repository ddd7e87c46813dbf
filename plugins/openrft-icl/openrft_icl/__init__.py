"""Demonstrations: the most similar solved questions of the task, found in a LanceDB table (paper, section 2.3).

This file knows what is compared and how the result is shown. It does not know how text becomes a vector (light.py,
sentence.py), where vectors lie (table.py) or which neighbours are allowed (choose.py).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import openrft

if TYPE_CHECKING:
    from openrft_icl.embedder import Embedder
    from openrft_icl.index import Index


class ICL:
    """The plugin `icl`. Whether demonstrations are also shown at evaluation is the core's `evaluate.shots`."""

    needs = ("rl",)

    @dataclass(frozen=True)
    class Options:
        """What a user can set: `--set icl.NAME=VALUE`."""

        k: int = 3  # demonstrations a question; paper, section 3: the top 3
        embedder: str = "light"  # light, minilm, or a sentence-transformers folder or hub id
        show: Literal["answer", "trace"] = "answer"  # trace: a demonstration's verified reasoning, where it has one
        min_similarity: float = -1.0  # cosine similarity below which nothing is shown; -1 = no limit
        db: str = ""  # folder that keeps the tables for later runs; empty = a temporary one

        def __post_init__(self) -> None:
            if self.k < 1:
                raise ValueError("k must be at least 1; leave the plugin out to show nothing")
            if not -1 <= self.min_similarity <= 1:
                raise ValueError(f"min_similarity {self.min_similarity} is not between -1 and 1")

    def __init__(self, options: Options) -> None:
        self.options = options
        self.counts: dict[str, int] = {}  # of the last call: demonstrations, samples with fewer than k
        self._temporary: Path | None = None
        self._embedder: Embedder | None = None
        self._indexes: dict[str, Index] = {}

    @openrft.hookimpl
    def retrieve(
        self, samples: Sequence[openrft.Sample], pool: Sequence[openrft.Shot], task: openrft.Task
    ) -> list[list[openrft.Shot]]:
        """For each sample up to k shots, the most similar last: next to the question, where it weighs most.

        Never the sample itself, its kin, or a copy of it, and never two shots that are kin of each other.
        """
        rows = self._index(pool, task).nearest(samples, self.options.k, self.options.min_similarity) if pool else []
        found = [[self._shown(pool[row]) for row in reversed(near)] for near in rows] or [[] for _ in samples]
        short = sum(len(shots) < self.options.k for shots in found)
        self.counts = {"demonstrations": sum(map(len, found)), "samples_short_of_k": short}
        return found

    def _shown(self, shot: openrft.Shot) -> openrft.Shot:
        return shot if self.options.show == "trace" else replace(shot, trace=None)

    @property
    def content(self) -> str:
        """What embeds, by its content: results must not outlive the model behind a folder's name."""
        return self._opened().id

    def _opened(self) -> Embedder:
        from openrft_icl.embedder import open_embedder

        if self._embedder is None:
            self._embedder = open_embedder(self.options.embedder)
        return self._embedder

    def _index(self, pool: Sequence[openrft.Shot], task: openrft.Task) -> Index:
        from openrft_icl.index import Index

        embedder = self._opened()
        key = pool_key(pool, embedder.id)
        if key not in self._indexes:
            # One index at a time: a job has one pool, and an index keeps its vectors' model alive.
            self._indexes = {key: Index(self._folder(), table_name(task.name, key), pool, embedder)}
        return self._indexes[key]

    def _folder(self) -> Path:
        if self.options.db:
            return Path(self.options.db).expanduser()
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="openrft-icl-"))
            # Removed with the plugin, or at the interpreter's exit.
            weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        return self._temporary


def text_of(sample: openrft.Sample) -> str:
    """What is compared: the question and its options, as the policy reads them. Answers are not: queries have none."""
    return openrft.messages_for(sample)[-1]["content"]


def pool_key(pool: Sequence[openrft.Shot], embedder: str) -> str:
    """16 hex digits that depend on the pool's texts, their order, and the embedder."""
    content = json.dumps([embedder, [[s.sample.id, text_of(s.sample)] for s in pool]], ensure_ascii=False)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def table_name(task: str, key: str) -> str:
    """A readable, legal LanceDB name."""
    readable = "".join(c if c.isascii() and c.isalnum() else "_" for c in task.rsplit("/", 1)[-1])[:40]
    return f"{readable or 'task'}-{key}"
