"""The options of a choice as a grader knows them: which of them a text is, begins with, or mentions."""

from __future__ import annotations

import functools
import re

from openrft.grading.asked import asks_for_false
from openrft.grading.markup import remove_markup
from openrft.grading.number import is_same_number
from openrft.grading.rules import GradingRules
from openrft.grading.text import is_same_text, normalise
from openrft.types import LETTERS, Sample

MARKS = " \n\t().:,;=*[]!\u2013\u2014-"  # stripped around what an answer says
_LONGEST = 300  # characters of an option that a sentence may mention
_PROSE = re.compile(r"(?!.*(?:deg|per ?cent))[A-Za-z0-9 ,;.!?'\"-]*", re.IGNORECASE | re.DOTALL)  # without formulas
_ARTICLE = re.compile(r"\b(?:the|an?)\b")
_MINUS = re.compile(r"[-\u2013](?=[\d.$(\\]|[A-Za-z](?![A-Za-z])|(?:sqrt|pi|ln|log|sin|cos|tan)\b)")
_WORD = re.compile(r"[^\W\d_]+")
_LONG_WORD = re.compile(r"[^\W\d_]{3}")
_SMILES = re.compile(r"(?=.*\d)[BCNOPSF\d()=#\[\]@+/\\-]{5,}", re.IGNORECASE)
_EXACT = GradingRules(relative_tolerance=0.0)
# An option named by its letter: "C", "(c)", "c,". Not "a mess", not inside CC(C)=O.
_LETTER = re.compile(
    r"(?:^|(?<=[\s,/&(\[:+\"'`\u201c\u2018\u00ab\u300c*]))[(\[]?(?:([A-Z])[)\]]?(?=[\s,.:;/&)\]!?+'\"`\u201d\u2019\u00bb\u300d*]|$)"
    r"|([a-z])(?:[)\]]|(?=[,:;/&]|\.?\s*$)))"
)
_A_NAME_BEFORE = re.compile(
    r"(?:\b(?:vitamins?|hepatitis|types?|groups?|phase|figure|table|class|factor|class|appendix|section|plan|part|point"
    r"|protein|exon|strain|influenza|blood|layer)|\d|\u00b0)\s{0,2}$",
    re.IGNORECASE,
)
_WORD_BEHIND = re.compile(r"\s+[a-z]")
_VERB_BEHIND = re.compile(
    r"\s+(?:is|are|was|were|isn't|has|have|does|do|did|can|cannot|could|would|will|may|might|and|or|nor|but|because|as|to"
    r"|in|by|if|since|correct|wrong|incorrect|not|also|too|instead|over|with|\w+s|\w+ed)\b"
)


