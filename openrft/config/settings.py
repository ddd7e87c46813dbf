"""Settings of the core's own stages, with the paper's numbers and their sources beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from openrft.config.options import parse_options

Aggregation = Literal["mean", "min", "last", "product", "softmin"]
Credit = Literal["sequence", "step", "min"]
CREDIT_AGGREGATION: dict[Credit, Aggregation] = {
    "step": "mean",
    "min": "softmin",
}  # what the shares of a credit add up to


@dataclass(frozen=True, slots=True)
class ExploreSettings:
    """RL: how rollouts are drawn and rewarded. The optimiser's options belong to the RL plugin."""

    steps: int = 30  # optimisation steps; the released script: 6 episodes x 100 samples / rollout batch 20
    prompts_per_step: int = 20  # prompts a step (released script: rollout batch 20)
    group_size: int = 8  # completions a prompt; group-relative advantages need at least 2
    temperature: float = 1.0  # on-policy sampling
    max_tokens: int = 1536  # paper, section 3: longest generation in RL
    alpha: float = 0.7  # R = alpha * outcome + (1 - alpha) * f(process); paper, section 3
    aggregation: Aggregation = "min"  # paper, section 2.4 leaves f open; a chain is as strong as its weakest step
    credit: Credit = "sequence"  # where R is earned; the paper's way is all at the last token
    # ^ step: each step's share of the mean score where the step ends; min: of their soft minimum (PURE, arXiv
    #   2504.15275). The shares add up to the process score, so these two bring their own f: mean and softmin.
    checkpoint_every: int = 1  # steps between checkpoints, which a stopped run goes on from; each writes the adapter

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha {self.alpha} is not between 0 and 1")
        if min(self.steps, self.prompts_per_step, self.group_size, self.max_tokens, self.checkpoint_every) < 1:
            raise ValueError("steps, prompts_per_step, group_size, max_tokens and checkpoint_every must be at least 1")
        if not 0 < self.temperature < math.inf:
            raise ValueError("temperature must be above 0: a greedy policy explores nothing")
        if self.credit != "sequence" and self.aggregation not in ("min", CREDIT_AGGREGATION[self.credit]):
            raise ValueError(
                f"credit={self.credit} needs aggregation={CREDIT_AGGREGATION[self.credit]}, not {self.aggregation}"
            )


@dataclass(frozen=True, slots=True)
class FitnessSettings:
    """What process rewards are tried on before RL leans on them. 50 x 4 rollouts tell an AUROC of .7 from a coin."""

    questions: int = 50  # of the train split; 0 = not measured
    completions: int = 4  # a question, drawn as in RL

    def __post_init__(self) -> None:
        if self.questions < 0 or self.completions < 2:
            raise ValueError("questions must be at least 0, completions at least 2: one has no other to beat")


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """How the test split is answered."""

    completions: int = 3  # answers a question; paper, section 3: mean of 3 runs
    temperature: float = 0.6  # paper, section 3
    top_p: float = 1.0
    max_tokens: int = 2048  # paper, section 3
    demonstrations: bool = True  # whether an arm that retrieves demonstrations also shows them at evaluation

    def __post_init__(self) -> None:
        if min(self.completions, self.max_tokens) < 1 or not 0 <= self.temperature < math.inf:
            raise ValueError("completions and max_tokens must be at least 1, temperature at least 0")
        if not 0 < self.top_p <= 1:  # of no token at all the last of the vocabulary would be drawn
            raise ValueError(f"top_p {self.top_p} is not above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Settings:
    """All stages' settings."""

    explore: ExploreSettings = field(default_factory=ExploreSettings)
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)
    fitness: FitnessSettings = field(default_factory=FitnessSettings)


STAGE_SETTINGS: dict[str, type] = {"explore": ExploreSettings, "evaluate": EvaluateSettings, "fitness": FitnessSettings}


def parse_stage_settings(values: dict[str, dict[str, Any]]) -> tuple[Settings, list[str]]:
    """Settings from nested values (other owners are ignored), and all faults."""
    faults: list[str] = []
    built: dict[str, Any] = {}
    for name, kind in STAGE_SETTINGS.items():
        stage, found = parse_options(kind, name, values.get(name, {}))
        faults += found
        if stage is not None:
            built[name] = stage
    return Settings(**built), faults
