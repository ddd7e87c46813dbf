"""`openrft prm`: from a policy and a task to labels, from labels to a model, and whether the model is fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from openrft_prm.commands import prm
from safetensors.torch import load_file, save_file

from openrft import UsageError
from openrft.cli import cli


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    cli.main(list(map(str, arguments)), prog_name="openrft", standalone_mode=False)
    return capsys.readouterr().out


def blind(folder: Path) -> None:
    """Give every step of every solution the same score."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    heads = [key for key in tensors if key.startswith("score.")]
    assert heads
    save_file({k: v * 0 if k in heads else v for k, v in tensors.items()}, file, metadata={"format": "pt"})


def test_label_then_train_then_fitness(
    capsys: pytest.CaptureFixture[str],
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    few = ("--train", 6, "--solutions", 2, "--completions", 2, "--max-tokens", 64)
    printed = run(capsys, "prm", "label", "--task", "pocket/L3", "--out", "steps.jsonl", *few)
    assert "solutions of 6 questions" in printed
    rows = [json.loads(line) for line in Path("steps.jsonl").read_text().splitlines()]
    assert all(len(row["completions"]) == len(row["labels"]) for row in rows)
    base = str(checkpoint("rlhflow"))
    how = ("--base", base, "--data", "steps.jsonl", "--epochs", 1, "--hold-out", 0.5)
    row = json.loads(run(capsys, "prm", "train", *how, "--out", "mine", "--json"))
    assert (row["out"], row["held_out"]["questions"]) == ("mine", 3)
    assert "held out: " in run(capsys, "prm", "train", *how, "--out", "other", "--head", "skywork")
    (found,) = json.loads(run(capsys, "prm", "fitness", "--model", "mine", "--json"))
    assert (found["source"], found["rollouts"], len(found["by_aggregation"])) == ("prm", 200, 5)
    text = run(capsys, "prm", "fitness", "--model", "mine")  # reused: the same command again costs nothing
    assert len(text.splitlines()) < 24
    assert "softmin" in text
    assert "recommended explore.aggregation=" in text
    assert ("WARNING" in text) == bool(found["warnings"])
    blind(Path("mine"))
    assert "WARNING" in run(capsys, "prm", "fitness", "--model", "mine")  # one score for all is no judge


def test_what_cannot_be_done_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="matches"):
        run(capsys, "prm", "label", "--task", "pocket/L3/*", "--out", tmp_path / "x.jsonl")
    with pytest.raises(Exception, match=r"gone.jsonl: no such file"):
        run(capsys, "prm", "train", "--base", "pocket", "--data", tmp_path / "gone.jsonl", "--out", tmp_path / "m")


def test_fitness_has_the_options_for_servers_that_cost_money(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They reach the command that measures: each is refused there before the server is asked anything."""
    monkeypatch.chdir(tmp_path)
    asked = ("prm", "fitness", "--model", "openai:http://127.0.0.1:1/v1#m")
    with pytest.raises(UsageError, match="--budget needs the prices"):
        run(capsys, *asked, "--budget", 1)
    Path("prices.toml").write_text('currency = "USD"\n"other" = { input = 1, output = 1 }\n')
    with pytest.raises(UsageError, match="the file of --prices has no price of 'm'"):
        run(capsys, *asked, "--budget", 1, "--prices", "prices.toml")
    ran: list[tuple[str, ...]] = []
    host = SimpleNamespace(run=lambda *words: ran.append(words))
    prm.main([*asked[1:], "--in-flight", "2", "--store", "kept", "--replay"], obj=host, standalone_mode=False)
    assert {"--in-flight=2", "--store=kept", "--replay"} <= set(ran[0])


def test_fitness_takes_the_options_that_say_which_rows(
    capsys: pytest.CaptureFixture[str],
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"What is {i} + {i}?,{2 * i},{2 * i + 1},{2 * i + 2},{2 * i + 3},A" for i in range(40)]
    Path("mine.csv").write_text("\n".join(["question,A,B,C,D,answer", *rows]))
    asked = ("prm", "fitness", "--model", checkpoint("skywork"), "--task", "questions", "--data", "mine.csv", "--json")
    (found,) = json.loads(run(capsys, *asked))
    assert (found["task"], found["questions"]) == ("questions/all", 20)
    (fewer,) = json.loads(run(capsys, *asked, "--train", 8, "--test", 8, "--data-seed", 3))
    assert fewer["questions"] == 8
    Path("mine.csv").write_text("\n".join(["prompt,A,B,C,D,gold", *rows]))
    (mapped,) = json.loads(run(capsys, *asked, "--map", "question=prompt", "--map", "answer=gold"))
    assert mapped["questions"] == 20


def test_a_file_name_is_shown_as_text(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal, too, where rich would take it for markup."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(Exception, match=r"d\[/x\].jsonl: no such file"):
        run(capsys, "prm", "train", "--base", "pocket", "--data", "d[/x].jsonl", "--out", "m")
