"""From JSON to a grader. Everything that is wrong is refused here, with the path of its field, before anything runs."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from openrft import OpenRFTError, Sampling, UsageError
from openrft_graders.faults import join, refuse, suggest
from openrft_graders.formula import parse_formula
from openrft_graders.grader import OPERATIONS, Grader, Multi, PythonCode, StringCheck, TextSimilarity
from openrft_graders.model_graders import ModelGrader, SharedPolicy, Turn
from openrft_graders.rubric.format import parse_rubric
from openrft_graders.rubric.grader import THRESHOLD, RubricGrader
from openrft_graders.rubric.judge import RubricJudge
from openrft_graders.settings import GraderSettings, open_pool, share_policy
from openrft_graders.template import Template, parse_template
from openrft_graders.text_metrics import METRICS, open_metric

LONGEST_SOURCE = 256 * 1024  # bytes, as at OpenAI
_COMMON = ("type", "name")
_FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # required and optional fields of each kind
    "string_check": (("input", "reference", "operation"), ("pass_threshold",)),
    "text_similarity": (("input", "reference", "evaluation_metric"), ("pass_threshold",)),
    "score_model": (("input", "model"), ("range", "sampling_params", "pass_threshold")),
    "label_model": (("input", "model", "labels", "passing_labels"), ("sampling_params",)),
    "rubric": (("model",), ("rubric", "sampling_params", "pass_threshold")),
    "python": (("source",), ("image_tag", "pass_threshold", "invalid_grade")),
    "multi": (("graders", "calculate_output"), ("pass_threshold", "invalid_grade")),
}
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_PARTS = ("text", "input_text", "output_text")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


def parse_grader(value: Any, path: str = "", *, settings: GraderSettings, inside: bool = False) -> Grader:
    """The grader that a JSON value describes. `inside`: it is part of a multi grader. Raises UsageError."""
    if not isinstance(value, Mapping):
        refuse(path, f"a grader is an object, not a {type(value).__name__}.", 'Write {"type": ..., ...}.')
    kind = value.get("type")
    if kind not in _FIELDS:
        words = "it is missing." if kind is None else f"there is no kind of grader {kind!r}."
        refuse(join(path, "type"), words, suggest(str(kind), _FIELDS))
    required, optional = _FIELDS[str(kind)]
    known = (*_COMMON, *required, *optional)
    for name in value:
        if name not in known:
            refuse(join(path, str(name)), f"a {kind} grader has no such field.", suggest(str(name), known))
    for name in required:
        if name not in value:
            refuse(join(path, name), f"a {kind} grader needs it.")
    reader = _Reader(value, path, settings)
    if kind == "multi":
        if inside:
            refuse(path, "a multi grader cannot be inside another.", "Write one formula over all graders.")
        return reader.read_multi()
    readers = {
        "string_check": reader.read_string_check,
        "text_similarity": reader.read_text_similarity,
        "score_model": reader.read_score_model,
        "label_model": reader.read_label_model,
        "rubric": reader.read_rubric,
        "python": reader.read_python,
    }
    return readers[str(kind)]()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the fields of one grader."""

    value: Mapping[str, Any]
    path: str
    settings: GraderSettings

    def _fail(self, name: str, words: str, advice: str = "") -> NoReturn:
        refuse(join(self.path, name), words, advice)

    def _template(self, name: str) -> Template:
        return parse_template(self.value[name], join(self.path, name))

    def _choose(self, name: str, known: Sequence[str]) -> str:
        if self.value[name] not in known:
            self._fail(name, f"there is no {self.value[name]!r}.", suggest(str(self.value[name]), known))
        return str(self.value[name])

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._fail(name, f"it is {value!r}.", "Write a number.")
        return float(value)

    def _threshold(self, highest: float = 1.0) -> float:
        if (own := self.value.get("pass_threshold")) is not None:
            return self._number("pass_threshold", own)
        return highest if self.settings.pass_threshold is None else self.settings.pass_threshold

    def _invalid_grade(self) -> float | None:
        own = self.value.get("invalid_grade")
        return self.settings.invalid_grade if own is None else self._number("invalid_grade", own)

    def read_string_check(self) -> Grader:
        operation = self._choose("operation", list(OPERATIONS))
        return StringCheck(self._template("input"), self._template("reference"), operation, self._threshold())

    def read_text_similarity(self) -> Grader:
        name = self._choose("evaluation_metric", METRICS)
        try:
            metric = open_metric(name, self.settings.embedder, self.settings.synonyms, self.settings.plugin)
        except UsageError as fault:
            self._fail("evaluation_metric", fault.message, fault.advice)
        return TextSimilarity(self._template("input"), self._template("reference"), name, metric, self._threshold())

    def read_python(self) -> Grader:
        source = self.value["source"]
        if not isinstance(source, str):
            self._fail("source", f"it is a {type(source).__name__}, not a text.")
        if len(source.encode("utf-8", "replace")) > LONGEST_SOURCE:
            self._fail("source", "it is longer than 256 kB.")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError) as fault:
            self._fail("source", f"it is no Python: {fault}.")
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "grade"]
        assigned = any(isinstance(node, ast.Assign | ast.ImportFrom | ast.If | ast.Try) for node in tree.body)
        if not found and not (assigned and "grade" in source):
            self._fail("source", "it has no function grade.", "Write def grade(sample, item): ...")
        if found and len(found[-1].args.posonlyargs + found[-1].args.args) != 2 and not found[-1].args.vararg:
            self._fail("source", "its function grade must take two arguments.", "Write def grade(sample, item): ...")
        try:
            pool = open_pool(self.settings)
        except UsageError as fault:
            self._fail("source", fault.message, fault.advice)
        return PythonCode(source, pool, self._invalid_grade(), self._threshold())

    def read_multi(self) -> Grader:
        graders = self.value["graders"]
        if not isinstance(graders, Mapping) or not graders:
            self._fail("graders", "it must be an object with a grader for each name.")
        for name in graders:
            if not str(name).isidentifier() or not str(name).isascii():
                self._fail(f"graders.{name}", "a formula cannot name it.", "Use letters, digits and underscores.")
        parts = {
            str(name): parse_grader(part, join(self.path, f"graders.{name}"), settings=self.settings, inside=True)
            for name, part in graders.items()
        }
        formula = parse_formula(self.value["calculate_output"], list(parts), join(self.path, "calculate_output"))
        return Multi(parts, formula, self._invalid_grade(), self._threshold())

    def read_score_model(self) -> Grader:
        low, high = 0.0, 1.0
        if (given := self.value.get("range")) is not None:
            if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
                self._fail("range", f"it is {given!r}.", "Write two numbers: [0, 1].")
            low, high = (self._number("range", edge) for edge in given)
            if not low < high:
                self._fail("range", f"{low:g} is not below {high:g}.")
        return ModelGrader(
            self._read_input(), self._read_policy(), self._read_sampling(), (low, high), self._threshold(high)
        )

    def read_label_model(self) -> Grader:
        labels, passing = self._read_labels("labels"), self._read_labels("passing_labels")
        for label in passing:
            if label not in labels:
                self._fail("passing_labels", f"{label!r} is none of the labels.", suggest(label, labels))
        return ModelGrader(
            self._read_input(),
            self._read_policy(),
            self._read_sampling(),
            labels=labels,
            passing_labels=passing,
        )

    def read_rubric(self) -> Grader:
        own = self.value.get("rubric")
        rubric = None if own is None else parse_rubric(own, join(self.path, "rubric"))
        return RubricGrader(RubricJudge(self._read_policy(), self._read_sampling()), rubric, self._threshold(THRESHOLD))

    def _read_labels(self, name: str) -> tuple[str, ...]:
        labels = self.value[name]
        if not isinstance(labels, list) or not labels or not all(isinstance(label, str) and label for label in labels):
            self._fail(name, "it must be a list of labels, each a text.")
        if len({label.casefold() for label in labels}) < len(labels):
            self._fail(name, "a label stands in it twice.")
        return tuple(labels)

    def _read_input(self) -> tuple[Turn, ...]:
        turns = self.value["input"]
        if not isinstance(turns, list) or not turns:
            self._fail("input", "it must be a list of messages.", 'Write [{"role": "user", "content": "..."}].')
        return tuple(self._read_turn(turn, f"input[{i}]") for i, turn in enumerate(turns))

    def _read_turn(self, turn: Any, name: str) -> Turn:
        if not isinstance(turn, Mapping) or "content" not in turn:
            self._fail(name, "it is no message.", 'Write {"role": "user", "content": "..."}.')
        for key in turn:
            if key not in ("role", "content", "type"):
                self._fail(f"{name}.{key}", "a message has no such field.", "It has role and content.")
        if turn.get("role") not in _ROLES:
            self._fail(f"{name}.role", f"it is {turn.get('role')!r}.", f"Use {', '.join(_ROLES)}.")
        parts = turn["content"] if isinstance(turn["content"], list) else [turn["content"]]
        texts = [self._read_part(part, f"{name}.content") for part in parts]
        content = parse_template("\n".join(texts), join(self.path, f"{name}.content"))
        return Turn(_ROLES[turn["role"]], content)  # type: ignore[arg-type]

    def _read_part(self, part: Any, name: str) -> str:
        if isinstance(part, Mapping) and part.get("type") in _PARTS:
            part = part.get("text")
        if isinstance(part, Mapping):
            self._fail(
                name, f"a part of the type {part.get('type')!r} cannot be read.", "Only text can be graded here."
            )
        if not isinstance(part, str):
            self._fail(name, f"it is a {type(part).__name__}, not a text.")
        return part

    def _read_policy(self) -> SharedPolicy:
        model, s = self.value["model"], self.settings
        if not isinstance(model, str) or not model:
            self._fail("model", "it must name a model.")
        try:
            return share_policy(s.judge or model, s)
        except OpenRFTError as fault:
            if s.judge:
                raise
            self._fail("model", f"{model!r} cannot be asked here.", f"Name another with {s.plugin}.judge. {fault}")

    def _read_sampling(self) -> Sampling:
        given = self.value.get("sampling_params") or {}
        known = ("seed", "top_p", "temperature", "max_completions_tokens", "reasoning_effort")
        if not isinstance(given, Mapping):
            self._fail("sampling_params", "it must be an object.")
        for name in given:
            if name not in known:
                self._fail(f"sampling_params.{name}", "there is no such parameter.", suggest(str(name), known))
        numbers = {
            name: self._number(f"sampling_params.{name}", given[name])
            for name in known[:4]
            if given.get(name) is not None
        }
        effort = given.get("reasoning_effort")
        if effort is not None and effort not in _EFFORTS:
            self._fail("sampling_params.reasoning_effort", f"it is {effort!r}.", f"Use {', '.join(_EFFORTS)}.")
        return Sampling(
            temperature=numbers.get("temperature", 0.0),
            top_p=numbers.get("top_p", 1.0),
            max_tokens=int(numbers.get("max_completions_tokens", 2048)),
            seed=int(numbers.get("seed", 0)),
            reasoning_effort=effort,
        )
