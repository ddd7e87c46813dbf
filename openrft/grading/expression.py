"""Expressions in answers: `2x+1`, `(x-1)(x+1)`, `\\{1, 2\\}`, `x > 3`, matrices, equations.

A grammar of our own reads what most answers are (algebra.py, algebra_forms.py) and compares values at drawn points
(algebra_value.py): a millisecond each, with bounds that the text cannot break. What it does not know is read by
Math-Verify (huggingface/Math-Verify), which parses LaTeX with a grammar and compares with sympy. Of the graders for
mathematical answers it knows the most kinds and is maintained. It takes 2-90 ms an answer and for a hostile one any
time, so it runs in a process of its own with a limit (expression_process.py). What is not compared within it is not
read, with that reason, and never wrong. Where both sides are plain numbers, number.py decides: it knows units, percent
and the digits of the gold answer, and does not take `12 or 13` for a set.
"""

from __future__ import annotations

import functools
import re

from openrft.grading.algebra import TooLarge, UnknownForm
from openrft.grading.algebra_equality import is_same_form
from openrft.grading.algebra_forms import Form, parse_form
from openrft.grading.expression_process import Word, ask
from openrft.grading.markup import remove_markup
from openrft.grading.number import Number, is_same_number, parse_number
from openrft.grading.plain_math import to_plain
from openrft.grading.rules import DEFAULT_RULES, GradingRules
from openrft.types import Sample

LONGEST = 500  # characters of an expression
LONGEST_ASKED = 200  # characters of a number, and of what Math-Verify is asked about: sums and integrals are short
UNKNOWN, TOO_LARGE = "unknown", "too large"

