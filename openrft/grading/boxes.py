r"""Boxes: which `\boxed{...}` gives the answer, and whether the words and signs that touch it say something else.

Boxes that follow one another with nothing but marks between them are one answer. "Not \boxed{B}", "\boxed{B} is wrong"
and `\sqrt{\boxed{42}}` do not give what is in the box; then the box before counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from openrft.grading.agreement import says_the_same
from openrft.grading.asked import asks_for_false
from openrft.grading.finding import Finding, refuse
from openrft.grading.markup import remove_markup
from openrft.grading.markup_scanner import find_closing_braces
from openrft.grading.readers import Reader
from openrft.types import Sample

LONGEST = 20_000  # characters of one answer that are read
_BOXED = re.compile(r"\\boxed\s*(?=\{)")
_MOST_JOINED = 8  # boxes of different content that are compared: nobody writes one answer in so many ways
_GAP = 60  # characters between joined boxes
_BETWEEN_BOXES = re.compile(
    r"(?:[\s$.*\\()\[\]:;,/&|+\u2022-]|\\q?quad(?![A-Za-z])|\\text\{\s*(?:or|and)\s*\}|\b(?:or|and|also|plus|as\s+well\s+as|more\s+likely|perhaps|maybe|possibly|even)\b"
    r"|\d{1,2}[.)]|\([a-z]\))*",
    re.IGNORECASE,
)
_WINDOW = 60
_OPENING = re.compile(r"(?:[\s$*({\[]|\\[(\[])*\Z")
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:(?:initial|preliminary|tentative)\s+(?:answer|guess)(?:\s+is|\s+was|:)|not|cannot|never|neither|nor|except(?:\s+for)?|excluding|besides|(?:other|rather)\s+than|instead\s+of"
    r"|anything\s+but|ruled?\s+out|eliminat(?:e[ds]?|ing)|reject(?:ed|s|ing)?|excluded?|discard(?:ed|s)?|i\s+considered"
    r"|(?:more|less|fewer|greater|smaller|larger|higher|lower)\s+than|example\s+of\s+(?:the|this)\s+format:?"
    r"|answers?\s+like)|n['\u2019]t|(?:\A|\n)[\s*]*examples?:|\be\.g\.,?)"
    r"(?:\s+be)?(?:\s+(?:the\s+)?(?:options?|answers?|choices?))?\Z",
    re.IGNORECASE,
)
_CHANGED_BEFORE = re.compile(  # signs of a formula of which the box is a part
    r"(?:\\[dtc]?frac(?:\{[^{}]{0,40}\})?\{|\\sqrt(?:\[[^\]]{0,9}\])?\{|\\neq?|\u2260|\^\{?"
    r"|[\w)}]\s{0,3}(?:\\cdot|\\times|[*\u00d7/])|(?<![A-Za-z:*-])[-\u2212])[\s$]{0,3}\Z"
)
_BULLET_BEFORE = re.compile(r"-\s+\Z")
_CLOSING = r"(?:[ \t$*_}]|\\[)\]])*"
_DENIED_BEHIND = re.compile(
    rf"{_CLOSING}(?:[(\[,:;\u2190\u2192\u2014\u2013-]|->|<-|=>)*[ \t]*(?:(?:but\s+)?(?:which|that|this|it)\s+)?"
    r"(?:(?:is|was)\s+(?:(?:also|clearly|definitely|actually|obviously|therefore|simply|probably)\s+)?"
    r"(?:wrong|incorrect|false|untrue|rejected|eliminated|ruled\s+out|a\s+(?:mistake|misconception|trap|distractor)"
    r"|what\s+(?:one|you|we)\s+would|not\s+(?:(?:the|a|an|my|our)\s+)?(?:final\s+|correct\s+|right\s+)?"
    r"(?:correct|right|true|valid|answer|it|possible|option|solution|choice)\b)|isn['\u2019]t\b|but\s+(?:i\s+)?rejected\b"
    r"|would\s+be\s+(?:(?:the\s+)?(?:answer|result|solution)|correct|right|true)\s+(?:if|without|with|were)\b)",
    re.IGNORECASE,
)
_REMARK_BEHIND = re.compile(  # "(incorrect)", "<- wrong"
    rf"{_CLOSING}(?:[(\[\u2190\u2192\u274c\u2717\u2718]|->|<-|=>|\\(?:left|right)arrow)\s*"
    r"(?:(?:wrong|incorrect|false|rejected|eliminated|no)\b(?!\s+\w)|\Z)",
    re.IGNORECASE,
)
_CHANGED_BEHIND = re.compile(  # the number goes on outside: "x 10^3", "+ 1", "and 43"
    rf"{_CLOSING}(?:\^\s*\{{?\s*[-+\w]|[+\u2212-]\s*\d|(?:\\times|\\cdot|\u00d7|\*(?!\*))\s*\d"
    r"|(?:,|;|and\b|to\b|or\b|[\u2013-])\s*[$(\\]{0,3}-?\d[\d.,]*[$)\\\s]{0,3}(?:[.\n]|\Z|or\b|and\b))"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A piece of a completion that should contain its answer."""

    content: str  # as it is written
    start: int
    end: int  # where the text behind the answer begins


