"""Words that take an answer back, put another one beside it, or say that an option is not meant.

Each pattern is a list of phrases with bounded gaps, so that a search is linear in the length of the text.
"""

from __future__ import annotations

import re

# Behind an answer: it is taken back, denied or joined with another one.
TAKEN_BACK = re.compile(
    r"(?:(?:it|that|this)(?:'s|\s+is)\s+|is\s+|was\s+)?"
    r"(?:not|isn't|isn\u2019t|or|nor|and|maybe|perhaps|oder|und|nicht|ou|et|o|y|ou|e|ili)\b|[&/+]|\u6216|\u548c|\u4e0d",
    re.IGNORECASE,
)
# Behind an answer: it is called wrong, which is no denial if the question asks for what is wrong.
CALLED_FALSE = re.compile(
    r"(?:(?:but\s+)?(?:it|that|this|which)(?:['\u2019]s|\s+is|\s+was)\s+|is\s+|was\s+)(?:also\s+|actually\s+|clearly\s+)?"
    r"(?:a|the)\s+(?:common\s+)?(?:misconception|mistake|trap|myth|distractor)\b(?!\s+to)"
    r"|(?:(?:but\s+)?(?:it|that|this|which)(?:['\u2019]s|\s+is|\s+was)\s+|is\s+|was\s+)?(?:also\s+|actually\s+|clearly\s+)?"
    r"(?:wrong|incorrect|false|untrue|eliminated|rejected|ruled\s+out|excluded|discarded|no(?!\s+\w))\b"
    r"(?!\s+(?:for|from|in|to|at|about|under)\b)"
    r"|(?:is\s+|was\s+|which\s+is\s+)(?:not|n['\u2019]t)\s+(?:true|correct|right|accurate|valid)\b(?!\s+(?:for|in|to|at|under)\b)",
    re.IGNORECASE,
)
CONFIRMED = re.compile(
    r"(?:is|must\s+be|would\s+be|should\s+be|seems|as)\s+(?:the\s+)?(?:most\s+|only\s+|clearly\s+|indeed\s+)?"
    r"(?:correct|right|best|true|answer|likely|accurate|appropriate|suitable|option|choice|one|solution)\b"
    r"|(?:which|with|where)\b|(?:fits|matches|holds|works|applies)\b|is\s+(?:it|my\s+answer)\b(?!\s*\?)",
    re.IGNORECASE,
)
# A reason is not part of the answer and may name other options.
REASON = re.compile(
    r"(?:because|since|due to|given that|for the reason|as (?:it|its|the|this|that|they|these))\b", re.IGNORECASE
)
ANY_REASON = re.compile(rf"\b{REASON.pattern}", re.IGNORECASE)
# Another option is named, and it is not meant.
CONTRAST = re.compile(
    r"(?:and\s+)?(?:not|rather\s+than|instead\s+of|unlike|as\s+opposed\s+to|in\s+contrast\s+to|compared\s+(?:to|with)"
    r"|than|over|whereas|while|excluding|except)\b",
    re.IGNORECASE,
)
ANY_CONTRAST = re.compile(rf"\b{CONTRAST.pattern}", re.IGNORECASE)
NEGATIVE = re.compile(
    r"\b(?:not|cannot|neither|never|wrong|incorrect|false|distractors?|traps?|mistakes?|misconceptions?|eliminated?"
    r"|ruled?\s+out|excluded?|rejected?|irrelevant|unlikely|inaccurate|tempting|confus\w*"
    r"|(?:may|might|could|would)\s+(?:\w+\s+)?(?:seem|look|appear|think|choose|pick|say)|fails?|lacks?|less|lower|too"
    r"|nicht|falsch\w*|unrichtig\w*|incorrect\w+|faux|fausses?|errad[oa]s?|errat[oaei]|sbagliat\w|falsa|falso|onjuist\w*|fout"
    r"|\u043d\u0435\u0432\u0435\u0440\w*|\u043d\u0435\u043f\u0440\u0430\u0432\u0438\u043b\w*|yanl\u0131\u015f|b\u0142\u0119dn\w*)\b|n['\u2019]t\b|\u9519|\u932f|\u4e0d",
    re.IGNORECASE,
)
PRAISED = re.compile(
    r"\b(?:is|are|was|were|be|seems?|looks?)\s+(?:(?:also|both|equally|probably|likely|actually|the|a|an|as|more|most"
    r"|just)\s+){0,3}(?:correct|right|true|answers?|best|better|valid|acceptable|possible|plausible|likely|good)\b",
    re.IGNORECASE,
)
DOUBT = re.compile(
    r"\b(?:or|nor|either|also|too|as\s+well|equally|alternatively|maybe|perhaps|possibly|wait|actually|between"
    r"|instead(?!\s+of)|no(?=\s*[,.:;!-])|correction|but\s+rather|could|might|may|if|unless|otherwise|depend(?:s|ing)"
    r"|hmm|sorry|i\s+mean|oder|vielleicht|ou|peut-\u00eatre)\b|\?|\u6216|\u4e5f",
    re.IGNORECASE,
)
STATED = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|can|cannot|would|will|isn't|aren't|contains?|gives?|forms?|makes?"
    r"|refers?|means?|describes?|applies|lacks?|needs?|requires?|comes?|seems?|looks?|belongs?|occurs?|uses?|shows?"
    r"|represents?|corresponds?|relates?|leads|causes?|becomes?|remains?|melts?|boils?|reacts?|produces?)\b",
    re.IGNORECASE,
)
# Wherever it stands, even without a name of another option.
OPEN = re.compile(
    r"\b(?:it|this|that|answer|one)\s+(?:could|might|may)\s+(?:(?:(?:also|well|just|as|instead|even|equally)\s+){1,3}be\b"
    r"(?!\s+(?:\w{2,12}ed|written|shown|seen|found|given)\b)"
    r"|be\s+[(\[]?(?-i:[A-Z])[)\]]?(?![\w'\u2019]))"
    r"|\b(?:could|might|may)\s+(?:(?:also|equally|just)\s+(?:as\s+well\s+)?|as\s+well\s+)be\s+(?:correct|right|true|the)\b"
    r"|\b(?:both|all|several|two|more)\s+(?:of\s+them\s+|options?\s+|answers?\s+|choices?\s+)?(?:are|seem|could\s+be)\s+"
    r"(?:correct|right|possible|valid)\b",
    re.IGNORECASE,
)
# What follows "wait" or "actually" where the author changes the answer.
_AGAIN = (
    r"(?:no\b|it(?:['\u2019]s|\s+is|\s+should|\s+must)\b|that(?:['\u2019]s|\s+is)\s+(?:not|wrong|incorrect)\b"
    r"|(?:the\s+)?(?:correct\s+|right\s+|final\s+)?(?:answer|option|choice)\b|i\s+(?:think|meant?|was|made)\b|my\s+answer"
    r"|should\s+be\b|not\b|\(?[A-Z]\)?(?![\w'\u2019-]))"
)
_UNLESS_SUPPOSED = r"(?<!if\s)(?<!case\s)(?<!whether\s)(?<!unless\s)\b"
# Behind a final answer, anywhere: the author calls it wrong.
_CALLED_WRONG = (
    rf"{_UNLESS_SUPPOSED}(?:(?:that|this|it)(?:['\u2019]s|\s+is|\s+was)|(?:(?:the|my|this)\s+)?(?:above|(?:above|boxed)\s+"
    r"(?:answer|result|value|choice|solution))\s+(?:is|was)|(?:(?:the|my|this)\s+)?(?:previous|earlier|initial|first)\s+"
    r"(?:answer|result|value|choice|solution)\s+is)\s+"
    r"(?:(?:wrong|incorrect)\b(?!\s+to)|not\s+(?:right|correct|it)\b(?!\s+to)|a\s+mistake\b(?!\s+to))"
)
# A sentence that is another number and nothing else: "Actually 43.", "No wait, 43."
_ANOTHER_NUMBER = (
    r"(?:^|(?<=[.!?\n]))[\s*]{0,4}(?:no,?\s+)?(?:wait|actually|sorry|oops|make\s+that|rather|revised|corrected|edit|my\s+bad)"
    r"[\s,.:;!*\u2014-]{1,4}(?:no,?\s+)?(?:it(?:['\u2019]s|\s+is)\s+|i\s+meant?\s+|make\s+that\s+)?[$(\\]{0,3}-?\d[\d.,]*[$)\\*.!]{0,4}"
    r"[ \t]*(?=\n|$)"
)
# The answer itself is called wrong, whatever the question asks for: "That's wrong. Let me think."
_ANSWER_WRONG = (
    r"\banswer\s+[(\[*]{0,3}[A-Z][)\]*]{0,3}\s+(?:is|was)\s+(?:wrong|incorrect)\b|\b(?:that|this|it)(?:['\u2019]s|\s+is)\s+"
    r"(?:wrong|incorrect|not\s+right)[.!,]\s+(?:let\s+me|i\s+(?:need|must|should|will)|wait|hmm|actually|sorry|no)\b"
)
# Behind a final answer, anywhere: the author changes it.
_CHANGED = (
    rf"{_UNLESS_SUPPOSED}i\s+(?:was\s+(?:wrong|mistaken)|am\s+wrong|made\s+(?:a\s+mistake|an\s+error)|misread|misspoke"
    r"|stand\s+corrected|take\s+(?:it|that)\s+back|(?:have\s+)?changed?\s+my\s+(?:mind|answer)|retract)\b"
    r"|\b(?:(?:scratch|strike)\s+that|on\s+second\s+thoughts?|my\s+mistake|just\s+kidding(?!\s+aside)|(?:disregard|ignore)\s+(?:that|this|the\s+above)\b)"
    r"|\bcorrection\s?[:,]|(?:^|\n)[#*\s]{0,8}correction[*:]{0,4}[ \t]*(?=\n)"
    rf"|\b(?:wait|hmm+|oops|sorry|actually)\s?[,.!:;\u2026-]{{1,3}}\s{{0,2}}(?:(?:no|actually|sorry|wait)\s?[,.!:;-]{{0,3}}"
    rf"\s{{0,2}}){{0,2}}{_AGAIN}"
    rf"|\bactually\s+{_AGAIN}"
    r"|(?:^|[.!?]\s{1,2}|\n)no[,.!]\s{1,2}(?:it|that|wait|the\s+(?:correct\s+|right\s+)?answer|i\b|\(?[A-Z]\)?(?![\w'\u2019-]))"
    rf"|{_ANOTHER_NUMBER}|{_ANSWER_WRONG}"
)
RETRACTION = re.compile(rf"{_CALLED_WRONG}|{_CHANGED}", re.IGNORECASE)
CHANGED = re.compile(_CHANGED, re.IGNORECASE)
# Behind a final answer: another one may follow, and then it counts. Without one nothing is taken back.
SECOND_LOOK = re.compile(
    r"(?:^|(?<=[.!?\n]))[\s*#]{0,6}(?:hold\s+on(?!\s+to)|edit|make\s+that"
    r"|(?:let\s+me|i\s+(?:must|have\s+to))\s+correct(?:\s+(?:that|this|it|my\s+answer|myself))?|revised|corrected|updated|mistake!"
    r"|my\s+bad|oops|(?:however,?\s+)?i\s+(?:now\s+)?(?:reali[sz]ed?|notice[ds]?)\s+(?:that\s+)?(?:i|my|the\s+(?:above|previous))\b)"
    r"(?!\w)",
    re.IGNORECASE,
)
# "If the question had asked for the largest, the answer would be D."
SUPPOSED = re.compile(
    r"(?:(?:but|however|note\s+that),?\s+)?(?:if\s+(?:(?:the|this)\s+)?(?:question|problem|task|it|we|they|you)\s+"
    r"(?:had\s+|were\s+|was\s+)?(?:instead\s+)?(?:been\s+)?(?:asked|asking|looking|wanted|worded|different)"
    r"|(?:had|were)\s+(?:(?:the|this)\s+)?(?:question|problem|task|it|we|they|you)\s)[^.!?]{0,150}?\b"
    r"(?:would|could|might)\s+(?:have\s+been|be|have|choose|pick|apply)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n+")
