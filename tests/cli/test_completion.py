"""What TAB offers, by the protocol between click and the shells, and the script that a shell reads."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from openrft.cli import COMMANDS, cli
from openrft.cli.completion import SHELLS

FOLDER = Path(__file__).parent  # without runs
ROOT = FOLDER.resolve().parents[1]


def offers(words: str) -> list[str]:
    """What is offered for the last of the words."""
    *before, typed = words.split(" ")
    return [
        item.value for item in ShellComplete(cli, {}, "openrft", "_OPENRFT_COMPLETE").get_completions(before, typed)
    ]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("comp", ["compare", "completion"]),
        ("prm", ["prm"]),  # a plugin's command
        ("bench --task poc", ["pocket/"]),
        ("bench --task pocket/L3/mut", ["pocket/L3/mutant_fitness"]),
        ("bench --task nobody/", []),
        ("bench --plugins sft,pr", ["sft,prm"]),
        ("bench --plugins sft,sf", []),
        ("bench --preset pa", ["paper"]),
        ("bench --arms la", ["lattice"]),
        ("bench --arm noise=rl,plac", ["noise=rl,placebo"]),
        ("bench --arm x=rl,explore.step", ["x=rl,explore.steps="]),
        ("bench --arm noise", []),
        ("bench --policy pocket/teacher-", ["pocket/teacher-prose"]),
        ("bench --policy vllm:smol", ["vllm:smollm2"]),
        ("bench --policy baseline:long", ["baseline:longest-option"]),
        ("bench --executor s", ["slurm"]),
        ("bench --set expl", ["explore."]),
        ("bench --set data.tr", ["data.train="]),
        ("bench --set explore.step", ["explore.steps="]),
        ("bench --set explore.aggregation=m", ["explore.aggregation=mean", "explore.aggregation=min"]),
        ("bench --set policy.deterministic=t", ["policy.deterministic=true"]),
        ("bench --set nobody.x", []),
        ("settings evalu", ["evaluate"]),
        ("plugins show gep", ["gepa"]),
        ("tasks show poc", ["pocket/"]),
        ("study data", ["data-size"]),
        ("study alpha-f --values al", ["alpha="]),
        ("study alpha-f --values alpha=", ["alpha=0.3,0.7"]),
        ("study nobody --values al", []),
        ("completion f", ["fish"]),
    ],
)
def test_names_are_offered(words, offered):
    assert offers(words) == offered


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder with the runs one and two; the second's plan cannot be read."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        (run / "report.json").write_text("{}")
    arms = [{"name": "vanilla"}, {"name": "rl+sft"}]
    (tmp_path / "runs/one/plan.json").write_text(json.dumps({"arms": arms, "tasks": ["pocket/L3"]}))
    (tmp_path / "runs/two/plan.json").write_text("not JSON")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("report ", ["one", "two", "runs/"]),
        ("gate one runs/t", ["runs/two"]),
        ("gate one runs/one/", ["runs/one/plan.json", "runs/one/report.json"]),
        ("gate one one --arm v", ["vanilla"]),
        ("compare one:r", ["one:rl+sft"]),
        ("compare one runs/one:", ["runs/one:vanilla", "runs/one:rl+sft"]),
        ("compare one two:", []),
        ("items on", ["one"]),
        ("items one:v", ["one:vanilla"]),
        ("items one --vs ", ["vanilla", "rl+sft", "one:", "two:"]),
        ("items two --vs one:r", ["one:rl+sft"]),
        ("items one --task ", ["pocket/L3"]),
        ("items two --arm ", []),
        ("items runs/one --arm rl", ["rl+sft"]),
        ("export one --arm r", ["rl+sft"]),
    ],
)
def test_runs_their_arms_and_their_tasks_are_offered(runs, words, offered):
    assert offers(words) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bench --data m", ["mine.csv", "my data/"]),
        ("bench --data ", ["mine.csv", "my data/"]),
        ("bench --data 'my d", ["my data/"]),
        ("bench --config=mi", ["--config=mine.csv"]),
        ("bench --out=m", ["--out=my data/"]),  # a folder is wanted
        ("bench --plugins=sft,pr", ["--plugins=sft,prm"]),
        ("bench --data my\\ data/", ["my data/a.csv"]),
        ("bench --data nowhere/", []),
    ],
)
def test_paths_and_options_with_their_values_are_offered(tmp_path, monkeypatch, line, offered):
    (tmp_path / "my data").mkdir()
    for name in ("mine.csv", "my data/a.csv", ".hidden"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENRFT_LINE", f"openrft {line}")
    shell = SHELLS["fish"](cli, {}, "openrft", "_OPENRFT_COMPLETE")
    assert shell.complete().splitlines() == sorted(offered)


def test_a_line_that_is_wrong_prints_nothing():
    run = ask("openrft nothing x")
    assert (run.stdout, run.stderr) == ("", "")


def test_nothing_heavy_is_imported(tmp_path):
    code = (
        "import sys; from click.shell_completion import ShellComplete; from openrft.cli import cli;"
        "ask = ShellComplete(cli, {}, 'openrft', '_X').get_completions;"
        "assert ask(['bench', '--task'], 'pocket/') and ask(['bench', '--set'], 'sft.') and ask([], 'b');"
        "assert ask(['study'], '') and ask(['bench', '--arm'], 'x=rl,') and ask(['items'], '') == [];"
        "print([n for n in ('torch', 'transformers', 'trl', 'pandas', 'lancedb', 'numpy') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


@pytest.fixture(scope="module")
def shell_folder(tmp_path_factory):
    """The scripts of the shells, a program `openrft`, and a run whose name has a space."""
    folder = tmp_path_factory.mktemp("shells")
    for shell in SHELLS:
        (folder / f"script.{shell}").write_text(CliRunner().invoke(cli, ["completion", shell]).output)
    program = folder / "openrft"
    program.write_text(f"#!{sys.executable}\nfrom openrft.cli import main\nmain()\n")
    program.chmod(0o755)
    (folder / "runs/my run").mkdir(parents=True)
    (folder / "runs/my run/report.json").write_text("{}")
    (folder / "runs/my run/plan.json").write_text(json.dumps({"arms": [{"name": "rl"}]}))
    return folder


@pytest.mark.skipif(shutil.which("bash") is None, reason="types into bash")
def test_bash_completes_what_is_typed(shell_folder):
    lines = {  # what stands in the line after TAB
        "openrft bench --task poc": "openrft bench --task pocket/",
        "openrft compare my\\ run:": "openrft compare my\\ run:rl ",
        "openrft bench --plugins=sft,pr": "openrft bench --plugins=sft,prm ",
    }
    binds = "show() { echo \"<$READLINE_LINE>\"; }\nbind 'set enable-bracketed-paste off'\nbind -x '\"\\C-x\":show'\n"
    (shell_folder / "rc").write_text(f". ./script.bash\n{binds}PS1='ready: '\n")
    environment = {**os.environ, "PATH": f"{shell_folder}:{os.environ['PATH']}", "INPUTRC": "/dev/null", "TERM": "dumb"}
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(shell_folder)
        os.execvpe("bash", ["bash", "--noprofile", "--rcfile", "rc", "-i"], environment)
    read_until(terminal, "ready: ")
    for typed, completed in lines.items():
        os.write(terminal, f"{typed}\t\x18".encode())
        assert re.search("<(.*)>", read_until(terminal, ">\r\n"))[1] == completed
        os.write(terminal, b"\x15")
    os.write(terminal, b"exit\n")
    os.waitpid(process, 0)
    os.close(terminal)


def read_until(terminal: int, end: str) -> str:
    """What the program in the terminal shows, up to and with `end`."""
    shown = ""
    while end not in shown:
        assert select.select([terminal], [], [], 60)[0], f"nothing more came after {shown!r}"
        shown += os.read(terminal, 65536).decode()
    return shown


@pytest.mark.skipif(shutil.which("fish") is None, reason="runs the script in fish")
def test_fish_completes_what_is_typed(shell_folder):
    lines = "source script.fish; complete -C 'openrft bench --plugins sft,pr'; complete -C 'openrft compare my'"
    environment = {**os.environ, "PATH": f"{shell_folder}:{os.environ['PATH']}"}
    command = ["fish", "--no-config", "-c", lines]
    run = subprocess.run(command, cwd=shell_folder, env=environment, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("sft,prm\nmy run\n", "")


def test_zsh_is_given_words_as_they_stand_in_the_line_with_their_helps(shell_folder):
    assert ask("openrft compare my", "zsh", shell_folder).stdout == "my\\ run\n"
    assert (
        ask("openrft bench --drop", "zsh").stdout
        == "--drop-leaks\tRemove training questions that overlap with the test split.\n"
    )
    assert "_OPENRFT_COMPLETE=zsh_complete" in (shell_folder / "script.zsh").read_text()


def test_help_shows_every_command_in_a_group_within_80_columns():
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=80).output
    assert re.findall(r"^(\S.*):$", shown, re.M) == [
        *("Options", "Try", "Train and use", "Look", "Prepare", "Extend"),
    ]
    assert set(COMMANDS) <= set(re.findall(r"^  (\w+)  ", shown, re.M))
    assert "Examples:" in shown
    assert max(map(len, shown.splitlines())) <= 80


def ask(line: str, shell: str = "bash", folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """What the shell would get for the line."""
    asked = {"_OPENRFT_COMPLETE": f"{shell}_complete", "OPENRFT_LINE": line}
    command = [sys.executable, "-c", "from openrft.cli import main; main()"]
    return subprocess.run(command, cwd=folder, env={**os.environ, **asked}, capture_output=True, text=True)


@pytest.mark.parametrize(("asked", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_no_color_and_pipes_are_heeded(asked, coloured):
    run = ROOT / "benchmarks/results/pocket-smoke"
    command = [sys.executable, "-c", "from openrft.cli import main; main()", "report", str(run)]
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    shown = subprocess.run(command, env={**clean, **asked}, capture_output=True, text=True, check=True).stdout
    plain = subprocess.run(
        command, env={**clean, **asked, "NO_COLOR": "1"}, capture_output=True, text=True, check=True
    ).stdout
    assert ("\x1b[" in shown) is coloured
    assert not re.search(r"\x1b\[[\d;]*3[0-7]", plain)
