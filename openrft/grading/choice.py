"""Which option an answer names: one, by its letter or by its text, with nothing that names another or takes it back."""

from __future__ import annotations

import re

from openrft.grading import doubt
from openrft.grading.finding import NOTHING, Finding, refuse
from openrft.grading.options import MARKS, OptionTable, get_option_table
from openrft.types import Sample

DENIED = "is taken back"
_AROUND = " \n\t~{}$"
LONGEST = 4000  # characters of an answer that are read: what an option is called stands at its start
# "b", "(B)", "b) text", "B because ...". Not "a mess": a lower-case letter before a space is a word. Not "B-cell".
_LETTER = re.compile(r"[(\[]?\s*(?:([A-Z])(?=\s|[)\]:,;!?=/&+]|\.(?!\d)|$)|([a-z])(?=\s*(?:[)\].:,;/&]|$)))")
_LEAD = re.compile(
    r"(?:(?:the\s+)?(?:letter|option|choice|alternative|candidate|selection|variant)\s*[:#]?\s*"
    r"|(?:it|this|that)(?:['\u2019]s|\s+is|\s+must\s+be|\s+should\s+be|\s+would\s+be)\s+(?=[(\[]?[A-Z][)\]]?(?!\w)))",
    re.IGNORECASE,
)
_NOT_BUT = re.compile(
    r"not\s+(?P<denied>[^.;\n]{1,80}?)\s*[,;.\u2014-]*\s*\b(?:but(?:\s+rather)?|(?:it|that)(?:['\u2019]s|\s+is)|rather|instead)\s+",
    re.IGNORECASE,
)
_SPEAKS_OF = re.compile(  # "Iron is lighter", "Iron, lead and gold are all lighter"
    r"(?:,?\s+(?!which|that|who)(?:and\s+)?\w+){0,6}?\s+(?:is|are|was|were|has|have|does|can|would)\b", re.IGNORECASE
)
_BUT = re.compile(r"but\b", re.IGNORECASE)
_LISTED = re.compile(r"[(\[\"'`\u201c\u2018\u00ab\u300c*]*[A-Z][)\]]?(?![\w'])")
_DENIED = re.compile(
    r"(?:definitely\s+|certainly\s+)?(?:not|neither|none|unclear|unknown|nothing)\b|n't", re.IGNORECASE
)
_IS_WRONG = re.compile(
    r"\s(?:is|was)\s+(?:(?:also|clearly|definitely|actually|obviously|therefore|simply)\s+)?"
    r"(?:wrong|incorrect|false|not\s+(?:the\s+)?(?:correct|right|true|answer))\b",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"[,;:.!?]|\b(?:but|and|so|then|however|option|answer|choice|no|yes)\b", re.IGNORECASE)
_BARE = re.compile(r"[(\[]?([A-Z])(?:[)\].:]{1,2}\s*(.*)|)", re.DOTALL)
_FIRST_PERSON = re.compile(
    r"[\s.,\u2026\u2013\u2014-]*(?:as\s+an?|an\s+AI|really|do(?:es)?\b|did|don['\u2019]?t|can(?:not|['\u2019]t)?|am|was|would|will|have|think"
    r"|believe|guess|could|must|should|might|may|know|need|cannot|was|['\u2019](?:m|d|ll|ve))\b",
    re.IGNORECASE,
)
_SAME_SHAPE = str.maketrans({"\u0410": "A", "\u0421": "C", "\u0391": "A", "\u0392": "B"})  # of other alphabets


