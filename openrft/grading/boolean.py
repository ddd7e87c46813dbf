"""Yes or no: a word for one of them in any language of languages.py, or a sentence that says that something is true."""

from __future__ import annotations

import re

from openrft.grading import doubt
from openrft.grading.finding import NOTHING, Finding, refuse
from openrft.grading.languages import BOOLEANS, FOREIGN_STATEMENT
from openrft.types import Sample

LONGEST = 4000  # characters of an answer that are read: the verdict stands at its start
_MARKS = " \n\t().:,;=*!\u2013\u2014-\u3002\uff0c\u3001\u061b\u060c\u0964"
_WORD = re.compile(r"[^\s.,;:!?()/&\u3002\uff0c\u3001\uff01\u060c\u0964]+")
_ENDING = re.compile(r"(?:です|でした|だ|である|입니다|이다|的)$")
_LETTERS = {"t": "Yes", "f": "No", "y": "Yes", "n": "No"}
_SUBJECT = (
    r"(?:(?:the|this|that)\s+(?:\w+\s+){0,3}?|it\s+|statement\s+|that(?=['\u2019])|it(?=['\u2019])|(?:this|that)\s+)"
)
_ADVERBS = (
    r"(?:(?:definitely|indeed|actually|therefore|clearly|in\s+fact|certainly|simply|thus|also|absolutely|an?)\s+){0,2}"
)
_STATEMENT = re.compile(
    rf"(?:{_SUBJECT}(?:is|was|['\u2019]s|must\s+be|would\s+be|should\s+be)\s*(?P<no>\s+not\s+|n['\u2019]t\s+|\s+)?{_ADVERBS}"
    rf"|(?P<not>not\s+|in\s+fact\s+)){_ADVERBS}"
    r"(?P<verdict>true|correct|right|valid|false|wrong|incorrect|untrue|invalid)\b(?!\s+(?!because|since|as|for|in|at"
    r"|by|and|that|due|if|under|when|only|here|about|statement|answer)\w)",
    re.IGNORECASE,
)
_QUOTED = re.compile(  # The statement "X is Y" is false.
    r"the\s+(?:statement|claim|hypothesis|assertion)\b[^\n]{1,300}\bis\s+(?P<no>not\s+)?(?P<not>)(?P<verdict>true|correct"
    r"|false|incorrect)\W*$",
    re.IGNORECASE,
)
_NOT_AT_ALL = re.compile(
    r"(?:(?:definitely|certainly|absolutely|of\s+course|clearly|surely)\s+not|not\s+at\s+all)\b(?!\s+\w)|not$",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[^.!?\n]{1,200}+\?\s+(?=\S)")  # "True or false? False."
_HOLDS = re.compile(rf"{_SUBJECT}(?:(?P<no>(?:does\s+not|doesn['\u2019]t|cannot)\s+hold)|holds)\b", re.IGNORECASE)
_VERDICTS = {**dict.fromkeys(("true", "correct", "right", "valid"), "Yes")}
_OPPOSITE = {"Yes": "No", "No": "Yes"}
# Behind a verdict. "No way to tell", "no doubt" and "true value" are no verdicts.
_MAY_FOLLOW = re.compile(
    r"(?:it|its|this|that|these|those|they|the|there|because|since|as|due|for|in|on|at|by|under|given|which|we|you|he|she"
    r"|is|was|and|or|nor|but|statement|claim|only|if|unless|when|except|sometimes|indeed|sir|not|isn't|a|an|my|i|so)\b",
    re.IGNORECASE,
)
_ANY_MAY_FOLLOW = frozenset({"yes", "nein", "ja", "oui", "non", "s\u00ed", "sim", "da", "hay\u0131r", "evet"})
_CONDITION = re.compile(
    r"(?:(?:but\s+)?only\s+(?:if|when|for|in|under)|if\b|unless|except|sometimes|partially|partly|in\s+some|depending"
    r"|under\s+some|for\s+some|maybe|perhaps|possibly|not\s+always|not\s+sure)",
    re.IGNORECASE,
)
_DENIED = re.compile(r"(?:is|was)\s+(?:not|wrong|incorrect|false)\b|isn['\u2019]t\b", re.IGNORECASE)
_UNSURE = re.compile(r"\b(?:maybe|perhaps|it\s+depends|unsure|not\s+sure|hard\s+to\s+say)\b", re.IGNORECASE)
# "true", "or false, perhaps". Not "there is no barrier", "the true value".
_OTHER_WORD = re.compile(
    r"(?:(?<=or )|(?<=and )|(?<=/))(?:yes|no|true|false)\b|\b(?:yes|no|true|false|correct|incorrect|untrue)\b(?!\s+\w)"
    r"|(?<=[,;])\s*(?:but\s+|and\s+)?(yes|no)\s+(?:for|if|when|in)\b(?!-)",
    re.IGNORECASE,
)
_SPLIT = re.compile(  # behind a verdict: "for even n, false for odd n"
    r"\s+(?:for|if|when|in|at|under)\b[^.;\n]{1,80}?(?:[,;.]\s*(?:but\s+|and\s+)?|\s(?:but|and)\s+)(yes|no|true|false)\s+"
    r"(?:for|if|when|in|at|under)\b",
    re.IGNORECASE,
)
# Right before a statement that is thereby not made: "I doubt that it is true", "If it is true". Not a reason for it:
# "Iron is not a gas, so it is false".
_NOT_SAID = re.compile(
    r"(?:(?:\b(?:not(?!\s+(?:hard|difficult|surprising))|never|cannot|nobody|nothing|no\s+one|wrong|tempting|some|many)"
    r"|n['\u2019]t)\b"
    r"[^.!?\n,;:]{0,30}\b(?:think|believe|say|claim|conclude|prove|infer|mean|certain|clear|sure|case|true|confirm"
    r"|suggest|show|establish|verify|support|indicate|guarantee|imply|implie)s?"
    r"|\b(?:no\s+(?:proof|evidence)|(?<!no\s)doubt|whether|if|suppose|assume|imagine|unlikely|possible|impossible"
    r"|misconception|myth|fallacy))"
    r"\s+(?:that\s+)?$",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"(?:\bnot|n['\u2019]t|\bnever|\bneither)\b[^.,;\n]*", re.IGNORECASE)


def read_boolean(sample: Sample, raw: str) -> Finding:
    """Yes or No, if the answer says one of them and not the other; a refusal or nothing otherwise."""
    raw = raw[:LONGEST].strip(_MARKS)
    if asked := _QUESTION.match(raw):
        raw = raw[asked.end() :]
    verdict, end = _find_verdict(raw)
    if not verdict:
        return NOTHING
    rest = raw[end:]
    if rest[:1] == "?":
        return refuse("it asks")
    reason = doubt.ANY_REASON.search(rest)
    said = rest[: reason.start()] if reason else rest
    after = rest[reason.end() :] if reason else ""
    following = [said, *doubt.SENTENCE_END.split(after)[1:]] if reason else [said]
    for part in following:
        found = _OTHER_WORD.finditer(_NEGATED.sub("", part))
        others = {BOOLEANS.get((word[1] or word[0]).casefold()) for word in found}
        if others - {verdict, None}:
            return refuse("says both yes and no")
        if _UNSURE.search(part) or doubt.RETRACTION.search(part):
            return refuse(f"{verdict} is taken back")
    if (split := _SPLIT.match(rest)) and BOOLEANS.get(split[1].casefold()) != verdict:
        return refuse("says both yes and no")
    if _DENIED.match(said.strip(_MARKS)):
        return refuse(f"{verdict} is taken back")
    if _CONDITION.match(said.strip(_MARKS)):
        return refuse(f"{verdict} under a condition")
    return Finding(verdict)


def find_statement(sentence: str) -> str | None:
    """Yes or No, if the sentence says anywhere that something is true, or that it is not."""
    found = _STATEMENT.search(sentence) or _QUOTED.match(sentence)
    if found is None or _NOT_SAID.search(sentence[max(0, found.start() - 60) : found.start()]):
        return None
    return _read_statement(found)


def _read_statement(found: re.Match[str]) -> str:
    verdict = _VERDICTS.get(found["verdict"].casefold(), "No")
    negations = [
        group for group in (found["no"], found["not"]) if group and "n" in group.lower() and "fact" not in group
    ]
    return _OPPOSITE[verdict] if negations else verdict


def _find_verdict(raw: str) -> tuple[str | None, int]:
    """What the answer begins with, and where that ends."""
    if len(raw) == 1:
        return _LETTERS.get(raw.casefold()) or BOOLEANS.get(raw), 1
    if found := _STATEMENT.match(raw):
        return _read_statement(found), found.end()
    if found := _NOT_AT_ALL.match(raw):
        return "No", found.end()
    if found := FOREIGN_STATEMENT.fullmatch(raw):
        verdict = BOOLEANS.get((found["word"] or found["plain"] or found["han"]).casefold())
        is_denied = found["before"] or found["behind"] or found["only"]
        return (_OPPOSITE[verdict] if is_denied else verdict) if verdict else None, len(raw)
    if found := _HOLDS.match(raw):
        return "No" if found["no"] else "Yes", found.end()
    word = _WORD.match(raw)
    if not word:
        return None, 0
    bare = word[0].casefold()
    bare = bare if bare in BOOLEANS else _ENDING.sub("", bare)
    verdict = BOOLEANS.get(bare)
    rest = raw[word.end() :]
    is_noun_phrase = rest[:1].isspace() and bare not in _ANY_MAY_FOLLOW and rest.strip()[:1].isalnum()
    return (None, 0) if is_noun_phrase and not _MAY_FOLLOW.match(rest.strip()) else (verdict, word.end())
