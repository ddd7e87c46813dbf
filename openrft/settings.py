"""Settings of the core's own stages, with the paper's numbers and their sources beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from openrft.options import build

Aggregation = Literal["mean", "min", "last", "product", "softmin"]
Credit = Literal["sequence", "step", "min"]
SUMS_TO: dict[Credit, Aggregation] = {"step": "mean", "min": "softmin"}  # what the shares of a credit add up to


@dataclass(frozen=True, slots=True)
class Explore:
    """RL: how rollouts are drawn and rewarded. The optimiser's options belong to the RL plugin."""

    steps: int = 30  # optimisation steps; the released script: 6 episodes x 100 samples / rollout batch 20
    prompts: int = 20  # prompts a step (released script: rollout batch 20)
    group: int = 8  # completions a prompt; group-relative advantages need at least 2
    temperature: float = 1.0  # on-policy sampling
    max_tokens: int = 1536  # paper, section 3: longest generation in RL
    alpha: float = 0.7  # R = alpha * outcome + (1 - alpha) * f(process); paper, section 3
    f: Aggregation = "min"  # paper, section 2.4 leaves f open; a chain is as strong as its weakest step
    credit: Credit = "sequence"  # where R is earned; the paper's way is all at the last token
    # ^ step: each step's share of the mean score where the step ends; min: of their soft minimum (PURE, arXiv
    #   2504.15275). The shares add up to the process score, so these two bring their own f: mean and softmin.
    checkpoint: int = 1  # steps between checkpoints, which a stopped run goes on from; each writes the adapter

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha {self.alpha} is not between 0 and 1")
        if min(self.steps, self.prompts, self.group, self.max_tokens, self.checkpoint) < 1:
            raise ValueError("steps, prompts, group, max_tokens and checkpoint must be at least 1")
        if not 0 < self.temperature < math.inf:
            raise ValueError("temperature must be above 0: a greedy policy explores nothing")
        if self.credit != "sequence" and self.f not in ("min", SUMS_TO[self.credit]):
            raise ValueError(
                f"credit {self.credit} adds up to the {SUMS_TO[self.credit]} of the steps, not to f={self.f}"
            )


@dataclass(frozen=True, slots=True)
class Fitness:
    """What process rewards are tried on before RL leans on them. 50 x 4 rollouts tell an AUROC of .7 from a coin."""

    questions: int = 50  # of the train split; 0 = not measured
    completions: int = 4  # a question, drawn as in RL

    def __post_init__(self) -> None:
        if self.questions < 0 or self.completions < 2:
            raise ValueError("questions must be at least 0, completions at least 2: one has no other to beat")


@dataclass(frozen=True, slots=True)
class Evaluate:
    """How the test split is answered."""

    samples: int = 3  # answers a question; paper, section 3: mean of 3 runs
    temperature: float = 0.6  # paper, section 3
    top_p: float = 1.0
    max_tokens: int = 2048  # paper, section 3
    shots: bool = True  # whether an arm that retrieves demonstrations also shows them at evaluation

    def __post_init__(self) -> None:
        if min(self.samples, self.max_tokens) < 1 or not 0 <= self.temperature < math.inf:
            raise ValueError("samples and max_tokens must be at least 1, temperature at least 0")
        if not 0 < self.top_p <= 1:  # of no token at all the last of the vocabulary would be drawn
            raise ValueError(f"top_p {self.top_p} is not above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Settings:
    """All stages' settings."""

    explore: Explore = field(default_factory=Explore)
    evaluate: Evaluate = field(default_factory=Evaluate)
    fitness: Fitness = field(default_factory=Fitness)


STAGES: dict[str, type] = {"explore": Explore, "evaluate": Evaluate, "fitness": Fitness}

# Named sets of settings and plugin options, by stage or plugin name.
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": {  # all of the paper's numbers, the plugins' defaults included: a policy may recommend others
        "da": {"n": 5},  # section 3.1: 100 samples become 600
        "teacher": {"tries": 64, "max_tokens": 2048},  # section 3.2; section 4: SFT's and evaluation's longest
        "sft": {"lr": 5e-5, "rank": 4, "alpha": 8, "batch": 8, "epochs": 8, "max_length": 2048},  # section 4
        "icl": {"k": 3},  # section 3: the top 3
        "rl": {  # section 3: PPO, rates, rank and KL; the released script: 1 epoch, train batch 10 of rollout batch 20
            "algorithm": "ppo",
            "lr": 3e-5,
            "critic_lr": 6e-5,
            "rank": 4,
            "lora_alpha": 8,  # the paper gives none; twice the rank, as in `sft`
            "kl": 0.01,
            "epochs": 1,
            "minibatches": 2,
        },
        # released script: 6 episodes of 100 samples, rollout batch 20, one completion a prompt (its trainer's default)
        "explore": {"steps": 30, "prompts": 20, "group": 1, "max_tokens": 1536, "alpha": 0.7, "credit": "sequence"},
        "evaluate": {"samples": 3, "temperature": 0.6, "max_tokens": 2048},  # section 3
    },
    "quick": {  # a first look at real rows: minutes, not evidence
        "data": {"train": 50, "test": 50},
        "fitness": {"questions": 20},
        "explore": {"steps": 8, "prompts": 4, "group": 8, "max_tokens": 256},
        "evaluate": {"samples": 1, "max_tokens": 256},
        "sft": {"epochs": 2},
        "teacher": {"tries": 8, "max_tokens": 256},
        "da": {"n": 2},
        "icl": {"k": 1},
    },
}


def settings_from(values: dict[str, dict[str, Any]]) -> tuple[Settings, list[str]]:
    """Settings from nested values (other owners are ignored), and all faults."""
    faults: list[str] = []
    built: dict[str, Any] = {}
    for name, kind in STAGES.items():
        stage, found = build(kind, name, values.get(name, {}))
        faults += found
        if stage is not None:
            built[name] = stage
    return Settings(**built), faults