def read_choice(sample: Sample, raw: str) -> Finding:
    """The letter of the one option that an answer names; a refusal or nothing otherwise. `raw` has no markup."""
    table = get_option_table(sample)
    whole = raw[:LONGEST].strip()
    raw = whole.strip(_AROUND)
    if len(raw) == 1:
        raw = raw.translate(_SAME_SHAPE)
    if not (len(raw) == 1 and raw.upper() in table.labels):
        for spelled in dict.fromkeys((raw, whole)):  # the whole too: a last brace may belong to a formula
            if (index := table.find_text(spelled)) is not None:
                return Finding(table.labels[index])
    if lead := _LEAD.match(raw):
        raw = raw[lead.end() :]
    if found := _NOT_BUT.match(raw):
        second = read_choice(sample, raw[found.end() :]) if len(raw) > found.end() else NOTHING
        denied = {table.labels[index] for index in table.find_mentions(found["denied"])}
        return second if second.answer and second.answer not in denied else refuse("it says what the answer is not")
    if _DENIED.match(raw):
        return refuse("it says what the answer is not")
    return _read_letter(table, raw) or _read_text(table, raw) or NOTHING


def _read_letter(table: OptionTable, raw: str) -> Finding | None:
    """An answer that begins with a letter. None if it does not."""
    found = _LETTER.match(raw)
    letter = (found[1] or found[2]).upper() if found else ""
    if found is None:
        return None
    if letter not in table.labels:
        if table.find_beginning(raw)[0]:
            return None
        alone = not raw[found.end() :].strip(MARKS)
        return refuse(f"{letter} is none of the options") if alone else None
    if letter == "I" and _FIRST_PERSON.match(raw, found.end()):
        return None  # "I think", not the ninth option
    if letter == "A" and raw[found.end() :][:1].isspace() and table.find_beginning(raw)[1] > 1:
        return None  # the text of an option that begins with an article
    return _check_rest(table, table.labels.index(letter), raw[found.end() :])


def _read_text(table: OptionTable, raw: str) -> Finding | None:
    """An answer that begins with the text of an option. None if it does not."""
    article = re.match(r"(?:the|an?)\s+", raw, re.IGNORECASE)
    for start in (0, article.end() if article else 0):
        chosen, end = table.find_beginning(raw[start:])
        if len(chosen) == 1:
            (index,) = chosen
            letters = re.match(r"\s*[(\[]([A-Za-z])[)\]]", raw[start + end :])
            if letters and letters[1].upper() == table.labels[index]:
                end += letters.end()
            return _check_rest(table, index, raw[start + end :])
    return None


def _check_rest(table: OptionTable, chosen: int, rest: str) -> Finding:
    """An option's name followed by `rest` is one answer if `rest` names no other option and takes nothing back.

    After a punctuation mark any other words may follow. After a space alone, only the option's text, a reason or a
    confirmation may.
    """
    letter = table.labels[chosen]
    if rest.lstrip()[:1] == "?":
        return refuse(f"{letter} is in question")
    marked = bool(rest.strip()) and rest.strip()[0] in MARKS
    remainder = rest.strip(MARKS)
    named, end = table.find_beginning(remainder)
    if named and chosen in named:
        remainder, marked = remainder[end:].strip(MARKS), True
    elif named and not _SPEAKS_OF.match(remainder, end):
        return _name_two(table, chosen, named)
    if not remainder:
        return Finding(letter)
    if rest.lstrip()[:1] in (",", "&") and (listed := _LISTED.match(remainder)):  # "A, C and D are wrong"
        others = table.find_letters(listed[0]) - {chosen}
        if others:
            return _name_two(table, chosen, others)
    called_false = doubt.CALLED_FALSE.match(remainder)
    if called_false and table.is_false_asked:
        return Finding(letter)
    if (called_false or doubt.TAKEN_BACK.match(remainder)) and not _is_contrast(table, chosen, remainder):
        others = table.find_mentions(remainder) - {chosen}
        return _name_two(table, chosen, others) if others else refuse(f"{letter} {DENIED}")
    if not marked and not any(
        pattern.match(remainder) for pattern in (doubt.REASON, doubt.CONFIRMED, doubt.CONTRAST, _BUT)
    ):
        return NOTHING
    return _check_sentences(table, chosen, doubt.SENTENCE_END.split(remainder))


