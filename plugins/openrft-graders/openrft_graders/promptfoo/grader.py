"""The grader of a promptfoo configuration: each row brings its own assertions.

An assertion passes or not, and has a score. A test passes if all its assertions pass, or, where it has a threshold, if
the mean of their scores by weight reaches it; a set of assertions likewise. An answer that passes earns 1. One that
does not earns that mean. An assertion of weight 0 is not counted.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from openrft import Progress
from openrft_graders.case import Case, Score, read_json
from openrft_graders.promptfoo.assertion import METRICS, PASSED, SET, Assertion
from openrft_graders.promptfoo.config import load_assertions
from openrft_graders.rubric.format import Criterion, Rubric
from openrft_graders.rubric.grader import RubricGrader, to_score
from openrft_graders.rubric.judging import build_judging
from openrft_graders.sandbox.client import SandboxPool
from openrft_graders.template import Variable
from openrft_graders.text_metrics import Metric

REGEX_SECONDS = 0.2
BELOW_PASS = 0.999  # the most that an answer earns that does not pass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an assertion says of an answer; `score` is None where it could not be checked."""

    passed: bool
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class AssertionGrader:
    """Scores answers by the assertions of their rows."""

    metrics: Mapping[str, Metric]
    rubric: RubricGrader | None = None  # its judge answers llm-rubric
    pool: SandboxPool | None = None  # runs python
    threshold: float = 1.0
    range: tuple[float, float] = (0.0, 1.0)

    def list_variables(self, path: str = "") -> Iterator[tuple[str, Variable]]:
        """Assertions are rendered when the rows are read."""
        return iter(())

    def find_fault(self, case: Case) -> str:
        """Why a row cannot be graded; empty if it can."""
        known = isinstance(case.item.get("assert"), list) and isinstance(case.item.get("vars"), Mapping)
        return "" if known else "its rows are no tests of promptfoo: name the same file with --data"

    def grade(self, cases: Sequence[Case], progress: Progress | None = None) -> list[Score]:
        """See `Grader`. `Score.parts` has each assertion."""
        loaded = [load_assertions(case.item) for case in cases]
        leaves = [(index, leaf) for index, parts in enumerate(loaded) for part in parts for leaf in part.list_leaves()]
        found = self._check_all([(cases[index], leaf) for index, leaf in leaves], progress)
        outcomes: dict[int, list[Outcome]] = defaultdict(list)
        for (index, _), outcome in zip(leaves, found, strict=True):
            outcomes[index].append(outcome)
        return [
            _score(parts, case.item.get("threshold"), iter(outcomes[index]))
            for index, (case, parts) in enumerate(zip(cases, loaded, strict=True))
        ]

    def _check_all(self, asked: list[tuple[Case, Assertion]], progress: Progress | None) -> list[Outcome]:
        """One outcome each. What costs a model or a process is asked together."""
        groups: dict[str, list[int]] = defaultdict(list)
        for place, (_, leaf) in enumerate(asked):
            groups[leaf.type].append(place)
        found: dict[int, Outcome] = {}
        for kind, places in groups.items():
            part = [asked[place] for place in places]
            if kind in METRICS:
                outcomes = self._compare(kind, part)
            elif kind == "llm-rubric":
                outcomes = self._judge(part, progress)
            elif kind == "python":
                outcomes = self._run(part)
            else:
                outcomes = [_check(case, leaf) for case, leaf in part]
            found.update(zip(places, map(_negate, [leaf for _, leaf in part], outcomes), strict=True))
        return [found[place] for place in range(len(asked))]

    def _compare(self, kind: str, part: list[tuple[Case, Assertion]]) -> list[Outcome]:
        values = [leaf.value if isinstance(leaf.value, list) else [leaf.value] for _, leaf in part]
        pairs = [(_get_text(case), text) for (case, _), texts in zip(part, values, strict=True) for text in texts]
        scores = iter(self.metrics[kind](pairs))
        best = [max(next(scores) for _ in texts) for texts in values]  # of several, one must be near
        return [
            Outcome(score >= (leaf.threshold or 0.0), score, f"{kind} {score:.3g}")
            for (_, leaf), score in zip(part, best, strict=True)
        ]

    def _judge(self, part: list[tuple[Case, Assertion]], progress: Progress | None) -> list[Outcome]:
        assert self.rubric is not None
        judgings = [build_judging(case, Rubric((Criterion(" ".join(leaf.value.split())),))) for case, leaf in part]
        scores = [to_score(j, v) for j, v in zip(judgings, self.rubric.judge.ask(judgings, progress), strict=True)]
        return [
            Outcome(score.value is not None and score.value >= (leaf.threshold or 1.0), score.value, score.reason)
            for (_, leaf), score in zip(part, scores, strict=True)
        ]

    def _run(self, part: list[tuple[Case, Assertion]]) -> list[Outcome]:
        assert self.pool is not None
        found: dict[int, Outcome] = {}
        sources: dict[str, list[int]] = defaultdict(list)
        for place, (_, leaf) in enumerate(part):
            sources[leaf.value].append(place)
        for source, places in sources.items():
            replies = self.pool.grade(source, [(part[place][0].sample, part[place][0].item) for place in places])
            for place, reply in zip(places, replies, strict=True):
                if reply.value is None:
                    found[place] = Outcome(False, None, f"python: {reply.words}")
                else:
                    passed = reply.value >= PASSED
                    found[place] = Outcome(passed, reply.value - PASSED * passed, "python")
        return [found[place] for place in range(len(part))]


