"""Presets: named sets of settings and plugin options, with the sources of the paper's numbers beside them."""

from __future__ import annotations

from typing import Any

# Named sets of settings and plugin options, by stage or plugin name.
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "paper": {  # all of the paper's numbers, also those that are defaults, because a policy may recommend others
        "da": {"variants": 5},  # section 3.1: 100 samples become 600
        "teacher": {"tries": 64, "max_tokens": 2048},  # section 3.2; section 4: SFT's and evaluation's longest
        "sft": {
            "lr": 5e-5,
            "lora_rank": 4,
            "lora_alpha": 8,
            "batch_size": 8,
            "epochs": 8,
            "max_length": 2048,
        },  # section 4
        "icl": {"num_demonstrations": 3},  # section 3: the top 3
        "rl": {  # section 3: PPO, rates, rank and KL; the released script: 1 epoch, train batch 10 of rollout batch 20
            "algorithm": "ppo",
            "lr": 3e-5,
            "critic_lr": 6e-5,
            "lora_rank": 4,
            "lora_alpha": 8,  # the paper gives none; twice the rank, as in `sft`
            "kl_coef": 0.01,
            "ppo_epochs": 1,
            "updates_per_epoch": 2,
        },
        # released script: 6 episodes of 100 samples, rollout batch 20, one completion per prompt (its trainer's
        # default)
        "explore": {
            "steps": 30,
            "prompts_per_step": 20,
            "group_size": 1,
            "max_tokens": 1536,
            "alpha": 0.7,
            "credit": "sequence",
        },
        "evaluate": {"completions": 3, "temperature": 0.6, "max_tokens": 2048},  # section 3
    },
    "quick": {  # a first look at real rows: minutes, not evidence
        "data": {"train": 50, "test": 50},
        "fitness": {"questions": 20},
        "explore": {"steps": 8, "prompts_per_step": 4, "group_size": 8, "max_tokens": 256},
        "evaluate": {"completions": 1, "max_tokens": 256},
        "sft": {"epochs": 2},
        "teacher": {"tries": 8, "max_tokens": 256},
        "da": {"variants": 2},
        "icl": {"num_demonstrations": 1},
    },
}
