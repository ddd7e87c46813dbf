"""The plugins `icl` and `few-shot`: the most similar solved questions as demonstrations (paper, section 2.3).

They are found in a LanceDB table (index.py) of vectors (embedders.py), under rules that keep the answer out
(selection.py).
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from openrft import (
    Demonstration,
    HookResult,
    OutputPath,
    Plugin,
    Sample,
    Task,
    UsageError,
    WeightsPath,
    expand_path,
    hookimpl,
    option,
)

if TYPE_CHECKING:
    from openrft_icl.embedders import Embedder
    from openrft_icl.index import DemonstrationIndex


class ICL(Plugin):
    """In-context learning: demonstrations before each question of RL and, unless the core is told otherwise, of the
    evaluation."""

    requires: ClassVar[tuple[str, ...]] = ("rl",)

    @dataclass(frozen=True)
    class Options:
        """What a user can set: `--set icl.NAME=VALUE`."""

        num_demonstrations: int = option(
            3,
            help="Demonstrations before each question. To show none, leave the plugin out.",
            source="paper, section 3: the top 3",
            ge=1,
            renamed_from="k",
        )
        embedder: Literal["light", "minilm"] | WeightsPath = option(
            "light", help="What compares questions: light, minilm, or a sentence-transformers folder or hub id."
        )
        demonstration_content: Literal["answer", "trace"] = option(
            "answer",
            help="What a demonstration shows: its bare answer, or its verified reasoning (trace) where it has one.",
            renamed_from="show",
        )
        min_similarity: float = option(
            -1.0, help="Cosine similarity below which nothing is shown; -1: no limit.", ge=-1, le=1
        )
        share: float = option(
            1.0, help="Share of RL's questions that have demonstrations, at the first step.", gt=0, le=1
        )
        fade: float | None = option(
            None,
            help="Share of RL's steps after which no question has demonstrations any more: 1 at the end, 0.5 half-way."
            " They become fewer step by step, and the evaluation shows none. none: they stay.",
            source="CBRL, arXiv 2603.18953, has fade=1 and share=0.5",
            gt=0,
            le=1,
        )
        index_dir: OutputPath = option(
            "", help="Folder that keeps the tables for later runs; empty: a temporary one.", renamed_from="db"
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        self.demonstration_share, self.demonstration_fade = options.share, options.fade
        self._temporary: Path | None = None
        self._embedder: Embedder | None = None
        self._indexes: dict[str, DemonstrationIndex] = {}

    @hookimpl
    def check_job(self) -> list[str]:
        """Checks the embedder before hours are spent on the stages before the first demonstration."""
        try:
            self._open_embedder()
            expand_path(self.options.index_dir, "icl.index_dir=")
        except UsageError as fault:
            return [str(fault)]
        return []

    @hookimpl
    def retrieve(
        self, samples: Sequence[Sample], pool: Sequence[Demonstration], task: Task
    ) -> HookResult[list[list[Demonstration]]]:
        """For each sample up to `num_demonstrations`, the most similar last: models attend most to what is nearest.

        Never the sample itself, a copy of it or a relative by augmentation, and never two relatives of each other.
        """
        limit = self.options.num_demonstrations
        rows = self._open_index(pool, task).find_nearest(samples, limit, self.options.min_similarity) if pool else []
        found = [[self._format(pool[row]) for row in reversed(near)] for near in rows] or [[] for _ in samples]
        short = sum(len(demonstrations) < limit for demonstrations in found)
        return HookResult(found, {"demonstrations": sum(map(len, found)), "samples_short_of_demonstrations": short})

    def _format(self, demonstration: Demonstration) -> Demonstration:
        return demonstration if self.options.demonstration_content == "trace" else replace(demonstration, trace=None)

    def _open_embedder(self) -> Embedder:
        from openrft_icl.embedders import open_embedder

        if self._embedder is None:
            self._embedder = open_embedder(self.options.embedder)
        return self._embedder

    def _open_index(self, pool: Sequence[Demonstration], task: Task) -> DemonstrationIndex:
        from openrft_icl.index import DemonstrationIndex, digest_pool, make_table_name

        embedder = self._open_embedder()
        digest = digest_pool(pool, embedder.id)
        if digest not in self._indexes:
            # One index at a time: a job has one pool, and an index keeps its vectors' model alive.
            name = make_table_name(task.name, digest)
            self._indexes = {digest: DemonstrationIndex(self._open_folder(), name, pool, embedder)}
        return self._indexes[digest]

    def _open_folder(self) -> Path:
        if self.options.index_dir:
            return Path(self.options.index_dir).expanduser()
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="openrft-icl-"))
            # Removed with the plugin, or at the interpreter's exit.
            weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        return self._temporary


class FewShot(ICL):
    """Demonstrations without training: `icl` for an arm that has no RL."""

    requires = ()

    def __init__(self, options: ICL.Options) -> None:
        if options.fade is not None or options.share != 1:
            raise UsageError("share and fade say when RL shows demonstrations, and few-shot has no RL.", "Use icl.")
        super().__init__(options)
