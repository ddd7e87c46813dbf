r"""The lenient reading: what a careful person would take for the answer, whatever form it has.

First come marks of an answer, and the last one counts: `<answer>B</answer>`, `#### 42`, `\fbox{B}`, `{"answer": "B"}`,
the line below "Final Answer", "I choose B", the word for "answer" in many languages. Then the end of the text is read,
and its start: "B) osmium", "Therefore, B is correct." Several answers, and answers that are taken back, are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from openrft.grading import doubt
from openrft.grading.agreement import says_the_same
from openrft.grading.asked import asks_for_false
from openrft.grading.bare import read_bare, read_replacement, strip_bullet
from openrft.grading.boxes import LONGEST, Place, read_boxes
from openrft.grading.choice import DENIED, find_bare_option, is_denied
from openrft.grading.extract import MOST, drop_what_is_not_given, find_statements, read_statement
from openrft.grading.finding import NOTHING, Finding, refuse
from openrft.grading.headings import announces_a_way, begins_list, is_not_the_one
from openrft.grading.languages import FOREIGN_ANSWER, FOREIGN_ANSWER_IS, HEADINGS, strip_option_words
from openrft.grading.markup import remove_markup
from openrft.grading.number_text import goes_on_with_value
from openrft.grading.readers import READERS
from openrft.grading.restated import check_restated
from openrft.types import Sample

_OTHER_BOX = re.compile(
    r"(?:\\(?:fbox|framebox|Boxed|bbox|fcolorbox\{\w{1,20}\}\{\w{1,20}\})|(?<![\\\w])boxed)(?:\[[^\]\n]{0,20}\])?\s?(?=\{)"
)
_OPEN_BOX = re.compile(r"\\boxed\s?(?:\{|(?=[A-Za-z0-9]))([^{}\n]{1,80})\Z")
_SHORT = 80  # characters of a line that gives the value of a letter
_NEXT_LINE = re.compile(r"[ \t*_.$]{0,8}\n(?!\n)([^\n]{1,300})(?=\n|\Z)")
_BESIDE = re.compile(r"[\s$\\).*]{0,8}(?:(?:or|and/or)\b|alternatively\s?:)(?!\s+(?:so|about))", re.IGNORECASE)
_KEY = (
    r"(?:final[_ -]?answer|answer|correct[_ -]?(?:answer|option|choice)|selected(?:[_ -]?(?:answer|option))?|choice"
    r"|option|label|result|prediction|predicted[_ -]?answer|solution|antwort|respuesta|r\u00e9ponse|\u7b54\u6848)"
)
_JSON = re.compile(
    rf"[\"']{_KEY}[\"']\s{{0,3}}:\s{{0,3}}"
    r"(?:\"((?:[^\"\\\n]|\\.){0,500}+)\"|'((?:[^'\\\n]|\\.){0,500}+)'|(\[[^\[\]]{0,200}\])|([^\s,}\]\"'\[{]{1,40}))",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"<(answer|final_answer|final|ans|solution|result|choice|output)>(?:\s{0,20})"
    r"([^<]{0,2000}+(?:<(?!/?\1>)[^<]{0,200}+){0,8})(?:</?\1>|\Z)",
    re.IGNORECASE,
)
_INNER_TAG = re.compile(
    r"\s{0,20}<([a-z_]{1,20})>([^<]*)</\1>\s{0,20}", re.IGNORECASE
)  # <answer><choice>B</choice></answer>
_SQUARE_TAG = re.compile(r"\[answer\]\s{0,20}([^\[\]]{1,2000}+)\[/answer\]", re.IGNORECASE)
_VERB = (
    r"(?:choose|chose|pick|picked|select|selected|go\s+with|going\s+with|went\s+with|opt\s+for|vote\s+for|settle\s+on|say"
    r"|guess|answer)"
)
_TO_LINE_END = re.compile(
    # loose ties between "answer" and what it is
    r"\banswer[*_`]{0,3}\s{0,3}(?:=+>?|->|\u2192|\u21d2|[\u2014\u2013]|-(?=\s)|\uff1a|(?:would|must|should|will|has\s+to|can\s+only)\s+be\b"
    r"|(?:seems|appears|turns\s+out|comes\s+out)\s+to\s+be\b|here\s+is\b)\s{0,3}"
    r"|\b(?:answer|ans)\.?\s{1,2}(?=[(\[*]{0,3}[A-Z][)\]*]{0,3}(?![\w'-])(?!\s+(?:is|was)\s+(?:wrong|incorrect)))|\bans\s?[:.=]\s{0,3}"
    # other nouns
    r"|\b(?:option|choice|letter|selection|pick|conclusion|result|solution|guess|verdict|prediction|final\s+value)\b[*_`]{0,3}"
    r"\s{0,3}(?:is\b|:|\uff1a|=|(?:would|must|should|has\s+to)\s+be\b)(?:\s{0,2}:)?(?:[*_]{1,3}(?=\s))?\s{0,3}"
    rf"|\bI(?:['\u2019](?:d|ll|m)|\s+would|\s+will|\s+am|\s+have\s+to|\s+must)?\s+(?:therefore\s+|thus\s+)?{_VERB}\s*:?\s{{0,3}}"
    r"|(?:^|(?<=\n))\s{0,3}#{4}[ \t]{0,3}(?=[^\s#])"
    rf"|{FOREIGN_ANSWER_IS.pattern}|{FOREIGN_ANSWER.pattern}",
    re.IGNORECASE,
)
_HEADING_WORDS = "|".join(map(re.escape, sorted(HEADINGS, key=len, reverse=True)))
_HEADING = re.compile(
    rf"(?:^|(?<=\n))[#>*_ \t]{{0,12}}(?:(?:the|my)\s)?(?:final\s|correct\s)?(?:answer|ans|conclusion|result|solution"
    rf"|{_HEADING_WORDS})[*_:\uff1a# \t]{{0,12}}\n(?:[ \t]*\n){{0,3}}",
    re.IGNORECASE,
)


def read_lenient(sample: Sample, text: str) -> Finding:
    """The answer that a careful reader would take from a text without thinking; a refusal or nothing otherwise."""
    text = drop_what_is_not_given(text)
    finding, end = _read_marked(sample, text)
    if finding is NOTHING:
        return read_bare(sample, text)
    return check_later(sample, text, finding, end) if finding.answer is not None else finding


def check_later(sample: Sample, text: str, finding: Finding, end: int) -> Finding:
    """The finding, unless the text after `end` takes it back. Then what that text gives instead, if anything."""
    tail = text[end:]
    is_false_asked = asks_for_false(sample.question)
    if sample.kind == "choice" and finding.answer is not None:
        if is_denied(sample, finding.answer, tail):
            return refuse(f"{finding.answer} {DENIED}")
        following = _NEXT_LINE.match(tail)
        other = find_bare_option(sample, strip_bullet(remove_markup(following[1], ".* "))) if following else None
        if other not in (None, finding.answer):
            return refuse(f"names two options: {finding.answer} and {other}")
    if sample.kind == "number" and (following := _NEXT_LINE.match(tail)):
        line = text[max(end - _SHORT, text.rfind("\n", 0, end) + 1) : end]
        if goes_on_with_value(line, following[1][:_SHORT]):
            return refuse("it gives the values of two names")
    retraction = (doubt.CHANGED if is_false_asked else doubt.RETRACTION).search(tail)
    taken = retraction or doubt.OPEN.search(tail) or _BESIDE.match(tail)
    if taken is None:
        return check_restated(sample, text, finding, end)
    later, _ = _read_marked(sample, tail)
    if later is NOTHING:
        later = read_bare(sample, tail[taken.start() :])
    if later.answer is None and not retraction:
        later = READERS[sample.kind](sample, tail[taken.end() :].strip().partition("\n")[0])
    if later.answer is not None and finding.answer is not None and says_the_same(sample, later.answer, finding.answer):
        return finding
    return later if later.answer is not None and retraction else refuse("taken back behind it")


def _read_marked(sample: Sample, text: str) -> tuple[Finding, int]:
    """What stands at the last mark of an answer that gives one, and where the text behind it begins."""
    boxed = read_boxes(sample, text, _read_loosely) or read_boxes(sample, text, _read_loosely, _OTHER_BOX)
    if boxed:
        finding, end = boxed
        return finding if finding is not NOTHING else refuse("what is in its box is no answer"), end
    for place, bare in _find_marks(sample, text):
        finding = read_replacement(sample, _read_loosely(sample, bare), bare)
        if finding.answer is not None or finding.is_refused:
            return finding, place.end
    return NOTHING, 0


def _read_loosely(sample: Sample, bare: str) -> Finding:
    """What the kind's reader makes of the text, or else what the text says in more words."""
    if not bare:
        return NOTHING
    bare = strip_option_words(bare if sample.kind == "number" else strip_bullet(bare))
    finding = READERS[sample.kind](sample, bare)
    if finding.answer is None and not finding.is_refused:
        finding = read_bare(sample, bare)
    return finding if finding.answer is not None or finding.is_refused else NOTHING


