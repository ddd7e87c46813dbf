"""One RL update of 16 completions (2 questions, 8 each, 150 random tokens) in float32 and with `rl.bf16`, in turns, one
thread: processor time, the loss and the norm of its gradient. GRPO with a KL term, the same LoRA, weights read anew.

    python benchmarks/rl_update.py --policy smollm2 --data rows.json    # writes results/speed/rl_update.json
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from pathlib import Path
from typing import Any

QUESTIONS, GROUP, TOKENS = 2, 8, 150
RANK, ALPHA, LR, KL = 4, 8, 1e-5, 0.01
OUT = Path(__file__).parent / "results" / "speed" / "rl_update.json"


def build_rollouts(data: str, words: int) -> list[Any]:
    from openrft.plugins.task_registry import load_task
    from openrft.tasks.prompt import build_messages
    from openrft.tasks.task import DataRequest
    from openrft.types import Completion, Rollout

    task, rng, found = load_task("questions/all", DataRequest(data=data, train=QUESTIONS, test=1)), random.Random(0), []
    for sample in task.train[:QUESTIONS]:
        messages = build_messages(sample, (), task.instruction)
        for number in range(GROUP):
            tokens = tuple(rng.randrange(words) for _ in range(TOKENS))
            completion = Completion("", tokens=tokens, logprobs=(-10.0,) * TOKENS)
            found.append(Rollout(sample, messages, completion, reward=float(number)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="smollm2")
    parser.add_argument("--data", required=True, help="a file of questions")
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()

    import torch
    from gpu import describe_machine
    from openrft_rl import RL

    from openrft.plugins.policy_registry import open_policy

    torch.set_num_threads(1)
    found: dict[str, list[dict[str, float]]] = {"float32": [], "rl.bf16": []}
    for _ in range(asked.rounds):
        for side in found:
            policy: Any = open_policy(asked.policy)  # anew, so that both see the same weights
            rollouts = build_rollouts(asked.data, len(policy.tokenizer))
            plugin = RL(RL.Options(lr=LR, lora_rank=RANK, lora_alpha=ALPHA, kl_coef=KL, bf16=side == "rl.bf16"))
            began = time.process_time()
            step = plugin.train_step(policy, rollouts, "explore", 0, 0, None)
            seconds = time.process_time() - began
            assert step
            told = {name: step.value[name] for name in ("loss", "grad_norm")}
            found[side].append({"seconds": seconds, **told, "load": os.getloadavg()[0]})
            print(side, found[side][-1], flush=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    about = {"machine": describe_machine(), "policy": asked.policy, "sides": found}
    OUT.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
