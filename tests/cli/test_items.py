"""`openrft items` and `openrft compare` on runs with known answers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from openrft.bench.report import ArmRecord, Failure, read_report, write_report
from openrft.cli.compare import command as compare
from openrft.cli.items import command as items
from openrft.errors import DataError, NotComparable, UnknownName, UsageError
from tests.bench import factories
from tests.bench.made_run import make_run, make_samples
from tests.cli.terminal import show_on_terminal


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 12 questions: vanilla answers A to all, and rl+prm is right but for the third, which is not read."""
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    write_report(replace(make_run(folder), name="mine"), folder / "report.json")
    monkeypatch.chdir(tmp_path)
    return folder


def show(*arguments: str) -> list[str]:
    done = CliRunner().invoke(items, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output.splitlines()


def test_one_line_for_each_question_in_a_pipe_without_colours_or_paging() -> None:
    head, *lines = show("mine", "--arm", "vanilla")
    samples = make_samples(12)
    assert head == "mine:vanilla: 12 questions"
    assert [line.split()[0] for line in lines] == [sample.id for sample in samples]
    assert lines[3] == f"{samples[3].id}  ✗✗  gold B. four, read A: What is 3 + 3?"
    assert "\\x1b[31m" in lines[2]  # a terminal is told nothing by a question


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--arm", "vanilla", "--wrong"], 6),
        (["--arm", "rl+prm", "--wrong"], 1),
        (["--arm", "rl+prm", "--unparsed"], 1),
        (["--arm", "vanilla", "--unparsed"], 0),
        (["--arm", "rl+prm", "--vs", "vanilla", "--flipped"], 7),
        (["--arm", "rl+prm", "--flipped"], 7),  # against the first arm
        (["--arm", "rl+prm", "--vs", "mine:vanilla", "--flipped"], 7),
        (["--flipped"], 7),  # the last arm, as the report does not say which is best
    ],
)
def test_filters(options: list[str], count: int) -> None:
    head, *lines = show("mine", *options)
    assert len(lines) == count
    assert f" {count} question" in head


@pytest.mark.parametrize(
    ("width", "left_out"), [(64, ""), (56, "read"), (46, "read, gold")], ids=["all", "no read", "nor gold"]
)
def test_a_narrow_terminal_leaves_out_columns_so_that_questions_can_be_read(
    monkeypatch: pytest.MonkeyPatch, width: int, left_out: str
) -> None:
    def show_list(*more: str) -> list[str]:
        arguments = ["mine", "--arm", "vanilla", *more]
        return show_on_terminal(monkeypatch, width, lambda: items(arguments, standalone_mode=False))

    _, *lines = show_list()
    assert max(map(len, lines)) <= width
    sample = make_samples(12)[3]
    facts = ["gold B. four"] * ("gold" not in left_out) + ["read A"] * ("read" not in left_out)
    facts = f"{', '.join(facts)}: " if facts else ""
    assert f"{sample.id}  ✗✗  {facts}What is 3 + 3?" in lines
    warning = f"Left out, because the terminal has {width} columns: {left_out}. --wide shows all."
    assert " ".join(lines).endswith(warning) == bool(left_out)
    assert show_list("--wide")[4] == f"{sample.id}  ✗✗  gold B. four, read A: What is 3 + 3?"


def test_flips_show_what_was_before_and_what_is_now() -> None:
    lines = show("mine:rl+prm", "--vs", "vanilla", "--flipped")[1:]
    assert sum("  ✗✗ → ✓✓  " in line for line in lines) == 6
    assert sum("  ✓✓ → ??  " in line and "read nothing" in line for line in lines) == 1


def test_a_question_is_shown_whole_by_the_beginning_of_its_id() -> None:
    sample = make_samples(12)[3]
    lines = show("mine", "--show", sample.id[:9], "--arm", "rl+prm", "--vs", "vanilla", "--prompts")
    assert lines[0] == f"{sample.id}, toy/L1/sums, level L1"
    assert lines[2:7] == ["What is 3 + 3?", "  A. 2", "  B. four", "", "gold: B. four"]
    assert "== vanilla, prompt, system" in lines
    assert "== vanilla, answer 1 of 2: ✗ not right (read: A; it is not the gold answer; 3 tokens)" in lines
    assert "== rl+prm, answer 2 of 2: ✓ right (read: B; it is the gold answer; 3 tokens)" in lines
    assert "    so B" in lines


