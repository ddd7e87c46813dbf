"""From JSON to a grader. Everything that is wrong is refused here, with the path of its field, before anything runs."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from openrft import OpenRFTError, Sampling, UsageError
from openrft_graders.faults import describe_kind, join, refuse, suggest
from openrft_graders.finite import LONGEST, read_finite
from openrft_graders.formula import parse_formula
from openrft_graders.grader import OPERATIONS, Grader, Multi, PythonCode, StringCheck, TextSimilarity
from openrft_graders.model_graders import ModelGrader, Role, SharedPolicy, Turn
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
_ROLES: Mapping[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_PARTS = ("text", "input_text", "output_text")
_LENGTHS = ("max_completions_tokens", "max_completion_tokens", "max_tokens")  # OpenAI's reference has the first
_SAMPLING = ("seed", "top_p", "temperature", "reasoning_effort", *_LENGTHS)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


def parse_grader(value: Any, path: str = "", *, settings: GraderSettings, inside: bool = False) -> Grader:
    """The grader that a JSON value describes. `inside`: it is part of a multi grader. Raises UsageError."""
    if not isinstance(value, Mapping):
        refuse(path, f"a grader is an object, not {describe_kind(value)}.", 'Write {"type": ..., ...}.')
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        words = "it is missing." if kind is None else f"there is no kind of grader {json.dumps(kind)}."
        refuse(join(path, "type"), words, suggest(str(kind), _FIELDS))
    required, optional = _FIELDS[kind]
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
    return readers[kind]()


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
        value = self.value[name]
        if not isinstance(value, str):
            self._fail(name, f"it is {describe_kind(value)}, not a text.", f"Use {', '.join(known)}.")
        if value not in known:
            self._fail(name, f"there is no {value!r}.", suggest(value, known))
        return value

    def _number(self, name: str, value: Any) -> float:
        number = read_finite(value)
        if number is None:
            words = json.dumps(value)
            self._fail(name, f"it is {words if len(words) <= LONGEST else words[:LONGEST] + '...'}.", "Write a number.")
        return number

    def _whole(self, name: str, value: Any, least: int) -> int:
        if not self._number(name, value).is_integer() or value < least:
            self._fail(name, f"it is {value:g}.", f"Write a whole number from {least} on.")
        return int(value)

    def _share(self, name: str, value: Any, low: float, high: float) -> float:
        if not low <= self._number(name, value) <= high:
            self._fail(name, f"it is {value:g}.", f"Write a number from {low:g} to {high:g}.")
        return float(value)

    def _threshold(self, default: float = 1.0, highest: float | None = 1.0) -> float:
        """The lowest value that passes. `highest`: the most that this kind gives; None: it is not known."""
        if (own := self.value.get("pass_threshold")) is not None:
            if self._number("pass_threshold", own) > (math.inf if highest is None else highest):
                self._fail("pass_threshold", f"it is {own:g}, and no answer can have more than {highest:g}.")
            return float(own)
        return default if self.settings.pass_threshold is None else self.settings.pass_threshold

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
            self._fail("source", f"it is {describe_kind(source)}, not a text.")
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
        return PythonCode(source, pool, self._invalid_grade(), self._threshold(highest=None))

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
        return Multi(parts, formula, self._invalid_grade(), self._threshold(highest=None))

    def read_score_model(self) -> Grader:
        low, high = 0.0, 1.0
        if (given := self.value.get("range")) is not None:
            if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
                self._fail("range", f"it is {json.dumps(given)}.", "Write two numbers: [0, 1].")
            low, high = (self._number("range", edge) for edge in given)
            if not low < high:
                self._fail("range", f"{low:g} is not below {high:g}.")
        return ModelGrader(
            self._read_input(), self._read_policy(), self._read_sampling(), (low, high), self._threshold(high, high)
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
        role = turn.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            self._fail(f"{name}.role", f"it is {json.dumps(role)}.", f"Use {', '.join(_ROLES)}.")
        parts = turn["content"] if isinstance(turn["content"], list) else [turn["content"]]
        if not parts:
            self._fail(f"{name}.content", "it is empty.", "Write a text.")
        texts = [self._read_part(part, f"{name}.content") for part in parts]
        content = parse_template("\n".join(texts), join(self.path, f"{name}.content"))
        return Turn(_ROLES[role], content)

    def _read_part(self, part: Any, name: str) -> str:
        if isinstance(part, Mapping) and part.get("type") in _PARTS:
            part = part.get("text")
        if isinstance(part, Mapping):
            self._fail(
                name, f"a part of the type {part.get('type')!r} cannot be read.", "Only text can be graded here."
            )
        if not isinstance(part, str):
            self._fail(name, f"it is {describe_kind(part)}, not a text.")
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
        given = self.value.get("sampling_params")
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            self._fail("sampling_params", f"it is {describe_kind(given)}, not an object.")
        values = {name: value for name, value in given.items() if value is not None}
        where = "sampling_params.{}".format
        for name in given:
            if name not in _SAMPLING:
                self._fail(where(name), "there is no such parameter.", suggest(str(name), _SAMPLING))
        lengths = [name for name in _LENGTHS if name in values]
        if len(lengths) > 1:
            self._fail(where(lengths[1]), f"{lengths[0]} says the same.", "Leave one out.")
        effort = values.get("reasoning_effort")
        if effort is not None and effort not in _EFFORTS:
            self._fail(where("reasoning_effort"), f"it is {json.dumps(effort)}.", f"Use {', '.join(_EFFORTS)}.")
        return Sampling(
            temperature=self._share(where("temperature"), values.get("temperature", 0.0), 0, 2),
            top_p=self._share(where("top_p"), values.get("top_p", 1.0), 1e-6, 1),
            max_tokens=self._whole(where(lengths[0]), values[lengths[0]], 1) if lengths else 2048,
            seed=self._whole(where("seed"), values.get("seed", 0), 0),
            reasoning_effort=effort,
        )
