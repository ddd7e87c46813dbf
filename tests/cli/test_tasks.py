"""`openrft tasks`: prepare, list, show and overlap on rows of our own, as a user runs them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from openrft.cli import cli
from openrft.errors import DataError, UsageError

L3 = "raw_data/Material/L3"


def row(number, question=None, key="B", **changes):
    return {
        "question": question or f"Which of these is {number} plus one?",
        "choices": {"text": [str(number + k) for k in (3, 1, 2, 4)], "label": ["A", "B", "C", "D"]},
        "answerKey": key,
        "answer": "",
        "type": "mcq-4-choices",
        "domain": "Material",
        "details": {"level": "L3", "task": "adding", "subtask": "adding", "source": "own"},
        **changes,
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A task of every fate: choices with defects, judged texts, and a split that leaks."""
    monkeypatch.delenv("OPENRFT_SCIKNOWEVAL_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    judged = {"choices": {"text": [], "label": []}, "answerKey": "", "type": "open-ended-qa", "answer": "So."}
    files = {
        f"{L3}/adding.jsonl": [*map(row, range(12)), row(50, "A \times B"), row(0, key="A")],
        f"{L3}/telling.jsonl": [row(n, f"Why {n}?", **judged) for n in range(4)],
        "openrft/train/adding.json": [row(n) for n in range(6)],
        "openrft/test/adding.json": [row(n) for n in range(5, 9)],
    }
    for name, rows in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows) if name.endswith(".json") else "\n".join(map(json.dumps, rows)))
    return tmp_path / "data"


