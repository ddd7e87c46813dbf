"""When two texts are the same answer.

Spaces, leading articles, final marks, quotation marks, kinds of dashes, composed accents, markup and the notation of
formulas do not count (notation.py). Case counts where it means something. It is free in a word of at least three
letters that is all small or has only its first as a capital, and in an acronym that is written small. It is not free in
a symbol (Co, mW, pH), a formula, a genotype (AaBb) or SMILES.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from fractions import Fraction

from openrft.grading.chemistry import (
    drop_bonds,
    drop_ion_brackets,
    drop_states,
    has_isotope,
    is_formula,
    is_same_molecule,
    write_configuration,
    write_isotopes,
)
from openrft.grading.markup import remove_markup
from openrft.grading.notation import CHARGE, GREEK_NAMES, unify_notation
from openrft.grading.written_forms import is_same_written_form
from openrft.types import Sample

_SHORT_WORDS = frozenset(
    {"an", "as", "at", "be", "by", "do", "if", "in", "is", "it", "no", "of", "on", "or", "to", "up"}
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=[^\W\d_]{2})|(?<=[^\W\d_]{2})\s+the(?=\s+[^\W\d_]{2})", re.IGNORECASE)
_INTRODUCTION = re.compile(
    r"^(?:it|this|that|they|these)(?:'s|\s+is|\s+are)\s+(?:called\s+|known\s+as\s+)?(?=\w)", re.IGNORECASE
)
_NAME_OF_VALUE = re.compile(r"^[A-Za-z]\w{0,7}(?:\([A-Za-z]\))?[=∈](?=[^=])")  # x=4, f(x)=4
_VALUE = re.compile(r"(-?)(?:([1-9]\d{0,30}|0)(\.\d{1,30})?(?:/([1-9]\d{0,30}))?)")
_UNIT_OF_VALUE = re.compile(r"^\$(?=[\d.]+$)|(?<=\d)°$")
_TIME = re.compile(r"(?<=\d)([ap])\.?m\b", re.IGNORECASE)
_STARTS = " \t\n,;:"
_ENDS = " \t\n.,;:?"
_EXCLAMATION = re.compile(r"(?<=[^\W\d_]{3})!+$")
_GENOTYPE = re.compile(r"(?:(.)\1)+")
_ROMAN = re.compile(r"[IVX]{2,}")
_LITRES = ({"l", "L"}, {"ml", "mL"}, {"dl", "dL"}, {"ul", "uL"})
_SMILES_LETTERS = re.compile(r"[BCNOPSF]+")
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_]{2})|(?<=[^\W\d_]{2})-(?=[^\W\d_])|(?<=\d)-(?=[^\W\d_]{3})")
_GREEK = re.compile(f"[{''.join(GREEK_NAMES)}]")
_WORD = re.compile(r"[^\W\d_]+")
# Where an answer ends and its explanation begins, and what in an explanation takes the answer back.
_REASON = re.compile(
    r",? (?:because|since|due to|as (?:it|its|the|this|that|they|these)|which|where"
    r"|(?:is|are) the (?:correct |right |final |best )?answer)\b"
    r"|, (?:(?:the|an?) (?=[a-z])|(?:and )?not )|,? (?:rather than|instead of|as opposed to) "
)
_REMARK = re.compile(r"[.!;] (?=[A-Z(])|\n| [–—] (?=\w)| \((?![IVX]+\))(?=[^()]*\)[. ]*$)")
_DOUBT = re.compile(
    r"^[^\w\n]*(?:or|no|wait|actually|but|however|alternatively|also|and|hmm|maybe|perhaps|possibly|either|scratch"
    r"|(?:sorry|correction|rather)(?=\s?[,.:;!])|i\s+meant?(?=[:,]?\s+[\w-]+\W*$)|equally|both\s+(?:are|correct|\w+\s+and\s+\w+\s+(?:are|fit|work))|just\s+kidding"
    r"|on\s+second)\b"
    r"|^[^\w\n]*(?:not|false|wrong|incorrect|untrue|rejected|eliminated|ruled\s+out|excluded)\W*$"
    r"|\b(?:(?:could|might|may|can)\s+(?:also\s+|well\s+)?be|alternatively|or\s+(?:maybe|perhaps)|instead|(?:not|un)\s?sure"
    r"|(?:is|was|['\u2019]s)\s+(?:not\s+(?:right|correct)|wrong|incorrect|false|untrue)|equally\s+(?:likely|valid|possible|good)"
    r"|(?:another|a\s+second)\s+(?:possible\s+|valid\s+)?answer|(?:right|correct|possible|valid)\s+(?:too|also|as\s+well))\b",
    re.IGNORECASE | re.MULTILINE,
)
_DOUBT_IN_REASON = re.compile(  # only where a sentence begins, or the reason itself says no more
    r"\A,? which (?:is|was) (?:not (?:right|correct)|wrong|incorrect|false|untrue)\W*\Z"
    r"|[.!?;\n]\s*(?:wait|alternatively|maybe|perhaps|scratch\s+that|just\s+kidding|on\s+second|or\b|(?:no|sorry|correction|actually)"
    r"(?=\s?[,.:;!]))",
    re.IGNORECASE,
)
_MORE_NAMES = re.compile(  # a list goes on: "; Iridium", ". Iridium. Gold."
    r"(?:(?:;\s*[^\W\d_][\w'-]{2,30}){1,20}|(?:[.\n]\s*(?!(?:thanks|done|yes|correct|good|great|cheers|verified|simple|easy|exactly"
    r"|indeed|qed)\b)[^\W\d_][\w'-]{2,30}){2,20})[\s.!]*",
    re.IGNORECASE,
)
_SHORT = 600  # characters; the canonical form of longer texts is not kept, and fewer of their spellings are tried


def normalise(text: str) -> str:
    """Lower case, single spaces, no full stop at the end."""
    return " ".join(text.lower().split()).rstrip(".")


def is_same_text(said: str, gold: str, is_smiles: bool = False) -> bool:
    """Whether an answer is the gold answer, apart from formatting and spelling that do not matter.

    `is_smiles`: whether the gold answer is SMILES even where it could be a formula. Never raises; linear in the length
    of both.
    """
    if len(said) > 2 * len(gold) + 400:  # no spelling of the gold answer is so long
        return False
    if said.strip() and said == _cached_plain(gold):  # a reader has removed the markup: {1, 2} of \{1, 2\}
        return True
    plain = _cached_plain(said) if len(said) <= _SHORT else remove_markup(said)
    return _is_same_plain_text(plain, _cached_plain(gold), is_smiles)


def _is_same_plain_text(said: str, gold: str, is_smiles: bool) -> bool:
    if said == gold:
        return bool(gold.strip())
    if said[:1] == said[-1:] == "*" and "*" not in gold:
        said = said[1:-1]  # emphasis: no gold answer with stars is a molecule here
    one, other = _canonical(said), _canonical(gold)
    if not one or not other:
        return False
    if "=" not in other and "∈" not in other:
        one = _NAME_OF_VALUE.sub("", one)
    return (
        _is_same_spelling(one, other)
        or _is_same_value(one, other)
        or ("(" not in other and _is_same_spelling(drop_states(one), other))
        or is_same_written_form(one, other)
        or is_same_molecule(said.strip().rstrip("."), gold.strip(), is_smiles)
    )


def read_text(sample: Sample, raw: str) -> str | None:
    """The answer: all of it, or what stands before an explanation if that alone is a right answer."""
    head = cut_explanation(raw)
    if head != raw and is_accepted_text(head, sample) and not is_accepted_text(raw, sample):
        return head
    return raw or None


def is_accepted_text(said: str, sample: Sample) -> bool:
    """Whether the text is one of the sample's right answers."""
    is_smiles = "smiles" in sample.question.lower()
    return any(is_same_text(said, gold, is_smiles) for gold in (sample.answer, *sample.accepted))


