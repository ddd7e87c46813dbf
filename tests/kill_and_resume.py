"""Runs one job undisturbed, then again in processes that kill themselves: while a checkpoint is written, soon after
a step, at a random time.

    python -m tests.kill_and_resume POLICY FOLDER SEED ALGORITHM

Leaves the stores FOLDER/straight and FOLDER/killed; prints as JSON where each process was killed, whether a checkpoint
was being written, and which one stood by then. A process sends the signal to itself: one that watches another may not
get the processor in time. Processes are forked, as importing torch for each would take longer than the job; the one
that forks has computed nothing yet.
"""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    "rl": {"lr": "1e-2", "kl_coef": "0.01", "algorithm": sys.argv[4] if len(sys.argv) > 4 else "grpo"},
    "brevity": {"limit": "7"},  # which some of the answers keep to
}


def job(policy: str) -> Job:
    arm = Arm("arm", ("rl", "brevity"))
    return Job(arm, "toy/sums", 0, policy, DataRequest(train=10, test=6), SETTINGS, OPTIONS)


def run(policy: str, store: Path, arm: Callable[[], None] = lambda: None) -> bool:
    """The job in a process of its own, after `arm` in it. False if the process was killed."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        arm()
        pipeline.run_job(job(policy), Store(store))
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, -signal.SIGKILL):
        sys.exit(f"the job ended by itself with status {code}")
    return code == 0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(seconds: float) -> None:
    timer = threading.Timer(seconds, die)
    timer.daemon = True
    timer.start()


def die_after_step(step: int, seconds: float) -> None:
    """So long after the log, which has `step` rows or more, is opened for the next one."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[1] == "a" and str(arguments[0]).endswith("metrics.jsonl"):
            log = Path(arguments[0])
            if log.exists() and len(log.read_text().splitlines()) >= step:
                die_after(seconds)

    sys.addaudithook(watch)


def die_while_writing(touches: int, left: int) -> None:
    """When files of incomplete checkpoints were touched so many times: made, written, read for their checksums, about
    to be renamed. `left`: what `writing` said of the one that an earlier process left."""
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        path = str(arguments[0]) if arguments else ""
        if ".resume/aside" in path and writing(Path(path.partition("/explore/")[0])) not in (0, left):
            seen += 1
            if seen == touches:
                die()

    sys.addaudithook(watch)


def reached(store: Path) -> int:
    """The step that the newest checkpoint leads to; all of them where the stage's result stands."""
    if [f for f in store.glob("explore/*/cost.json") if f.parent.suffix != ".part"]:
        return STEPS
    return max((int(f.name) for f in store.glob("explore/*.resume/*") if f.name.isdigit()), default=0)


def writing(store: Path) -> int:
    """When the checkpoint that is being written, or was when its process died, was last touched; 0 without one."""
    return max((f.stat().st_ctime_ns for f in store.glob("explore/*.resume/aside")), default=0)


def main() -> None:
    policy, folder, draw = sys.argv[1], Path(sys.argv[2]), random.Random(int(sys.argv[3]))
    models = ("transformers.models.llama.modeling_llama", "transformers.generation.utils", "scipy.stats", "peft")
    preload([*models, "openrft.policies.hf", "openrft_rl.update"])
    began = time.monotonic()
    run(policy, folder / "straight")
    took = time.monotonic() - began
    store, record = folder / "killed", []
    for kind in ("writing", "step", "time", "writing"):
        left, newest = writing(store), reached(store)
        if kind == "writing":
            at: float = draw.randint(1, 12)
            arm = functools.partial(die_while_writing, int(at), left)
        elif kind == "step":
            at = newest + draw.randint(1, 2)
            arm = functools.partial(die_after_step, int(at), 0.03 * draw.random())
        else:  # while it loads and restores, too
            at = took * draw.random()
            arm = functools.partial(die_after, at)
        if run(policy, store, arm):
            break
        cut = writing(store) not in (0, left)
        record.append({"kind": kind, "at": at, "writing": cut, "checkpoint": reached(store)})
    else:
        run(policy, store)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
