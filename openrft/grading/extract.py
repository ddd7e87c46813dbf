r"""The strict reading: a final answer in the asked form.

That is the last `\boxed{...}`, or else a statement such as "the answer is X" or "Answer: X". Only the completion is
read, never the prompt. A sentence about the answer is none: "This answer is supported by ...", "Why the answer is not".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrft.grading.boxes import LONGEST, Place, find_last_box, read_boxes
from openrft.grading.finding import NOTHING, Finding, refuse
from openrft.grading.headings import WINDOW, announces_a_way, begins_list
from openrft.grading.markup import remove_markup, strip_markup
from openrft.grading.readers import READERS
from openrft.grading.thinking import strip_thinking
from openrft.types import Sample

MOST = 50  # statements that are read: a text that gives no answer in so many gives none
_ANSWER_IS = re.compile(r"answer[*_`\"']*\s*(?:is\b|:)\s*:?(?:[*_]+(?=\s))?\s*", re.IGNORECASE)
_DISPLAY = re.compile(r"(\\\[|\$\$)[ \t]*\n")  # of mathematics on lines of its own
_NO_STATEMENT_AFTER = re.compile(
    r"(?:\b(?:(?:this|that|an|any|each|every|another|whose|which|no)\s+(?:(?:final|correct|right|best|possible)\s+)?"
    r"|(?:wrong|incorrect|previous|first|initial|earlier|original|typical|tempting|na[i\u00ef]ve|intermediate|partial"
    r"|preliminary|trick)\s+|(?:(?:opposite|negation|inverse|half)\s+(?:of\s+)?|part\s+of\s+)(?:(?:the|my|your)\s+)?"
    r"(?:(?:final|correct|right)\s+)?"
    r"|(?:why|whether|if|unless|until|suppose|supposing|assuming)\s+(?:(?:the|my|your|our|a)\s+)?"
    r"(?:(?:final|correct|right|best)\s+)?)|[\"'](?:\w+[ _])?)[*_`]*$",
    re.IGNORECASE,
)
# "I don't think the answer is", "One might say that the answer is", "Assume the answer is": it is not given.
_NOT_GIVEN = re.compile(
    r"(?:(?:\b(?:not|never|cannot|unlikely|nobody|no\s+(?:one|proof|evidence)|wrong|tempting|might|may|could|some|many)"
    r"|n['\u2019]t)\b[^.!?\n,;:]{0,24}\s(?:think|believe|say|claim|mean|assume|guess|true|(?:the\s+)?case|sure|certain"
    r"|convinced)|(?<!no\s)(?<!without\s)\bdoubt|\b(?:assume|imagine|pretend|let['\u2019]?s\s+say"
    r"|unlikely|no\s+(?:proof|evidence|way)|nobody\s+(?:thinks|says|believes|claims)|(?:naive|first)\s+guess\s+says"
    r"|at\s+first(?:\s+(?:glance|sight))?,?(?:\s+it\s+(?:seems|appears|looks)(?:\s+(?:like|as\s+if))?)?))"
    r"\s+(?:that\s+)?(?:(?:the|my|your|our)\s+)?(?:(?:final|correct|right|best)\s+)?[*_`]*$"
    r"|\b(?:worst|(?:next|second)[ -]best|least\s+likely)\s+[*_`]*$",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[.!?](?=\s|$)|\n|,\s+but\b", re.IGNORECASE)
_CLOSING_REMARK = re.compile(
    r"(?<=[.!*)\]$])\s+(?:please\s+|just\s+|feel\s+free\s+to\s+)?let\s+(?:me|us)\s+know\b.*", re.IGNORECASE
)
_LINE_START = re.compile(r"\n[#>*_ \t]*\Z")
_REJECTED = re.compile(  # "The obvious answer is D, but that is wrong"
    r"[^.\n]{1,80}?\bbut\s+(?:that|this|it)(?:['\u2019]s|\s+is|\s+would\s+be)\s+(?:not\s+(?:correct|right)|wrong|incorrect|false"
    r"|a\s+(?:common\s+)?(?:misconception|mistake|trap))\b",
    re.IGNORECASE,
)
_EXCLAMATION = re.compile(r"(?<=[\d*])!{1,3}[*_\s]{0,8}\Z")
_FORMULA = re.compile(r"[\\$=^/+]|\d!.*\d!|\bfactorial\b")
_DENIES = re.compile(r"[\s*_]*(?:(?:definitely|certainly|clearly|surely)\s+)?not\s+", re.IGNORECASE)
_NO_STATEMENT_BEFORE = re.compile(
    r"(?:(?:well\s+)?supported|consistent|based\s+(?:on|upon)|because|obtained|derived|confirmed|justified|verified"
    r"|explained|shown|written|clear|obvious|simple|given\s+(?:by|in|below|above)|found\s+(?:by|in|below|above)"
    r"|(?:in|on|below|above|under|between|within)\b|as\s+follows|required|needed|expected|unique)\b",
    re.IGNORECASE,
)


def final_answer(completion: str) -> str | None:
    r"""The bare final answer: the last `\boxed{...}` (braces balanced), else the last "answer is X", else None."""
    text = strip_thinking(completion)
    if box := find_last_box(text):
        return strip_markup(box.content)
    return next((bare for place in find_statements(text) if (bare := strip_markup(place.content, ".* "))), None)


def read_strict(sample: Sample, text: str) -> tuple[Finding, int]:
    """What the text, without thoughts, gives as its final answer; and where the text behind it begins."""
    read = READERS[sample.kind]
    if boxed := read_boxes(sample, text, read):
        finding, end = boxed
        return finding if finding is not NOTHING else Finding(None, "what is in the box is no answer"), end
    denied: tuple[Finding, int] | None = None
    names: set[str | None] = set()  # the answers that later statements deny: "The answer is not C"
    for place in find_statements(text):
        finding = read(sample, read_statement(place))
        if finding.answer is None and (denial := _DENIES.match(place.content)):
            names.add(read(sample, remove_markup(place.content[denial.end() : LONGEST], ".* ")).answer)
            denied = denied or (refuse("it says what the answer is not"), place.end)
        elif finding.answer or finding.is_refused:
            return denied if denied and finding.answer in names else (finding, place.end)
    return denied or (Finding(None, "no answer in the asked form"), 0)


def read_statement(place: Place) -> str:
    """What a statement gives, without markup and final marks."""
    content = place.content[:LONGEST]
    if _EXCLAMATION.search(content) and not _FORMULA.search(content):  # of joy, and no factorial
        content = _EXCLAMATION.sub("", content)
    return remove_markup(content, ".* ")


def find_statements(text: str) -> Iterator[Place]:
    """The statements of an answer, the last one first. Each ends with its line, or where the next one begins, so that
    all of them together are no longer than the text."""
    following = len(text)
    for match in list(_ANSWER_IS.finditer(text))[: -MOST - 1 : -1]:
        start, end = match.end(), text.find("\n", match.end(), following)
        end = following if end < 0 else end
        if display := _DISPLAY.match(text, start, following):
            end = _find_closing(text, display, following) or end
        following = match.start()
        before = text[max(0, following - WINDOW) : following]
        before = "" if _LINE_START.search(before) else before[before.rfind("\n\n") + 1 :]
        content = _CLOSING_REMARK.sub("", text[start:end])
        is_sentence_about_it = _NO_STATEMENT_AFTER.search(before) or _NO_STATEMENT_BEFORE.match(content)
        is_sentence_about_it = is_sentence_about_it or _REJECTED.match(content)
        if announces_a_way(text, match) or begins_list(text, match):
            continue
        if content.strip() and not is_sentence_about_it and not _NOT_GIVEN.search(before):
            yield Place(content, following, end)


def _find_closing(text: str, display: re.Match[str], before: int) -> int:
    """Where displayed mathematics ends that stands on lines of its own; 0 if it does not end before this place."""
    closing = {"\\[": "\\]", "$$": "$$"}[display[1]]
    end = text.find(closing, display.end(), min(before, display.end() + LONGEST))
    return 0 if end < 0 else end + len(closing)


def drop_what_is_not_given(text: str) -> str:
    """The text without the clauses that deny or suppose an answer: "One might think the answer is C"."""
    kept, at = [], 0
    for match in _ANSWER_IS.finditer(text):
        if match.start() >= at and _NOT_GIVEN.search(text[max(0, match.start() - WINDOW) : match.start()]):
            start = max((text.rfind(mark, at, match.start()) + 1 for mark in ".!?\n"), default=at)
            kept.append(text[at : max(at, start)])
            end = _CLAUSE_END.search(text, match.end())
            at = end.end() if end else len(text)
    return "".join([*kept, text[at:]])
