"""The commands in the documents, run with their own arguments in a folder that holds the files they name.

`bench`, `train` and `study` are run with `--dry-run`: they read data, plugins, policy and every setting, and check and
size each job. Seeds and tasks beyond the first are left out. Those of `LATER` are planned where OPENRFT_ALL_COMMANDS is
set, as in `tox -e docs-commands`: together they take half a minute. What is not run here says why in `NOT_RUN`. Its
arguments are parsed in tests/docs/test_shell_blocks.py, which names the test that runs each command.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from openrft import resolve_checkpoint
from openrft.cli import cli
from tests.docs.test_shell_blocks import OPENRFT, THIRD_PARTY

ROOT = Path(__file__).parents[1]
LATER = ("plugins/", "docs/studies.md", "docs/results.md")  # documents
PLANNED = ("bench", "train", "study")  # they have --dry-run
Words = tuple[str, ...]


def begins(*names: str) -> Callable[[Words], bool]:
    """Whether a command begins with one of these."""
    return lambda words: any(" ".join(words).startswith(name) for name in names)


def holds(*parts: str) -> Callable[[Words], bool]:
    """Whether a word of a command begins with one of these."""
    return lambda words: any(word.startswith(part) for word in words for part in parts)


# Why a command is not run here: which ones, and the reason.
NOT_RUN: list[tuple[Callable[[Words], bool], str]] = [
    (begins("evaluate", "predict", "export", "doctor", "prm", "fitness"), "it runs a model for seconds to minutes"),
    (begins("serve"), "it runs until it is stopped"),
    (begins("items", "compare"), "it needs the answers of a finished run"),
    (begins("replies"), "it needs replies that were paid for"),
    (holds("--probe"), "it runs a step of training"),
    (holds("--open"), "it opens a browser"),
    (holds("--update-baseline"), "it writes a committed report anew"),
    (holds("--replay"), "it needs replies that were kept"),
    (holds("--judge"), "it asks a server"),
    (holds("DIR", "hub:", "prepared/", "sciknoweval"), "its rows are not part of the project"),
    (holds("vllm:"), "vLLM has an environment of its own: tox -e vllm"),
    (holds("smollm2"), "its weights are a download: tox -e smollm2"),
    (holds("ray", "slurm"), "it needs a cluster: tox -e cluster"),
    (holds("prm.model=/models/"), "its weights are 14 GB"),
    (holds("policy.load=4bit"), "it needs bitsandbytes, which is for GPUs"),
    (begins("plugins list --check"), "it imports every plugin, as tests/cli/test_plugins.py does in another process"),
    (begins("plugins check"), "it takes processes of its own: tests/testing/test_conformance.py"),
    (begins("study alpha-f --dry-run"), "it plans for seconds; the same study with fewer values is run"),
    (holds("--seeds"), "it plans for seconds with seeds=auto; tests/bench/test_adaptive.py runs it"),
]


def find_reason(words: Words) -> str | None:
    return next((reason for applies, reason in NOT_RUN if applies(words)), None)


def shrink(words: Words) -> Words:
    """The command in small: the default seed and name, one task of a glob; placeholders are filled in."""
    found: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        if before in ("--seeds", "--name") and word != "auto":
            found.pop()
            continue
        if before == "--values":
            word = word.split(",")[0]
        if before == "--task":
            word = word.replace("pocket/L3/*", "pocket/L3/molar_mass")
        word = word.replace("explore.holdback=20", "explore.holdback=2")
        found.append(word.replace("URL#MODEL", "http://127.0.0.1:8000/v1#model"))
    if found[0] in PLANNED and not {"--dry-run", "--probe"} & {*found}:
        found.append("--dry-run")
    return tuple(found)


COMMANDS = {shrink(tuple(case.values[0][1:])): case.id for case in reversed(OPENRFT)}
RUNNABLE = [words for words in COMMANDS if find_reason(words) is None]
RUN = [
    words
    for words in RUNNABLE
    if "OPENRFT_ALL_COMMANDS" in os.environ or words[0] not in PLANNED or not COMMANDS[words].startswith(LATER)
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """A folder with every file, checkpoint and run that the documents name."""
    folder = tmp_path_factory.mktemp("documents")
    for name in ("my-model", "my-7b", "my-teacher", "my-checkpoint"):
        (folder / name).symlink_to(tiny)
    (folder / "my-prm").symlink_to(resolve_checkpoint("pocket/prm"))
    for table in ROOT.glob("docs/examples/*.csv"):
        shutil.copy(table, folder)
    options = [(0, n, 1, "A") if n % 3 == 0 else (n, 0, 1, "B") if n % 3 == 1 else (1, n, 0, "C") for n in range(3, 43)]
    sums = "\n".join(
        f"What is {n} + {n}?,{2 * n - a},{2 * n - b},{2 * n - c},{letter}"
        for n, (a, b, c, letter) in enumerate(options, 3)
    )
    for name in ("mine.csv", "words.csv"):
        (folder / name).write_text(f"question,A,B,C,answer\n{sums}\n")
    essays = "\n".join(f"Write {n} words about tin.,tin is metal number {n},+1 It names tin." for n in range(40))
    (folder / "essays.csv").write_text(f"question,answer,rubric\n{essays}\n")
    (folder / "completions.csv").write_text("question,answer,completion\nWhat is 2 + 2?,4,The answer is 4.\n")
    write_lines(
        folder / "outputs.jsonl", [{"question": "What is 2 + 2?", "answer": "4", "response": "The answer is 4."}]
    )
    write_lines(folder / "rows.jsonl", [{"output": "four", "item": {"reference_answer": "four"}}])
    (folder / "rubric.txt").write_text("+2 It names tin.\n+1 It is short.\n")
    grader = {
        "type": "string_check",
        "name": "same",
        "input": "{{ sample.output_text }}",
        "reference": "{{ item.reference_answer }}",
        "operation": "eq",
    }
    (folder / "grader.json").write_text(json.dumps(grader))
    asked = [{"messages": [{"role": "user", "content": f"{n}?"}], "reference_answer": f"{n}"} for n in range(24)]
    write_lines(folder / "train.jsonl", asked[:16])
    write_lines(folder / "validation.jsonl", asked[16:])
    job = {"model": "m", "training_file": "train.jsonl", "validation_file": "validation.jsonl"}
    job["method"] = {"type": "reinforcement", "reinforcement": {"grader": grader}}  # type: ignore[assignment]
    (folder / "job.json").write_text(json.dumps(job))
    config = {
        "prompts": ["{{n}}?"],
        "tests": [{"vars": {"n": n}, "assert": [{"type": "equals", "value": n}]} for n in "abcdefgh"],
    }
    (folder / "promptfooconfig.yaml").write_text(json.dumps(config))
    (folder / "prices.toml").write_text('currency = "USD"\n"model" = { input = 1.0, output = 1.0 }\n')
    for run in ("first", "candidate"):
        shutil.copytree(ROOT / "benchmarks/results/pocket-smoke", folder / "runs" / run)
    shutil.copytree(ROOT / "benchmarks/results/pocket-smoke", folder / "benchmarks/results/pocket-smoke")
    shutil.copy(ROOT / "benchmarks/results/pocket-smoke/plan.json", folder / "plan.json")
    return folder


def write_lines(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("words", [pytest.param(words, id=COMMANDS[words]) for words in sorted(RUN)])
def test_a_documented_command_does_what_it_says(
    words: Words, files: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if THIRD_PARTY & {name for word in words for name in re.split(r"[,=]", word)}:
        request.getfixturevalue("example_plugins")
    monkeypatch.chdir(files)
    monkeypatch.setenv("COLUMNS", "118")
    completion = '{"question": "What is 2 + 2?", "answer": "4", "completion": "The answer is 4."}\n'
    done = CliRunner().invoke(cli, list(words), input=completion)
    assert done.exit_code == 0, f"{done.output[-600:]}\n{done.exception!r}"
    assert done.output


def test_each_reason_not_to_run_a_command_is_needed() -> None:
    assert [reason for applies, reason in NOT_RUN if not any(map(applies, COMMANDS))] == []
    assert len(RUNNABLE) >= 70