def cut_explanation(said: str) -> str:
    """The answer without the reason, remark or further sentences behind it, unless these take the answer back."""
    said = re.sub(r"[ \t]+", " ", said)
    found = _REASON.search(said)
    head = said[: found.start()] if found and _DOUBT_IN_REASON.search(said[found.start() :]) is None else said
    found = _REMARK.search(head)
    if (
        found
        and _DOUBT.search(head[found.end() :]) is None
        and not _MORE_NAMES.fullmatch(head[found.start() :].lstrip(" "))
    ):
        head = head[: found.start()]
    return head if head.strip() else said


def _canonical(text: str) -> str:
    return _cached_canonical(text) if len(text) <= _SHORT else _write_canonical(text)


def _write_canonical(text: str) -> str:
    """One notation, no article in front, no final mark, no quotation marks. Case stays."""
    text = drop_ion_brackets(unify_notation(text.lstrip(_STARTS).rstrip(_ENDS)))
    text = write_configuration(_INTRODUCTION.sub("", text).replace('"', ""))
    text = _ARTICLE.sub("", _EXCLAMATION.sub("", text.lstrip(_STARTS + "'").rstrip(_ENDS + "'"))).strip()
    return _TIME.sub(lambda found: f"{found[1].lower()}m", text)


_cached_plain = functools.lru_cache(maxsize=1024)(remove_markup)
_cached_canonical = functools.lru_cache(maxsize=4096)(_write_canonical)


