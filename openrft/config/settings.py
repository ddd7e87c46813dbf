"""Settings of the core's own stages and of the policy, with the paper's numbers and their sources beside them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from openrft.config.options import get_default, list_fields, option
from openrft.config.parse import parse_options
from openrft.types import Reading

CUDAGraphs = Literal["auto", "on", "off"]
Aggregation = Literal["mean", "min", "last", "product", "softmin"]
Credit = Literal["sequence", "step", "min"]
# The aggregation of the step scores that each way to assign credit adds up to.
CREDIT_AGGREGATION: dict[Credit, Aggregation] = {"step": "mean", "min": "softmin"}


def choose_aggregation(aggregation: Aggregation | None, credit: Credit) -> Aggregation:
    """The aggregation in use: the one that was set, else the credit's own, else min."""
    return aggregation or CREDIT_AGGREGATION.get(credit, "min")


@dataclass(frozen=True, slots=True)
class ExploreSettings:
    """RL: how rollouts are drawn and rewarded. The optimizer's options belong to the RL plugin."""

    steps: int = option(
        30,
        help="RL steps. In each step the policy answers some prompts and is then updated.",
        source="released script: 6 episodes of 100 samples, rollout batch 20",
        ge=1,
    )
    prompts_per_step: int = option(
        20, help="Prompts per RL step.", source="released script: rollout batch 20", ge=1, renamed_from="prompts"
    )
    group_size: int = option(
        8, help="Completions per prompt. Group-relative advantages need at least 2.", ge=1, renamed_from="group"
    )
    temperature: float = option(
        1.0, help="Sampling temperature. It must be above 0 for RL to explore.", source="on-policy sampling", gt=0
    )
    max_tokens: int = option(1536, help="Maximum tokens of a completion.", source="paper, section 3", ge=1)
    alpha: float = option(
        0.7,
        help="Weight of the outcome reward: R = alpha * outcome + (1 - alpha) * process.",
        source="paper, section 3",
        ge=0,
        le=1,
    )
    reading: Reading = option(
        "strict",
        help="Which answers earn the outcome reward. strict: right final answers in the requested format. lenient: also"
        " right answers in another format that a careful person would accept; then the format is not learned.",
        source="paper: the answer in its format",
    )
    aggregation: Aggregation | None = option(
        None,
        help="How the scores of the reasoning steps are combined to one process reward. none: min, or with credit=step"
        " mean, and with credit=min softmin.",
        source="paper, section 2.4, leaves it open",
        renamed_from="f",
    )
    credit: Credit = option(
        "sequence",
        help="Where in a completion the reward is given. sequence: all of it at the last token. step: each reasoning"
        " step's share of the mean score, at the end of the step. min: the same for the soft minimum (PURE, arXiv"
        " 2504.15275).",
        source="paper: at the last token",
    )
    probes: int = option(
        8,
        help="Number of training questions for which rewards are tested before RL with answers that are not right"
        " (empty, all options, very long and wrong, ...); 0: none. Each needs about 13 calls of a judge.",
        ge=0,
    )
    holdback: int = option(
        0,
        help="Number of training questions that are held out from RL and answered every few steps, so that the report"
        " can warn of rewards that rise without the strict grade; 0: none.",
        ge=0,
    )
    holdback_every: int = option(5, help="RL steps between two answers to the held-out questions.", ge=1)
    holdback_temperature: float | None = option(
        None, help="Sampling temperature for the held-out questions; none: as in RL; 0: greedy.", ge=0
    )
    checkpoint_every: int = option(
        1,
        help="RL steps between checkpoints, from which a stopped run continues.",
        ge=1,
        renamed_from="checkpoint",
    )
    kept_steps: int = option(
        3,
        help="Number of RL steps whose completions and rewards are kept for the report, up to 64 of each step: the"
        " last, the first, and others evenly between; 0: none.",
        ge=0,
    )

    def __post_init__(self) -> None:
        own = CREDIT_AGGREGATION.get(self.credit)
        if own and self.aggregation not in (None, own):
            raise ValueError(
                f"credit={self.credit} brings its own aggregation, {own}; leave aggregation={self.aggregation} out"
            )

    @property
    def effective_aggregation(self) -> Aggregation:
        """The aggregation in use: the one that was set, else the credit's own, else min."""
        return choose_aggregation(self.aggregation, self.credit)


