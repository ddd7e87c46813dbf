"""What kind of answer a column holds. It is judged over the whole column: one `85%` does not make it a column of
texts."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from openrft import AnswerKind, is_number
from openrft_questions.cells import to_text
from openrft_questions.table import BadRowError

KINDS: tuple[AnswerKind, ...] = ("choice", "boolean", "number", "expression", "text")
KIND_NAMES: dict[str, AnswerKind] = {
    **{kind: kind for kind in KINDS},
    **dict.fromkeys(("multiple choice", "multiplechoice", "mcq", "mc", "single choice", "multiple"), "choice"),
    **dict.fromkeys(("yes/no", "true/false", "true or false", "true false", "bool", "tf", "t/f"), "boolean"),
    **dict.fromkeys(("numerical", "numeric", "integer", "int", "float"), "number"),
    **dict.fromkeys(("string", "str"), "text"),
}
OPEN_NAMES = (  # that there are no options, and nothing of the kind of answer
    *("exact match", "exactmatch", "open", "open ended", "openended", "open question", "short answer", "shortanswer"),
    *("free response", "free text", "fill in", "fill in the blank"),
)
_SPELLED = [name for name in KIND_NAMES if name not in ("mc", "tf", "t/f", "numeric")]  # else `metric` is near
MAX_KINDS = 100  # different words in a column that may be badly spelled kinds
MAX_LENGTH = 200  # characters of an answer that is compared as a whole
YES_NO = {"yes": "Yes", "true": "Yes", "no": "No", "false": "No"}
RIGHT_WRONG = {"correct": True, "right": True, "incorrect": False, "wrong": False}
SHORT = {"y": "Yes", "t": "Yes", "n": "No", "f": "No"}  # read so in a column that has nothing else
FOREIGN = (  # pairs of other languages, read so in a column that has nothing else
    "wahr/falsch richtig/falsch ja/nein vrai/faux oui/non verdadero/falso cierto/falso sí/no si/no vero/falso sì/no"
    " verdadeiro/falso sim/não sim/nao waar/onwaar juist/onjuist ja/nee ja/nej prawda/fałsz tak/nie doğru/yanlış"
    " evet/hayır да/нет правда/ложь верно/неверно 是/否 对/错 正确/错误 はい/いいえ 正しい/誤り 예/아니요 참/거짓"
    " √/× ✓/✗ ✔/✘ yes./no. true./false."
)
PAIRS = tuple(tuple(pair.split("/")) for pair in FOREIGN.split())
FOREIGN_WORDS = {word: verdict for pair in PAIRS for word, verdict in zip(pair, ("Yes", "No"), strict=True)}
THIRD = (
    "maybe",
    "unknown",
    "uncertain",
    "unclear",
    "not given",
    "not mentioned",
    "cannot say",
    "cannot tell",
)  # beside yes and no, in a column of three options
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
PLAIN = re.compile(_NUMBER)
_COMMAS = re.compile(r"[-+]?[\d.]*\d,\d[\d.,]*(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_LIST = re.compile(r"(?:ordered )?(?:list|tuple|vector)s?(?: of \w+)?")
_DOTTED = re.compile(r"[-+]?[1-9]\d{0,2}(?:\.\d{3})+")
_LETTER = re.compile(r"[A-Za-z]|[(\[][A-Za-z][)\]]|[A-Za-z][.)]|(?:option|choice) [A-Za-z]", re.IGNORECASE)
_BEGINS = re.compile(r"(?:~|\u2248|about |approx\.? )?\s*[-+\u2212\u2013$\u20ac\u00a3\u00a5\\]?\s*[\d.\\]")


@dataclass(frozen=True, slots=True)
class KindRule:
    """How the answers of a column without options are read."""

    spelled: AnswerKind = "number"  # what `85%`, `12 kg` and `3/4` are
    yes_no: AnswerKind = "boolean"  # what yes, no, true and false are
    letters: bool = False  # whether a letter alone is an answer, such as a symbol; otherwise its options are missing
    comma: Literal["decimal", "thousands"] | None = None  # what it stands for in numbers; None: it could be either
    points: bool = False  # whether a point may stand for thousands, since numbers have decimal commas
    words: tuple[str, ...] = ()  # the options of a column of yes, no and maybe
    short: bool = False  # whether T and F, or Y and N, are yes and no
    foreign: bool = False  # whether the answers are yes and no in another language


def judge_kinds(answers: Sequence[Any], decimal_comma: bool) -> KindRule:
    """The rule for a column of answers, in any order. `decimal_comma`: the file's own numbers have one."""
    looks = Counter[str]()
    words = Counter[str]()
    with_comma, with_point = [], []
    for value in answers:
        text = text_of(value)
        look = _look(value, text)
        looks[look] += 1
        if look == "boolean" or (look == "text" and text.lower() in THIRD):
            words[text.lower()] += 1
        if re.search(r"\d,\d", text[:MAX_LENGTH]) and look in ("commas", "spelled"):
            with_comma.append(text)
        if re.search(r"\d\.\d", text[:MAX_LENGTH]) and (look in ("number", "spelled") or _DOTTED.fullmatch(text)):
            with_point.append(re.sub(r"[^\d.]+$", "", text))
    count = looks.total()
    third = [word for word in THIRD if words[word]]
    for pair in (("yes", "no"), ("true", "false")):
        if {*words} == {*pair, *third} and len(third) == 1 and words.total() == count:
            return KindRule(words=(*pair, third[0]))
    letters = {text.lower() for text in map(text_of, answers)} if looks["letter"] == count else set()
    if letters in ({"t", "f"}, {"y", "n"}):
        return KindRule(short=True)
    if {text.lower() for text in map(text_of, answers)} in map(set, PAIRS):
        return KindRule(foreign=True)
    numeric = looks["number"] + looks["commas"] + looks["spelled"]
    polarities = {YES_NO[word] for word in words if word in YES_NO}
    mostly_text = looks["text"] + looks["letter"] > count / 2
    return KindRule(
        spelled="number" if numeric > count / 2 else "text",
        yes_no="text" if mostly_text and len(polarities) == 1 else "boolean",
        letters=looks["letter"] < 0.9 * count,
        comma=(comma := _judge_commas(with_comma, decimal_comma)),
        points=(comma == "decimal" and bool(with_comma))
        or (decimal_comma and bool(with_point) and all(map(_DOTTED.fullmatch, with_point))),
    )


