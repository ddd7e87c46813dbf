"""Command lines and data that nobody should write: refused in one line, and never obeyed by the terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openrft.cli import main

LONG, DIGITS, ESCAPE, HALF, NOBODY = "x" * 300, "9" * 400, "\x1b[31m", "\udcff", "~nosuchuser/x"
RULE = ("evaluate", "--policy", "baseline:longest-option", "--test", "4")
RL = ("bench", "--plugins", "rl", "--test", "4")
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the console script in an empty folder: its exit code, and all that it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["openrft", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        printed = "".join(capsys.readouterr())
        assert "fault of OpenRFT" not in printed
        assert not [char for char in printed if not (char.isprintable() or char == "\n")]
        return int(left.value.code or 0), printed

    return call


PATHS = [
    (*RULE, "--data"),
    (*RULE, "--task", "questions", "--data"),
    (*RULE, "--out"),
    (*RULE, "--config"),
    ("evaluate", "--policy"),
    ("evaluate", "--policy", "vllm:"),
    ("bench", "--plan"),
    ("fitness", "--store"),
    ("train", "--out"),
    ("tasks", "list", "--data"),
    ("tasks", "show", "questions", "--data"),
    ("tasks", "overlap", "questions", "questions", "--data"),
    ("tasks", "prepare", "sciknoweval", "--from"),
    ("tasks", "prepare", "sciknoweval", "--to"),
    ("report",),
    ("gate", "x"),
    ("grade",),
    (*RL, "--arm", "a=rl,icl,icl.embedder="),
    (*RL, "--arm", "a=rl,prm,prm.model="),
    ("prm", "label", "--out"),
    ("prm", "label", "--out", "o", "--policy"),
    ("prm", "train", "--base", "pocket", "--out", "o", "--data"),
    ("prm", "train", "--base", "pocket", "--data", "d", "--out"),
]


@pytest.mark.parametrize("path", [LONG, "a/" * 3000, NOBODY], ids=["long name", "long path", "no user"])
@pytest.mark.parametrize("command", PATHS, ids=" ".join)
def test_a_path_that_cannot_be(run: Run, tmp_path: Path, command: tuple[str, ...], path: str) -> None:
    joined = command[-1].endswith((":", "="))
    code, printed = run(*command[:-1], command[-1] + path) if joined else run(*command, path)
    assert code == 2
    assert len(printed) < 2000
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        (*RL, "--seeds", DIGITS),
        (*RL, "--seeds", "9" * 5000),
        (*RL, "--data-seed", DIGITS),
        (*RL, "--train", DIGITS),
        (*RL, "--test", DIGITS),
        (*RL, "--set", f"explore.steps={DIGITS}"),
        (*RL, "--set", f"rl.lr={DIGITS}"),
        (*RL, "--arm", f"a=rl,explore.steps={DIGITS}"),
        (*RL, "--arm", f"a=rl,rl.lr={DIGITS}"),
        ("fitness", "--seed", DIGITS),
        ("train", "--out", "o", "--seed", DIGITS),
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_a_number_of_too_many_digits(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, printed = run(*arguments)
    assert code == 2
    assert len(printed.splitlines()[-1]) < 700
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [LONG, "a\nb", ESCAPE, HALF, "\u202ea", "a/b", " ", "é" * 60], ids=ascii)
def test_a_name_that_files_or_tables_cannot_have(run: Run, tmp_path: Path, name: str) -> None:
    for arguments in ((*RULE, "--name", name), (*RL, "--arm", f"{name}=rl")):
        code, printed = run(*arguments)
        assert code == 2, printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("openai:http://[::1#m", "does not name a server and a model"),
        ("openai:http://h:99999999/v1#m", "does not name a server and a model"),
        (f"openai:http://h/v1#{HALF}", "does not name a server and a model"),
        ("vllm:", "names no checkpoint"),
        ("vllm:vllm:pocket", "names no checkpoint"),
        ("vllm:openai:http://h/v1#m", "names no checkpoint"),
        ("", "is neither a folder"),
        (f"{ESCAPE}/x", "is neither a folder"),
        ("a b/c", "is neither a folder"),
        ("baseline:", "unknown baseline"),
    ],
)
def test_a_policy_that_names_nothing(run: Run, tmp_path: Path, policy: str, words: str) -> None:
    code, printed = run("evaluate", "--test", "4", "--policy", policy)
    assert (code, words in printed) == (2, True), printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", [ESCAPE, HALF, LONG], ids=ascii)
@pytest.mark.parametrize(
    "command",
    [
        (),
        ("--debugger",),
        ("bench", "--preset"),
        ("bench", "--arms"),
        ("bench", "--plugins"),
        ("bench", "--set"),
        ("tasks", "show"),
        ("tasks", "list"),
        ("tasks", "prepare"),
        ("tasks", "overlap", "pocket/L3"),
        ("plugins", "show"),
        ("report",),
        ("settings",),
        ("gate", "x", "y", "--margin"),
    ],
    ids=" ".join,
)
def test_a_word_that_is_nothing_is_shown_as_text(run: Run, command: tuple[str, ...], text: str) -> None:
    assert run(*command, text)[0] == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.toml", b"x = " + b"[" * 5000),
        ("long.toml", b"[explore]\nsteps = " + DIGITS.encode()),
        ("bytes.toml", bytes(range(256))),
        ("deep.json", b"[" * 100_000),
        ("empty.json", b""),
        ("bytes.json", bytes(range(256))),
    ],
)
def test_a_file_that_is_none(run: Run, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    option = "--config" if name.endswith("toml") else "--plan"
    code, printed = run("bench", option, name, "--dry-run")
    assert code == 2
    assert name in printed or "explore.steps" in printed
    if name.endswith("json"):
        assert run("tasks", "show", "questions", "--data", name)[0] == 2
        assert run("report", name)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--plugins", "rl", "--set", "rl.algorithm=grpo", "--set", "explore.group_size=1"), "group_size is 1"),
        (("--plugins", "trl-grpo", "--set", "explore.group_size=1"), "group_size is 1"),
        (("--plugins", "icl", "--set", "icl.embedder=./nowhere"), "./nowhere"),
        (("--plugins", "sft", "--set", "teacher.model=none"), "teacher"),
        (("--plugins", "sft", "--set", "teacher.model=./nowhere"), "./nowhere"),
    ],
)
def test_what_would_fail_later_is_refused_at_the_start(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, printed = run("bench", "--test", "4", *arguments)
    assert (code, words in printed) == (2, True), printed
    assert not list(tmp_path.iterdir())


def test_names_and_topics_of_a_data_file_are_shown_as_text(run: Run, tmp_path: Path) -> None:
    """In listings, in tables, in JSON and in report.md; a report is read again as it was written."""
    folder = tmp_path / "d"
    folder.mkdir()
    rows = [
        {
            "question": f"What is {i} <script>|` \x1b[2J?",
            "A": f"x{i}",
            "B": f"y{i}",
            "answer": "AB"[i % 2],
            "topic": f"t\x1b[2J|\n`<b>{i % 2}",
            f"col{ESCAPE}\n{HALF}": "z",
        }
        for i in range(40)
    ]
    file = folder / b"\xff\x1b[2J|`<i>.jsonl".decode("utf-8", "surrogateescape")
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for command in ("list", "show"):
        for more in ((), ("--json",)):
            code, printed = run("tasks", command, "questions*", "--data", "d", *more)
            code, printed = run("tasks", command, "questions/*", "--data", "d", *more) if code else (code, printed)
            assert code == 0, printed
            assert not more or json.loads(printed)
    code, printed = run(*RULE, "--task", "questions/*", "--data", "d", "--name", "r", "--baselines", "--train", "8")
    assert code == 0, printed
    page = (tmp_path / "runs/r/report.md").read_text("utf-8")
    prose = "\n".join(line for line in page.splitlines() if not line.startswith("`openrft "))
    assert "<b>" not in prose
    assert "<i>" not in prose
    assert not [line for line in page.splitlines() if not line.isprintable()]
    widths = {line.replace("\\|", "").count("|") for line in page.split("## ")[1].splitlines() if line.startswith("|")}
    assert len(widths) == 1
    assert run("report", "r", "--per-task")[0] == 0
    assert json.loads(run("report", "r", "--json")[1])["name"] == "r"
    assert run("gate", "r", "r")[0] in (0, 4)


@pytest.mark.parametrize(
    "command", [("settings", "explore"), ("settings", "--json"), ("--version",), ("plugins", "list")]
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_an_output_on_a_full_disk_is_one_line(command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "openrft", *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (5, "openrft: standard output: No space left on device.\n")


def test_a_reader_that_goes_away_is_no_fault() -> None:
    command = [sys.executable, "-m", "openrft", "settings", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == b""


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5000], ids=len)
def test_rows_with_a_number_of_too_many_digits(run: Run, tmp_path: Path, digits: str) -> None:
    (tmp_path / "rows.jsonl").write_text(f'{{"question": "?", "answer": {digits}, "completion": "{digits}"}}\n')
    for arguments in (("grade", "rows.jsonl"), (*RULE, "--task", "questions", "--data", "rows.jsonl")):
        code, printed = run(*arguments)
        assert code in (0, 2), printed
