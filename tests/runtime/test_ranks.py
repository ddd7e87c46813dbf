"""What ranks share, and how they end together. Ranks are processes that are started as torchrun starts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrft.runtime.ranks import Ranks, compute_once, current_ranks
from tests.forked import ForkServer


@given(st.lists(st.integers()), st.integers(1, 9))
def test_shares_are_the_whole_and_of_like_size(items, size):
    shares = [Ranks(rank, size).take_share(items) for rank in range(size)]
    assert [item for share in shares for item in share] == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_process_shares_with_nobody():
    ranks = current_ranks()
    assert (ranks.first, ranks.size) == (True, 1)
    assert ranks.share("words") == compute_once(lambda: "words") == "words"
    assert ranks.gather(3) == [3]
    assert ranks.deal(["a", "b"], lambda own: [item * 2 for item in own]) == ["aa", "bb"]


TOGETHER = """
import json, torch
from openrft.runtime.ranks import compute_once, current_ranks, join_ranks, leave_ranks, work_together
join_ranks()
alone = current_ranks().size
with work_together() as ranks:
    a, b, c = (torch.nn.Parameter(torch.zeros(2, dtype=kind)) for kind in (torch.float32, torch.float64, torch.float32))
    a.grad = torch.tensor([1.0, 2.0]) * (ranks.rank + 1)
    if ranks.first:
        b.grad = torch.tensor([0.5, 0.25], dtype=torch.float64)
    ranks.add_gradients([a, b, c])
    dealt = ranks.deal(["x", "y", "x", "z"], lambda own: [(item, place, ranks.rank) for place, item in enumerate(own)])
    once = compute_once(lambda: (ranks.rank, current_ranks().size))
    gradients, told = [p.grad.tolist() for p in (a, b, c)], ranks.share(ranks.rank)
    found = ranks.gather({"gradients": gradients, "dealt": dealt, "once": once, "told": told})
leave_ranks()
print(json.dumps({"alone": alone, "found": found}))
"""


def test_ranks_deal_share_and_add_up(fork_server: ForkServer, tmp_path: Path):
    done = fork_server.run(["-c", TOGETHER], tmp_path, ranks=2)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)  # rank 1 is silent
    assert read["alone"] == 1  # outside of a job each process is for itself
    first, second = read["found"]
    assert first == second
    assert first["gradients"] == [[3.0, 6.0], [0.5, 0.25], [0.0, 0.0]]
    # Of the three different items rank 0 has one and rank 1 two; equal ones are one rank's.
    assert first["dealt"] == [["x", 0, 0], ["y", 0, 1], ["x", 1, 0], ["z", 1, 1]]
    assert first["once"] == [0, 1]  # on rank 0, which is alone meanwhile
    assert first["told"] == 0


FAILING = """
import os, sys
from openrft import OpenRFTError
from openrft.cli import main
from openrft.policies.hf import HFPolicy

def fail(self, text):
    raise OpenRFTError("the disk of this machine is full.", "Make room.")

if os.environ["RANK"] == "1":
    HFPolicy.encode_target = fail
main()
"""
JOB = "bench --task toy/sums --train 4 --test 2 --arms none --arm sft=sft --set teacher.tries=1 --set sft.epochs=1"


def test_a_rank_that_fails_ends_all_and_is_the_only_one_that_speaks(
    fork_server: ForkServer, tiny: Path, tmp_path: Path
):
    settings = ["--set", "teacher.max_tokens=4", "--set", "evaluate.max_tokens=4", "--policy", str(tiny)]
    done = fork_server.run(["-c", FAILING, *JOB.split(), *settings], tmp_path, ranks=2, timeout=100)
    assert done.returncode == 5
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("openrft: ")]
    assert said.startswith("openrft: rank 1: ")
    assert "the disk of this machine is full. Make room. Details: " in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tasks", "list"], "`openrft tasks` runs in one process, and torchrun has started 2."),
        ([*JOB.split(), "--policy", "vllm:TINY"], "draws with vLLM, which does not share a process with 2 ranks."),
        ([*JOB.split(), "--arm", "trl=trl-grpo"], "trl-grpo trains in a loop of its own, which is not dealt out to"),
    ],
    ids=["command", "vllm", "trl"],
)
def test_what_ranks_cannot_do_is_refused_in_one_line(run_openrft, tiny, words, told):
    settings = ["--set", "evaluate.max_tokens=4"] if words[0] == "bench" else []
    done = run_openrft(*(word.replace("TINY", str(tiny)) for word in [*words, *settings]), ranks=2)
    assert done.returncode != 0
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("openrft: ")]
    assert told in said
