"""The options of a question, from any of the ways in which people write them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from openrft import LETTERS
from openrft_questions.cells import normalize_spaces, parse_cell, to_text
from openrft_questions.column_names import ALPHABETS, find_option_label
from openrft_questions.kinds import parse_flag
from openrft_questions.table import BadRowError

Options = tuple[tuple[str, ...], tuple[str, ...]]  # texts, and the labels by which an answer may name them
_OWN_LABEL = re.compile(r"[(\[\uff08]?([A-Za-z])(?:\s?[)\].:\u3001\uff0e\uff1a\uff09]|\s[-\u2013]\s)\s*(?=\S)")
_OWN_NUMBER = re.compile(
    r"[(\[\uff08]?(\d{1,2})(?:\s?[)\]\u3001\uff09]|[.:\uff0e\uff1a](?=\D))\s*(?=\S)|([\u2460-\u2473])\s*(?=\S)"
)
_ANSWER = re.compile(r"\(?([A-Za-z])(?:[).]?|(?:[).:]+\s*|\s+[-\u2013]\s+)(\S.*))", re.DOTALL)
_LINES = re.compile(r"(?:^|\n)[ \t]*\(?([A-Za-z])[).:][ \t]*(?=\S)")  # each option on a line of its own
_SEVERAL = re.compile(r"[A-Z](?:(?:\s*[,;/&]\s*|\s+and\s+|)[A-Z])+")
TEXT_FIELDS, LABEL_FIELDS = ("text", "value", "content", "option", "answer"), ("label", "key", "letter", "id")
MARK_FIELDS = ("correct", "is_correct", "isCorrect", "right", "is_right")
_REQUEST = re.compile(
    r"\s*\b(?:the |final |your )*(?:answer|antwort|r\u00e9ponse|respuesta|risposta)(?: is)?\s*:?\s*$", re.I
)
_HEADING = re.compile(r"(?:^|\n|(?<=[.?!]))\s*(?:answer )?(?:options|choices)\s*:\s*$", re.I)
_BRACKETS = re.compile(r"(?:^|(?<=\s))\(([A-Za-z])\)\s*(?=\S)")
_RUNNING = re.compile(r"(?<=\s)([A-Z])[).]\s*(?=\S)")
_RUNNING_SMALL = re.compile(r"(?<=\s)([a-z])\)\s*(?=\S)")
_LABELS = re.compile(r"(?:^|(?<=[\s,;|]))(?:([A-Z])\s?[).:]|([a-z])\s?\))\s*(?=\S)")


def parse_options(value: Any, lettered: Mapping[str, Any]) -> Options:
    """The options' texts and labels; none for a question without options.

    A column each (`lettered`), a list, an object by label, or `text` and `label`, in two lists or in an object each;
    lists may be written in a cell. Raises BadRowError.
    """
    value = parse_cell(value)
    if isinstance(value, str):
        value = _split_cell(value) or value
    if value is not None and value not in ([], {}) and lettered:
        names = ", ".join(sorted(lettered))
        raise BadRowError("options", f"there are options in one column and also in {names}")
    if lettered:
        return _check_options(*_options_from_columns(lettered))
    if value is None or value in ([], {}):
        return (), ()
    if isinstance(value, Mapping) and {"text", "label"} <= {*value}:
        value = {name: parse_cell(value[name]) for name in ("text", "label")}
        if not value["text"] and not value["label"]:
            return (), ()
        return _check_options(value["text"], value["label"])
    if isinstance(value, Mapping):
        filled = {label: text for label, text in value.items() if text not in (None, "")}  # Parquet fills rows
        if _are_scores(filled):
            return _check_options(list(filled), list(LETTERS[: len(filled)]))
        return _check_options(list(filled.values()), list(filled))
    if not isinstance(value, list):
        what = "a list that cannot be read (without commas?)" if str(value)[:1] in ("[", "{") else "no list"
        raise BadRowError("options", f"the options are {what}; in CSV give each a column of its own: A, B, C, ...")
    if value and all(isinstance(one, Mapping) for one in value):
        texts, labels = (_find_field(value, names) for names in (TEXT_FIELDS, LABEL_FIELDS))
        if texts and labels and all(map(_is_label, texts)) and not any(map(_is_label, labels)):
            texts, labels = labels, texts  # {"label": "Paris", "value": "a"}, as forms on the web have it
        if texts:
            own = labels and all(len(str(label)) <= 6 and " " not in str(label) for label in labels)
            return _check_options(texts, labels if own else list(LETTERS[: len(texts)]))
    return _check_options(value, list(LETTERS[: len(value)]))


def find_marked_option(value: Any) -> Any:
    """The text of the one option of a list of objects that says of itself that it is right; None without one."""
    value = parse_cell(value)
    if not isinstance(value, list) or not value or not all(isinstance(one, Mapping) for one in value):
        return None
    texts, marks = _find_field(value, TEXT_FIELDS), _find_field(value, MARK_FIELDS)
    right = [text for text, mark in zip(texts, marks, strict=False) if parse_flag(mark)]
    return right[0] if len(right) == 1 else None


def _find_field(values: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Any]:
    """The field that all of these objects have, of the first of the names; none if there is no such field."""
    name = next((name for name in names if all(name in one for one in values)), None)
    return [one[name] for one in values] if name else []


def _is_label(value: Any) -> bool:
    return re.fullmatch(r"[A-Za-z]|\d{1,2}", str(value).strip()) is not None


def _are_scores(options: Mapping[str, Any]) -> bool:
    """Whether an object holds texts with 1 for the right one and 0 for others, in place of labels with texts."""
    scores = [str(score).lower() for score in options.values()]
    right = sum(score in ("1", "1.0", "true") for score in scores)
    named = any(_is_label(label) or find_option_label(str(label)) for label in options)
    return right == 1 and {*scores} <= {"0", "1", "0.0", "1.0", "true", "false"} and not named


def mix_options(question: str, right: str, wrong: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The options in an order that only their content decides, the same everywhere, and the letter of the right one.

    For layouts that have the right one first: a policy would learn its place. Raises BadRowError.
    """
    texts, _ = _check_options([right, *wrong], list(LETTERS[: len(wrong) + 1]))
    order = sorted(texts, key=lambda text: hashlib.sha256(f"{question}\0{text}".encode()).digest())
    return tuple(order), LETTERS[order.index(texts[0])]


