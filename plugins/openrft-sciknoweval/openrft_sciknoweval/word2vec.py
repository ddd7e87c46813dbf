"""Word vectors from a word2vec file, text (.vec, .txt) or binary (.bin): only those of the words that are asked for.

A text's vector is the mean of its words' vectors, as in the benchmark's scorer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from openrft import DataError

_LONGEST = 1 << 12  # bytes of one word; a longer one means that this is no such file


class Word2Vec:
    """See `similarity.Similarity`."""

    name = "word2vec"

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DataError(f"sciknoweval.similarity={path}: no such file.", "Give a word2vec file, minilm or exact.")
        self._path = path
        self._known: dict[str, Any] = {}  # a word that was looked for and is not in the file: None

    def vectors(self, texts: Sequence[str]) -> Any:
        """Raises DataError for a file that is not in word2vec's format."""
        import numpy as np

        words = {word for text in texts for word in text.split()}
        width = self._read(words - set(self._known))
        rows = np.zeros((len(texts), width), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            found = [self._known[word] for word in text.split() if self._known[word] is not None]
            if found:
                mean = np.mean(found, axis=0)
                row[:] = mean / (np.linalg.norm(mean) or 1)
        return rows

    def _read(self, wanted: set[str]) -> int:
        """Look the words up, in one pass over the file; the vectors' width."""
        import numpy as np

        with self._path.open("rb") as file:
            try:
                said, width = map(int, file.readline(_LONGEST).split())
                entries = _binary(file, width) if self._path.suffix == ".bin" else _text(file, width)
                self._known.update(dict.fromkeys(wanted))
                count = 0
                for word, raw in entries if wanted else ():
                    count += 1
                    if word in wanted:
                        self._known[word] = np.frombuffer(raw, "<f4") if isinstance(raw, bytes) else np.array(raw, "f4")
                if wanted and count != said:
                    raise ValueError(f"{count} words, where it says {said}")
            except ValueError as fault:
                raise DataError(
                    f"{self._path}: not word2vec's format ({fault}).", "It begins with the number of words and a width."
                ) from fault
        return width


def _binary(file: BinaryIO, width: int) -> Iterator[tuple[str, bytes]]:
    """Each word, a space, and its vector as 32-bit floats; some writers put a newline behind it."""
    while True:
        word = bytearray()
        while (letter := file.read(1)) not in (b" ", b""):
            word += letter
            if len(word) > _LONGEST:
                raise ValueError("a word of thousands of bytes")
        if not letter:
            return
        raw = file.read(4 * width)
        if len(raw) < 4 * width:
            raise ValueError("the last vector is cut short")
        yield word.decode("utf-8", "replace").lstrip("\n"), raw


def _text(file: BinaryIO, width: int) -> Iterator[tuple[str, list[float]]]:
    for line in file:
        word, *numbers = line.decode("utf-8", "replace").rstrip().split(" ")
        if len(numbers) != width:
            raise ValueError(f"a line with {len(numbers)} numbers, not {width}")
        yield word, [float(number) for number in numbers]