_HEDGE = re.compile(r"\b(?:not|maybe|perhaps|possibly|either|unknown|unsure|wait|actually)\b", re.IGNORECASE)
_IS = re.compile(r"(?:\b(?:is|are|equals)\b|(?<=[A-Za-z]):)\s+", re.IGNORECASE)
_FUNCTIONS = (
    "sqrt|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|asin|acos|atan|abs|exp|ln|log|min|max|det|gcd|lcm"
)
_LETTERS = "alpha|beta|gamma|delta|epsilon|theta|lambda|mu|pi|rho|sigma|phi|psi|omega|hbar|infty|infinity"
_NAMED = re.compile(rf"(?<![A-Za-z\\])({_FUNCTIONS}|{_LETTERS})(?![A-Za-z])")
_LOGARITHM = re.compile(r"(?<![A-Za-z\\])log(2|10)(?=\s*\()")  # as programs write it
_BASED = re.compile(r"(?:[A-Za-z]\s*=\s*)?(\d[\dA-F]*)\s*(?:_\s*\{?\s*(\d+)\s*\}?)?")  # 101_2
_VALUE = re.compile(r"\s*([A-Za-z])\s*=\s*-?[\d.,/]+\s*$")
_WORD = re.compile(r"(?<![A-Za-z\\{])[A-Za-z]{4,}")
_WORD_EQUALS = re.compile(r"(?:the )?[A-Za-z]{4,20}(?: [a-z]{2,12}){0,3}\s*=\s*(?=\S)")  # rate = k[A]
_REALS = re.compile(r"(?:x is |for )?(?:the set of |any |all )*(?:real numbers?|reals)(?: x)?", re.IGNORECASE)
_OPEN_ENDS = re.compile(r"([\[\]])([^\[\]]{1,60}[,;][^\[\]]{1,60})([\[\]])")  # ]1, 2[ is (1, 2)
_SIGNS = {
    "\u2212": "-", "\u2013": "-", "\u00d7": r"\times ", "\u00b7": r"\cdot ", "\u22c5": r"\cdot ", "\u00f7": "/",
    "\u03c0": r"\pi ", "\u221a": r"\sqrt ", "\u221e": r"\infty ", "\u2264": r"\le ", "\u2265": r"\ge ",
    "\u2260": r"\ne ", "\u222a": r"\cup ", "\u2229": r"\cap ", "\u2208": r"\in ", "\u00b1": r"\pm ",
    "\u2205": r"\emptyset ", "\u03b1": r"\alpha ", "\u03b2": r"\beta ", "\u03b8": r"\theta ",
    "\u03bb": r"\lambda ", "\u00bd": r"\frac{1}{2}", "\u00bc": r"\frac{1}{4}", "\u00be": r"\frac{3}{4}",
    "\u03b3": r"\gamma ", "\u03b4": r"\delta ", "\u03b5": r"\epsilon ", "\u03bc": r"\mu ", "\u00b5": r"\mu ",
    "\u03c1": r"\rho ", "\u03c3": r"\sigma ", "\u03c4": r"\tau ", "\u03c6": r"\phi ", "\u03c8": r"\psi ",
    "\u03c9": r"\omega ", "\u0394": r"\Delta ", "\u03a9": r"\Omega ", "\u0127": r"\hbar ", "\u210f": r"\hbar ",
    "\u211d": "R",
    "\u2009": " ", "\u00a0": " ",
}  # fmt: skip
_HUGE = re.compile(r"\^\s*\{?\s*-?\d{5,}|\^\s*\{[^{}]*\^\s*\{[^{}]*\^|\d!+\s*!|\d{3,}\s*!")  # would compute for ever
_SUBSCRIPTED = re.compile(r"(\\[A-Za-z]+|[A-Za-z])\s*_\s*(?:\{\s*([A-Za-z]{1,12}|\d{1,4})\s*\}|([A-Za-z]|\d))")
_HOLDS_EMPTY = re.compile(r"\\?\{\s*(?:\\emptyset|\\varnothing|\u2205|\\?\{\s*\\?\})\s*\\?\}")  # not empty itself
_BRACED_LIST = re.compile(r"(?<![\\\w^}])\{([^{},]{1,80},[^{}]{1,200})(?<!\\)\}(?!\{)")
_NO_SOLUTION = re.compile(
    r"(?:there\s+(?:is|are)\s+)?no\s+(?:real\s+)?solutions?|(?:the\s+)?empty\s+set", re.IGNORECASE
)
_NAMED_SET = re.compile(r"\A\s*([A-Za-z](?:_\w)?)\s*=\s*(?=\\?\{[^{},]{1,80},[^{}]{1,200}\}\s*\Z)")  # A = {1, 2}
_CONSTANT = re.compile(r"\+\s*[cKk]\s*$")  # of integration
_FRACTION_BEFORE = re.compile(r"(?<![\w.)}])(\d{1,4})\s*/\s*(\d{1,4})(?:\s+(?=[A-Za-z\\(])|(?=[A-Za-z]{2}))")
_SPELLED = re.compile(r"(\\[A-Za-z]+(?= )|[A-Za-z]) ?_?(.+)")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_DEEPEST = 20  # brackets in brackets
_RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207f"
_SUPERSCRIPT = re.compile(f"[{_RAISED}]+")
_PLAIN_RAISED = str.maketrans(_RAISED, "0123456789+-n")
_LOWERED = "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u2099"
_SUBSCRIPT = re.compile(f"[{_LOWERED}]+")
_PLAIN_LOWERED = str.maketrans(_LOWERED, "0123456789n")
_ARRAY = re.compile(  # a matrix as LaTeX wrote it before it had a command for it
    r"(?:\\left\s*)?[(\[]\s*\\begin\s*\{(?:array\}\s*\{[lcr|\s]{1,20}|(?:small)?matrix)\}(.{1,400}?)"
    r"\\end\s*\{(?:array|(?:small)?matrix)\}\s*(?:\\right\s*)?[)\]]"
)
_REWRITTEN = (
    (re.compile(r"\*\*"), "^"),
    (re.compile(r"<="), r"\\le "),
    (re.compile(r"(?:\{|\A)([^{}\\]{1,40})\\over(?![A-Za-z])([^{}\\]{1,40})(?:\}|\Z)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\(?:checkmark|therefore)(?![A-Za-z])"), ""),
    (re.compile(r">="), r"\\ge "),
    (re.compile(r"\\varnothing"), r"\\emptyset"),
    (re.compile(r"\\(?:nice|s)frac(?![A-Za-z])"), r"\\frac"),
    (_ARRAY, r"\\begin{pmatrix}\1\\end{pmatrix}"),
    (re.compile(r"_\s*\{\s*\\(max|min|det|exp|log|sin|abs)\s*\}"), r"_{\1}"),
    (re.compile(r"(?<=[\])}])\s*U\s*(?=[\[(\\{])"), r" \\cup "),
    (re.compile(r"\\var(?=(?:epsilon|theta|phi|rho|sigma)(?![A-Za-z]))"), r"\\"),
    (re.compile(r"(?<![A-Za-z\\])d([A-Za-z])\s*/\s*d([A-Za-z])(?![A-Za-z])"), r"\\frac{d\1}{d\2}"),
    (re.compile(r"\\a(sin|cos|tan)(?![A-Za-z])"), r"\\arc\1"),
    (re.compile(r"\\infinity|(?<![A-Za-z\\])inf(?=\s*(?:[,)\]}]|$))"), r"\\infty "),
    (re.compile(r"(\^|\\sqrt)\s*\(([^()]*)\)"), r"\1{\2}"),
    (re.compile(r"\\exp\s*(?:\\left)?\(([^()]*)(?:\\right)?\)"), r"e^{\1}"),
)


