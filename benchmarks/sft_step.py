"""One SFT step of 8 rows by three trainers: TRL's own, ours in float32, and ours with `sft.bf16`. Same model, rows,
LoRA and loss, one thread. The sides take turns, each in a process of its own, so that a busy machine is busy for
all of them. Processor time is measured, and the most memory that the process had.

    python benchmarks/sft_step.py --policy smollm2 --data rows.json    # writes results/speed/sft_step.json
    python benchmarks/sft_step.py --policy POLICY --data FILE --side trl    # one side, its measures as JSON
    python benchmarks/sft_step.py --data FILE --steps 12    # memory grows with the steps
    python benchmarks/sft_step.py --data FILE --preload /usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4

`--preload`: every side also runs with this allocator in place of glibc's. The rows are questions that
`--task questions` reads. Each is answered by its options, one a line, and the right one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROWS = 8  # of each step
RANK, ALPHA, LR = 4, 8, 5e-4
SIDES = ("trl", "ours", "ours with bf16")
OUT = Path(__file__).parent / "results" / "speed"


def build_rollouts(data: str, count: int) -> list[Any]:
    from openrft.plugins.task_registry import load_task
    from openrft.tasks.prompt import build_messages
    from openrft.tasks.task import DataRequest
    from openrft.types import Completion, Rollout

    task = load_task("questions/all", DataRequest(data=data, train=count, test=1))
    found = []
    for sample in task.train[:count]:
        lines = [f"{chr(65 + i)}. {option}" for i, option in enumerate(sample.options)]
        text = "\n".join([*lines, f"The right one is {sample.answer}.", f"\\boxed{{{sample.answer}}}"])
        found.append(Rollout(sample, build_messages(sample, (), task.instruction), Completion(text)))
    return found


def measure(side: str, policy_name: str, data: str, steps: int) -> dict[str, Any]:
    """Processor seconds of each step but the first, the losses, and the peak of this process's memory."""
    import torch
    from openrft_sft import SFT, training
    from openrft_sft.rows import build_rows
    from transformers import TrainerCallback
    from trl import SFTTrainer

    from openrft.plugins.policy_registry import open_policy
    from openrft.runtime.progress import NoProgress

    torch.set_num_threads(1)
    policy: Any = open_policy(policy_name)
    options = SFT.Options(lora_rank=RANK, lora_alpha=ALPHA, lr=LR, epochs=1, bf16=side == "ours with bf16")
    rows = build_rows(policy, build_rollouts(data, ROWS * steps), options.max_length)
    policy.attach_lora(RANK, ALPHA, 0)
    if side == "trl":
        training._choose_trainer = lambda *_: SFTTrainer
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            times.append(time.process_time())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.process_time())

    base = training.LossMonitor
    training.LossMonitor = type("Timed", (base, Clock), {})
    losses = training.train_adapter(policy, rows, options, 0, NoProgress())
    seconds = [end - begin for begin, end in zip(times[::2], times[1::2], strict=True)]
    tokens = sum(map(len, rows.input_ids)) / steps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds[1:], "losses": losses, "peak_bytes": peak, "tokens": tokens}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="smollm2")
    parser.add_argument("--data", required=True, help="a file of questions")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2, help="the first is not counted")
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--preload", help="an allocator's library, for further runs of every side")
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(measure(asked.side, asked.policy, asked.data, asked.steps)))
        return
    allocators = ["", *([asked.preload] if asked.preload else [])]
    runs = [(side, allocator) for side in SIDES for allocator in allocators]
    found: dict[str, list[dict[str, Any]]] = {}
    for _, (side, allocator) in itertools.product(range(asked.rounds), runs):
        command = [sys.executable, __file__, "--policy", asked.policy, "--data", asked.data, "--side", side]
        command += ["--steps", str(asked.steps)]
        preload = {"LD_PRELOAD": allocator} if allocator else {}
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | preload).stdout
        name = f"{side}, {Path(allocator).name.split('.')[0]}" if allocator else side
        found.setdefault(name, []).append({**json.loads(told.splitlines()[-1]), "load": os.getloadavg()[0]})
        print(name, found[name][-1], flush=True)
        from gpu import describe_machine

        OUT.mkdir(parents=True, exist_ok=True)
        about = {"machine": describe_machine(), "policy": asked.policy, "sides": found}
        (OUT / "sft_step.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