def split_question(text: str, answer: str) -> tuple[str, Options]:
    """A question whose options stand in its own text, on a line or in brackets each, if the answer is one of them: a
    letter, the option's text, or both. If it is a letter, the options may also stand one behind the other: A) B) C).

    What stands below the options goes above them. Unchanged, and no options, for any other question. Raises
    BadRowError.
    """
    # Letters in running text may be anything: they count only if the answer is one of them.
    running = (_RUNNING, _RUNNING_SMALL) if re.fullmatch(r"[A-Za-z]", answer.strip()) else ()
    for pattern in (_LINES, _BRACKETS, *running):
        found = _labelled_parts(text, pattern)
        if found is None or not found[0]:
            continue
        stem, parts, below = _cut_end(*found)
        named = {*re.findall("[A-Z]", answer)}  # all of them: their order is asked for
        several = _SEVERAL.fullmatch(answer.strip()) and named < {*LETTERS[: len(parts)]}
        if several and normalize_spaces(answer) not in map(normalize_spaces, parts):
            raise BadRowError("answer", f"the answer {answer[:60]!r} names several options; one alone can be right")
        if _names_part(answer, parts):
            return "\n\n".join(filter(None, (stem, below))), _check_options(parts, list(LETTERS[: len(parts)]))
    return text, ((), ())


def cut_repeated_options(text: str, options: Sequence[str]) -> str:
    """A question without the options at its end, where they have columns of their own: they may be shuffled."""
    plain = [normalize_spaces(option).casefold().rstrip(".") for option in options]
    for pattern in (_LINES, _BRACKETS, _LABELS) if plain else ():
        found = _labelled_parts(text, pattern)
        if found is not None and found[0]:
            stem, parts, below = _cut_end(*found)
            if [normalize_spaces(part).casefold().rstrip(".") for part in parts] == plain:
                return "\n\n".join(filter(None, (stem, below)))
    return text


def _names_part(answer: str, parts: Sequence[str]) -> bool:
    """Whether the answer is a letter of the options, one option's text, or both."""
    plain = [normalize_spaces(part).lower() for part in parts]
    if plain.count(normalize_spaces(answer).lower()) == 1:
        return True
    letter = _ANSWER.fullmatch(answer)
    at = LETTERS.index(letter.group(1).upper()) if letter else len(parts)
    if letter is None or at >= len(parts):
        return False
    return letter.group(2) is None or normalize_spaces(letter.group(2)).lower() == plain[at]


