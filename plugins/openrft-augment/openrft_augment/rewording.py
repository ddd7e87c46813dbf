"""Ask a language model for rewordings of a question, and read what it answers (paper, section 3.1).

The model sees the stem alone, never the options, so it cannot let the answer slip into a question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from openrft import Message, strip_thinking

SEPARATOR = "<sep>"

_SYSTEM = "You reword examination questions. You never answer them and never change what they ask."
_REQUEST = (
    "Reword the question below in {n} different ways. Keep its meaning, so that the right answer stays the same:"
    " repeat every number, unit, symbol, formula and name exactly as it is written, add nothing and leave nothing"
    " out. Write only the {n} rewordings, each a complete question, with " + SEPARATOR + " between them.\n\n"
    "Question:\n{question}"
)
_SEPARATORS = re.compile(r"<\s*/?\s*sep\s*/?\s*>", re.IGNORECASE)
_ITEM = re.compile(
    r"\A[\s*_#]*(?:(?:rewording|rephrasing|paraphrase|version|variant|question)\s*)?#?\(?(\d{1,2})[.:)]+[*_]*\s+",
    re.IGNORECASE,
)
_WRAPS = (("**", "**"), ('"', '"'), ("\u201c", "\u201d"), ("`", "`"))
# A much longer text is not a rewording but an attempt to answer the question.
_LONGEST = 3


def build_rewording_messages(question: str, n: int) -> list[Message]:
    """The chat messages that ask for `n` rewordings of `question`."""
    content = _REQUEST.format(n=n, question=question.strip())
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": content}]


def parse_rewordings(text: str, question: str, cut: bool = False) -> list[str]:
    """The rewordings in a model's answer, in order, without empties, duplicates and the question itself.

    Reads `<sep>` in its usual misspellings, drops `<think>` blocks, list numbers and quotes around a piece.
    A model that wrote a numbered list instead of separators is understood too. `cut` says that the token
    budget ran out: the last piece is incomplete then and is dropped.
    """
    pieces = _split_pieces(strip_thinking(text))
    if cut:
        pieces = pieces[:-1]
    cleaned = [_clean_piece(piece, place, question) for place, piece in enumerate(pieces, 1)]
    limit = _LONGEST * len(question) + 80
    return drop_duplicates([piece for piece in cleaned if len(piece) <= limit], question)


def drop_duplicates(rewordings: Sequence[str], question: str) -> list[str]:
    """`rewordings` without empties, repetitions and repetitions of `question` (case and spacing aside)."""
    seen = {"", _normalize(question)}
    kept = []
    for text in rewordings:
        if _normalize(text) not in seen:
            seen.add(_normalize(text))
            kept.append(text.strip())
    return kept


def _split_pieces(text: str) -> list[str]:
    """The text cut at separators; at the items of a numbered list where it has no separator."""
    if _SEPARATORS.search(text):
        return _SEPARATORS.split(text)
    lines = [line for line in text.split("\n") if line.strip()]
    items = [line for line in lines if _ITEM.match(line)]
    return items if len(items) > 1 else [text]


def _clean_piece(piece: str, place: int, question: str) -> str:
    """A piece without its list number and the quotes or asterisks around it."""
    found = _ITEM.match(piece)
    # Only the number of its own place is a list number; a question may begin with a number of its own.
    if found and int(found.group(1)) == place and not question.lstrip().startswith(found.group(0).strip()):
        piece = piece[found.end() :]
    piece = piece.strip()
    for left, right in _WRAPS:
        inner = piece[len(left) : -len(right)]
        if len(piece) > len(left + right) and piece.startswith(left) and piece.endswith(right) and left not in inner:
            piece = inner.strip()
    return piece


def _normalize(text: str) -> str:
    return " ".join(text.split()).casefold()
