"""What a question asks for, where that decides how an answer is read."""

from __future__ import annotations

import functools
import re

_FALSE = re.compile(
    r"\b(?:incorrect|false|wrong|untrue|inaccurate|invalid|unsupported|except|exception|misconception|myth|fallacy|disagree\w*"
    r"|errors?|mistakes?|contradict\w*|refute[ds]?|cannot|not|least\s+(?:accurate|likely|true|correct|valid|plausible|supported))\b"
    r"|n['\u2019]t\b",
    re.IGNORECASE,
)
_TRUE_OR_FALSE = re.compile(r"\b(?:true|correct|right)\s+or\s+(?:false|incorrect|wrong)\b|\bor\s+not\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@functools.lru_cache(maxsize=1024)
def asks_for_false(question: str) -> bool:
    """Whether the question asks for a statement that is false, so that calling an option wrong does not deny it. Its
    last sentence with a question mark decides, or all of it if there is none."""
    asked = [sentence for sentence in _SENTENCE_END.split(question) if sentence.rstrip().endswith("?")]
    return _FALSE.search(_TRUE_OR_FALSE.sub("", asked[-1] if asked else question)) is not None
