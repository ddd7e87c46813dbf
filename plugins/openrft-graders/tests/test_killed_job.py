"""A whole job with every kind of grader, whose judge fails in three of ten calls, and which is killed twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest

from tests.policies.faulty_server import FaultyServer

pytest.importorskip("openai")
pytest.importorskip("tenacity")

IN_FLIGHT = 4
# Runs the job once undisturbed. Then it runs it in a fork for each line of its input, "SERVER FOLDER", because a new
# process takes longer to import torch than to run the job. Prints what a job found that came to its end, and of forks
# their id before that and their exit status behind it.
RUN = """
import json, os, sys
from pathlib import Path
import torch
import openrft.policies.openai_requests as requests
from openrft import DataRequest
from openrft.config.settings import EvaluateSettings, ExploreSettings, FitnessSettings, Settings
from openrft.job import Arm, Job
from openrft.pipeline import run_job
from openrft.runtime.paid.account import Account, AccountSettings, use_account
from openrft.runtime.store import Store
requests.RETRY_DELAY, requests.LONGEST_DELAY = 0.005, 0.02
policy, rows, grader, in_flight, calm, undisturbed = sys.argv[1:]
settings = Settings(
    ExploreSettings(steps=1, prompts_per_step=3, group_size=3, max_tokens=4, probes=0),
    EvaluateSettings(completions=1, max_tokens=4),
    FitnessSettings(questions=0),
)
def run(judge, folder):
    torch.set_num_threads(1)
    options = {"graders": {"judge": judge, "grader": grader}}
    data = DataRequest(data=rows, train=6, test=6)
    job = Job(Arm("graded", ("rl", "graders")), "questions/ions", 0, policy, data, settings, options)
    with use_account(Account(AccountSettings(Path(folder), "r", in_flight=int(in_flight)))) as account:
        found = run_job(job, Store(Path(folder)))
    paid = {"replies": sum(p.paid.replies for p in account.list_payments())}
    answers = [[r.completion.text, r.score, r.correct] for r in found.rollouts]
    steps = [json.loads(line) for line in found.metrics_file.read_text().splitlines()]
    rewards = [step["reward"] for step in steps]
    print(json.dumps({**paid, "answers": answers, "rewards": rewards}), flush=True)
run(calm, undisturbed)
for line in sys.stdin:
    child = os.fork()
    if not child:
        run(*line.split())
        os._exit(0)
    print(child, flush=True)
    print("status", os.waitpid(child, 0)[1], flush=True)
"""


def write_rows(file: Path) -> str:
    rows = [{"question": f"Describe ion number {i}.", "rubric": "+2 says a\nsays 1"} for i in range(12)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def write_grader(file: Path) -> str:
    turn = [{"role": "user", "content": "{{ sample.output_text }}"}]
    text = {"input": "{{ sample.output_text }}", "reference": "a"}
    asked = {"model": "gpt-x", "input": turn}
    parts = {
        "check": {"type": "string_check", "operation": "like", **text},
        "alike": {"type": "text_similarity", "evaluation_metric": "fuzzy_match", **text},
        "code": {
            "type": "python",
            "source": "def grade(sample, item):\n    return len(sample['output_text'].encode()) / 10",
        },
        "score": {"type": "score_model", "range": [0, 8], **asked},
        "label": {"type": "label_model", "labels": ["yes", "no"], "passing_labels": ["yes"], **asked},
        "rubric": {"type": "rubric", "model": "gpt-x"},
    }
    file.write_text(json.dumps({"type": "multi", "graders": parts, "calculate_output": f"({' + '.join(parts)}) / 12"}))
    return str(file)


def reply(request: dict[str, Any]) -> str:
    """A judge whose verdict depends on all that it is shown."""
    shown = sum(request["messages"][-1]["content"].encode())
    schema = request["response_format"]["json_schema"]["schema"]["properties"]
    if "result" not in schema:  # a rubric's
        return json.dumps({number: (shown + int(number)) % 2 == 0 for number in schema})
    return json.dumps({"steps": [], "result": ("yes", "no")[shown % 2] if "enum" in schema["result"] else shown % 8})


def begin(stream: subprocess.Popen[str], server: FaultyServer, folder: Path) -> int:
    """The id of the process that runs the job."""
    put(stream.stdin).write(f"{server.spec} {folder}\n")
    put(stream.stdin).flush()
    return int(put(stream.stdout).readline())


def finish(stream: subprocess.Popen[str]) -> dict[str, Any]:
    """What the process that runs the job found. Empty if it was killed."""
    found, line = "{}", put(stream.stdout).readline()
    if line.startswith("{"):
        found, line = line, put(stream.stdout).readline()
    assert line in (("status 0\n",) if found != "{}" else (f"status {int(signal.SIGKILL)}\n",))
    return dict(json.loads(found))


def put(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def test_a_job_that_is_killed_twice_asks_again_for_nothing_that_had_arrived(tmp_path: Path) -> None:
    from openrft.testing import write_tiny_checkpoint

    policy = str(write_tiny_checkpoint(tmp_path / "tiny"))
    rows, grader = write_rows(tmp_path / "ions.jsonl"), write_grader(tmp_path / "grader.json")
    calm, faulty = FaultyServer(0.0, reply=reply), FaultyServer(0.3, seed=9, hang=0.1, reply=reply)
    command = [sys.executable, "-c", RUN, policy, rows, grader, str(IN_FLIGHT), calm.spec, str(tmp_path / "calm")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        straight = json.loads(put(runner.stdout).readline())
        total = sum(calm.given.values())
        for share in (0.3, 0.8):  # while answers are rewarded, and while they are evaluated
            child = begin(runner, faulty, tmp_path / "killed")
            deadline = time.monotonic() + 60
            while sum(faulty.given.values()) < share * total and time.monotonic() < deadline:
                time.sleep(0.002)
            os.kill(child, signal.SIGKILL)
            assert not finish(runner)
        begin(runner, faulty, tmp_path / "killed")
        resumed = finish(runner)
        put(runner.stdin).close()
    for server in (calm, faulty):
        server.close()
    assert total == straight["replies"] > 30
    assert resumed == straight  # every answer and score, every step's rewards, and what was paid
    assert all(score is not None for _, score, _ in straight["answers"])
    assert len(faulty.faults) > 5
    assert set(faulty.given) == set(calm.given)
    # A reply that was on its way when the process was killed did not arrive. No other is given twice.
    assert sum(faulty.given.values()) - total <= 2 * IN_FLIGHT