def tasks(*arguments):
    """What `openrft tasks ...` prints; failures raise."""
    done = CliRunner().invoke(cli, ["tasks", *map(str, arguments)], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


@pytest.fixture
def store(folder, tmp_path):
    notices = tasks("prepare", "sciknoweval", "--from", folder)
    assert "prepared/sciknoweval: 28 rows in" in notices
    assert "--data prepared/sciknoweval" in notices
    return tmp_path / "prepared" / "sciknoweval"


def test_list_tells_rows_types_level_and_domain(store):
    infos = {info["name"]: info for info in json.loads(tasks("list", "sciknoweval", "--data", store, "--json"))}
    adding = infos["sciknoweval/L3/adding"]
    assert (adding["rows"], adding["level"], adding["domain"]) == (14, "L3", "Material")
    assert adding["types"] == {"mcq-4-choices": 14}
    assert infos["sciknoweval/L1"]["absent"]
    text = tasks("list", "sciknoweval/L?", "--data", store)
    assert [line.split()[:2] for line in text.splitlines()] == [
        ["sciknoweval/L1", "-"],
        ["sciknoweval/L2", "-"],
        ["sciknoweval/L3", "18"],
        ["sciknoweval/L4", "-"],
        ["sciknoweval/L5", "-"],
    ]


def test_show_tells_what_there_is_and_how_it_looks(folder, store):
    card = json.loads(tasks("show", "sciknoweval/L3", "--data", folder, "--train", 4, "--test", 3, "--json"))
    assert (card["rows"], card["train"], card["test"]) == (18, 4, 3)
    assert card["types"] == {"mcq-4-choices": 14, "open-ended-qa": 4}
    assert card["trainable_types"] == ["mcq-4-choices"]
    assert card["answers"] == {"A": 1, "B": 13}
    assert card["defects"] == {"eaten_backslash": 1, "conflicting_gold": 2}
    assert card["prompt"][1]["content"].count("\n") == 4
    other = json.loads(
        tasks("show", "sciknoweval/L3", "--data", folder, "--train", 4, "--test", 3, "--data-seed", 1, "--json")
    )
    assert other["notes"]["fingerprint"] != card["notes"]["fingerprint"]
    clean = json.loads(tasks("show", "sciknoweval/L3", "--data", store, "--clean", "--json"))
    assert (clean["defects"], clean["notes"]["defects_dropped"]) == ({}, {"eaten_backslash": 1, "conflicting_gold": 2})
    cards = json.loads(tasks("show", "sciknoweval/L3/adding*", "--data", folder, "--json"))
    assert [card["name"] for card in cards] == ["sciknoweval/L3/adding"]
    text = tasks("show", "sciknoweval/L3/*", "--data", folder)
    for words in (
        "only a judge can score open-ended-qa",
        "1 eaten_backslash",
        "[user]\nWhy",
        "13 B",
        "leakage groups on one side",
    ):
        assert words in text


def test_overlap_names_pairs_by_kind(folder):
    sides = [f"sciknoweval/openrft/adding#{side}" for side in ("train", "test")]
    text = tasks("overlap", *sides, "--data", folder)
    assert "exact     1 pairs: 1 of one, 1 of other\n  adding.json:6 ~ adding.json:1  Which of these is 5" in text
    whole = ["sciknoweval/openrft/adding", "sciknoweval/L3/adding"]
    found = json.loads(tasks("overlap", *whole, "--data", folder, "--json"))
    assert (found["one"]["samples"], found["other"]["samples"]) == (10, 14)
    assert {kind: o["pairs"] for kind, o in found["overlaps"].items() if o["pairs"]} == {"exact": 10, "text": 1}
    assert {pair["other"]["file"] for pair in found["overlaps"]["exact"]["items"]} == {"adding.jsonl"}
    itself = json.loads(tasks("overlap", whole[1], whole[1], "--data", folder, "--json"))["overlaps"]
    assert {kind: o["pairs"] for kind, o in itself.items() if o["pairs"]} == {"text": 1}
    for other in (whole[0], f"{whole[0]}/"):  # train and test together, compared with themselves
        itself = json.loads(tasks("overlap", whole[0], other, "--data", folder, "--json"))["overlaps"]
        assert {kind: o["pairs"] for kind, o in itself.items() if o["pairs"]} == {"exact": 1}
    dropped = tasks("overlap", *sides, "--data", folder, "--drop-leaks")
    assert "exact     none" in dropped
    shown = tasks("show", "sciknoweval/openrft/adding", "--data", folder, "--drop-leaks")
    assert "train and test overlap  1 exact; 1 train samples dropped" in shown
    with pytest.raises(UsageError, match="no side 'dev'"):
        tasks("overlap", "sciknoweval/L3/adding#dev", whole[0], "--data", folder)


def test_overlap_takes_one_side_of_a_split_that_lacks_the_other(folder, tmp_path):
    (folder / "openrft/test/adding.json").unlink()
    tasks("prepare", "sciknoweval", "--from", folder)
    for data in (folder, tmp_path / "prepared/sciknoweval"):
        for one in ("sciknoweval/openrft/adding#train", "sciknoweval/openrft/adding"):
            found = json.loads(tasks("overlap", one, "sciknoweval/L3/adding", "--data", data, "--json"))
            assert (found["one"]["samples"], found["overlaps"]["exact"]["pairs"]) == (6, 6)
        for command in (("overlap", "sciknoweval/openrft/adding#test", one), ("show", one)):
            with pytest.raises(DataError, match="openrft/adding"):
                tasks(*command, "--data", data)


def test_families_without_files(folder):
    """Generated tasks are shown and compared as drawn, and need no preparation."""
    card = json.loads(tasks("show", "pocket/L3", "--train", 8, "--test", 8, "--json"))
    assert (card["rows"], card["train"], card["defects"], card["licence"]) == (16, 8, {}, "")
    assert "exact     none" in tasks("overlap", "pocket/L3#train", "pocket/L3#test", "--train", 8, "--test", 8)
    with pytest.raises(UsageError, match="need no preparation"):
        tasks("prepare", "pocket")


def test_prepare_says_what_it_made(folder):
    made = json.loads(tasks("prepare", "sciknoweval", "--from", folder, "--to", "there", "--json"))
    assert (made["rows"], made["tasks"], made["defects"]) == (28, 4, {"eaten_backslash": 1})
    with pytest.raises(DataError, match=r"--from .*nowhere: no such file"):
        tasks("prepare", "sciknoweval", "--from", folder / "nowhere")