@dataclass(frozen=True, slots=True)
class FitnessSettings:
    """How process rewards are measured before RL. 50 x 4 rollouts are enough to tell an AUROC of .7 from chance."""

    questions: int = option(
        50, help="Number of training questions on which process rewards are measured before RL; 0: none.", ge=0
    )
    completions: int = option(4, help="Completions per question, sampled as in RL.", ge=2)


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """How the test split is answered."""

    completions: int = option(
        3, help="Completions per question.", source="paper, section 3: mean of 3 runs", ge=1, renamed_from="samples"
    )
    temperature: float = option(0.6, help="Sampling temperature; 0: greedy.", source="paper, section 3", ge=0)
    top_p: float = option(
        1.0, help="Nucleus sampling: the probability mass of the tokens that are sampled from.", gt=0, le=1
    )
    max_tokens: int = option(2048, help="Maximum tokens of a completion.", source="paper, section 3", ge=1)
    show_demonstrations: bool = option(
        True,
        help="Whether an arm that retrieves demonstrations also shows them at evaluation.",
        renamed_from="shots",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Where a model runs and how its weights are held: of the policy, and of each model that a plugin loads."""

    device: str = option(
        "auto",
        help="Where the model runs: cpu, cuda, cuda:N or auto. auto: a GPU if there is one, unless the model is so"
        " small that a CPU is faster.",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = option(
        "auto", help="Precision of the weights. auto: float32 on a CPU; on a GPU bfloat16, or float16 if it is too old."
    )
    load: Literal["full", "4bit"] = option(
        "full",
        help="How the weights are loaded. 4bit: the linear layers in 4-bit NF4; needs the package bitsandbytes.",
        source="QLoRA, arXiv 2305.14314",
    )
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2", "flex_attention"] = option(
        "auto", help="The attention implementation of transformers. auto: what transformers chooses."
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise ValueError(f"device={self.device} is no device; write auto, cpu, cuda or cuda:N")

    def as_policy_settings(self) -> PolicySettings:
        """The settings of a policy that is loaded in this way, for `openrft.open_policy`."""
        return PolicySettings(device=self.device, dtype=self.dtype, load=self.load, attention=self.attention)


@dataclass(frozen=True, slots=True)
class PolicySettings(ModelSettings):
    """How the policy is opened and asked, in every stage."""

    thinking: Literal["auto", "on", "off"] = option(
        "auto",
        help="Whether a policy with a switch for it thinks before it answers. auto: its chat template's default.",
    )
    thinking_budget: int | None = option(
        None,
        help="Tokens after which thinking is ended and the answer asked for; none: max_tokens is the only limit.",
        source="budget forcing, arXiv 2501.19393",
        ge=1,
    )
    date: str = option(
        "2024-07-26",
        help="Today's date in chat templates, YYYY-MM-DD. It is fixed, so that a run that is resumed or repeated on"
        " another day has the same prompts.",
        source="the date that Llama 3.1's template prints without a clock",
    )
    deterministic: bool = option(
        False,
        help="Use PyTorch's deterministic kernels where there are some, so that runs on a GPU repeat bit for bit. On a"
        " CPU they always do.",
    )
    cuda_graphs: CUDAGraphs = option(
        "auto",
        help="Whether decoding on a GPU uses CUDA graphs. auto: for models of the Llama family, if the GPU allows it;"
        " on: fail if it does not; off: never.",
    )
    vllm_memory: float = option(0.4, help="vLLM's share of the GPU's memory; the rest is for training.", gt=0, le=1)
    vllm_context: int | None = option(
        None,
        help="vLLM's maximum tokens of prompt and completion together; none: twice what the first rollout may need,"
        " and more when a later one needs it.",
        ge=16,
    )
    vllm_tensor_parallel: int = option(1, help="GPUs (on a CPU: processes) that vLLM splits each layer over.", ge=1)
    vllm_sleep: bool = option(
        False, help="Whether vLLM frees its GPU memory during training. Its weights are moved to the CPU meanwhile."
    )
    vllm_dtype: Literal["auto", "float32", "bfloat16", "float16"] = option(
        "auto", help="Precision of vLLM's copy of the weights. auto: that of the policy."
    )
    vllm_quantization: str | None = option(
        None,
        help="Quantisation of vLLM's copy of the weights, such as fp8_per_tensor or int8_per_channel_weight_only; none:"
        " not quantised. The trained weights are not changed.",
    )

    def __post_init__(self) -> None:
        ModelSettings.__post_init__(self)  # not super(): a class with slots is made twice
        try:
            datetime.datetime.strptime(self.date, "%Y-%m-%d")
        except ValueError:
            raise ValueError(f"date={self.date} is no date; write it as YYYY-MM-DD") from None

    @property
    def changes(self) -> dict[str, Any]:
        """The options that differ from their defaults, by name. What the policy answers depends on them."""
        values = {name: getattr(self, name) for name in list_fields(PolicySettings)}
        return {
            name: value for name, value in values.items() if value != get_default(list_fields(PolicySettings)[name])
        }


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the core."""

    explore: ExploreSettings = field(default_factory=ExploreSettings)
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)
    fitness: FitnessSettings = field(default_factory=FitnessSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)


STAGE_SETTINGS: dict[str, type] = {
    "explore": ExploreSettings,
    "evaluate": EvaluateSettings,
    "fitness": FitnessSettings,
    "policy": PolicySettings,
}


def parse_stage_settings(values: Mapping[str, Mapping[str, Any]]) -> tuple[Settings, list[str]]:
    """Settings from nested values (other owners are ignored), and all faults."""
    faults: list[str] = []
    built: dict[str, Any] = {}
    for name, kind in STAGE_SETTINGS.items():
        stage, found = parse_options(kind, name, values.get(name, {}))
        faults += found
        if stage is not None:
            built[name] = stage
    return Settings(**built), faults