def _is_same_value(said: str, gold: str) -> bool:
    """Whether both are plain numbers or fractions of the same value, as 0.5 and 1/2. The signs of dollars, degrees and
    percent may be missing where the number alone is equal, but 50% does not answer 50."""
    said, gold = _UNIT_OF_VALUE.sub("", said), _UNIT_OF_VALUE.sub("", gold)
    if gold.endswith("%"):
        said, gold = said.removesuffix("%"), gold.removesuffix("%")
    one, other = _VALUE.fullmatch(said), _VALUE.fullmatch(gold)
    return one is not None and other is not None and _read_value(one) == _read_value(other)


def _read_value(found: re.Match[str]) -> Fraction:
    sign, whole, decimals, below = found.groups(default="")
    return Fraction(f"{sign}{whole}{decimals}") / int(below or 1)


def _is_same_spelling(said: str, gold: str) -> bool:
    """Whether two canonical texts differ in nothing that means something."""
    if _is_same_case(said, gold):
        return True
    if not has_isotope(gold) and _write_signature(said) != _write_signature(gold):
        return False
    if (CHARGE in said) != (CHARGE in gold):  # Ca2+ and Ca^{2+}; but O_2^- is not O^{2-}
        return _is_same_case(said.replace(CHARGE, ""), gold.replace(CHARGE, ""))
    if len(gold) > _SHORT:
        return False
    rewrites = [_name_greek, _space_hyphens, _join_hyphens]
    if said.isascii():
        rewrites.append(_drop_accents)
    if is_formula(gold):
        rewrites.append(drop_bonds)
    if has_isotope(gold):
        rewrites.append(write_isotopes)
    return any(_is_same_case(rewrite(said), rewrite(gold)) for rewrite in rewrites)


def _write_signature(text: str) -> str:
    """Letters and digits alone, small and without accents: different ones are of different answers."""
    return "".join(sign for sign in _drop_accents(_name_greek(text)).lower() if sign.isalnum())


def _name_greek(text: str) -> str:
    """\u03b1 and alpha are the same name; \u0394 and \u03b4 are not the same sign."""
    named = _GREEK.sub(lambda found: f" {GREEK_NAMES[found[0]]} ", text)
    return text if named == text else unify_notation(named)


def _space_hyphens(text: str) -> str:
    return _HYPHEN.sub(" ", _name_greek(text))


def _join_hyphens(text: str) -> str:
    return _HYPHEN.sub("", _name_greek(text))


def _drop_accents(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


def _is_same_case(said: str, gold: str) -> bool:
    """Whether two texts are equal but for the case of words in which it is free."""
    if said == gold:
        return True
    if len(said) != len(gold) or said.lower() != gold.lower():
        return False
    for found in _WORD.finditer(gold):
        other = said[found.start() : found.end()]
        if other != found[0] and not _is_case_free(found[0], other, gold):
            return False
    return True


def _is_case_free(word: str, said: str, text: str) -> bool:
    """Whether `said`, which differs from a word of the gold text in case alone, means the same."""
    if _ROMAN.fullmatch(word):
        return said.islower()
    if {word, said} in _LITRES:
        return f"/{word}" in text or re.search(rf"\d{word}", text) is not None
    if len(word) < 3:  # a symbol or a variable, except in a sentence, in No, and in abbreviations (E. coli)
        is_word = word.lower() in _SHORT_WORDS and _is_plain(word)
        return (is_word and (" " in text or (word.lower() == "no" and _is_plain(said)))) or f"{word}." in text
    if _GENOTYPE.fullmatch(word.lower()):
        return False
    if word.isupper():  # an acronym, unless it may be SMILES
        return said.islower() and not _SMILES_LETTERS.fullmatch(word)
    return _is_plain(word) and (_is_plain(said) or said.isupper())


def _is_plain(word: str) -> bool:
    return word.islower() or (word[0].isupper() and word[1:].islower())
