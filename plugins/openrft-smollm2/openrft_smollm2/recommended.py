"""The settings recommended for the model. The paper's rates and lengths are for 8B parameters and GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RECOMMENDED: Mapping[str, Mapping[str, Any]] = {
    # What it can say is said in 128 tokens. After that it repeats itself.
    "explore": {"steps": 30, "prompts_per_step": 8, "group_size": 8, "max_tokens": 128},
    "evaluate": {"max_tokens": 128},
    "rl": {"lr": 1e-4, "critic_lr": 2e-4, "lora_rank": 16, "lora_alpha": 32},
    "sft": {"lr": 5e-4, "lora_rank": 16, "lora_alpha": 32},
}
