"""How an answer is asked for and graded, by the form of answer that a row wants.

One instruction serves a whole task. The rows' own ones ("directly give the answer without any explanation") forbid
the reasoning that is to be trained, so they are kept in `Sample.meta` and not shown. Where only they say what is to be
done with a text, they are shown without that clause.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import openrft
from openrft import Grade, Sample
from openrft_sciknoweval.relations import match_relations, parse_relations
from openrft_sciknoweval.similarity import match_exactly

Form = Literal["choice", "boolean", "text", "relations", "judged"]

_REASON = "Reason step by step, one step per line."
_ANSWER_FORMATS: dict[Form, str] = {
    "choice": "the letter of the right option",
    "boolean": "Yes if it holds or is true, No if not",
    "text": "the answer alone, keeping the order in which the question gives things",
    "relations": "the whole list, each relation in parentheses",
    "judged": "the whole answer",
}
_CONDITIONS: dict[Form, str] = {
    "choice": "where options are given",
    "boolean": "for a yes/no question or a hypothesis",
    "relations": "where relations are asked for",
    "judged": "where a text is asked for",
    "text": "else",
}
_JUDGED_LEAVES = ("extract_doping", "component_extraction")  # of the type relation_extraction, and yet judged
_BARE = re.compile(r",?\s*(?:directly\s*,?\s*)?do(?: not|n't) output (?:any )?other characters", re.IGNORECASE)
_EQUATION = re.compile(r"[A-Za-z)\]}]\w{0,4} ?(?:=|->|\u2192|\\(?:to|rightarrow)\b) ?[\d(\[{]{0,6} ?[A-Za-z]")
_BETWEEN = re.compile(r"[,;|\n/]|\\\\|\b(?:or|and|nor)\b", re.IGNORECASE)
_NO_REASONS = re.compile(r"\s*without any explanation", re.IGNORECASE)


def answer_form(type_: str, leaf: str) -> Form:
    """The form of answer that a row of this type, in this file, wants."""
    if type_ == "open-ended-qa" or leaf.endswith(_JUDGED_LEAVES):
        return "judged"
    if type_ == "relation_extraction":
        return "relations"
    return "choice" if type_.startswith("mcq") else "boolean" if type_ == "true_or_false" else "text"


def form_of(sample: Sample) -> Form:
    """The form of answer that a sample wants."""
    type_ = sample.meta.get("type")
    return answer_form(type_, sample.task.rpartition("/")[2]) if type_ else sample.kind  # type: ignore[return-value]


def has_outcome_reward(sample: Sample) -> bool:
    """Whether an outcome reward exists without a judge: such a sample can be trained on."""
    return form_of(sample) != "judged"


def build_question(type_: str, leaf: str, prompt: str, question: str) -> str:
    """The question as it is asked: with the row's instruction before it where the question alone asks nothing."""
    if answer_form(type_, leaf) not in ("relations", "judged"):
        return question
    instruction = _allow_reasons(prompt)
    return f"{instruction}\n\n{question}" if instruction else question


def _allow_reasons(prompt: str) -> str:
    """The row's instruction without the clauses that forbid reasoning."""
    kept = []
    for sentence in re.split(r"(?<=[.!?])\s+", prompt.strip()):
        rest = _NO_REASONS.sub("", _BARE.sub("", sentence))
        if rest == sentence or not re.match(r"(?:please )?(?:directly give\b|\W*$)", rest, re.IGNORECASE):
            kept.append(rest)
    return " ".join(kept)


def build_instruction(forms: Iterable[Form]) -> str | None:
    """The system instruction for items that want these forms; None = the harness's own, which is for choices."""
    held = set(forms)
    wanted = [form for form in _ANSWER_FORMATS if form in held]
    if wanted == ["choice"]:
        return None
    if len(wanted) == 1:
        last = "At the end" if wanted == ["judged"] else "On the last line"
        return f"{_REASON} {last} put in \\boxed{{}}: {_ANSWER_FORMATS[wanted[0]]}."
    forms_ = "; ".join(f"{_CONDITIONS[form]}, {_ANSWER_FORMATS[form]}" for form in _CONDITIONS if form in held)
    return f"{_REASON} On the last line put the final answer in \\boxed{{}}: {forms_}."


def grade(sample: Sample, completion: str) -> Grade:
    """The harness's grade; for forms that it does not know:

    text: right if the final answer contains the gold answer as whole words. Containment is the benchmark's metric for
    filling. Whole words, because a plain substring would let `12H2 + O2 = 2H2O` pass for `2H2 + O2 = 2H2O`; the final
    answer only and no list of several, because one that lists candidates would contain the gold one by luck.
    relations: the score is the benchmark's composite of F1s on this item, names compared letter for letter; right if
    nothing is missed and nothing wrong.
    judged: not scored (`correct` is None); the answer is what the judge is to read.
    """
    graded = openrft.grade(sample, completion)
    if form_of(sample) == "judged":
        return Grade(graded.answer or extract_free_text(completion), None)
    lenient = _grade_form(sample, graded.lenient) if graded.lenient else None
    return replace(_grade_form(sample, graded), lenient=lenient)


def _grade_form(sample: Sample, graded: Grade) -> Grade:
    """One reading's grade by the form that the sample wants."""
    wanted = form_of(sample)
    if wanted == "relations":
        return _grade_relations(sample, graded)
    if wanted != "text" or graded.answer is None:
        return graded
    return replace(graded, correct=contains_gold(graded.answer, sample.answer))


def _grade_relations(sample: Sample, graded: Grade) -> Grade:
    found = parse_relations(graded.answer) if graded.answer else None
    if found is None:
        return replace(graded, answer=None, correct=False, score=0.0)
    score = match_relations(found, parse_relations(sample.answer) or (), match_exactly).score
    return replace(graded, correct=score == 1, score=score)


def extract_free_text(completion: str) -> str | None:
    """A judged answer that is in no box: all but the thinking; None if nothing is left."""
    return openrft.strip_thinking(completion).strip() or None


def contains_gold(answer: str, gold: str) -> bool:
    """Whether `gold` is in `answer`: not cut out of a longer word or number, not denied, not as one of several.

    Spaces do not matter.
    """
    answer, gold = " ".join(answer.split()), " ".join(gold.split())
    found = re.search(rf"(?<![\w.])(?<!\bnot ){re.escape(gold)}(?!\w|\.\d)", answer) if gold else None
    return found is not None and not _lists_others(answer[: found.start()], gold, answer[found.end() :])


def _lists_others(before: str, gold: str, after: str) -> bool:
    """Whether the text around the gold answer holds another one of its kind: an equation, a number, as few words."""
    if _EQUATION.search(gold):
        return _EQUATION.search(before) is not None or _EQUATION.search(after) is not None
    *first, left = _BETWEEN.split(before)
    right, *last = _BETWEEN.split(after)
    if re.search(r"\d", gold):
        return any(re.search(r"\d", piece) for piece in (*first, *last))
    alone = not left.strip() and not right.strip(" .")
    return alone and any(0 < len(piece.split()) <= len(gold.split()) for piece in (*first, *last))
