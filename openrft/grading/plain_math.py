"""Mathematics in plain signs: what LaTeX and Unicode write in many ways is written in one.

`3\\times10^{−8}`, `3 × 10⁻⁸` and `３・10^{-8}` all hold the same signs afterwards. Of LaTeX's commands only `\\frac`,
`\\sqrt`, `\\pi`, `\\ln`, `\\log` and unknown ones remain. Markup around the answer is removed before (markup.py).
"""

from __future__ import annotations

import re
import unicodedata

NARROW = "\u2009"  # a thin space, which groups the digits of a number

_SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207f"
_SUBSCRIPTS = "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089"
_RAISED = str.maketrans(_SUPERSCRIPTS, "0123456789+-n")
_LOWERED = str.maketrans(_SUBSCRIPTS, "0123456789")
_RUNS = re.compile(f"([{_SUPERSCRIPTS}]+)|([{_SUBSCRIPTS}]+)")

_SIGNS = {
    **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d\u2796", "-"),
    **dict.fromkeys("\u00d7\u2715\u2716\u00b7\u22c5\u2219\u30fb\u2217", "*"),
    **dict.fromkeys("\u00f7\u2215\u2044", "/"),
    **dict.fromkeys("\u2248\u2243\u2245\u223c\u2252\uff5e", "\u2248"),
    **dict.fromkeys("\u2009\u202f\u200a\u2006", NARROW),
    **dict.fromkeys("\u2019\u02bc\u2032", "'"),
    "\u2014": " \u2014 ",
    "\u221a": "\\sqrt",
    "\u221b": "\\sqrt[3]",
    "\u03c0": "\\pi",
    "\u066b": ".",
    "\u066c": ",",
    "\u00b5": "\u03bc",
    "\u00ba": "\u00b0",
    "\u02da": "\u00b0",
}
_KEPT = frozenset("\u00b0\u2030\u00b1\u2264\u2265\u2260\u221e\u03bc\u03a9\u20ac\u00a3\u00a5\u20b9\u00a2\u00c5")

_UNSPACED = "\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"  # scripts that put no space between a word and a number
_SCRIPT_EDGE = re.compile(rf"(?<=[{_UNSPACED}])(?=[\dA-Za-z\\$-])|(?<=[\dA-Za-z}}%])(?=[{_UNSPACED}])")

