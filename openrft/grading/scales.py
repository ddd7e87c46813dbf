"""Words behind a number that multiply it: `5 million`, `5 lakh`, `5万`, `5 Mrd.`, `5 tenths`."""

from __future__ import annotations

import re
from fractions import Fraction

_FACTORS = {
    10: "十",
    100: "hundred hundreds 百 сотня сотен",
    10**3: "thousand thousands tausend mil mille milliers тысяч тысяча тысячи 千 천",
    10**4: "myriad myriads 万 萬 만",
    10**5: "lakh lakhs",
    10**6: "million millions mio millionen millón millones milhão milhões milione milioni миллион миллиона миллионов",
    10**7: "crore crores",
    10**8: "亿 億 억",
    10**9: "billion billions bn mrd milliarde milliarden milliard milliards miliardo miliardi"
    " миллиард миллиарда миллиардов",
    10**12: "trillion trillions 兆 조",
    10**15: "quadrillion quadrillions",
    10**18: "quintillion quintillions",
    10**21: "sextillion sextillions",
    12: "dozen dozens",
}
_PARTS = (
    "halves=2 thirds=3 fourths=4 fifths=5 sixths=6 sevenths=7 eighths=8 ninths=9 tenths=10 elevenths=11 twelfths=12"
)
_PARTS += " twentieths=20 hundredths=100 thousandths=1000 millionths=1000000 billionths=1000000000"
_SCALES = {word: Fraction(factor) for factor, words in _FACTORS.items() for word in words.split()}
_SCALES |= {word: Fraction(1, int(below)) for word, below in (part.split("=") for part in _PARTS.split())}
_WORD = re.compile(
    rf"[\s-]*({'|'.join(sorted(map(re.escape, _SCALES), key=len, reverse=True))})(?![^\W\d_])\.?", re.IGNORECASE
)
_WORD_IN_SCRIPT = re.compile(  # of scripts that put no space behind it; but a thousand metres are kilometres
    rf"\s*([{''.join(word for word in _SCALES if len(word) == 1)}])(?![克米瓦卡焦帕伏赫])"
)
_LONGEST = 60  # characters of such words
_ASKED = re.compile(
    r"(?:\bhow\s+many|\b(?:in|en|em)|\bcu[a\u00e1]nt[oa]s|\bcombien\s+de|\bwie\s+viele?|\u591a\u5c11|\u51e0|[(\uff08])(?=\s|\W|[^\x00-\x7f])",
    re.IGNORECASE,
)


def read_scale(text: str) -> tuple[Fraction, str]:
    """The factor that the text begins with, of one word or several, and how it is written."""
    factor, end = Fraction(1), 0
    for _ in range(4):
        found = _WORD.match(text, end) or _WORD_IN_SCRIPT.match(text, end)
        if found is None:
            break
        factor, end = factor * _SCALES[found[1].lower()], found.end()
    return factor, text[:end]


def names_scale(question: str, factor: Fraction) -> bool:
    """Whether the question asks for a count of this factor, and means the number before: "How many millions?"."""
    return any(
        read_scale(question[found.end() : found.end() + _LONGEST])[0] == factor for found in _ASKED.finditer(question)
    )
