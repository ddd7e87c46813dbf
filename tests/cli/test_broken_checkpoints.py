"""A checkpoint that cannot be loaded, and a package that is not installed, are found before anything runs."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from openrft.cli import cli
from openrft.errors import OpenRFTError

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
JOB = ("--task", "pocket/L3", "--train", "4", "--test", "2")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def model(tiny: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may damage, in `broken` under the current folder."""
    return Path(shutil.copytree(tiny, tmp_path / "broken"))


def refused(*arguments: str) -> str:
    """What a command that must not run says. It is one line, and nothing is written."""
    before = sorted(Path().iterdir())
    with pytest.raises(OpenRFTError) as caught:
        CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)
    assert caught.value.exit_code == 2
    assert sorted(Path().iterdir()) == before
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    return said


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:150])


def halve(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def point(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n")


def drop(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink(missing_ok=True) for name in names] and None


def pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def split(folder: Path) -> None:
    """Two shards and their index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    for file, part in ((FIRST, names[:3]), (SECOND, names[3:])):
        save_file({name: weights[name] for name in part}, folder / file, metadata={"format": "pt"})
    index = {name: FIRST if name in names[:3] else SECOND for name in names}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def lose_a_shard(folder: Path) -> None:
    split(folder)
    (folder / SECOND).unlink()


def cut_a_shard(folder: Path) -> None:
    split(folder)
    cut(SECOND)(folder)


def lose_a_tensor(folder: Path) -> None:
    split(folder)
    save_file({}, folder / SECOND)


def cut_an_index(folder: Path) -> None:
    split(folder)
    cut("model.safetensors.index.json")(folder)


DAMAGE = {
    "half the weights": (halve, "model.safetensors is cut short: it has "),
    "a cut header": (cut("model.safetensors"), "model.safetensors is not a whole safetensors file (150 bytes)"),
    "a pointer": (point, "model.safetensors is a pointer of Git LFS, not the weights. Run git lfs pull"),
    "no weights": (drop("model.safetensors"), "broken has no weights as safetensors. Copy or download"),
    "pickled weights": (pickle, "broken has no weights as safetensors, only pickled ones (pytorch_model.bin)"),
    "a lost shard": (lose_a_shard, f"broken lacks 1 of the 2 weight files that its index names, {SECOND} among them"),
    "a cut shard": (cut_a_shard, f"{SECOND} is not a whole safetensors file"),
    "lost tensors": (lose_a_tensor, "tensors that its index names, "),
    "a cut index": (
        cut_an_index,
        "model.safetensors.index.json is not a whole index of weights",
    ),
    "no tokenizer": (drop("tokenizer.json", "tokenizer_config.json"), "broken has no tokenizer. Copy the tokenizer"),
    "half a tokenizer": (drop("tokenizer.json"), "broken has no tokenizer. Copy the tokenizer"),
    "a cut tokenizer": (cut("tokenizer.json"), "tokenizer.json is not a whole JSON file"),
    "a cut config": (cut("config.json"), "config.json is not a whole JSON file"),
    "no config": (drop("config.json"), "there is no config.json in this folder"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGE.values(), ids=DAMAGE)
def test_a_policy_that_is_not_whole_is_refused(model: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(model)
    assert words in refused("bench", *JOB, "--plugins", "rl", "--policy", "./broken")


@pytest.mark.parametrize(
    "command",
    [
        ("train", *JOB, "--plugins", "rl", "--out", "trained", "--policy", "./broken"),
        ("doctor", *JOB, "--plugins", "rl", "--policy", "./broken"),
        ("evaluate", *JOB, "--policy", "vllm:./broken"),
        ("fitness", *JOB, "--policy", "./broken"),
        ("predict", "--policy", "./broken", "What is 1 + 1?"),
        ("serve", "./broken"),
        ("bench", *JOB, "--plugins", "sft", "--set", "teacher.model=./broken"),
        ("bench", *JOB, "--plugins", "prm", "--set", "prm.model=./broken"),
        ("bench", *JOB, "--plugins", "da", "--set", "da.model=./broken"),
        ("bench", *JOB, "--arms", "none", "--arm", "a=opd,opd.teacher=./broken"),
        ("bench", *JOB, "--arms", "none", "--arm", "a=best-of-n,best-of-n.model=./broken"),
        ("predict", "--plugins", "best-of-n", "--set", "best-of-n.model=./broken", "What is 1 + 1?"),
    ],
    ids=lambda command: " ".join(word for word in command if word not in JOB),
)
def test_whoever_uses_the_model_it_is_refused(model: Path, command: tuple[str, ...]) -> None:
    halve(model)
    said = refused(*command)
    assert "broken/model.safetensors is" in said
    assert "cut short: it has" in said or "not a whole safetensors file" in said


def test_whole_checkpoints_in_shards_and_with_adapters_are_taken(model: Path) -> None:
    split(model)
    done = CliRunner().invoke(cli, ["bench", *JOB, "--plugins", "rl", "--policy", "./broken", "--dry-run"])
    assert done.exit_code == 0, done.output


def test_an_adapter_that_is_cut_short_is_refused(model: Path, tmp_path: Path) -> None:
    from openrft import open_policy

    policy = open_policy(str(model))
    policy.attach_lora(rank=2, alpha=4, seed=0)  # type: ignore[attr-defined]
    policy.save_adapter(tmp_path / "adapter")  # type: ignore[attr-defined]
    cut("adapter_model.safetensors")(tmp_path / "adapter")
    said = refused("bench", *JOB, "--plugins", "rl", "--policy", "./adapter")
    assert "adapter/adapter_model.safetensors is not a whole safetensors file" in said


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("?")
    assert "notes.txt is neither a folder nor a GGUF file" in refused("evaluate", *JOB, "--policy", "./notes.txt")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--policy", "vllm:pocket"), "'vllm:pocket' needs vLLM. Install it"),
        (("--set", "policy.attention=flash_attention_2"), "policy.attention=flash_attention_2 needs the package"),
    ],
    ids=["vllm", "flash-attn"],
)
def test_a_package_that_is_not_installed_is_named_before_anything_runs(
    asked: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    absent = ("vllm", "flash_attn", "kernels")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in absent else found(name, *more))
    assert words in refused("train", *JOB, "--plugins", "rl", "--out", "trained", *asked)


@pytest.mark.parametrize(("key", "value"), [("model_type", "nosuch"), ("hidden_size", "wide")])
def test_a_config_that_a_server_could_not_read_is_refused_in_one_line(model: Path, key: str, value: str) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, key: value}))
    assert "the config of ./broken cannot be read: " in refused("serve", "./broken", "--with", "transformers")
