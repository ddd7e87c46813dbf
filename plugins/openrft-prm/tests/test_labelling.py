"""Step labels: read from a file, and made by rollouts of a policy whose every answer is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from openrft_prm.labelling import (
    PART,
    LabelledSolution,
    LabellingConfig,
    format_labels,
    label_solutions,
    read_labels,
    split_prefixes,
    write_label_file,
)

from openrft import DataError, Message, NoProgress, UsageError
from openrft.testing import ScriptedPolicy, toy_sample, toy_task

SAMPLE = toy_sample(2, 3)
WRONG = next(letter for letter in "ABCD" if letter != SAMPLE.answer)


def script(messages: Sequence[Message], i: int) -> str:
    """A solution of two steps that ends wrong, or right; from "good" one in four goes on to the right answer, from
    anything else none."""
    begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else None
    right, wrong = f"\\boxed{{{SAMPLE.answer}}}", f"\\boxed{{{WRONG}}}"
    if begun is None:
        return [f"good\n\nbad\n{wrong}", f"good\n{right}", f"good\n{right}", ""][i]
    return right if begun == "good\n" and i == 3 else wrong


def labelled(**config: object) -> list[LabelledSolution]:
    task = toy_task(1, 1)
    policy = ScriptedPolicy(script)
    return label_solutions(task, policy, [SAMPLE], LabellingConfig(solutions=4, completions=4, **config), seed=0)


def test_prefixes_end_after_each_step() -> None:
    assert split_prefixes("a\n\n  \nb\nc") == ["a\n", "a\n\n  \nb\n", "a\n\n  \nb\nc\n"]
    assert split_prefixes("") == []


def test_by_hand() -> None:
    """good: 1 of 4; good, bad: 0 of 4; the last step is as right as the solution. Repetitions are left out."""
    wrong, right = labelled(estimate="soft")
    assert wrong.steps == ("good", "bad", f"\\boxed{{{WRONG}}}")
    assert wrong.labels == (0.25, 0.0, 0.0)
    assert right.labels == (0.25, 1.0)
    assert [row.labels for row in labelled()] == [(1.0, 0.0, 0.0), (1.0, 1.0)]
    assert wrong.prompt.startswith("What is 2 + 3?\nA. ")


def test_a_solution_that_another_one_begins_with_does_not_lend_it_its_label() -> None:
    """The one ends in words, wrongly; the other goes on from the same words, from which one in four is right."""

    def beginning(messages: Sequence[Message], i: int) -> str:
        if messages[-1]["role"] == "user":
            return ["good\n", f"good\n\\boxed{{{SAMPLE.answer}}}"][i]
        return script(messages, i)

    how = LabellingConfig(solutions=2, completions=4, estimate="soft")
    short, long = label_solutions(toy_task(1, 1), ScriptedPolicy(beginning), [SAMPLE], how, seed=0)
    assert (short.labels, long.labels) == ((0.0,), (0.25, 1.0))


def test_a_stopped_labelling_ends_with_the_same_file(tmp_path: Path) -> None:
    task, how = toy_task(2 * PART + 1, 1), LabellingConfig(solutions=2, completions=2)

    class Stopping(ScriptedPolicy):
        def generate(self, prompts, sampling, progress=None):  # type: ignore[no-untyped-def]
            if self.asked > PART:
                raise KeyboardInterrupt
            return super().generate(prompts, sampling, progress)

    def solve(messages: Sequence[Message], i: int) -> str:
        return f"step\n\\boxed{{{'ABCD'[i % 4]}}}"

    straight, stopped = tmp_path / "straight.jsonl", tmp_path / "stopped.jsonl"
    found = write_label_file(task, ScriptedPolicy(solve), task.train, how, straight, NoProgress())
    assert (found["questions"], found["solutions"], found["steps"]) == (17, 34, 68)
    with pytest.raises(KeyboardInterrupt):
        write_label_file(task, Stopping(solve), task.train, how, stopped, NoProgress())
    assert not stopped.exists()
    with pytest.raises(UsageError, match="begun with other settings"):
        write_label_file(task, ScriptedPolicy(solve), task.train, LabellingConfig(seed=1), stopped, NoProgress())
    policy = ScriptedPolicy(solve)
    write_label_file(task, policy, task.train, how, stopped, NoProgress())
    assert policy.asked < 17 * 2 + 17  # what was done is not done again
    assert stopped.read_bytes() == straight.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["stopped.jsonl", "straight.jsonl"]
    assert {type(label) for line in straight.open() for label in json.loads(line)["labels"]} == {bool}
    assert len(list(read_labels(straight))) == 34
    with pytest.raises(UsageError, match="exists"):
        write_label_file(task, policy, task.train, how, straight, NoProgress())


def test_a_policy_that_finishes_nothing(tmp_path: Path) -> None:
    task = toy_task(1, 1)
    with pytest.raises(UsageError, match="finished no solution that has a step"):
        write_label_file(
            task, ScriptedPolicy(lambda m, i: ""), task.train, LabellingConfig(), tmp_path / "x.jsonl", NoProgress()
        )
    assert not (tmp_path / "x.jsonl").exists()


@pytest.mark.parametrize(("line", "fault"), [
    ("{", "not a row"),
    ('{"prompt": "q"}', "not a row"),
    ('{"prompt": "q", "completions": ["a"], "labels": []}', "do not fit"),
    ('{"prompt": "q", "completions": [], "labels": []}', "do not fit"),
    ('{"prompt": "q", "completions": ["a"], "labels": ["yes"]}', "do not fit"),
    ('{"prompt": "q", "completions": ["a"], "labels": [1.5]}', "do not fit"),
    ('{"prompt": "q", "completions": ["a\\nb"], "labels": [true]}', "one line"),
])  # fmt: skip
def test_a_malformed_row_is_named(line: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "steps.jsonl"
    file.write_text('{"prompt": "q", "completions": ["a"], "labels": [true]}\n\n' + line + "\n")
    with pytest.raises(DataError, match=rf"steps.jsonl:3: .*{fault}"):
        list(read_labels(file))


def test_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no rows"):
        list(read_labels(tmp_path / "empty.jsonl"))
    with pytest.raises(DataError, match="no such file"):
        list(read_labels(tmp_path / "gone.jsonl"))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rows = [LabelledSolution("q", ("a", "b"), (0.25, 1.0)), LabelledSolution("größer?", ("c",), (0.0,))]
    file = tmp_path / "steps.jsonl"
    file.write_text(format_labels(rows), encoding="utf-8")
    assert list(read_labels(file)) == rows