def is_denied(sample: Sample, letter: str, text: str) -> bool:
    """Whether a sentence of the text says that the option with this letter is wrong, whatever others say."""
    table = get_option_table(sample)
    chosen = table.labels.index(letter)
    return not table.is_false_asked and any(
        _is_called_wrong(table, chosen, sentence) for sentence in doubt.SENTENCE_END.split(text[:LONGEST])
    )


def _is_called_wrong(table: OptionTable, chosen: int, sentence: str) -> bool:
    for found in _IS_WRONG.finditer(sentence):
        subject = _SUBJECT.split(sentence[: found.start()])[-1].strip(MARKS + _AROUND)
        if subject.strip("()[]*") == table.labels[chosen] or table.find_text(subject) == chosen:
            return True
    return False


def find_bare_option(sample: Sample, line: str) -> str | None:
    """The letter of the option that a line is, with its text or without, and nothing else; None if it is none."""
    table = get_option_table(sample)
    found = _BARE.fullmatch(line)
    if found and found[1] in table.labels:
        index = table.labels.index(found[1])
        return found[1] if not found[2] or table.find_text(found[2]) == index else None
    return None


def check_sentences(sample: Sample, letter: str, sentences: list[str]) -> Finding:
    """The option with this letter, unless one of the sentences behind it takes it back or puts another beside it."""
    table = get_option_table(sample)
    return _check_sentences(table, table.labels.index(letter), sentences)


def _check_sentences(table: OptionTable, chosen: int, sentences: list[str]) -> Finding:
    for sentence in sentences:
        if doubt.SUPPOSED.match(sentence.strip(MARKS)):  # of a question that is not asked
            continue
        if objection := _object(table, chosen, sentence):
            return objection
    return Finding(table.labels[chosen])


def _is_contrast(table: OptionTable, chosen: int, remainder: str) -> bool:
    """Whether the words behind an option only deny others, as in "not C"."""
    found = re.match(
        r"(?:(?:and\s+|but\s+)?not\s+(?:the\s+|options?\s+)?|\u800c?\u4e0d\u662f)(?=[(\[]?\w)", remainder, re.IGNORECASE
    )
    if not found:
        return False
    clause = re.split(r"[,;.]|\bbut\b", remainder[found.end() :], maxsplit=1)[0]
    mentioned = table.find_mentions(clause)
    return bool(mentioned) and chosen not in mentioned and "but" not in remainder[found.end() :].split()


def _object(table: OptionTable, chosen: int, sentence: str) -> Finding | None:
    """Why a sentence behind the answer takes it back, or puts another beside it; None if it does not."""
    reason = doubt.ANY_REASON.search(sentence)
    said = sentence[: reason.start()] if reason else sentence
    letter = table.labels[chosen]
    if not table.is_false_asked and _is_called_wrong(table, chosen, said):
        return refuse(f"{letter} {DENIED}")
    retraction = doubt.CHANGED if table.is_false_asked else doubt.RETRACTION
    if doubt.OPEN.search(said) or retraction.search(said):
        others = table.find_mentions(said) - {chosen}
        return _name_two(table, chosen, others) if others else refuse(f"{letter} {DENIED}")
    others = table.find_mentions(said) - {chosen}
    if not others:
        return None
    negative = doubt.NEGATIVE.search(said) is not None
    if doubt.PRAISED.search(said) and not negative:
        return _name_two(table, chosen, others)
    if doubt.ANY_CONTRAST.search(said) or negative:
        return None
    if doubt.DOUBT.search(said) or not doubt.STATED.search(said):
        return _name_two(table, chosen, others)
    return None


def _name_two(table: OptionTable, chosen: int, others: set[int]) -> Finding:
    letters = [table.labels[index] for index in sorted({chosen, *others})]
    if len(letters) == 1:
        return refuse(f"{letters[0]} {DENIED}")
    return refuse(
        f"names {'two' if len(letters) == 2 else 'several'} options: {', '.join(letters[:-1])} and {letters[-1]}"
    )
