"""How alike two texts are, from 0 to 1: the metrics of text_similarity graders.

fuzzy_match   rapidfuzz's WRatio, after lower-casing and leaving out punctuation
rouge_1..5    F1 of the shared n-grams (Lin 2004)
rouge_l       F1 of the longest common subsequence of words (Lin 2004)
bleu          sentence BLEU-4 (Papineni et al. 2002), a missing n-gram smoothed as NIST's mteval does
gleu          the smaller of precision and recall over all 1- to 4-grams (Wu et al. 2016)
meteor        METEOR (Banerjee and Lavie 2005): words match by form, by stem and by WordNet's synonyms
cosine        cosine similarity of sentence embeddings; below 0 counts as 0

ROUGE reads words in lower case, letters and digits only. BLEU, GLEU and METEOR read words and punctuation marks.
BLEU, GLEU and METEOR are nltk's (the extra `openrft-graders[nltk]`). nltk looks up the stems of words in WordNet, so
few synonyms match: auto is car, but automobile, whose stem is automobil, is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from openrft import SentenceEmbedder, UsageError

METRICS = (
    *("fuzzy_match", "bleu", "gleu", "meteor", "cosine"),
    *("rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l"),
)
_WORD = re.compile(r"[a-z0-9]+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
NLTK_METRICS = ("bleu", "gleu", "meteor")

Pairs = Sequence[tuple[str, str]]  # (text, reference)
Metric = Callable[[Pairs], list[float]]


def open_metric(name: str, embedder: str = "minilm", synonyms: bool = True, plugin: str = "graders") -> Metric:
    """The metric of this name. `embedder` is for cosine, `synonyms` for METEOR; both are options of `plugin`.

    Raises UsageError, with what to install, where a library or a model is missing.
    """
    if name == "cosine":
        option, advice = f"{plugin}.embedder", "It takes minilm, a folder or a hub id."
        model = SentenceEmbedder(embedder, option, "openrft-graders[minilm]", advice)
        return lambda pairs: _compute_cosine(model, pairs)
    if name in NLTK_METRICS and find_spec("nltk") is None:
        raise UsageError(
            f"the metric {name} needs nltk, which is not installed.", "Run pip install 'openrft-graders[nltk]'."
        )
    if name == "meteor":
        words = _open_wordnet(plugin) if synonyms else _NoSynonyms()
        return lambda pairs: [compute_meteor(text, reference, words) for text, reference in pairs]
    single: dict[str, Callable[[str, str], float]] = {
        "fuzzy_match": compute_fuzzy_match,
        "bleu": compute_bleu,
        "gleu": compute_gleu,
        "rouge_l": compute_rouge_l,
    }
    if name in single:
        return lambda pairs: [single[name](text, reference) for text, reference in pairs]
    size = int(name.removeprefix("rouge_"))
    return lambda pairs: [compute_rouge_n(text, reference, size) for text, reference in pairs]


def compute_fuzzy_match(text: str, reference: str) -> float:
    """rapidfuzz's WRatio. Two texts without letters and digits are as alike as they are equal."""
    from rapidfuzz import fuzz, utils

    if not (utils.default_process(text) or utils.default_process(reference)):
        return float(text.strip() == reference.strip())
    return float(fuzz.WRatio(text, reference, processor=utils.default_process)) / 100


def compute_rouge_n(text: str, reference: str, size: int) -> float:
    """F1 of the n-grams of `size` words that both texts have, each counted as often as in both."""
    mine, theirs = (_count_ngrams(_WORD.findall(t.lower()), size) for t in (text, reference))
    return _f1((mine & theirs).total(), mine.total(), theirs.total())


def compute_rouge_l(text: str, reference: str) -> float:
    """F1 of the longest common subsequence of words."""
    mine, theirs = (_WORD.findall(t.lower()) for t in (text, reference))
    return _f1(_longest_common_subsequence(mine, theirs), len(mine), len(theirs))


def compute_bleu(text: str, reference: str) -> float:
    """Sentence BLEU-4. 0 for an empty text."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    mine, theirs = _TOKEN.findall(text), _TOKEN.findall(reference)
    if not (mine and theirs):
        return 0.0
    longest = min(4, len(mine), len(theirs))  # a text of two words has no 3-grams
    weights = (1 / longest,) * longest
    return float(sentence_bleu([theirs], mine, weights, SmoothingFunction().method3))


def compute_gleu(text: str, reference: str) -> float:
    """Google's BLEU. 0 for an empty text."""
    from nltk.translate.gleu_score import sentence_gleu

    mine, theirs = _TOKEN.findall(text), _TOKEN.findall(reference)
    return float(sentence_gleu([theirs], mine)) if mine and theirs else 0.0


def compute_meteor(text: str, reference: str, words: Any) -> float:
    """METEOR with `words` as the source of synonyms. 0 for an empty text."""
    from nltk.translate.meteor_score import single_meteor_score

    mine, theirs = _TOKEN.findall(text), _TOKEN.findall(reference)
    return float(single_meteor_score(theirs, mine, wordnet=words)) if mine and theirs else 0.0


class _NoSynonyms:
    """Stands where METEOR looks for WordNet's synonyms."""

    def synsets(self, word: str) -> list[Any]:
        return []


def _open_wordnet(plugin: str) -> Any:
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError as fault:
        raise UsageError(
            "the metric meteor needs WordNet, which nltk does not find here.",
            "Run python -m nltk.downloader wordnet, or copy nltk_data/corpora/wordnet from where it is to a folder of"
            f" NLTK_DATA; or set {plugin}.synonyms=false to match words by form and stem.",
        ) from fault
    return wordnet


def _compute_cosine(model: SentenceEmbedder, pairs: Pairs) -> list[float]:
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    vectors = dict(zip(texts, model.embed(texts), strict=True))
    return [min(max(float(vectors[a] @ vectors[b]), 0.0), 1.0) for a, b in pairs]


def _count_ngrams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def _f1(shared: int, mine: int, theirs: int) -> float:
    return 2 * shared / (mine + theirs) if shared else 0.0


def _longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    from rapidfuzz.distance import LCSseq

    return int(LCSseq.similarity(a, b))
