"""What TAB offers, by the protocol between click and the shells, and the script that a shell reads."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from openrft.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]


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
        ("bench --set expl", ["explore."]),
        ("bench --set explore.step", ["explore.steps="]),
        ("bench --set nobody.x", []),
        ("settings evalu", ["evaluate"]),
        ("plugins show gep", ["gepa"]),
        ("tasks show poc", ["pocket/"]),
        ("completion f", ["fish"]),
    ],
)
def test_names_are_offered(words, offered):
    assert offers(words) == offered


def test_runs_and_their_arms_are_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        run = tmp_path / "runs" / name
        run.mkdir(parents=True)
        (run / "report.json").write_text("{}")
    (tmp_path / "runs/one/plan.json").write_text(json.dumps({"arms": [{"name": "vanilla"}, {"name": "rl+sft"}]}))
    (tmp_path / "runs/two/plan.json").write_text("not JSON")
    assert offers("report ") == ["one", "two"]
    assert offers("gate one runs/t") == ["runs/two"]
    assert offers("export one --arm r") == offers("items runs/one --arm rl") == ["rl+sft"]
    assert offers("items two --arm ") == []


def test_a_line_that_is_wrong_prints_nothing():
    run = ask("openrft nothing x", 2)
    assert (run.stdout, run.stderr) == ("", "")


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from click.shell_completion import ShellComplete; from openrft.cli import cli;"
        "ask = ShellComplete(cli, {}, 'openrft', '_X').get_completions;"
        "assert ask(['bench', '--task'], 'pocket/') and ask(['bench', '--set'], 'sft.') and ask([], 'b');"
        "print([n for n in ('torch', 'transformers', 'trl', 'pandas', 'lancedb') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="runs the script in bash")
def test_bash_completes_with_the_script(tmp_path):
    script = CliRunner().invoke(cli, ["completion", "bash"])
    assert script.exit_code == 0
    (tmp_path / "script.bash").write_text(script.output)
    program = tmp_path / "openrft"
    program.write_text(f"#!{sys.executable}\nfrom openrft.cli import main\nmain()\n")
    program.chmod(0o755)
    lines = "source script.bash; COMP_WORDS=(openrft bench --preset pa); COMP_CWORD=3"
    lines += "; _openrft_completion openrft; echo ${COMPREPLY[@]}"
    path = f"{tmp_path}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-c", lines], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("paper\n", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_ask_openrft(shell):
    assert f"_OPENRFT_COMPLETE={shell}_complete" in CliRunner().invoke(cli, ["completion", shell]).output


def test_help_shows_every_command_in_a_group_within_80_columns():
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=80).output
    assert re.findall(r"^(\S.*):$", shown, re.M) == [
        *("Options", "Try", "Train and use", "Look", "Prepare", "Extend"),
    ]
    assert set(COMMANDS) <= set(re.findall(r"^  (\w+)  ", shown, re.M))
    assert "Examples:" in shown
    assert max(map(len, shown.splitlines())) <= 80


def ask(line: str, word: int) -> subprocess.CompletedProcess[str]:
    """What bash would get for the word of the line."""
    asked = {"_OPENRFT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(word)}
    command = [sys.executable, "-c", "from openrft.cli import main; main()"]
    return subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True)


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
