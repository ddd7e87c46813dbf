"""Words in front of a colon that announce the way to an answer, or a list, and do not give the answer."""

from __future__ import annotations

import re

from openrft.grading.doubt import SENTENCE_END

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
    r"|tempting|common|popular|typical|easy|quick|naive|na\u00efve|intermediate|partial|interim|preliminary)\s+[*_`]*$",
    re.IGNORECASE,
)
_OBVIOUS = re.compile(r"\bobvious\s+[*_`]*$", re.IGNORECASE)  # kept where nothing stands behind it
_NEAR = 300  # characters behind it
_FALSE = re.compile(r"\b(?:wrong|incorrect|false|inaccurate|untrue)\s+[*_`]*$", re.IGNORECASE)
_GIVEN = re.compile(  # an option, a number or a calculation
    r"[\s*_$]{0,6}(?:[(\[]?[A-Z](?:[)\].:]{1,2}[*_]*[ \t]+[^\n]{1,80}|[)\].:*_]{0,4})[ \t]*(?:\n|\Z)"
    r"|[($\\-]{0,4}\d|[^\n=]{0,200}=[^\n]{0,200}\d)"
)
_ITEM = re.compile(r"[ \t]*(?:[-+\u2022][ \t]+)?[*_(\[]{0,4}([A-Z]|\d{1,2})[*_]{0,2}[).:\]][*_]{0,2}[ \t]")


def announces_a_way(text: str, mark: re.Match[str]) -> bool:
    """Whether the words before a mark such as "answer:" say what is to be done, as in "Let's find the answer: ...", and
    neither an option nor a calculation stands behind it."""
    if not mark[0].rstrip("*_ \n\t").endswith((":", "\uff1a")):
        return False
    if not _WAY.search(text[max(0, mark.start() - WINDOW) : mark.start()]):
        return False
    return _GIVEN.match(text, mark.end()) is None or _is_list(text, mark.end())


def is_not_the_one(text: str, mark: re.Match[str], is_false_asked: bool) -> bool:
    """Whether a mark such as "option is" speaks of one option after another, or of a guess that is not kept."""
    before = text[max(0, mark.start() - WINDOW) : mark.start()]
    if _OBVIOUS.search(before) and SENTENCE_END.search(text[mark.end() : mark.end() + _NEAR].strip()):
        return True
    return _NOT_THE_ONE.search(before) is not None or (not is_false_asked and _FALSE.search(before) is not None)


def begins_list(text: str, mark: re.Match[str]) -> bool:
    """Whether the mark stands above a list with letters or numbers, of which the first item is no answer."""
    return "\n" in mark[0] and _is_list(text, mark.end())


def _is_list(text: str, start: int) -> bool:
    """Whether an item begins here and the next one follows on the next line with text."""
    first = _ITEM.match(text, start)
    if first is None:
        return False
    end = text.find("\n", first.end())
    while end >= 0:
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
