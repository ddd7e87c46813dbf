"""What turns texts into vectors, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from openrft_icl.light import Light
from openrft_icl.vectors import Vectors


class Embedder(Protocol):
    """Texts to vectors whose cosine is the similarity."""

    id: str  # changes when the vectors may change

    def fit(self, corpus: Sequence[str]) -> Callable[[Sequence[str]], Vectors]:
        """A function that embeds texts; `corpus` tells which words are common, to those that weigh words."""
        ...


def open_embedder(name: str) -> Embedder:
    """The embedder of this name. Raises UsageError or CheckpointError."""
    if name == "light":
        return Light()
    from openrft_icl.sentence import Sentence

    return Sentence(name)