class OptionTable:
    """The options of one question."""

    def __init__(self, options: tuple[str, ...], is_false_asked: bool) -> None:
        self.is_false_asked = is_false_asked  # the question asks for the option that is wrong
        self.labels = LETTERS[: len(options)]
        self.texts = [remove_markup(option) for option in options]
        self._spelled = [_strip_marks(text) for text in self.texts]

    def find_text(self, said: str) -> int | None:
        """The option whose text this is: as it is written, or else spelled in another way or in another case, if that
        is true of one option alone."""
        said = said.strip()
        if not said or len(said) > 2 * max(map(len, self.texts), default=0) + 400:
            return None
        bare = _strip_marks(said)
        tests = (
            lambda text, _: text == said,
            lambda _, spelled: spelled == bare != "",
            lambda text, _: _may_be_same(said, text) and is_same_text(said, text),
            lambda text, _: normalise(text) == normalise(said) != "" and _is_case_free(said, text),
            lambda text, _: bool(re.search(r"\d", said)) and is_same_number(said, text, _EXACT),
            lambda _, spelled: spelled.lower() == bare.lower() != "" and _is_case_free(bare, spelled),
        )
        for test in tests:
            found = [index for index, pair in enumerate(zip(self.texts, self._spelled, strict=True)) if test(*pair)]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def find_beginning(self, text: str) -> tuple[set[int], int]:
        """The options that the text begins with, in whole words (several if they are spelled alike), and where they
        end. The longest option counts."""
        found = self._names.match(text) if self._folded else None
        return (self._resolve(found[0]), found.end()) if found else (set(), 0)

    def find_mentions(self, text: str) -> set[int]:
        """The options that the text mentions, by their letters or by their texts."""
        mentioned = self.find_letters(text)
        for found in self._names.finditer(text) if self._folded else ():
            word = found[0]
            if len(word) > 1 and (len(word) > 3 or not word.isalpha() or word in self._spelled):
                mentioned |= self._resolve(word)
        return mentioned

    def find_letters(self, text: str) -> set[int]:
        """The options that the text names by their letters."""
        mentioned = set()
        for found in _LETTER.finditer(text):
            letter = (found[1] or found[2]).upper()
            if letter not in self.labels:
                continue
            behind = text[found.end() : found.end() + 24]
            if found[0] in "AI" and _WORD_BEHIND.match(behind) and not _VERB_BEHIND.match(behind):
                continue  # "A common distractor", "I think"
            if not _A_NAME_BEFORE.search(text[max(0, found.start() - 16) : found.start()]):
                mentioned.add(self.labels.index(letter))
        return mentioned

    def _resolve(self, word: str) -> set[int]:
        """The options with this text; of several that differ in case, the one that is written the same way."""
        spelled = " ".join(word.split())
        exact = {index for index, text in enumerate(self._spelled) if text == spelled}
        folded = self._folded.get(spelled.lower(), ())
        return exact or {index for index in folded if _is_case_free(spelled, self._spelled[index])}

    @functools.cached_property
    def _folded(self) -> dict[str, list[int]]:
        folded: dict[str, list[int]] = {}
        for index, text in enumerate(self._spelled):
            if text and len(text) <= _LONGEST:
                folded.setdefault(text.lower(), []).append(index)
        return folded

    @functools.cached_property
    def _names(self) -> re.Pattern[str]:
        """The texts of the options, the longest first, as whole words."""
        texts = sorted((re.escape(text).replace(r"\ ", r"\s{1,3}") for text in self._folded), key=len, reverse=True)
        return re.compile(rf"(?<![\w.-])(?:{'|'.join(texts)})(?!\w|\.\d|-[^\W\d_])", re.IGNORECASE)


def _strip_marks(text: str) -> str:
    """The text without the marks around it. A minus before a value is none: -4 is not 4."""
    text = " ".join(text.split())
    bare = text.strip(MARKS)
    found = _MINUS.match(text.lstrip(MARKS.replace("-", "").replace("\u2013", "")))
    return f"-{bare}" if found and bare else bare


def _is_case_free(said: str, text: str) -> bool:
    """Whether two texts that differ in case alone are one: not `Co` and `CO`, `5 mW` and `5 MW`, nor SMILES. Whoever
    writes small letters alone is taken to leave out the capitals."""
    if said.islower():
        return not _SMILES.fullmatch(text)
    if said.isupper() and _LONG_WORD.search(said):
        return not (_SMILES.fullmatch(said) and _SMILES.fullmatch(text))
    has_digit = any(sign.isdigit() for sign in text)
    for one, other in zip(_WORD.findall(said), _WORD.findall(text), strict=False):
        if one != other and len(one) < 3 and (has_digit or not one[1:].islower() or not other[1:].islower()):
            return False
    return True


def _may_be_same(said: str, text: str) -> bool:
    """Whether two texts can be spellings of one: prose with other letters cannot, and most sentences are prose."""
    if " " not in said or not _PROSE.fullmatch(said) or not _PROSE.fullmatch(text):
        return True
    one, other = (_ARTICLE.sub("", re.sub(r"[^a-z0-9 ]", "", part.lower())).replace(" ", "") for part in (said, text))
    return one.endswith(other)


@functools.lru_cache(maxsize=1024)
def _get_table(options: tuple[str, ...], is_false_asked: bool) -> OptionTable:
    return OptionTable(options, is_false_asked)


def get_option_table(sample: Sample) -> OptionTable:
    """The table of a question's options."""
    return _get_table(sample.options, asks_for_false(sample.question))
