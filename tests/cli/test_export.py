"""A trained policy taken out of a finished bench: merged or as an adapter, and asked again as it was trained."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from openrft.tasks.prompt import INSTRUCTION
from tests.cli.hub_server import run_hub
from tests.forked import ForkServer

TASK = "pocket/L3/lattice_volume"
ROWS = ["--task", TASK, "--train", "12", "--test", "8"]
BENCH = ["bench", *ROWS, "--plugins", "sft,icl", "--name", "b", "--set", "explore.steps=1", "--workers", "1"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer):
    """A folder with a finished bench, and a function that runs openrft there."""
    folder = tmp_path_factory.mktemp("exports")

    def run(*arguments: str, umask: int = -1, server: ForkServer = fork_server) -> subprocess.CompletedProcess[str]:
        return server.run(["-m", "openrft", *arguments], folder, umask=umask, timeout=300)

    done = run(*BENCH)
    assert done.returncode == 0, done.stderr
    for out, more in (("merged", ()), ("adapter", ("--adapter",))):
        done = run("export", "b", "--arm", "rl+sft+icl", "--out", out, *more, umask=0o027)
        assert done.returncode == 0, done.stderr
    return folder, run


def items(folder: Path, run: str, arm: str) -> dict[str, object]:
    report = json.loads((folder / "runs" / run / "report.json").read_text())
    (result,) = [r for r in report["results"] if r["arm"] == arm]
    return result["items"]


def answer(model: torch.nn.Module, tokenizer, messages: list[dict[str, str]]) -> list[int]:
    """Greedy tokens by transformers alone."""
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    written = model.generate(**prompt, do_sample=False, max_new_tokens=60, temperature=None, top_p=None)
    return written[0, prompt["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("form", ["merged", "adapter"])
def test_the_exported_policy_answers_as_the_arm_did(runs, form):
    folder, run = runs
    done = run("evaluate", *ROWS, "--policy", form, "--name", f"again-{form}", "--json")
    assert done.returncode == 0, done.stderr
    assert "settings that the policy" in done.stderr
    assert json.loads(done.stdout)["overall"]["arms"][0]["arm"] == form  # its own name, not vanilla
    assert items(folder, f"again-{form}", form) == items(folder, "b", "rl+sft+icl")  # demonstrations and all


def test_transformers_and_peft_read_the_same_greedy_tokens(runs):
    folder, _ = runs
    tokenizer = AutoTokenizer.from_pretrained(folder / "merged")
    merged = AutoModelForCausalLM.from_pretrained(folder / "merged")
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    base = AutoModelForCausalLM.from_pretrained(config["base_model_name_or_path"])
    question = [{"role": "user", "content": "A crystal has a = 4.0. What is its volume?\nA. 64.0\nB. 16.0"}]
    rows = tokenizer.apply_chat_template(question, return_tensors="pt", return_dict=True)["input_ids"]
    with torch.no_grad():
        untrained = base(rows).logits
    adapted = PeftModel.from_pretrained(base, folder / "adapter")
    assert answer(merged, tokenizer, question) == answer(adapted, tokenizer, question)
    with torch.no_grad():
        assert torch.allclose(merged(rows).logits, adapted(rows).logits, atol=1e-4)
        assert not torch.allclose(merged(rows).logits, untrained, atol=1e-2)


def test_any_server_applies_the_instruction_and_the_sampling(runs):
    folder, _ = runs
    for form in ("merged", "adapter"):
        tokenizer = AutoTokenizer.from_pretrained(folder / form)
        user = [{"role": "user", "content": "How much?"}]
        system = [{"role": "system", "content": INSTRUCTION}]
        other = [{"role": "system", "content": "Be brief."}]
        shown = [tokenizer.apply_chat_template(chat, tokenize=False) for chat in (user, system + user, other + user)]
        assert shown[0] == shown[1]
        assert INSTRUCTION in shown[0]
        assert INSTRUCTION not in shown[2]
    config = json.loads((folder / "merged" / "generation_config.json").read_text())
    assert (config["do_sample"], config["temperature"], config["max_new_tokens"]) == (True, 0.6, 80)


def test_the_folder_says_what_the_policy_is(runs):
    folder, _ = runs
    about = json.loads((folder / "merged" / "openrft.json").read_text())
    assert (about["arm"], about["task"], about["base"], about["seed"]) == ("rl+sft+icl", TASK, "pocket", 0)
    assert (about["instruction"], list(about["demonstrations"])) == (INSTRUCTION, ["icl"])
    report = json.loads((folder / "runs/b/report.json").read_text())
    (row,) = [r for r in report["summary"]["overall"]["arms"] if r["arm"] == "rl+sft+icl"]
    assert about["score"] == {name: row["accuracy"][name] for name in ("value", "low", "high")}
    assert about["gain"]["value"] == row["delta"]["value"]
    assert len((folder / "merged" / "demonstrations.jsonl").read_text().splitlines()) == 12
    card = ModelCard.load(folder / "merged" / "README.md")
    assert card.data.library_name == "transformers"
    assert card.data.eval_results[0].metric_value == round(about["score"]["value"], 4)
    assert "One training seed" in card.text
    others = [line.split(" ")[3] for line in card.text.splitlines() if line.startswith("| the arm ")]
    assert others == ["rl", "rl+sft", "rl+icl"]
    assert ModelCard.load(folder / "adapter" / "README.md").data.library_name == "peft"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (folder / "merged").iterdir()}
    assert modes == {0o640}  # umask 027


def test_what_cannot_be_exported_is_one_line(runs):
    folder, run = runs
    for arguments, code, words in (
        (["--out", "x"], 2, "Name one with --arm"),
        (["--arm", "vanilla", "--out", "x"], 2, "changes nothing: its policy is the given one"),
        (["--arm", "sfd", "--out", "x"], 2, "unknown arm: 'sfd'"),
        (["--arm", "rl", "--seed", "7", "--out", "x"], 2, "unknown seed: '7'"),
        (["--arm", "rl", "--out", "merged"], 2, "the folder is not empty"),
        (["--arm", "rl", "--out", "x", "--store", "empty"], 5, "does not hold the stage"),
    ):
        (folder / "empty").mkdir(exist_ok=True)
        done = run("export", "b", *arguments)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
        assert "Traceback" not in done.stderr
        assert not (folder / "x").exists()


def test_a_damaged_description_is_one_line(runs):
    folder, run = runs
    shutil.copytree(folder / "merged", folder / "damaged")
    (folder / "damaged" / "openrft.json").write_text('{"format": "openrft-policy/1", "arm": 3}')
    done = run("evaluate", *ROWS, "--policy", "damaged")
    assert done.returncode == 2, done.stderr
    assert "damaged/openrft.json: arm" in done.stderr


@pytest.fixture
def servers():
    """Makes servers of forks, whose libraries read HF_... when they are imported."""
    started: list[ForkServer] = []

    def start(*modules: str, **more: str) -> ForkServer:
        started.append(ForkServer({**more, "OMP_NUM_THREADS": "1"}, modules))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_the_folder_is_pushed_to_a_private_repository(runs, servers):
    folder, run = runs
    export = ("export", "b", "--arm", "rl+sft+icl", "--push", "me/mine")
    with run_hub() as hub:
        online = servers(
            "peft", "openrft.policies.hf", HF_ENDPOINT=hub.address, HF_TOKEN="hf_secret", HF_HUB_OFFLINE="0"
        )
        done = run(*export, "--out", "pushed", server=online)
        assert done.returncode == 0, done.stderr
        assert f"pushed it to {hub.address}/me/mine (private)" in done.stdout
        assert [(row["name"], row["organization"]) for row in hub.created] == [("mine", "me")]
        assert hub.created[0].get("private") is True or hub.created[0].get("visibility") == "private"
        assert hub.tokens == {"Bearer hf_secret"}
        assert hub.files == {file.name: file.read_bytes() for file in (folder / "pushed").iterdir()}

        hub.files.clear()
        hub.private = False  # the repository was there, and everybody can read it
        done = run(*export, "--out", "exposed", server=online)
        assert (done.returncode, "is public, and nothing was pushed" in done.stderr) == (2, True), done.stderr
        assert not hub.files
        done = run(*export, "--out", "open", "--public", server=online)
        assert done.returncode == 0, done.stderr
        assert "(public)" in done.stdout
        assert "model.safetensors" in hub.files

        hub.private, hub.refuse = True, True
        done = run(*export, "--out", "refused", server=online)
        assert (done.returncode, "did not take me/mine" in done.stderr) == (5, True), done.stderr
        assert "hf upload me/mine refused" in done.stderr
        assert "Traceback" not in done.stderr
        assert (folder / "refused" / "model.safetensors").is_file()


def test_a_push_that_cannot_work_fails_before_the_export(runs, servers):
    folder, run = runs
    offline = servers(HF_HUB_OFFLINE="1")
    nobody = servers(HF_HUB_OFFLINE="0", HF_HOME=str(folder / "no-token"), HF_TOKEN="")
    for repository, server, words in (
        ("me/mine", offline, "HF_HUB_OFFLINE is set"),
        ("me/mine", nobody, "needs a token"),
        ("mine", offline, "Give ORG/NAME"),
        ("me/mi ne", offline, "--push me/mi ne: "),
    ):
        done = run("export", "b", "--arm", "rl+sft+icl", "--out", "x", "--push", repository, server=server)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
        assert not (folder / "x").exists()
    done = run("export", "b", "--arm", "rl+sft+icl", "--out", "x", "--public")
    assert (done.returncode, "--public has no effect without --push" in done.stderr) == (2, True), done.stderr
