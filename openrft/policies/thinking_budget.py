"""A budget for thinking: a thought that is still open after so many tokens is closed, and the answer asked for.

Budget forcing (s1, arXiv 2501.19393, section 3.1), for any sampler: rows are drawn up to the budget, open thoughts are
closed, and what is not finished is continued to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from openrft.grading.thinking import split_thought
from openrft.policies.base import Sampling
from openrft.policies.generation.decode import DecodedRow, DecodeLimits

REQUEST = "Final answer:"  # as in s1; a strict reading takes what follows


class SamplingPolicy(Protocol):
    """What is needed of a policy here."""

    tokenizer: Any

    @property
    def sampler(self) -> Callable[..., list[list[DecodedRow]]]: ...

    @property
    def prompts(self) -> Any: ...

    def decode_tokens(self, tokens: Sequence[int]) -> str: ...


def sample_within_budget(
    policy: SamplingPolicy,
    prompts: Sequence[Sequence[int]],
    opened: Sequence[str],
    budget: int,
    sampling: Sampling,
    limits: DecodeLimits,
    tick: Callable[[int], None],
) -> list[list[DecodedRow]]:
    """Like the policy's own sampler. `opened` holds the mark with which each prompt has opened a thought, or "".

    `sampling.max_tokens` is for thought and answer together. Tokens that were put in are named in the row, and the row
    has no log-probabilities then: nothing was drawn there.
    """
    first = replace(sampling, max_tokens=min(budget, sampling.max_tokens))
    rows = policy.sampler(policy, prompts, first, limits, tick)
    closing = list(policy.tokenizer.encode(policy.prompts.form.closing + REQUEST, add_special_tokens=False))
    nothing: list[int] = []
    unfinished: dict[tuple[int, int], list[int]] = {}  # prompt and row -> the tokens put in
    for i, group in enumerate(rows):
        for j, row in enumerate(group):
            if not row.stopped and len(row.tokens) == budget < sampling.max_tokens:
                thinks = split_thought(opened[i] + policy.decode_tokens(row.tokens)).unfinished
                unfinished[i, j] = closing if thinks else nothing
    for put_in in (nothing, closing):
        places = [place for place, tokens in unfinished.items() if tokens == put_in]
        left = sampling.max_tokens - budget - len(put_in)
        if not places or left < 1:
            continue
        begun = [[*prompts[i], *rows[i][j].tokens, *put_in] for i, j in places]
        rest = policy.sampler(policy, begun, replace(sampling, n=1, max_tokens=left), limits, lambda rows: None)
        for (i, j), more in zip(places, rest, strict=True):
            if more:  # none where the prompt fills the context
                rows[i][j] = _join(rows[i][j], put_in, more[0])
    return rows


def _join(row: DecodedRow, put_in: Sequence[int], more: DecodedRow) -> DecodedRow:
    end = len(row.tokens) + len(put_in)
    known = row.logprobs and more.logprobs and not put_in
    return DecodedRow(
        [*row.tokens, *put_in, *more.tokens],
        [*row.logprobs, *more.logprobs] if known else [],
        more.stopped,
        tuple(range(len(row.tokens), end)),
    )