def test_json_has_every_answer() -> None:
    data = json.loads("\n".join(show("mine", "--arm", "rl+prm", "--vs", "vanilla", "--flipped", "--json")))
    assert (data["run"], data["arm"], data["against"]) == ("mine", "rl+prm", "mine:vanilla")
    assert [q["outcome"] for q in data["questions"]].count("lost") == 1
    assert len(data["questions"][0]["answers"]) == len(data["questions"][0]["against"]) == 2
    assert {"text", "read", "verdict", "why", "tokens", "messages"} == set(data["questions"][0]["answers"][0])


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["mime"], UnknownName, "unknown run: 'mime'. Did you mean mine?"),
        (["mine", "--arm", "vanila"], UnknownName, "unknown arm of mine: 'vanila'. Did you mean vanilla?"),
        (["mine:rl+prn"], UnknownName, "Did you mean rl+prm?"),
        (["mine", "--vs", "rl"], UnknownName, "unknown arm of mine: 'rl'"),
        (["mine", "--vs", "other:rl"], UnknownName, "unknown run: 'other'"),
        (["mine", "--show", "zz"], UnknownName, "unknown question: 'zz'"),
        (["mine", "--show", ""], UnknownName, "unknown question: ''"),
        (["mine", "--seed", "3"], UnknownName, "unknown seed of rl+prm: '3'. Known: 0."),
        (["mine", "--task", "toy/L1/sum"], UnknownName, "Did you mean toy/L1/sums?"),
        (["mine", "--wrong", "--flipped"], UsageError, "ask for different questions"),
        (["mine:vanilla", "--arm", "vanilla"], UsageError, "names an arm, and so does --arm"),
    ],
)
def test_what_is_not_there_is_named_with_what_is_near(arguments: list[str], kind: type, words: str) -> None:
    fault = CliRunner().invoke(items, arguments).exception
    assert isinstance(fault, kind)
    assert words in str(fault)


def test_a_beginning_that_several_ids_share_is_not_enough() -> None:
    first = [sample.id[0] for sample in make_samples(12)]
    twice = next(letter for letter in first if first.count(letter) > 1)
    fault = CliRunner().invoke(items, ["mine", "--show", twice]).exception
    assert f"the ids of {first.count(twice)} questions begin with it" in str(fault)


def test_a_run_without_its_answers_says_what_to_do(run: Path) -> None:
    (run / "rollouts" / "vanilla--toy-L1-sums--0.jsonl").unlink()
    fault = CliRunner().invoke(items, ["mine", "--arm", "vanilla"]).exception
    assert isinstance(fault, DataError)
    assert "vanilla--toy-L1-sums--0.jsonl: the answers of vanilla are not beside the report." in str(fault)
    assert "run the bench again" in str(fault)


def test_a_failed_arm_has_no_answers_and_says_why(run: Path) -> None:
    report = read_report(run / "report.json")
    failed = Failure("bad", "toy/L1/sums", 0, "boom")
    write_report(
        replace(report, arms=(*report.arms, ArmRecord("bad", ("x",))), failures=(failed,)), run / "report.json"
    )
    fault = CliRunner().invoke(items, ["mine", "--arm", "bad"]).exception
    assert str(fault) == "mine has no answers of bad: boom"


# -- compare


def test_two_arms_of_a_run_are_compared_and_the_next_command_is_named() -> None:
    """Of 12 questions vanilla has 6 right, and rl+prm 11: 6 more, and one less."""
    done = CliRunner().invoke(compare, ["mine:vanilla", "mine:rl+prm"])
    assert done.exit_code == 0
    (row,) = (line for line in done.output.splitlines() if line.strip().startswith("vanilla → rl+prm"))
    assert "+41.7 [" in row
    assert row.split()[-2:] == ["1", "6"]
    assert "Right in both: 5. Right in neither: 0." in done.output
    assert "Run otherwise: plugins: none in A, rl, prm in B." in done.output
    assert "Next: openrft items mine --arm rl+prm --vs vanilla --flipped" in done.output