def find_boxes(text: str, command: re.Pattern[str] = _BOXED) -> list[Place]:
    r"""The last `\boxed{...}` that is not empty; and those before that are joined with it: `\boxed{A} or \boxed{B}`."""
    return _join(text, _find_all(text, command))


def read_boxes(
    sample: Sample, text: str, read: Reader, command: re.Pattern[str] = _BOXED
) -> tuple[Finding, int] | None:
    """What the last box gives that is not denied, and where the text behind it begins; no answer if a box that is
    joined with it gives another. None if the text has no box."""
    boxes = _find_all(text, command)
    last = next((at for at, place in enumerate(boxes) if not _is_denied(sample, text, place)), None)
    if not boxes:
        return None
    if last is None:
        return refuse("the words at its box say that it is not the answer"), boxes[0].end
    boxes = _join(text, boxes[last:])
    finding = read(sample, remove_markup(boxes[0].content[:LONGEST]))
    if finding.answer is None:
        return finding, boxes[0].end
    contents = list(dict.fromkeys(place.content for place in boxes))
    for content in contents[1 : _MOST_JOINED + 1]:
        other = read(sample, remove_markup(content[:LONGEST])).answer
        if other is not None and not says_the_same(sample, other, finding.answer):
            return refuse(f"names two answers: {other} and {finding.answer}"), boxes[0].end
    return finding, boxes[0].end


def _find_all(text: str, command: re.Pattern[str]) -> list[Place]:
    """The boxes that are not empty, the last one first."""
    matches = list(command.finditer(text))
    closing = find_closing_braces(text) if matches else {}
    left = len(text) + 1000  # of the characters in boxes. All of them, unless a box stands in a box in a box
    found: list[Place] = []
    for match in reversed(matches):
        if match.end() not in closing:
            continue
        place = Place(text[match.end() + 1 : closing[match.end()]], match.start(), closing[match.end()] + 1)
        left -= len(place.content)
        if left < 0:
            break
        if place.content.strip() and remove_markup(place.content[:LONGEST]):
            found.append(place)
    return found


def _join(text: str, boxes: list[Place]) -> list[Place]:
    """The first of these boxes, and those that follow with nothing but marks between them. Those that touch are not
    joined: a thought stood between them."""
    for at in range(1, len(boxes)):
        between = text[boxes[at].end : boxes[at - 1].start]
        if not 0 < len(between) <= _GAP or not _BETWEEN_BOXES.fullmatch(between):
            return boxes[:at]
    return boxes


def _is_denied(sample: Sample, text: str, place: Place) -> bool:
    """Whether the words or signs that touch a box say that its content is not the answer."""
    before, behind = text[max(0, place.start - _WINDOW) : place.start], text[place.end : place.end + _WINDOW]
    if sample.kind in ("number", "expression"):
        is_part = _CHANGED_BEFORE.search(before) and not _BULLET_BEFORE.search(before)
        if is_part or _CHANGED_BEHIND.match(behind):
            return True
    if _DENIED_BEFORE.search(_OPENING.sub("", before)):
        return True
    if asks_for_false(sample.question):
        return False
    return _DENIED_BEHIND.match(behind) is not None or _REMARK_BEHIND.match(behind) is not None
