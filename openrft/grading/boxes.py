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
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LABEL = re.compile(r"\d{1,2}[.)]|\([a-z]\)", re.IGNORECASE)
_NAME = re.compile(r"\s*([A-Za-z]\w{0,9})\s*=")
_WINDOW = 60
_OPENING = re.compile(r"(?:[ \t$*({\[]|\\[(\[])*\Z")
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:(?:initial|preliminary|tentative)\s+(?:answer|guess)(?:\s+is|\s+was|:)|not|cannot|never|neither|nor|rather\s+than"
    r"|instead\s+of|anything\s+but|(?<!are\s)(?<!is\s)(?<!were\s)(?<!was\s)(?<!been\s)(?:ruled?\s+out|eliminat(?:e[ds]?|ing)"
    r"|reject(?:ed|s|ing)?|excluded?|discard(?:ed|s)?)|i\s+considered|example\s+of\s+(?:the|this)\s+format:?|answers?\s+like)"
    r"|n['\u2019]t|\be\.g\.,?|(?:\A|\n)[ *]*examples?:)(?:\s+be)?(?:\s+(?:the\s+)?(?:options?|answers?|choices?))?\Z",
    re.IGNORECASE,
)
# "The metals except \boxed{B}". Behind "all of them" or "nothing" the box is the one that is left.
_EXCEPTED_BEFORE = re.compile(r"\b(?:except(?:\s+for)?|excluding|besides|other\s+than)\Z", re.IGNORECASE)
_ALL = re.compile(r"\b(?:all|every\w*|each|any\w*|none|no|nothing|nobody|not|cannot)\b|n['\u2019]t\b", re.IGNORECASE)
_CHANGED_BEFORE = re.compile(  # signs of a formula of which the box is a part
    r"(?:\\[dtc]?frac(?:\{[^{}]{0,40}\})?\{|\\sqrt(?:\[[^\]]{0,9}\])?\{|\\neq?|\u2260|\^\{?"
    r"|[\w)}](?:[ \t]{0,3}(?:\\cdot|\\times|[\u00d7/])|\*|[ \t]{1,3}\*[ \t])|(?<![A-Za-z:*-])[-\u2212])[ \t$]{0,3}\Z"
)
_MARKED_BEFORE = re.compile(r"(?:-[ \t]+\$?|\b(?:answer|ans|result)\b[.:]?[ \t]*[-*\u2212][ \t$]*)\Z", re.IGNORECASE)
_CLOSING = r"(?:[ \t$*_}]|\\[)\]])*"
_DENIED_BEHIND = re.compile(
    rf"{_CLOSING}(?:[(\[,:;\u2190\u2192\u2014\u2013-]|->|<-|=>)*[ \t]*(?:(?:but\s+)?(?:which|that|this|it)\s+)?"
    r"(?:(?:is|was)\s+(?:(?:also|clearly|definitely|actually|obviously|therefore|simply|probably)\s+)?"
    r"(?:wrong|incorrect|false|untrue|rejected|eliminated|ruled\s+out|a\s+(?:mistake|misconception|trap|distractor)"
    r"|what\s+(?:one|you|we)\s+would\s+\w+\s+(?:if|without|had|by\s+(?:ignor|forget|neglect|omitt)ing)|not\s+(?:(?:the|a|an|my|our)\s+)?(?:final\s+|correct\s+|right\s+)?"
    r"(?:correct|right|true|valid|answer|it|possible|option|solution|choice)\b)|isn['\u2019]t\b|but\s+(?:i\s+)?rejected\b"
    r"|would\s+be\s+(?:(?:the\s+)?(?:answer|result|solution)|correct|right|true)\s+(?:if|without|with|were)\b)",
    re.IGNORECASE,
)
_REMARK_BEHIND = re.compile(  # "(incorrect)", "<- wrong"
    rf"{_CLOSING}(?:[(\[\u2190\u2192\u274c\u2717\u2718]|->|<-|=>|\\(?:left|right)arrow)\s*"
    r"(?:wrong|incorrect|false|rejected|eliminated|no)\b(?!\s+\w)",
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


def find_last_box(text: str) -> Place | None:
    r"""The last `\boxed{...}` that is not empty."""
    return next(iter(_find_all(text, _BOXED)), None)


def read_boxes(
    sample: Sample, text: str, read: Reader, command: re.Pattern[str] = _BOXED
) -> tuple[Finding, int] | None:
    """What the last box gives that is not denied, and where the text behind it begins; no answer if a box that is
    joined with it gives another. None if the text has no box."""
    boxes = _find_all(text, command)
    last = next((at for at, place in enumerate(boxes) if not _is_denied(sample, text, place, read)), None)
    if not boxes:
        return None
    if last is None:
        return refuse("the words at its box say that it is not the answer"), boxes[0].end
    boxes = _join(sample, text, boxes[last:])
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


def _join(sample: Sample, text: str, boxes: list[Place]) -> list[Place]:
    """The first of these boxes, and those that follow with nothing but marks between them. Those that touch are not
    joined: a thought stood between them. Nor are the boxes of two parts or steps, unless they name options."""
    for at in range(1, len(boxes)):
        between = text[boxes[at].end : boxes[at - 1].start]
        if not 0 < len(between) <= _GAP or not _BETWEEN_BOXES.fullmatch(between):
            return boxes[:at]
        if sample.kind != "choice" and _are_parts(between, boxes[at].content, boxes[at - 1].content):
            return boxes[:at]
    return boxes


def _are_parts(between: str, one: str, other: str) -> bool:
    """Whether two boxes answer different parts: a blank line or a label stands between them, or their names differ."""
    if _BLANK_LINE.search(between) or _LABEL.search(between):
        return True
    names = _NAME.match(one), _NAME.match(other)
    return names[0] is not None and names[1] is not None and names[0][1] != names[1][1]


def _is_denied(sample: Sample, text: str, place: Place, read: Reader) -> bool:
    """Whether the words or signs that touch a box say that its content is not the answer."""
    before, behind = text[max(0, place.start - _WINDOW) : place.start], text[place.end : place.end + _WINDOW]
    if sample.kind in ("number", "expression"):
        is_part = _CHANGED_BEFORE.search(before) and not _MARKED_BEFORE.search(before)
        is_repeated = behind.lstrip(" \t$*_}\\)],;-").startswith(place.content.strip())
        if is_part or (_CHANGED_BEHIND.match(behind) and not is_repeated):
            return True
    if sample.kind == "boolean" and read(sample, remove_markup(place.content[:LONGEST])).answer == "No":
        return False  # "False: this is wrong" says it twice
    said = _OPENING.sub("", before)
    if _DENIED_BEFORE.search(said):
        return True
    if asks_for_false(sample.question):
        return False
    if _EXCEPTED_BEFORE.search(said) and not _ALL.search(said[said.rfind("\n") + 1 :]):
        return True
    return _DENIED_BEHIND.match(behind) is not None or _REMARK_BEHIND.match(behind) is not None
