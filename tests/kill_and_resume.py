"""Runs one job undisturbed, then again in processes that it kills: at random times, and while a checkpoint is written.

    python -m tests.kill_and_resume POLICY FOLDER SEED KILLS ALGORITHM

Leaves the stores FOLDER/straight and FOLDER/killed; prints as JSON when it killed (steps, and seconds after them),
whether a checkpoint was being written, and which one stood by then. Processes are forked, as importing torch for each
would take longer than the job; the one that forks has computed nothing yet.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from openrft import pipeline
from openrft.config.settings import EvaluateSettings, ExploreSettings, FitnessSettings, Settings
from openrft.job import Arm, Job
from openrft.runtime.store import Store
from openrft.tasks.task import DataRequest
from tests.forked import preload

STEPS = 12
SETTINGS = Settings(
    fitness=FitnessSettings(questions=0),
    explore=ExploreSettings(
        steps=STEPS,
        prompts_per_step=4,
        group_size=3,
        max_tokens=8,
        holdback=2,
        holdback_every=3,
    ),
    evaluate=EvaluateSettings(completions=2, max_tokens=8),
)
OPTIONS = {
    "rl": {"lr": "1e-2", "kl_coef": "0.01", "algorithm": sys.argv[5] if len(sys.argv) > 5 else "grpo"},
    "brevity": {"limit": "7"},  # which some of the answers keep to
}


def job(policy: str) -> Job:
    arm = Arm("arm", ("rl", "brevity"))
    return Job(arm, "toy/sums", 0, policy, DataRequest(train=10, test=6), SETTINGS, OPTIONS)


def started(policy: str, store: Path) -> int:
    """The job in a process of its own; its id."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        pipeline.run_job(job(policy), Store(store))
        os._exit(0)
    return child


def over(child: int) -> bool:
    done, status = os.waitpid(child, os.WNOHANG)
    if done and status:
        sys.exit(f"the job ended by itself with status {status}")
    return bool(done)


def reached(store: Path) -> int:
    """The step that the newest checkpoint leads to; all of them where the stage's result stands."""
    if [f for f in store.glob("explore/*/cost.json") if f.parent.suffix != ".part"]:
        return STEPS
    return max((int(f.name) for f in store.glob("explore/*.resume/*") if f.name.isdigit()), default=0)


def writing(store: Path) -> int:
    """When the checkpoint that is being written, or was when its process died, was last touched; 0 without one."""
    return most(store, "explore/*.resume/aside", lambda file: file.stat().st_ctime_ns)


def logged(store: Path) -> int:
    """Steps in the log, finished or not when the process died."""
    return most(store, "explore/*.part/metrics.jsonl", lambda file: len(file.read_text().splitlines()))


def most(store: Path, pattern: str, ask: Callable[[Path], int]) -> int:
    """The most that `ask` says of a file, 0 without one: the process may move it away between a look and the next."""
    found = [0]
    for file in store.glob(pattern):
        with contextlib.suppress(FileNotFoundError):
            found.append(ask(file))
    return max(found)


def killed(child: int, steps: int, moment: float, amid: bool, store: Path) -> bool:
    """Kill the process `moment` seconds after it logged `steps` steps more than its newest checkpoint has, or `amid`
    the writing of the next checkpoint after that. False: it was done before."""
    left, goal = writing(store), reached(store) + steps
    while logged(store) < goal:
        if over(child):
            return False
        time.sleep(0.0005)
    until = time.monotonic() + moment
    while time.monotonic() < until or (amid and writing(store) in (0, left)):
        if over(child):
            return False
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main() -> None:
    policy, store, draw = sys.argv[1], Path(sys.argv[2]), random.Random(int(sys.argv[3]))
    models = ("transformers.models.llama.modeling_llama", "transformers.generation.utils", "scipy.stats", "peft")
    preload([*models, "openrft.policies.hf", "openrft_rl.update"])
    finish(started(policy, store / "straight"))
    done, record = False, []
    while not done and len(record) < int(sys.argv[4]):
        left, steps, moment, amid = writing(store / "killed"), draw.randint(0, 2), draw.random(), len(record) % 2 == 1
        moment *= 0.03 if steps else 1.0  # without a step to wait for: while it loads and restores, too
        done = not killed(started(policy, store / "killed"), steps, moment, amid, store / "killed")
        if not done:
            cut = writing(store / "killed") not in (0, left)
            record.append({"steps": steps, "after": moment, "writing": cut, "checkpoint": reached(store / "killed")})
    if not done:
        finish(started(policy, store / "killed"))
    print(json.dumps(record))


def finish(child: int) -> None:
    while not over(child):
        time.sleep(0.01)


if __name__ == "__main__":
    main()