def _score(parts: Sequence[Assertion], threshold: float | None, outcomes: Iterator[Outcome]) -> Score:
    """The score of a test from the outcomes of its leaves, in order."""
    labels: dict[str, Score] = {}

    def combine(group: Sequence[Assertion], wanted: float | None, prefix: str) -> Outcome:
        found = []
        for index, part in enumerate(group):
            label = f"{prefix}{index}.{'not-' * part.negated}{part.type}"
            outcome = combine(part.parts, part.threshold, f"{label}.") if part.type == SET else next(outcomes)
            if part.type == SET and part.negated:
                outcome = replace(outcome, passed=not outcome.passed)
            labels[label] = Score(outcome.score, outcome.reason)
            if part.weight:
                found.append((part, outcome))
        failed = next((outcome for _, outcome in found if outcome.score is None), None)
        if failed:
            return Outcome(False, None, failed.reason)
        total = sum(part.weight for part, _ in found)
        mean = sum(part.weight * (outcome.score or 0.0) for part, outcome in found) / total if total else 1.0
        passed = mean >= wanted if wanted is not None else all(outcome.passed for _, outcome in found)
        names = [f"{part.type}: {outcome.reason}" for part, outcome in found if not outcome.passed]
        return Outcome(passed, mean, "; ".join(names) or "all assertions pass")

    whole = combine(parts, threshold, "")
    if whole.score is None:
        return Score(None, whole.reason, labels)
    return Score(1.0 if whole.passed else min(whole.score, BELOW_PASS), whole.reason, labels)


def _negate(leaf: Assertion, outcome: Outcome) -> Outcome:
    if not leaf.negated or outcome.score is None:
        return outcome
    score = outcome.score if leaf.type == "python" else 1 - outcome.score
    return replace(outcome, passed=not outcome.passed, score=score)


def _check(case: Case, leaf: Assertion) -> Outcome:
    try:
        passed = _CHECKS[leaf.type](_get_text(case), leaf)
    except TimeoutError:
        return Outcome(False, None, "regex: it takes too long")
    return Outcome(passed, float(passed), "holds" if passed else f"does not hold for {_get_text(case)[:40]!r}")


def _get_text(case: Case) -> str:
    return str(case.sample["output_text"])


def _is_equal(text: str, leaf: Assertion) -> bool:
    return text == leaf.value if isinstance(leaf.value, str) else read_json(text) == leaf.value


def _matches(text: str, leaf: Assertion) -> bool:
    import regex

    return regex.search(leaf.value, text, timeout=REGEX_SECONDS) is not None


def _is_near(text: str, leaf: Assertion) -> bool:
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(text, leaf.value) <= (leaf.threshold or 0.0)


def _is_json(text: str, leaf: Assertion) -> bool:
    value = read_json(text)
    return (value is not None or text.strip() == "null") and _keeps_schema(value, leaf)


def _holds_json(text: str, leaf: Assertion) -> bool:
    decoder = json.JSONDecoder()
    for place, sign in enumerate(text):
        if sign in "{[":
            try:
                value, _ = decoder.raw_decode(text, place)
            except (ValueError, RecursionError):
                continue
            if _keeps_schema(value, leaf):
                return True
    return False


def _keeps_schema(value: object, leaf: Assertion) -> bool:
    if leaf.value is None:
        return True
    import jsonschema

    return bool(jsonschema.Draft202012Validator(leaf.value).is_valid(value))


_CHECKS: Mapping[str, Callable[[str, Assertion], bool]] = {
    "equals": _is_equal,
    "contains": lambda text, leaf: leaf.value in text,
    "icontains": lambda text, leaf: leaf.value.lower() in text.lower(),
    "contains-any": lambda text, leaf: any(part in text for part in leaf.value),
    "contains-all": lambda text, leaf: all(part in text for part in leaf.value),
    "icontains-any": lambda text, leaf: any(part.lower() in text.lower() for part in leaf.value),
    "icontains-all": lambda text, leaf: all(part.lower() in text.lower() for part in leaf.value),
    "starts-with": lambda text, leaf: text.startswith(leaf.value),
    "regex": _matches,
    "levenshtein": _is_near,
    "is-json": _is_json,
    "contains-json": _holds_json,
}
