"""An answer that nothing marks: at the end of a text or at its start, as a careful person would find it.

A conclusion ("Therefore, B is correct.") counts wherever it stands near the end; otherwise a line or sentence must be
the answer alone, or state it. A list of all options is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from openrft.grading import doubt
from openrft.grading.boolean import find_statement
from openrft.grading.choice import DENIED, check_sentences, find_bare_option, is_denied
from openrft.grading.finding import NOTHING, Finding, refuse
from openrft.grading.languages import CONFIRMED_LETTER, CONNECTIVES, RIGHT_IS, strip_option_words
from openrft.grading.markup import remove_markup
from openrft.grading.options import MARKS, get_option_table
from openrft.grading.readers import READERS, is_right
from openrft.grading.rules import DEFAULT_RULES
from openrft.types import Sample

# The answer stands near an end of the text: what lies between is reasoning, which names what it rejects.
_HEAD, _TAIL = 600, 2000
_LAST_SENTENCES = 6
_SHORT = 80  # characters of a line that is a text's answer and no sentence of its reasoning
_LEAD = re.compile(
    rf"(?:(?:{CONNECTIVES})(?![^\W\d_])|\u2234|\u2192|->|=+>|\u21d2)[\s,:;\uff0c\u3001\uff1a]{{0,3}}(?:that\s)?"
    r"|(?:and|but|finally|overall|in\s+(?:conclusion|summary|short)|to\s+(?:conclude|summari[sz]e)|as\s+a\s+result|then"
    r"|we\s+(?:conclude|get|have|find|obtain|see)|i\s+(?:think|believe|conclude|would\s+say|'d\s+say|am\s+(?:confident|sure))"
    r"|it\s+follows|this\s+means|which\s+means|based\s+on\s+(?:the\s+above|this|that)(?:\s\w{1,12})?|clearly|obviously"
    r"|sure|okay|ok|well|definitely|probably|most\s+likely|certainly|surely|of\s+course|(?:out\s+of|among|of)\s+(?:these|them"
    r"|the\s+options)|by\s+(?:(?:a\s+)?process\s+of\s+)?elimination|my\s+(?:answer|choice)\s+is|actually|wait|sorry|hmm|correction)"
    r"(?:\s+that)?[\s,:;!.-]{1,3}(?=\S)",
    re.IGNORECASE,
)
_NO = re.compile(r"(?:(?:no|yes)[,.!]|only)\s{1,2}(?=\S)", re.IGNORECASE)  # "No, it is C", "Only C is right"
_CONCLUDES = re.compile(
    rf"(?:,\s?|\b|^)(?:{CONNECTIVES}|which\s+means(?:\s+that)?|this\s+means(?:\s+that)?|we\s+conclude(?:\s+that)?"
    r"|in\s+conclusion)(?![^\W\d_])[\s,:]{0,3}|[\u2234\u2192\u21d2]\s{0,3}|[=-]+>\s{0,3}",
    re.IGNORECASE,
)
_IT_IS = re.compile(
    r"(?:choose|select|pick|go\s+with|mark|tick)\s+|(?:(?:es|das|dies)\s+ist|c['\u2019]est|isso\s+é|es|è|é|это|это\s+вариант|这是|那是)\s{0,2}"
    r"(?:(?:la|le|el|a|die|der)\s)?(?=[(\[]?[A-Z][)\]]?(?![A-Za-z]))|"
    rf"(?:{RIGHT_IS})(?=[(\[]?[A-Z][)\]]?(?![A-Za-z]))|"
    r"(?:it|this|that|which)(?:['\u2019]s|\s+(?:is|must\s+be|should\s+be|would\s+be|has\s+to\s+be|can\s+only\s+be))\s+"
    r"(?:therefore\s+|thus\s+|probably\s+|clearly\s+|most\s+likely\s+)?",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"(?:^|(?<=\n))[\s*_(\[-]{0,8}([A-Z])[*_]{0,2}[).:\]][*_]{0,2}\s{1,3}\S")
_ENDS_WITH_LETTER = re.compile(
    r"(?:\b(?:is|be|are|get|choose|select|pick)(?:\s(?:option|choice|letter))?|[:=>\u2192\u21d2])"
    r"\s{0,3}[(\[]?([A-Z])[)\]]?[\s.!]*$"
)
# "I would eliminate A and C, leaving B", "B is wrong, D is right"
_LEFT_OVER = re.compile(
    r"(?:\bleaving\s+(?:us\s+with\s+|only\s+|just\s+)?(?:option\s+|choice\s+)?[(\[]?|\b(?:wrong|incorrect|false)[,;]\s+(?:and\s+|but\s+)?"
    r"[(\[]?(?=[A-Z][)\]]?\s+is\s+(?:the\s+)?(?:right|correct|true)\b))([A-Z])[)\]]?"
    r"(?:\s+is\s+(?:the\s+)?(?:right|correct|true)(?:\s+(?:answer|option|choice|one))?)?[\s.!*]*$"
)
_NOT_KEPT = re.compile(r"\b(?:if|doubt|not|never|mistakes?|mistaken)\b|n['\u2019]t\b", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_KIND_OF = re.compile(r"^(?:the\s+\w+|it|this|they)\s+", re.IGNORECASE)  # "the metal osmium", "it increases"
_FENCE = re.compile(r"^[ \t]{0,3}```[a-z]{0,12}[ \t]{0,3}$", re.IGNORECASE | re.MULTILINE)  # of a code block
_TICKS = " \n\t\u2713\u2714\u2705\u2611\ufe0f\U0001f44d"
_BULLET = re.compile(r"(?:[-*\u2022\u25cf+]|\d{1,2}[.)])\s+(?=[(\[*]{0,3}[A-Za-z])")
_IS_THE = re.compile(r"\s+(?:is|are|was|has|have|would\s+be|must\s+be)\s+(?:the|most|best|correct|right)\b")
_RESTATES = re.compile(r"(?:['\u2019]s|\b(?:is|be|answer|choose|pick|option))\b", re.IGNORECASE)
_COPULA = re.compile(r"\s(?:ist|est|es|é|è|это|is|are|was|were|be|called|namely|equals?)\s+|[:=]\s*")
_VARIABLE = re.compile(r"[\s$*]*([A-Za-z])\s*=")
_STATES_NUMBER = re.compile(
    r"[=:\u2248]|\b(?:is|are|was|were|be|equals?|gives?|get|gets|has|have|costs?|totals?|need|needs|takes?|makes?|earns?"
    r"|left|there|yields?|becomes?|answer|contains?)\b",
    re.IGNORECASE,
)


def read_bare(sample: Sample, text: str) -> Finding:
    """What the end of the text says, or else its start; no answer if both say something and differ."""
    text = _FENCE.sub("", text).strip()
    if not text:
        return NOTHING
    read = _BARE_READERS[sample.kind]
    is_whole = len(text) <= _HEAD
    tail = text if is_whole else _cut_start(text[-_TAIL:])
    head = text if is_whole else text[:_HEAD]
    last, concludes = _read_end(sample, tail, read, is_whole)
    if last.is_refused or (last.answer is not None and concludes):
        return last
    first = _read_start(sample, head, read)
    if sample.kind in ("text", "expression"):
        line, end = head.split("\n", 1)[0], tail.rsplit("\n", 1)[-1]
        is_name = not doubt.STATED.search(line) and doubt.STATED.search(end) is not None
        return first if first.answer is not None and (last.answer is None or is_name) else last
    if last.answer is not None and first.answer not in (None, last.answer):
        return refuse(f"says {first.answer}, then {last.answer}")
    finding = last if last.answer is not None else first
    if sample.kind == "choice" and finding.answer is not None and is_whole and is_denied(sample, finding.answer, text):
        return refuse(f"{finding.answer} {DENIED}")
    return finding


Bare = Callable[[Sample, str, bool], Finding]  # `bool`: the sentence concludes, or is all there is


def _read_end(sample: Sample, tail: str, read: Bare, is_whole: bool) -> tuple[Finding, bool]:
    """The last of the last sentences that says something, and whether it is a conclusion."""
    lines = [line for line in map(remove_markup, tail.split("\n")) if line.strip(MARKS + "#>|")]
    if sample.kind != "number":
        lines = [strip_bullet(line) for line in lines]
    if len(lines) > 1 and _lists_two(sample, tail, lines):
        return refuse("it lists two answers"), False
    if sample.kind in ("text", "expression"):
        ends = bool(lines) and _find_conclusion(lines[-1], sample.kind)[1]
        return (read(sample, lines[-1], len(lines) == 1), ends) if lines else (NOTHING, False)
    listed = _is_list(tail)
    following: list[str] = []
    for line in reversed(lines):
        if listed and _LABELLED.match(line):
            continue
        if (finding := _read_line(sample, line)) is not NOTHING:
            return finding, _find_conclusion(line, sample.kind)[1]
        for sentence in reversed(_split_sentences(line)):
            said, concludes = _find_conclusion(sentence, sample.kind)
            finding = read(sample, said, concludes or (is_whole and len(lines) == 1 and sentence == line))
            if finding.answer is not None:
                return _check_following(sample, finding, following), concludes
            if finding.is_refused:
                return finding, concludes
            following.append(sentence)
        if len(following) > _LAST_SENTENCES:
            break
    return NOTHING, False


def _lists_two(sample: Sample, tail: str, lines: list[str]) -> bool:
    """Whether the last two lines are items of a list of answers: options alone, or short texts without a sentence."""
    if sample.kind == "choice":
        options = {find_bare_option(sample, strip_bullet(line).strip(MARKS)) for line in lines[-2:]}
        return len(options) == 2 and None not in options and not _is_list(tail)
    if sample.kind != "text":
        return False
    items = [line for line in tail.split("\n") if line.strip()][-2:]
    return all(_BULLET.match(item.strip()) and len(item) <= _SHORT and not doubt.STATED.search(item) for item in items)


def strip_bullet(line: str) -> str:
    """The line without the mark of an item in front, and without ticks around it."""
    return _BULLET.sub("", line.strip(_TICKS), count=1) if _BULLET.match(line) else line.strip(_TICKS)


def _read_line(sample: Sample, line: str) -> Finding:
    """What a whole line says, if it begins with an option or a verdict: its other sentences may take that back."""
    if sample.kind not in ("choice", "boolean"):
        return NOTHING
    if sample.kind == "choice" and (left_over := _find_left_over(sample, line)):
        return Finding(left_over)
    finding = READERS[sample.kind](sample, _find_conclusion(line, sample.kind)[0])
    if finding.answer is None and (not finding.is_refused or finding.reason.endswith(DENIED)):
        return NOTHING
    return read_replacement(sample, finding, line)


def _find_left_over(sample: Sample, sentence: str) -> str | None:
    """The option that a sentence keeps where it rejects the others."""
    table = get_option_table(sample)
    found = _LEFT_OVER.search(sentence)
    if found is None or found[1] not in table.labels or table.is_false_asked:
        return None
    return None if _NOT_KEPT.search(sentence, 0, found.start()) else found[1]


def read_replacement(sample: Sample, finding: Finding, text: str) -> Finding:
    """The answer that a text gives instead of the one it takes back, as in "C. Wait, it is B."; else the finding."""
    if finding.is_refused and (taken := doubt.RETRACTION.search(text)) and _RESTATES.search(text, taken.start()):
        later = read_bare(sample, text[max(taken.start(), 1) :])
        return later if later.answer is not None else finding
    return finding


def _check_following(sample: Sample, finding: Finding, following: list[str]) -> Finding:
    """The finding, unless one of the sentences behind it puts another answer beside it."""
    if sample.kind == "choice" and finding.answer is not None:
        return check_sentences(sample, finding.answer, following)
    if any(doubt.OPEN.search(sentence) or doubt.RETRACTION.search(sentence) for sentence in following):
        return refuse("taken back behind it")
    return finding


def _read_start(sample: Sample, head: str, read: Bare) -> Finding:
    first_line = head.split("\n", 1)[0]
    if _is_list(head) and _LABELLED.match(head):
        return NOTHING
    if sample.kind in ("text", "expression", "number"):
        return read(sample, remove_markup(first_line), False) if len(first_line) <= _SHORT else NOTHING
    line = remove_markup(first_line)
    if (finding := _read_line(sample, line)) is not NOTHING:
        return finding
    sentences = _split_sentences(line)
    return read(sample, _strip_leads(sentences[0], sample.kind), False) if sentences else NOTHING


def _cut_start(tail: str) -> str:
    """The tail without its first sentence, which was cut."""
    found = doubt.SENTENCE_END.search(tail)
    return tail[found.end() :] if found else tail


def _split_sentences(line: str) -> list[str]:
    """The sentences of a line without markup. A letter with a full stop at its start is no sentence."""
    pieces = [piece.strip() for piece in doubt.SENTENCE_END.split(line.lstrip("#| ")) if piece.strip(MARKS + "|")]
    if len(pieces) > 1 and len(pieces[0].strip(MARKS)) == 1:
        pieces[:2] = [f"{pieces[0]} {pieces[1]}"]
    return pieces


def _is_list(text: str) -> bool:
    """Whether lines of the text begin with the letters of several options."""
    return len({found[1] for found in _LABELLED.finditer(text)}) > 1


def _find_conclusion(sentence: str, kind: str) -> tuple[str, bool]:
    """The sentence from its last "therefore" on, if it has one, and whether it has."""
    start = 0
    for found in _CONCLUDES.finditer(sentence):
        if sentence[found.end() :].strip(MARKS):
            start = found.end()
    said = _strip_leads(sentence[start:], kind)
    if len(said) < len(sentence) and not said[:1].isalnum():  # what stood inside may be dressed
        said = remove_markup(said)
    return said, start > 0


def _strip_leads(sentence: str, kind: str) -> str:
    for _ in range(4):
        lead = _LEAD.match(sentence) or (_NO.match(sentence) if kind != "boolean" else None)
        if lead is None:
            break
        sentence = sentence[lead.end() :]
    return sentence.strip()


def _read_choice(sample: Sample, sentence: str, concludes: bool) -> Finding:
    table = get_option_table(sample)
    sentence = strip_option_words(sentence.strip(_TICKS))
    if sentence.endswith("?") or doubt.CHANGED.search(sentence):
        return NOTHING
    if left_over := _find_left_over(sample, sentence):
        return Finding(left_over)
    finding = READERS["choice"](sample, sentence)
    if finding.answer is None and not finding.is_refused and (lead := _IT_IS.match(sentence)):
        finding = READERS["choice"](sample, sentence[lead.end() :])
    if finding.reason.endswith(DENIED):  # "A is wrong", of which nothing follows
        return NOTHING
    if finding.answer is not None or finding.is_refused:
        return finding
    if (found := CONFIRMED_LETTER.fullmatch(sentence)) and found[1] in table.labels:
        return Finding(found[1])
    mentioned = table.find_mentions(sentence)
    negative = not table.is_false_asked and doubt.NEGATIVE.search(sentence) is not None
    if len(mentioned) > 1 and not negative and (doubt.PRAISED.search(sentence) or doubt.OPEN.search(sentence)):
        return refuse("names several options")
    if len(mentioned) != 1 or negative or doubt.DOUBT.search(sentence):
        return NOTHING
    (index,) = mentioned
    letter = _ENDS_WITH_LETTER.search(sentence)
    if letter and letter[1] == table.labels[index]:
        return Finding(letter[1])
    last = _COPULA.split(sentence)[-1].strip(MARKS)
    if index in (table.find_text(_ARTICLE.sub("", last)), table.find_text(_KIND_OF.sub("", last))):
        return Finding(table.labels[index])
    sentence = _ARTICLE.sub("", sentence)
    begun, end = table.find_beginning(sentence)
    is_stated = concludes and begun == {index} and _IS_THE.match(sentence, end)
    return Finding(table.labels[index]) if is_stated else NOTHING


def _read_boolean(sample: Sample, sentence: str, concludes: bool) -> Finding:
    if sentence.endswith("?"):
        return NOTHING
    finding = READERS["boolean"](sample, sentence)
    if finding.answer is None and not finding.is_refused and concludes and (verdict := find_statement(sentence)):
        return Finding(verdict)
    return finding


def _read_number(sample: Sample, sentence: str, concludes: bool) -> Finding:
    finding = READERS["number"](sample, sentence)
    if finding.answer is None and not finding.is_refused:
        return finding
    alone = len(sentence.strip(MARKS + "$~")) <= len(finding.answer or "") + 3
    return finding if alone or concludes or _STATES_NUMBER.search(sentence) else NOTHING


def _read_text(sample: Sample, sentence: str, concludes: bool) -> Finding:
    """A short line is the answer. Of a sentence it is what stands behind its verb."""
    said, ends = _find_conclusion(sentence, sample.kind)
    if len(said) > _SHORT * (3 if concludes else 1) or said.endswith("?"):
        return NOTHING
    read = READERS[sample.kind]
    whole = read(sample, said)
    if sample.kind == "expression" and _names_another(sample, said):
        return whole
    behind = _COPULA.split(said)
    if len(behind) > 1 and not doubt.NEGATIVE.search(said) and not doubt.DOUBT.search(said):
        first = read(sample, _ARTICLE.sub("", behind[0]))
        is_equation = sample.kind == "expression" and "=" in said  # 2x = 0 is not 2x
        if (
            len(behind) == 2
            and not is_equation
            and first.answer is not None
            and is_right(sample, first.answer, DEFAULT_RULES)
        ):
            return first
        part = read(sample, behind[-1])
        if part.answer is not None and (ends or concludes or is_right(sample, part.answer, DEFAULT_RULES)):
            return part if whole.answer is None or not is_right(sample, whole.answer, DEFAULT_RULES) else whole
    return whole


def _names_another(sample: Sample, said: str) -> bool:
    """Whether it is the value of a variable that no gold answer names: `y = 3` is not x = 3."""
    variables = [_VARIABLE.match(gold) for gold in (sample.answer, *sample.accepted)]
    found = _VARIABLE.match(said)
    return found is not None and all(variable and variable[1] != found[1] for variable in variables)


_BARE_READERS: dict[str, Bare] = {
    "choice": _read_choice,
    "boolean": _read_boolean,
    "number": _read_number,
    "expression": _read_text,
    "text": _read_text,
}
