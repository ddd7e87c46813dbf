"""The data that flows through the pipeline: Sample, Demonstration, Prompt, Completion, Reward, Rollout. All are frozen.

This file knows how each is identified and written to JSON. It does not know how a prompt looks (tasks/prompt.py), what
a right answer is (grading/) or where results are stored (runtime/store.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from openrft.errors import DataError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
AnswerKind = Literal["choice", "boolean", "number", "expression", "text"]
Reading = Literal["strict", "lenient"]  # how an answer is read: in the asked form only, or as a careful person would
RewardKind = Literal["outcome", "process"]
JSON = None | bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"]  # plain data that json can write
Message = dict[str, str]  # {"role": "system" | "user" | "assistant", "content": ...}


def content_id(*parts: object) -> str:
    """16 hex digits that depend only on the content of `parts` (sha256 of their canonical JSON)."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def identify_question(asked: Sample) -> str:
    """16 hex digits that depend on a question's text and options, whatever their order and its answer."""
    return content_id(asked.question, sorted(asked.options))


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled question. Its id is made from question, options, answer and history, because a question's text alone
    is not unique. If a task has equal samples, `copy_index` distinguishes them."""

    question: str  # the stem, without options
    answer: str  # choice: the gold option's letter; boolean: Yes/No; otherwise the gold text
    options: tuple[str, ...] = ()  # in the order of the letters A, B, C, ...; may be empty
    kind: AnswerKind = "choice"
    task: str = ""  # the leaf task it belongs to, e.g. "sciknoweval/L3/retrosynthesis"
    parent: str | None = None  # id of the sample it was made from by augmentation
    created_by: str | None = None  # the plugin that made it from `parent`
    copy_index: int = 0  # the number of equal samples before it in its task
    accepted: tuple[str, ...] = ()  # further answers that are as right as `answer`
    history: tuple[Message, ...] = ()  # chat turns before the question; leading system turns replace the instruction
    meta: Mapping[str, Any] = field(default_factory=dict)  # plain JSON: source, defects, facts for a step checker
    id: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(self.options))
        object.__setattr__(self, "accepted", tuple(self.accepted))
        object.__setattr__(self, "history", tuple(self.history))
        more = [part for part in (self.copy_index, self.history) if part]
        object.__setattr__(self, "id", content_id(self.question, self.options, self.answer, *more))
        self._check_answer()

    def _check_answer(self) -> None:
        """Raises DataError for an answer that no completion could match."""
        about = f"(question: {self.question[:60]!r})"
        if self.kind not in get_args(AnswerKind):
            raise DataError(
                f"there is no kind of answer {self.kind!r} {about}.", f"Use {', '.join(get_args(AnswerKind))}."
            )
        if len(self.options) > len(LETTERS):
            raise DataError(
                f"there are {len(self.options)} options, and only {len(LETTERS)} letters {about}.", "Leave some out."
            )
        if self.kind == "choice" and self.answer not in list(LETTERS[: len(self.options)]):
            raise DataError(
                f"the answer key {self.answer[:60]!r} is not among the labels of {len(self.options)} options {about}.",
                "Give the letter of one of the options.",
            )
        if self.kind == "boolean" and self.answer not in ("Yes", "No"):
            raise DataError(f"the answer {self.answer[:60]!r} is not Yes or No {about}.", "Write it as Yes or No.")

    @property
    def root_id(self) -> str:
        """The id of the original, or of the first of equal samples. Samples with the same root are related."""
        return self.parent or (replace(self, copy_index=0).id if self.copy_index else self.id)

    @property
    def gold(self) -> str:
        """The text of the gold answer; for a choice, that of the gold option."""
        return self.options[LETTERS.index(self.answer)] if self.kind == "choice" else self.answer


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A labelled question with the assistant's answer to it."""

    sample: Sample
    answer: str  # the bare answer, e.g. "\\boxed{B}"
    trace: str | None = None  # verified reasoning that reaches the answer, if it was synthesised


@dataclass(frozen=True, slots=True)
class Completion:
    """What a policy wrote for one prompt."""

    text: str
    tokens: tuple[int, ...] = ()  # generated ids, including the end token if there is one
    logprobs: tuple[float, ...] = ()  # natural log-probability of each token when it was sampled; may be empty
    finish_reason: Literal["stop", "length", "context", "error"] = "stop"
    # ^ "length": the token budget ran out; "context": the prompt alone fills the context, so nothing was written;
    #   "error": a server failed, so the answer is not known
    temperature: float = 1.0  # at which it was sampled; `logprobs` are those of that distribution
    error: str = ""  # the server's message; "" unless finish_reason is "error"
    inserted: tuple[int, ...] = ()
    # ^ indexes of the tokens that the policy did not draw: the end of a thought that used up its budget

    @property
    def is_written(self) -> bool:
        """Whether the policy wrote a completion; it may be empty."""
        return self.finish_reason not in ("context", "error")


