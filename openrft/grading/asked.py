"""What a question asks for, where that decides how an answer is read."""

from __future__ import annotations

import functools
import re

_FALSE = re.compile(
    r"\b(?:incorrect|false|wrong|untrue|inaccurate|invalid|except|exception)\b"
    r"|(?:\bnot|n['\u2019]t)\s+(?:\w+\s+)?(?:true|correct|accurate|right|valid)\b",
    re.IGNORECASE,
)
_TRUE_OR_FALSE = re.compile(r"\b(?:true|correct|right)\s+or\s+(?:false|incorrect|wrong)\b", re.IGNORECASE)


@functools.lru_cache(maxsize=1024)
def asks_for_false(question: str) -> bool:
    """Whether the question asks for a statement that is false, so that calling an option wrong does not deny it."""
    return _FALSE.search(_TRUE_OR_FALSE.sub("", question)) is not None