def _cut_end(stem: str, parts: list[str]) -> tuple[str, list[str], str]:
    """The last option without what stands below it: a request for the answer, which is dropped, or other text."""
    last, line_end, below = parts[-1].partition("\n")
    if line_end and not any("\n" in part for part in parts[:-1]):
        parts = [*parts[:-1], last.strip()]
    else:
        parts, below = [*parts[:-1], _REQUEST.sub("", parts[-1]) or parts[-1]], ""
    return _HEADING.sub("", stem), parts, _REQUEST.sub("", below).strip()


def _split_cell(text: str) -> list[str]:
    """The options in one text: with letters in front of them, or with bars, semicolons or line ends between."""
    for pattern in (_LINES, _BRACKETS, _LABELS):
        found = _labelled_parts(text, pattern)
        if found and not found[0]:
            return found[1]
    marks = [mark for mark in ("|", ";", "\n") if mark in text]
    parts = [part.strip() for part in text.split(marks[0])] if len(marks) == 1 else []
    return parts if all(parts) else []


def _labelled_parts(text: str, pattern: re.Pattern[str]) -> tuple[str, list[str]] | None:
    """The text before the options and the options, if their letters are A, B, C, ... in order, each once."""
    marks = list(pattern.finditer(text))
    letters = "".join(next(filter(None, mark.groups())).upper() for mark in marks)
    if len(marks) < 2 or letters != LETTERS[: len(marks)]:
        return None
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    parts = [text[mark.end() : end].strip().rstrip(",;|").strip() for mark, end in zip(marks, ends, strict=True)]
    return (text[: marks[0].start()].strip(), parts) if all(parts) else None


def _options_from_columns(lettered: Mapping[str, Any]) -> tuple[list[Any], list[str]]:
    """Options with a column each, by letter from A or number from 0 or 1, without a gap."""
    names = sorted(lettered, key=lambda name: (len(name), "".join(ALPHABETS).find(name), name))
    first = int(names[0]) if names[0] in ("0", "1") else 0
    counted = [str(first + i) for i in range(len(names))]
    foreign = any(alphabet.startswith("".join(names)) for alphabet in ALPHABETS)
    if not foreign and names not in (list(LETTERS[: len(names)]), counted):
        detail = f"the columns {', '.join(names)} were taken for options, and there are gaps between"
        raise BadRowError("options", detail)
    return [lettered[name] for name in names], names


def _check_options(texts: Any, labels: Any) -> Options:
    if not isinstance(texts, list) or not isinstance(labels, list) or len(labels) != len(texts):
        raise BadRowError("options", "there are not as many labels as options")
    if not 2 <= len(texts) <= len(LETTERS):
        count = "only one option" if len(texts) == 1 else f"{len(texts)} options"
        raise BadRowError("options", f"there is {count}; from 2 to {len(LETTERS)} are possible")
    written = [str(text) if isinstance(text, bool) else to_text(text) for text in texts]
    named = [to_text(label) for label in labels]
    if not all(written) or not all(named):
        raise BadRowError("options", "an option is empty or no text")
    found, own = _strip_own_labels(list(map(str, written)))
    if own and named == list(LETTERS[: len(found)]):
        named = own  # what answers count is what stands before the options
    for what, those in (
        ("options", [*map(normalize_spaces, found)]),
        ("labels", [str(label).upper() for label in named]),
    ):
        twice = next((one for one in those if those.count(one) > 1), None)
        if twice is not None:
            raise BadRowError("options", f"two {what} are the same: {twice[:60]!r}")
    return tuple(found), tuple(str(label).upper() for label in named)


def _strip_own_labels(texts: Sequence[str]) -> tuple[list[str], list[str | None]]:
    """Options without their own letters ("A. iron", "B)neon") or numbers from 1 ("1) iron"), and these numbers.

    Letters in another order are refused.
    """
    own = [_OWN_LABEL.match(text) for text in texts]
    letters = [match.group(1).upper() for match in own if match]
    if sorted(letters) == list(LETTERS[: len(texts)]):
        rest = [text[match.end() :] for text, match in zip(texts, own, strict=True) if match]
        if all(re.fullmatch("[A-Za-z]", one) and "-" in text for one, text in zip(rest, texts, strict=True)):
            return list(texts), []  # pairs, such as the ends of an edge: A - B
        if letters != sorted(letters):
            raise BadRowError("options", f"the options carry letters of their own, in the order {', '.join(letters)}")
        return rest, []
    counted = [_OWN_NUMBER.match(text) for text in texts]
    numbers: list[str | None] = [unicodedata.normalize("NFKC", match[1] or match[2]) for match in counted if match]
    if numbers == [str(i) for i in range(1, len(texts) + 1)]:
        return [text[match.end() :] for text, match in zip(texts, counted, strict=True) if match], numbers
    return list(texts), []
