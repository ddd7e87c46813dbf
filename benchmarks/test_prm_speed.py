"""PRM scoring of 512 completions, ours beside loops over single completions and single steps, on the pocket PRM.

All sides score the same real rollouts (64 questions, 8 completions each at temperature 1) in float32, on one thread or
on a GPU where there is one. Compare ratios within one run.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from openrft_prm.groups import Pair, StepScores, flatten_scores, group_pairs
from openrft_prm.inputs import ModelInput
from openrft_prm.scorer import CheckpointScorer
from transformers import AutoModelForCausalLM

from openrft.config.settings import ModelSettings
from openrft.plugins.policy_registry import open_policy, resolve_checkpoint
from openrft.plugins.task_registry import load_task
from openrft.policies.base import Sampling
from openrft.tasks.prompt import build_messages
from openrft.tasks.task import DataRequest

QUESTIONS, GROUP = 64, 8
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Scores = dict[Pair, StepScores]


@pytest.fixture(scope="module")
def scorer() -> CheckpointScorer:
    torch.set_num_threads(1)
    placed = ModelSettings(device=DEVICE)
    return CheckpointScorer(resolve_checkpoint("pocket/prm"), "auto", batch_tokens=8192, settings=placed)


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    task = load_task("pocket/L3", DataRequest())
    prompts = [build_messages(s, (), task.instruction) for s in task.train[:QUESTIONS]]
    groups = open_policy("pocket").generate(prompts, Sampling(n=GROUP, temperature=1.0, max_tokens=80))
    return [(p[-1]["content"], c.text) for p, group in zip(prompts, groups, strict=True) for c in group]


def batched(scorer: CheckpointScorer, pairs: list[Pair], together: bool) -> Scores:
    groups = group_pairs(pairs, together)
    return flatten_scores(groups, scorer.score(groups))


@torch.inference_mode()
def forward(scorer: CheckpointScorer, item: ModelInput) -> StepScores:
    ids = torch.tensor([item.ids], device=DEVICE)
    hidden = scorer._trunk(input_ids=ids, use_cache=False).last_hidden_state[0, item.step_ends]
    return tuple(scorer._format.score_hidden(hidden).tolist())


@functools.cache
def whole_model() -> Any:
    return AutoModelForCausalLM.from_pretrained(resolve_checkpoint("pocket/prm"), dtype=torch.float32).to(DEVICE)


def as_published(scorer: CheckpointScorer, pairs: list[Pair]) -> Scores:
    """A forward a completion, all its steps at once, by a whole causal model: the publisher's inference code, which
    computes the vocabulary's logits besides."""
    model, scores = whole_model(), dict[Pair, StepScores]()
    with torch.inference_mode():
        for pair in pairs:
            (item,) = scorer._format.build_inputs([pair])
            ids = torch.tensor([item.ids], device=DEVICE)
            hidden = model(ids, output_hidden_states=True).hidden_states[-1][0, item.step_ends]
            scores[pair] = tuple(scorer._format.score_hidden(hidden).tolist())
    return scores


def one_by_one(scorer: CheckpointScorer, pairs: list[Pair]) -> Scores:
    """The same with the trunk alone."""
    return {pair: forward(scorer, scorer._format.build_inputs([pair])[0]) for pair in pairs}


def step_by_step(scorer: CheckpointScorer, pairs: list[Pair]) -> Scores:
    """One forward pass per step."""
    scores: Scores = {}
    for pair in pairs:
        (item,) = scorer._format.build_inputs([pair])
        scores[pair] = tuple(forward(scorer, ModelInput(item.ids[: end + 1], [end]))[0] for end in item.step_ends)
    return scores


SIDES: dict[str, tuple[Any, int]] = {  # and how many rounds
    "ours": (lambda s, p: batched(s, p, together=True), 9),
    "ours, nothing shared": (lambda s, p: batched(s, p, together=False), 3),
    "one completion at a time, as published": (as_published, 3),
    "one completion at a time, the trunk alone": (one_by_one, 3),
    "one step at a time": (step_by_step, 1),
}


@pytest.mark.parametrize("side", SIDES)
def test_scoring(benchmark: Any, scorer: CheckpointScorer, pairs: list[Pair], side: str) -> None:
    benchmark.group = f"PRM scoring of {len(pairs)} completions, {len(set(pairs))} of them distinct"
    score, rounds = SIDES[side]
    found = benchmark.pedantic(score, (scorer, pairs), rounds=rounds, warmup_rounds=min(1, rounds - 1))
    some = [pair for pair in pairs if pair[1].strip()][::40]
    for pair, scores in one_by_one(scorer, some).items():
        assert found[pair] == pytest.approx(scores, abs=1e-5)
