"""Demonstrations by BM25: the solved questions that share the rarest words with the question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import openrft
from openrft import Demonstration, Sample


class BM25(openrft.Plugin):
    """Shows the best demonstration last, beside the question. It needs no RL: an arm may have it alone."""

    @dataclass(frozen=True)
    class Options:
        count: int = openrft.option(3, help="Demonstrations before each question.", ge=1)
        k1: float = openrft.option(1.2, help="How much a word's repetition counts.", source="Lucene", ge=0)
        b: float = openrft.option(0.75, help="How much a long question is discounted.", source="Lucene", ge=0, le=1)

    def __init__(self, options: Options) -> None:
        self.options = options

    @openrft.hookimpl
    def retrieve(self, samples: Sequence[Sample], pool: Sequence[Demonstration]) -> list[list[Demonstration]]:
        texts = [list_words(demonstration.sample) for demonstration in pool]
        return [self._choose(sample, pool, self._score(list_words(sample), texts)) for sample in samples]

    def _choose(self, sample: Sample, pool: Sequence[Demonstration], scores: list[float]) -> list[Demonstration]:
        """The best ones with a word in common, and never the question itself or a copy of it."""
        allowed = [i for i, one in enumerate(pool) if scores[i] > 0 and one.sample.root_id != sample.root_id]
        return [pool[i] for i in sorted(allowed, key=lambda i: scores[i])[-self.options.count :]]

    def _score(self, query: Counter[str], texts: list[Counter[str]]) -> list[float]:
        """The BM25 score of each text (Robertson and Zaragoza 2009, with Lucene's idf, which is never negative)."""
        average = sum(text.total() for text in texts) / max(1, len(texts))
        known = {word: sum(word in text for text in texts) for word in query}
        idf = {word: math.log(1 + (len(texts) - n + 0.5) / (n + 0.5)) for word, n in known.items()}

        def score(text: Counter[str]) -> float:
            norm = self.options.k1 * (1 - self.options.b + self.options.b * text.total() / average)
            return sum(idf[w] * text[w] * (self.options.k1 + 1) / (text[w] + norm) for w in query if text[w])

        return [score(text) for text in texts]


def list_words(sample: Sample) -> Counter[str]:
    """The words of a question and its options, with their counts."""
    return Counter(re.findall(r"\w+", " ".join((sample.question, *sample.options)).casefold()))