def read_expression(sample: Sample, raw: str) -> tuple[str | None, str]:
    """The expression in the answer, as it is written; or None, and why there is none that can be read."""
    reason = _explain_unreadable(sample, raw)
    return (None, reason) if reason else (_strip_words(raw), "")


def _explain_unreadable(sample: Sample, raw: str) -> str:
    """Why the answer cannot be read; empty if it can."""
    if len(raw) > 4 * LONGEST:
        return "it is too long for an expression"
    text = _strip_words(raw)
    if not text:
        return "it is empty"
    if any(_squeeze(text) == _squeeze(gold) for gold in (sample.answer, *sample.accepted)):
        return ""
    if len(text) > LONGEST:
        return "it is too long for an expression"
    if found := _HEDGE.search(text):
        return f"it does not settle on one answer: {found[0]!r}"
    if len(text) <= LONGEST_ASKED and isinstance(parse_number(text), Number):
        return ""
    if _HUGE.search(text) or not _is_balanced(_OPEN_ENDS.sub(_write_interval, text)):
        return "it is too large, or its brackets do not match"
    known = {word.lower() for gold in (sample.answer, *sample.accepted) for word in _WORD.findall(gold)}
    spelled = text
    for gold in (sample.answer, *sample.accepted):
        spelled = _add_subscripts(spelled, gold)
    if to_latex(text) == r"\emptyset":
        return ""
    words = [word for word in _WORD.findall(_NAMED.sub(" ", spelled)) if word.lower() not in known]
    if words:
        return f"it is no expression: {words[0]!r}"
    if _parse(text) == TOO_LARGE:
        return "it is too large for an expression"
    verdicts = {_compare(gold, text) for gold in (sample.answer, *sample.accepted)}
    if "yes" not in verdicts and "timeout" in verdicts:
        return "it takes too long to compare"
    if verdicts & {"yes", "no"} or not isinstance(_parse(text), str) or (word := _ask(text)) == "yes":
        return ""
    return "it takes too long to read" if word == "timeout" else "it cannot be read as an expression"