@dataclass(frozen=True, slots=True)
class Reward:
    """The reward of one source for one rollout."""

    name: str  # the source: "outcome" or the plugin's name
    kind: RewardKind
    score: float | None = None  # the sequence's score; None = the core aggregates `per_step`
    per_step: tuple[float, ...] = ()  # one score per reasoning step, in [0, 1], in order


@dataclass(frozen=True, slots=True)
class Draw:
    """One of the completions that a test answer was chosen from, in short."""

    vote: int | None  # as in Rollout
    score: float | None  # 1 if right, 0 if wrong, between where answers can be partly right; None = not scored
    weight: float | None  # from the plugin that chose; None = no completion was written
    tokens: int  # generated


@dataclass(frozen=True, slots=True)
class Rollout:
    """A sample, its prompt, the completion, and the grade and rewards of the completion."""

    sample: Sample
    messages: tuple[Message, ...]
    completion: Completion
    demonstration_ids: tuple[str, ...] = ()  # ids of the samples that the prompt shows as demonstrations
    rewards: tuple[Reward, ...] = ()
    reward: float | None = None  # R = alpha * outcome + (1 - alpha) * f(process)
    answer: str | None = None  # what the grader read from the completion; None = unparsed
    correct: bool | None = None  # None = not graded, or not scored because no rule could tell
    step_rewards: tuple[float, ...] = ()
    # ^ the parts of R: one at the end of each step, then one at the last token. Empty: all of R is at the last token
    score: float | None = None  # in [0, 1], where answers can be partly right; None = 1 if correct, else 0
    lenient_answer: str | None = None  # what the lenient reading takes for the answer; None = unparsed by it, too
    lenient_correct: bool | None = None  # whether that answer is right; None as for `correct`
    vote: int | None = None
    # ^ of test answers: the number of `answer` among those to its question. Equal answers share one. None = unparsed
    reason: str = ""  # why the strict reading has this grade, in a few words for people
    draws: tuple[Draw, ...] = ()  # of test answers that a plugin chose: all the completions, this one included


@dataclass(frozen=True, slots=True)
class Prompt:
    """A sample with the messages that ask a policy for its answer."""

    sample: Sample
    messages: tuple[Message, ...]
    demonstration_ids: tuple[str, ...] = ()  # ids of the samples that the messages show as demonstrations

    def to_rollout(self, completion: Completion) -> Rollout:
        """The rollout of this prompt with a completion."""
        return Rollout(self.sample, self.messages, completion, self.demonstration_ids)


def to_json(item: Sample | Rollout) -> dict[str, Any]:
    """The item as plain JSON data, which `rollout_from_json` and `sample_from_json` read back."""
    return _fields(item)


def _fields(item: Sample | Rollout | Completion | Reward | Draw) -> dict[str, Any]:
    """Like `dataclasses.asdict`, but several times faster because tokens and texts are not copied one by one."""
    return {name: _plain(getattr(item, name)) for name in item.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, (Sample, Completion, Reward, Draw)):
        return _fields(value)
    if isinstance(value, tuple) and value and isinstance(value[0], (Reward, Draw)):
        return tuple(map(_plain, value))
    return value


def digest_samples(samples: Iterable[Sample]) -> str:
    """16 hex digits that depend on everything in the samples. Their ids do not include kind and `meta`."""
    return content_id([to_json(sample) for sample in samples])


def sample_from_json(row: Mapping[str, Any]) -> Sample:
    """Rebuild a sample. Its id is computed again, so an edited row cannot keep an old id."""
    keep = {k: v for k, v in row.items() if k != "id"}
    return Sample(**keep)


def rollout_from_json(row: Mapping[str, Any]) -> Rollout:
    """Rebuild a rollout written by `to_json`."""
    c = row["completion"]
    lists = {name: tuple(c.get(name, ())) for name in ("tokens", "logprobs", "inserted")}
    completion = Completion(**{**c, **lists})
    rewards = tuple(Reward(r["name"], r["kind"], r["score"], tuple(r["per_step"])) for r in row["rewards"])
    return Rollout(
        sample_from_json(row["sample"]),
        tuple(row["messages"]),
        completion,
        tuple(row["demonstration_ids"]),
        rewards,
        row["reward"],
        row["answer"],
        row["correct"],
        tuple(row["step_rewards"]),
        row["score"],
        row["lenient_answer"],
        row["lenient_correct"],
        row["vote"],
        row["reason"],
        tuple(Draw(**draw) for draw in row["draws"]),
    )
