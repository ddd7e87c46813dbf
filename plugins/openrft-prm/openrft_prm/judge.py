"""An LLM as judge, behind any OpenAI-compatible server: one question per completion, a number for every step.

Knows what a judge is asked and how its reply is read. Requests, retries and the faults of servers belong to the HTTP
policy (`openrft.open_policy`).

A reply that cannot be read is never a score: its completion alone is asked about again, with another seed. After TRIES
replies, or where the server refuses it, the completion has no scores, and the others keep theirs. A judge is given up
that never gave a reply which can be read, and one whose first reply could not be read for more than MAX_UNREADABLE of
all completions.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence

import openrft
from openrft import Completion, Message, OpenRFTError, PolicyError, Sampling, split_steps, strip_thinking
from openrft_prm.groups import Group, Pair, StepScores

logger = logging.getLogger(__name__)

SYSTEM = (
    "You check the reasoning of others. For every numbered step give the probability, from 0 to 1, that it is correct"
    " and leads towards the right answer. Reply with a JSON list of as many numbers as there are steps, nothing else."
)
TRIES = 8  # replies about one completion
MAX_UNREADABLE = 0.5  # share of all first replies; looked at once there are more than TRIES unreadable ones
RETRY_TEMPERATURE = 0.7  # the first reply is greedy, so asking again at 0 would repeat an unreadable one
_LIST = re.compile(r"\[[^\[\]]*\]")


class LLMJudge:
    """Scores steps by asking a chat model; `spec` is openai:http://host:port/v1#model."""

    def __init__(self, spec: str, max_tokens: int) -> None:
        self._policy = openrft.open_policy(spec)
        self._max_tokens = max_tokens
        self._asked = self._unreadable = 0  # completions over all calls; those whose first reply could not be read
        self._answered = False  # whether any reply could be read
        self.counts: dict[str, int] = {}
        self.failed: frozenset[Pair] = frozenset()  # what the last call got no scores for

    def score(self, groups: Sequence[Group]) -> list[list[StepScores]]:
        """One question per completion, one score per step; no scores where none came (`failed`). Raises
        PolicyError if the server does not answer, and OpenRFTError if its replies cannot be read."""
        pairs = [(problem, text) for problem, texts in groups for text in texts]
        waiting = dict.fromkeys(pair for pair in pairs if split_steps(pair[1]))
        scores: dict[Pair, StepScores] = {}
        asked_again, failed = 0, set[Pair]()
        for attempt in range(TRIES):
            if not waiting:
                break
            try:
                replies = self._ask(list(waiting), attempt)
            except PolicyError as fault:
                if not attempt or fault.permanent:
                    raise
                logger.warning("%d completions have no scores: %s", len(waiting), fault)
                failed |= set(waiting)
                break
            scores |= {
                pair: found for pair, reply in replies.items() if (found := _read_reply(pair, reply)) is not None
            }
            waiting = dict.fromkeys(pair for pair in waiting if pair not in scores)
            last = attempt + 1 == TRIES
            self._answered |= bool(scores)
            asked_again += len(waiting)
            if not attempt:
                self._asked += len(replies)
                self._unreadable += len(waiting)
            self._check_faults(replies, list(waiting), last)
            lost = {pair for pair in waiting if last or not replies[pair].is_written}
            for pair in lost:
                logger.warning("a completion has no scores: %s.", self._describe_fault(pair, replies[pair]))
            failed |= lost
            waiting = dict.fromkeys(pair for pair in waiting if pair not in lost)
        self.counts = {"unreadable_replies": asked_again} if asked_again else {}
        self.counts |= {"not_scored": len(failed)} if failed else {}
        self.failed = frozenset(failed)
        return [[scores.get((problem, text), ()) for text in texts] for problem, texts in groups]

    def _ask(self, pairs: Sequence[Pair], attempt: int) -> dict[Pair, Completion]:
        """The judge's reply about each pair."""
        temperature = RETRY_TEMPERATURE if attempt else 0.0
        sampling = Sampling(1, temperature, max_tokens=self._max_tokens, seed=attempt)
        replies = self._policy.generate([build_judge_messages(*pair) for pair in pairs], sampling)
        return {pair: reply for pair, (reply,) in zip(pairs, replies, strict=True)}

    def _check_faults(self, replies: Mapping[Pair, Completion], unread: Sequence[Pair], last: bool) -> None:
        """Raise OpenRFTError for a judge that is given up."""
        for pair in unread:
            if replies[pair].finish_reason == "context" and not self._answered:
                raise OpenRFTError(
                    f"a completion of {len(split_steps(pair[1]))} steps does not fit into the context of the judge"
                    f" {self._policy.id}.",
                    "Lower explore.max_tokens, or choose a judge with a longer context.",
                )
        if unread and last and not self._answered:
            raise OpenRFTError(
                f"the judge {self._policy.id} gave no scores for a completion in {TRIES} replies:"
                f" {self._describe_fault(unread[0], replies[unread[0]])}.",
                "Choose a stronger judge.",
            )
        if unread and self._unreadable > max(TRIES, MAX_UNREADABLE * self._asked):
            raise OpenRFTError(
                f"{self._unreadable} of {self._asked} replies of the judge {self._policy.id} could not be read:"
                f" {self._describe_fault(unread[0], replies[unread[0]])}.",
                "Choose a stronger judge.",
            )

    def _describe_fault(self, pair: Pair, reply: Completion) -> str:
        if reply.finish_reason == "error":
            return reply.error.rstrip(".")
        if reply.finish_reason == "context":
            return f"{len(split_steps(pair[1]))} steps do not fit into the context of the judge"
        if reply.finish_reason == "length":
            return f"the reply was cut off after {self._max_tokens} tokens (prm.judge_max_tokens)"
        return f"it answered {reply.text[:80]!r} where {len(split_steps(pair[1]))} numbers from 0 to 1 were asked for"


def build_judge_messages(problem: str, completion: str) -> list[Message]:
    """The chat that asks for a number for each step of the completion."""
    steps = split_steps(completion)
    numbered = "\n".join(f"[{i}] {step}" for i, step in enumerate(steps, 1))
    question = f"Problem:\n{problem}\n\n{len(steps)} steps:\n{numbered}"
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]


def parse_scores(text: str, count: int) -> StepScores | None:
    """The last JSON list in the reply, without its thinking, if it is `count` numbers in [0, 1]; else None."""
    lists = _LIST.findall(strip_thinking(text))
    try:
        values = json.loads(lists[-1]) if lists else []
    except ValueError:  # no JSON, or a number of thousands of digits
        return None
    good = all(isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1 for v in values)
    return tuple(map(float, values)) if good and len(values) == count else None


def _read_reply(pair: Pair, reply: Completion) -> StepScores | None:
    """The scores in a reply that was not cut off; None = to be asked again."""
    return parse_scores(reply.text, len(split_steps(pair[1]))) if reply.finish_reason == "stop" else None