_COMMANDS = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac", "nicefrac", "sfrac", "frac"), "\\frac"),
    **dict.fromkeys(("times", "cdot", "ast", "bullet"), "*"),
    **dict.fromkeys(("approx", "simeq", "sim", "cong", "thickapprox"), "\u2248"),
    **dict.fromkeys(("circ", "degree"), "\u00b0"),
    **dict.fromkeys(("celsius",), "\u00b0C"),
    **dict.fromkeys(("left", "right", "displaystyle", "textstyle", "limits", "bigl", "bigr", "big"), ""),
    **dict.fromkeys(("checkmark",), " "),
    **dict.fromkeys(("quad", "qquad", "enspace", "space"), " "),
    **dict.fromkeys(("thinspace", "nobreakspace"), NARROW),
    **dict.fromkeys(("le", "leq", "leqslant"), "\u2264"),
    **dict.fromkeys(("ge", "geq", "geqslant"), "\u2265"),
    **dict.fromkeys(("ne", "neq"), "\u2260"),
    **dict.fromkeys(("ldots", "dots", "cdots"), "..."),
    "lt": "<",
    "gt": ">",
    "pm": "\u00b1",
    "div": "/",
    "infty": "\u221e",
    "mu": "\u03bc",
    "textmu": "\u03bc",
    "Omega": "\u03a9",
    "ohm": "\u03a9",
    "ell": "L",
    "AA": "\u00c5",
    "angstrom": "\u00c5",
    "euro": "\u20ac",
    "pounds": "\u00a3",
    "textdollar": "$",
    "percent": "%",
    "lbrace": "{",
    "rbrace": "}",
}
_COMMAND = re.compile(r"\\(?:([A-Za-z]+)|([,;:>~ !%$&#_{}\[\]()]))")
_MARKS = {",": NARROW, ";": NARROW, ":": NARROW, ">": NARROW, "~": NARROW, " ": NARROW, "!": "", "%": "%", "$": "$"}
_UNIT_SIGNS = "A-Za-z\u03bc\u03a9\u00b0"
_ALIGNED = re.compile(  # one line
    r"\\begin\s?\{(?P<name>aligned|align\*?|gathered|split)\}((?:[^\\&]|\\(?!\\|end)){0,200})&?"
    r"((?:[^\\&]|\\(?!\\|end)){0,200})\\end\s?\{(?P=name)\}"
)
_PLAIN_FORMS = (
    (re.compile(r"(?:\{|\A)([^{}\\]{1,40})\\over(?![A-Za-z])([^{}\\]{1,40})(?:\}|\Z)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\{\{([A-Za-z]+)\}"), r"{\1"),
    (re.compile(r"\u03bc\s+(?=[A-Za-z])"), "\u03bc"),
    (  # a unit written as a fraction, not Euler's number
        re.compile(
            rf"\\frac\s*\{{\s*(?!e\s*[-+^}}])([{_UNIT_SIGNS}][^{{}}]*)\}}\s*"
            rf"\{{\s*([{_UNIT_SIGNS}][^{{}}]*(?:\{{[^{{}}]*\}}[^{{}}]*)?)\}}"
        ),
        r" \1/(\2)",
    ),
    (re.compile(r"(?<=\d)\s+and\s+(?=\d+\s*/\s*\d|\\frac)"), " "),
    (re.compile(r"\^\s*\{?\s*(?:\u00b0|\\circ)\s*\}?"), "\u00b0"),
    (re.compile(r"(?<=\d)\s*(?:\{\s*,\s*\}|,\\!)\s*(?=\d)"), ","),
    (re.compile(r"(?<=[\d)}])\s*[xX]\s*(?=10\s*(?:\^|\*\*|-))"), "*"),  # 3 x 10^8
    (re.compile(r"(?<=[\d)}])\s*[xX]\s*(?=\\sqrt|\\pi)"), "*"),
    (re.compile(r"\*\s*10\s*-\s*(?=\d)"), "*10^-"),  # 3 x 10-8, of which the raised sign is lost
    (re.compile(r"\*\*(?=\s*[\d({+-])"), "^"),
    (re.compile(r"(?<=\d)~(?=\d{3})"), NARROW),
    (re.compile(r"~"), "\u2248"),
    (re.compile(r"(?<=\d)\s*\{?\s*([eE])\s*\}?\s*\{?(?=\s*[+-]?\d)"), r"\1"),  # 3 \mathrm{e} 8
    (re.compile(r"(?<![A-Za-z\\])(?:sqrt|Sqrt|SQRT)(?![A-Za-z])"), r"\\sqrt"),
    (re.compile(r"(?<![A-Za-z\\])[Pp]i(?![A-Za-z])"), r"\\pi"),
    (re.compile(r"(?<![A-Za-z\\])(ln|log)(?![A-Za-z])"), r"\\\1"),
)


def to_plain(text: str) -> str:
    """The text with one sign for each meaning. Linear in its length."""
    if not text.isascii():
        text = _RUNS.sub(_write_run, text)
        text = "".join(sign if sign.isascii() else _fold(sign) for sign in text)
        text = _SCRIPT_EDGE.sub(" ", text)
    if "\\" in text:
        text = _COMMAND.sub(_write_command, text)
    if "\\end" in text:
        text = _ALIGNED.sub(r" \2 \3 ", text)
    for pattern, plain in _PLAIN_FORMS:
        text = pattern.sub(plain, text)
    return text.strip()


def _write_run(found: re.Match[str]) -> str:
    raised, lowered = found.groups()
    return f"^{{{raised.translate(_RAISED)}}}" if raised else f"_{{{lowered.translate(_LOWERED)}}}"


def _fold(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if sign in _KEPT:
        return sign
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    category = unicodedata.category(sign)
    if category == "Zs":
        return " "
    if category == "Cf":
        return ""
    if category == "No" and "\u2044" in (parts := unicodedata.normalize("NFKC", sign)):
        above, _, below = parts.partition("\u2044")
        return f"\\frac{{{above}}}{{{below}}}" if below else sign
    plain = unicodedata.normalize("NFKC", sign)
    return "".join(_SIGNS.get(part, part) for part in plain)


def _write_command(found: re.Match[str]) -> str:
    name, mark = found.groups()
    if mark is not None:
        return _MARKS.get(mark, mark)
    return _COMMANDS.get(name, found[0])