def _find_marks(sample: Sample, text: str) -> Iterator[tuple[Place, str]]:
    """The marks of an answer with what they give, without markup; the last one first. Together as long as the text."""
    places = [*find_statements(text), *_cut_lines(sample, text, _TO_LINE_END)]
    places += _cut_lines(sample, text, _HEADING)
    for found in _TAG.finditer(text):
        inner = _INNER_TAG.fullmatch(found[2])
        places.append(Place(inner[2] if inner else found[2], found.start(), found.end()))
    places += [Place(found[1], found.start(), found.end()) for found in _SQUARE_TAG.finditer(text)]
    for found in _JSON.finditer(text):
        value = next((group for group in found.groups() if group is not None), "")
        places.append(Place(_read_value(value), found.start(), found.end()))
    if sample.kind in ("choice", "boolean") and (open_box := _OPEN_BOX.search(text, max(0, len(text) - 200))):
        places.append(Place(open_box[1], open_box.start(), open_box.end()))
    for place in sorted(places, key=lambda place: place.start, reverse=True)[:MOST]:
        yield place, read_statement(place)


def _cut_lines(sample: Sample, text: str, mark: re.Pattern[str]) -> list[Place]:
    """What follows each mark, up to the end of its line or the next mark."""
    places, following = [], len(text)
    for match in list(mark.finditer(text))[: -MOST - 1 : -1]:
        end = text.find("\n", match.end(), following)
        end = following if end < 0 else end
        following = match.start()
        is_of_another = is_not_the_one(text, match, asks_for_false(sample.question))
        if is_of_another or announces_a_way(text, match) or begins_list(text, match):
            continue
        places.append(Place(text[match.end() : min(end, match.end() + LONGEST)], following, end))
    return places


def _read_value(value: str) -> str:
    """A value of JSON as text. A list of one is that one; longer lists stay lists."""
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        parts = [part.strip().strip("\"'") for part in value[1:-1].split(",")]
        return " and ".join(parts)
    return value.replace("\\\\", "\\")