def test_runs_are_compared_arm_by_arm_and_json_has_the_flips(tmp_path: Path) -> None:
    write_report(replace(factories.report(seeds=(0, 1, 2)), name="old"), tmp_path / "old.json")
    new = factories.report({**factories.RATES, "rl": 0.1}, seeds=(0, 1, 2))
    write_report(replace(new, name="new", versions={"openrft": "0.2.0"}), tmp_path / "new.json")
    done = CliRunner().invoke(compare, ["old.json", "new.json", "--json"])
    data = json.loads(done.output)
    rows = {row["arms"][0]: row for row in data["comparisons"]}
    assert list(rows) == list(factories.ARMS)
    assert rows["vanilla"]["gain"]["value"] == 0
    assert rows["rl"]["gain"]["high"] < 0
    assert rows["rl"]["gain"]["adjusted"] >= rows["rl"]["gain"]["p"]
    assert len(rows["rl"]["flips"]["lost"]) > len(rows["rl"]["flips"]["gained"]) == 0
    shown = CliRunner().invoke(compare, ["old.json:rl", "new.json"]).output
    assert "Run otherwise: version of openrft: 0.1.0 in A, 0.2.0 in B." in shown
    assert "Next: openrft items new.json --arm rl --vs old.json:rl --flipped" in shown


@pytest.mark.parametrize(
    ("width", "left_out"), [(120, []), (80, ["only A right", "only B right"])], ids=["wide", "narrow"]
)
def test_a_comparison_leaves_out_columns_in_its_order_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, left_out: list[str]
) -> None:
    write_report(factories.report(seeds=(0, 1, 2)), tmp_path / "old.json")
    lines = show_on_terminal(monkeypatch, width, lambda: compare(["old.json", "old.json"], standalone_mode=False))
    assert max(map(len, lines)) <= width
    heads = [line for line in lines if line.split()[:1] == ["arm"]]
    assert len(heads) == 1  # one block
    assert [name in heads[0].replace("  ", "|") for name in ("only A right", "only B right")] == [not left_out] * 2
    assert (f"columns: {', '.join(left_out)}. --wide" in " ".join(lines)) == bool(left_out)


def test_what_cannot_be_compared_is_refused_in_words(tmp_path: Path) -> None:
    write_report(factories.report(tasks=[factories.task("toy/L1/other")]), tmp_path / "other.json")
    fault = CliRunner().invoke(compare, ["mine:vanilla", "other.json"]).exception
    assert isinstance(fault, NotComparable)
    assert "mine and toy share no scored test question." in str(fault)
    write_report(replace(factories.report({"none": 0.5}), name="lone"), tmp_path / "lone.json")
    assert "have no arm of the same name" in str(CliRunner().invoke(compare, ["mine", "lone.json"]).exception)
    assert "Did you mean vanilla?" in str(CliRunner().invoke(compare, ["mine:vanila", "mine"]).exception)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sample": 5}, "row 1: sample: 5 is not a table"),
        ({"completion": {"text": "B"}}, "row 1: completion.tokens is missing"),
        ({"answer": 5}, "row 1: answer: 5 is not text"),
        ({"messages": ["Reason."]}, "row 1: messages[0]: 'Reason.' is not a table"),
    ],
)
def test_a_damaged_row_of_answers_is_named(run: Path, change: dict[str, object], words: str) -> None:
    file = next((run / "rollouts").glob("rl+prm--*.jsonl"))
    first, *others = file.read_text("utf-8").split("\n")
    file.write_text("\n".join([json.dumps({**json.loads(first), **change}), *others]), "utf-8")
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        show("mine", "--arm", "rl+prm")
    assert str(file.name) in str(caught.value)