def is_same_expression(read: str, gold: str, rules: GradingRules = DEFAULT_RULES, question: str = "") -> bool:
    """Whether two expressions are mathematically equal. False if the comparison takes too long."""
    if bool(_HOLDS_EMPTY.fullmatch(read.strip())) != bool(_HOLDS_EMPTY.fullmatch(gold.strip())):
        return False
    if _squeeze(read) == _squeeze(gold) != "":
        return True
    if len(read) > LONGEST or len(gold) > LONGEST:
        return False
    names = _VALUE.match(gold), _VALUE.match(read)
    if names[0] and names[1] and names[0][1] != names[1][1]:  # x = 3 is not y = 3
        return False
    if (
        names[0]
        and "=" in read
        and not re.fullmatch(rf"[^\\]*?(?<!\S){names[0][1]}(?:_\{{?\w+\}}?)?\s*", read.partition("=")[0])
    ):
        return _compare(gold, read) == "yes"
    if isinstance(parse_number(gold), Number):
        if isinstance(parse_number(read), Number):
            return is_same_number(read, gold, rules, question)
        if re.fullmatch(r"[\d\s.,+*/()^{}-]+", to_plain(read)):  # a calculation that is not finished
            return False
    return _compare(gold, read) == "yes"


@functools.lru_cache(maxsize=4096)
def to_latex(text: str) -> str:
    """The expression in LaTeX that Math-Verify can read, with signs of programming languages and Unicode replaced."""
    text = _BRACED_LIST.sub(r"\\{\1\\}", text)  # sets, of which a reader has taken the backslashes
    text = remove_markup(text).replace("$", " ").replace("\n", " ")
    if not text.isascii():
        text = _SUBSCRIPT.sub(lambda found: "_{" + found[0].translate(_PLAIN_LOWERED) + "}", text)
        text = _SUPERSCRIPT.sub(lambda found: "^{" + found[0].translate(_PLAIN_RAISED) + "}", text)
        text = "".join(_SIGNS.get(sign, sign) for sign in text)
    text = _NAMED.sub(r"\\\1 ", _LOGARITHM.sub(r"\\log_{\1}", _OPEN_ENDS.sub(_write_interval, text)))
    if _NO_SOLUTION.fullmatch(text.strip(" .")):
        return r"\emptyset"
    for pattern, latex in _REWRITTEN:
        text = pattern.sub(latex, text)
    return text.strip().rstrip(".,;")


def _write_interval(found: re.Match[str]) -> str:
    """An interval whose open ends are written with brackets turned away, with round ones."""
    left, inner, right = found.groups()
    return f"{'(' if left == ']' else left}{inner}{')' if right == '[' else right}"


def _is_balanced(text: str) -> bool:
    """Whether brackets of any kind open and close, no deeper than people write. Intervals may close with another."""
    depth = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if not 0 <= depth <= _DEEPEST:
            return False
    return depth == 0


def _strip_words(raw: str) -> str:
    text = _IS.split(" ".join(raw.split()))[-1].strip().rstrip(".;")
    if re.fullmatch(r"\{\s*\}", text):
        return r"\emptyset"
    if _REALS.fullmatch(text):
        return r"\mathbb{R}"
    words = _WORD_EQUALS.match(text)
    return text[words.end() :] if words and not _NAMED.search(words[0]) else text


@functools.lru_cache(maxsize=4096)
def _squeeze(text: str) -> str:
    return "".join(remove_markup(text[: 4 * LONGEST]).split()).rstrip(".")