def infer_kind(value: Any, rule: KindRule) -> AnswerKind:
    """The kind of an answer without options, in a column with this rule. Raises BadRowError."""
    if isinstance(value, bool):
        return "boolean"
    text = text_of(value)
    look = _look(value, text)
    if look == "boolean":
        return rule.yes_no
    if (look == "letter" and rule.short) or rule.foreign:
        return "boolean"
    if rule.points and text.count(".") > 1 and _DOTTED.fullmatch(text):
        raise BadRowError("answer", f"the points in {text[:40]!r} stand for thousands: write it without them")
    if look == "commas" and rule.comma is None:
        detail = f"the comma in {text[:40]!r} could stand for thousands or decimals: write it without, or with a dot"
        raise BadRowError("answer", f"{detail}, or give the type text if it is no number")
    if look == "letter" and not rule.letters:
        detail = f"the answer is the letter {text}, without options; give the type text if that is it"
        raise BadRowError("answer", detail)
    if look == "spelled":
        return rule.spelled
    return "number" if look in ("number", "commas") else "text"


def is_list_kind(kind: Any) -> bool:
    """Whether a row says that its answer is one list, such as `list of integers`."""
    return isinstance(kind, str) and _LIST.fullmatch(kind.strip().lower()) is not None


def names_kinds(values: Iterable[Any]) -> bool:
    """Whether a column `type` says kinds of answers, well or badly spelled; such a column may be about anything."""
    words = {text_of(value).lower()[:40] for value in values}
    if len(words) > MAX_KINDS:
        return not words.isdisjoint(KIND_NAMES)
    rest = {word for word in words if word and not is_list_kind(word)}
    if not rest:
        return words != {""}
    if len(rest) < len(words - {""}):  # `list` among topics is one of them
        return rest <= {*KIND_NAMES, *OPEN_NAMES, "option"}
    return any(word in KIND_NAMES or difflib.get_close_matches(word, _SPELLED, 1, 0.75) for word in rest)


def parse_verdict(value: Any) -> bool | None:
    """Whether a cell says yes or no: as a truth value, a word, or 1 and 0. None for anything else."""
    text = text_of(value).lower().removesuffix(".0")
    word = {"1": "Yes", "0": "No"}.get(text) or {**YES_NO, **SHORT}.get(text)
    return None if word is None else word == "Yes"


def parse_flag(value: Any) -> bool | None:
    """Whether a cell says that an answer is right. None for anything else."""
    word = text_of(value).lower()
    return RIGHT_WRONG.get(word, parse_verdict(value))


def is_plain_number(text: str) -> bool:
    """Whether a text is a number in digits, without a unit."""
    return len(text) <= MAX_LENGTH and bool(PLAIN.fullmatch(ascii_minus(text)) or _COMMAS.fullmatch(ascii_minus(text)))


def spells_number(text: str) -> bool:
    """Whether a text is one number in some spelling, with or without a unit."""
    return len(text) <= MAX_LENGTH and _BEGINS.match(text) is not None and is_number(text)


def strip_thousands(text: str) -> str:
    """The text without the commas between thousands."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)


def ascii_minus(answer: str) -> str:
    """A number's minus sign or dash as the hyphen that the grader reads."""
    return re.sub(r"^[\u2212\u2013](?=[\d.])", "-", answer)


def _judge_commas(texts: Iterable[str], decimal_comma: bool) -> Literal["decimal", "thousands"] | None:
    """What commas stand for in a column: thousands where a number could have them for nothing else, decimals where the
    file's numbers have one."""
    numbers = [re.sub(r"[^\d.,+-]", "", text) for text in texts]
    if any(number.count(",") > 1 or re.search(r",.*\.", number) for number in numbers):
        return "thousands" if all(map(_THOUSANDS.fullmatch, numbers)) else None
    return "decimal" if decimal_comma else None


def _look(value: Any, text: str) -> str:
    if isinstance(value, bool) or text.lower() in YES_NO:
        return "boolean"
    if len(text) > MAX_LENGTH:
        return "text"  # which refuses it; the patterns below are for what may be a number
    if PLAIN.fullmatch(text):
        return "number"
    if _COMMAS.fullmatch(text):
        return "commas"
    if _LETTER.fullmatch(text):
        return "letter"
    return "spelled" if spells_number(text.replace(",", "")) else "text"


def text_of(value: Any) -> str:
    """The text of a cell, "" for what is none."""
    if isinstance(value, bool):
        return str(value)
    try:
        return ascii_minus(to_text(value) or "")
    except BadRowError:  # the row is refused where its answer is read
        return ""
