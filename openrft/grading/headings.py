"""Words in front of a colon that announce the way to an answer, or a list, and do not give the answer."""

from __future__ import annotations

import re

WINDOW = 60  # characters in front of a mark that are looked at; longer phrases are not known
_TO_FIND = (
    r"(?:find|determine|get|reach|derive|obtain|compute|calculate|identify|discover|deduce|work\s+out|figure\s+out"
    r"|arrive\s+at|check|verify|evaluate|analy[sz]e|examine|explain|see|solve\s+for|look\s+for)"
)
# "Let's find the", "Steps to the", and "To get the correct" where a sentence begins: "6 times 7 to get the answer: 42".
_WAY = re.compile(
    r"(?:(?:\blet['\u2019]?s|\blet\s+(?:us|me)|\b(?:must|should|need\s+to|order\s+to)|(?:\A|[.!?\n]|\b(?:now|first|next|then|so),?)"
    rf"[\s*#]*to)\s+(?:\w+\s+){{0,2}}?{_TO_FIND}"
    r"|\b(?:steps?|ways?|path|approach|route|reasoning|hints?|clues?|key)\s+(?:to|for|towards?|behind))"
    r"\s+(?:(?:the|an|our|my|your)\s+)?(?:(?:final|correct|right|best)\s+)?[*_`]*$",
    re.IGNORECASE,
)
# "Each option: ...", "The first option is iron": of the options one after another, or of a guess that is not kept.
_NOT_THE_ONE = re.compile(
    r"\b(?:each|every|any|this|that|all|both|another|other|possible|potential|candidate|first|second|third|fourth|fifth|sixth"
    r"|last|next|previous|former|latter|initial|earlier|original|rejected|bad|poor|one"
    r"|tempting|obvious|common|popular|typical|easy|quick|naive|na\u00efve|intermediate|partial|interim|preliminary)\s+[*_`]*$",
    re.IGNORECASE,
)
_FALSE = re.compile(r"\b(?:wrong|incorrect|false|inaccurate|untrue)\s+[*_`]*$", re.IGNORECASE)
_ITEM = re.compile(r"[ \t]*(?:[-+\u2022][ \t]+)?[*_(\[]{0,4}([A-Z]|\d{1,2})[*_]{0,2}[).:\]][*_]{0,2}[ \t]")


def announces_a_way(before: str, mark: str) -> bool:
    """Whether the words before a mark such as "answer:" say what is to be done: "Let's find the answer: ..."."""
    return mark.rstrip("*_ \n\t").endswith((":", "\uff1a")) and _WAY.search(before) is not None


def is_not_the_one(before: str, is_false_asked: bool) -> bool:
    """Whether a mark such as "option is" speaks of one option after another, or of a guess that is not kept."""
    return _NOT_THE_ONE.search(before) is not None or (not is_false_asked and _FALSE.search(before) is not None)


def begins_list(text: str, mark_end: int, mark: str) -> bool:
    """Whether the mark stands above a list with letters or numbers, of which the first item is no answer."""
    first = _ITEM.match(text, mark_end) if "\n" in mark else None
    if first is None:
        return False
    end = text.find("\n", first.end())
    while end >= 0 and text[end : end + 1] == "\n":
        following = text.find("\n", end + 1)
        if text[end + 1 : following if following >= 0 else len(text)].strip():
            second = _ITEM.match(text, end + 1)
            return second is not None and _follows(first[1], second[1])
        end = following
    return False


def _follows(first: str, second: str) -> bool:
    """Whether an item's label comes right after another's: A and B, 1 and 2."""
    if first.isdigit() and second.isdigit():
        return int(second) == int(first) + 1
    return not first.isdigit() and not second.isdigit() and ord(second) == ord(first) + 1