def _compare(gold: str, text: str) -> Word:
    """Whether two expressions are equal."""
    if (same := _is_same_in_base(gold, text)) is not None:
        return "yes" if same else "no"
    sets = _NAMED_SET.match(gold), _NAMED_SET.match(text)
    if sets[0] and sets[1] and sets[0][1] != sets[1][1]:
        return "no"
    gold, text = _NAMED_SET.sub("", gold), _NAMED_SET.sub("", text)
    gold, text = _add_subscripts(gold, text), _add_subscripts(text, gold)
    gold, text = _add_products(gold, text), _add_products(text, gold)
    if re.search(r"\+\s*C\s*$", gold):
        text = _CONSTANT.sub("+ C", text)
    expected, found = _parse(gold), _parse(text)
    if found == TOO_LARGE:
        return "unreadable"
    verdict = None if isinstance(expected, str) or isinstance(found, str) else is_same_form(expected, found)
    if verdict is False and (other := _FRACTION_BEFORE.sub(r"\\frac{\1}{\2} ", to_latex(text))) != to_latex(text):
        second = _parse(other)  # 1/2 mv^2 may be half of it, too
        verdict = not isinstance(second, str) and not isinstance(expected, str) and is_same_form(expected, second)
    if verdict is None:
        return _ask(text, gold)
    return "yes" if verdict else "no"


@functools.lru_cache(maxsize=4096)
def _add_subscripts(text: str, other: str) -> str:
    """The text with the subscripts that the other one marks: q1 is q_1 where the other has q_1. The text unchanged if
    the other one has none, or has their letters as names of their own, too."""
    names = to_latex(other)
    marked = {(name, group or sign) for name, group, sign in _SUBSCRIPTED.findall(names)}
    alone = {*re.findall(r"[A-Za-z]", _COMMAND.sub(" ", _SUBSCRIPTED.sub(" ", names)))}
    spelled = [
        re.escape(name) + (" ?" if name[0] == "\\" else "") + ("_?" if len(index) > 1 else "") + index
        + (r"(?!\d)" if index.isdigit() else "(?![A-Za-z])" if len(index) > 1 else "")
        for name, index in sorted(marked, key=lambda one: (-len(one[1]), one))
        if index not in alone
    ]  # fmt: skip
    if not spelled:
        return text
    pattern = re.compile(rf"({'|'.join(spelled)})|\\[A-Za-z]+|_\s*\{{[^{{}}]*\}}")
    return pattern.sub(_write_subscript, to_latex(text))


def _write_subscript(found: re.Match[str]) -> str:
    parts = _SPELLED.fullmatch(found[1]) if found[1] else None
    return f"{parts[1]}_{{{parts[2]}}} " if parts else found[0]


def _add_products(text: str, other: str) -> str:
    """The text with a sign between a letter and a bracket, where the other one shows that it is no function: g(a-b)."""
    for name in {*re.findall(r"(?<![A-Za-z\\])([fghFGHPp])\s*\(", text)}:
        if re.search(rf"(?<![A-Za-z\\]){name}(?!\s*[('_A-Za-z])|(?<=[A-Za-z\d]){name}(?!\s*\()", other):
            text = re.sub(rf"(?<![A-Za-z\\]){name}\s*\(", rf"{name} * (", text)
    return text


def _is_same_in_base(gold: str, text: str) -> bool | None:
    """Whether 101_2 is meant: a base that differs is wrong, one that is missing is not. None: none has a base."""
    if "_" not in to_latex(gold) + to_latex(text):
        return None
    expected, found = (_BASED.fullmatch(to_latex(side)) for side in (gold, text))
    if not (expected and expected[2]) and not (found and found[2]):
        return None
    if expected is None or found is None:
        return False
    return expected[1] == found[1] and (expected[2] == found[2] or (not found[2] and expected[2] != ""))


def _ask(text: str, gold: str = "") -> Word:
    """What Math-Verify says of the text, or of its equality with a gold answer."""
    latex = to_latex(text)
    if len(latex) > LONGEST_ASKED or not latex.isascii():  # it knows no further signs
        return "unreadable"
    return ask(to_latex(gold), latex) if gold else ask(latex)


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> Form | str:
    """What our own grammar makes of the text; UNKNOWN or TOO_LARGE."""
    latex = to_latex(text)
    if len(latex) > 2 * LONGEST:
        return TOO_LARGE
    try:
        return parse_form(latex)
    except UnknownForm:
        return UNKNOWN
    except TooLarge:
        return TOO_LARGE
