"""A prepared store gives the tasks of its source, refuses to be stale or broken, and is made whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.sources import VARIABLE
from openrft_sciknoweval.store import MANIFEST

from openrft import DataError, DataRequest, NoProgress, PreparesStore, ProvidesAllRows, Task, UsageError
from openrft.plugins.task_registry import select_tasks
from openrft.testing import check_family

FAMILY = SciKnowEval().tasks()


def rows(make: Any, count: int = 12, start: int = 0, **changes: Any) -> list[dict[str, Any]]:
    return [make(number, **changes) for number in range(start, start + count)]


def load(name: str, data: Path, **asked: Any) -> Task:
    return FAMILY.load(f"sciknoweval/{name}", DataRequest(data=str(data), **asked))


def prepare(source: Path, to: Path, skip_bad_rows: bool = False) -> Any:
    return FAMILY.prepare(str(source), to, skip_bad_rows, NoProgress())


@pytest.fixture
def source(choice: Any, other: Any, write: Any) -> Path:
    """Every type, several tasks and defects, and a split."""
    five = {"text": ["0", "52", "1", "2", "3"], "label": ["A", "B", "C", "D"]}
    flagged = [choice(51, choices=five), choice(52, question="A \times B"), choice(0, answerKey="A"), choice(1)]
    write("src/raw_data/Material/L3/adding.jsonl", [*rows(choice, 30), *flagged])
    write(
        "src/raw_data/Physics/L3/two.jsonl",
        rows(choice, 9, type="mcq-2-choices", choices={"text": ["no", "yes"], "label": ["A", "B"]}, domain="Physics"),
    )
    write("src/raw_data/Physics/L2/holding.jsonl", [other("true_or_false", f"Is {i} odd?", "No") for i in range(9)])
    write("src/raw_data/Physics/L2/telling.jsonl", [other("open-ended-qa", f"Why {i}?", "So.") for i in range(9)])
    write("src/raw_data/Chemistry/L2/pairs.jsonl", [other("relation_extraction", f"Of {i}?", "(a, b)") for i in "ab"])
    write("src/openrft/train/retrosynthesis.json", rows(choice, 8))
    write("src/openrft/train/alone.json", rows(choice, 8))
    write("src/openrft/test/retrosynthesis.json", rows(choice, 8, start=4))
    folder: Path = write(
        "src/raw_data/Chemistry/L3/filling.jsonl", [other("filling", f"{i} is", f"{i}") for i in "xyz"]
    )
    return folder / "src"


@pytest.fixture
def store(source: Path, tmp_path: Path) -> Path:
    prepare(source, tmp_path / "store")
    return tmp_path / "store"


NAMES = ("L3", "L3/adding", "Physics", "Physics/L2", "L2", "openrft", "openrft/T2", "L2/pairs", "L2/telling")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("clean", [False, True])
def test_store_and_source_give_the_same_task(source: Path, store: Path, name: str, clean: bool) -> None:
    one, other = (load(name, data, train=5, test=5, clean=clean) for data in (source, store))
    assert one.train == other.train
    assert one.test == other.test
    assert one.instruction == other.instruction
    differ = {key for key in one.notes if one.notes[key] != other.notes[key]}
    assert differ <= {"source", "revision"}
    assert (
        FAMILY.load_all(f"sciknoweval/{name}", DataRequest(data=str(source))).train
        == FAMILY.load_all(f"sciknoweval/{name}", DataRequest(data=str(store))).train
    )


def test_listing_a_store_reads_no_rows_and_counts_them(store: Path) -> None:
    for file in store.glob("rows-*/*"):
        file.unlink()
    infos = {info.name.removeprefix("sciknoweval/"): info for info in FAMILY.names(str(store))}
    assert infos["L3"].types == {"filling": 3, "mcq-2-choices": 9, "mcq-4-choices": 34}
    assert (infos["L3"].rows, infos["Physics"].rows, infos["openrft"].rows) == (46, 27, 16)
    assert (infos["L3/two"].level, infos["L3/two"].domain) == ("L3", "Physics")
    assert [infos[name].absent for name in ("L1", "openrft/T7", "openrft/alone", "L3/retrosynthesis")] == [True] * 4
    assert select_tasks("sciknoweval/openrft/*", str(store)) == ["sciknoweval/openrft/T2"]
    with pytest.raises(DataError, match=r"No such file.*tasks prepare"):
        load("L3", store)


def test_manifest_says_what_there_is(source: Path, store: Path) -> None:
    made = json.loads((store / MANIFEST).read_text("utf-8"))
    assert made["source"] == str(source)
    assert len(made["entries"]) == 9
    again = prepare(source, store)
    assert again["rows"] == sum(entry["rows"] for entry in made["entries"]) == 90
    assert again["defects"] == {"eaten_backslash": 1, "option_count": 1}
    assert len(list(store.glob("rows-*"))) == 1  # the old ones are gone
    assert load("L3", store).notes["revision"] == again["fingerprint"]


def test_datasets_reads_it_too(store: Path, tmp_path: Path) -> None:
    import datasets

    (file,) = store.glob("rows-*/*adding.parquet")
    table = datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path / "cache"))
    assert table.features["texts"] == datasets.List(datasets.Value("string"))
    assert table[0]["labels"] == ["A", "B", "C", "D"]
    assert table[0]["question"] == "Which of these is 0 plus one?"


def test_a_changed_source_makes_it_stale(source: Path, store: Path) -> None:
    file = source / "raw_data/Material/L3/adding.jsonl"
    os.utime(file, (1, 1))
    assert load("L3", store).train  # another time alone is no change
    file.write_text(file.read_text("utf-8") + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"out of date: .*adding\.jsonl has changed.*prepare sciknoweval"):
        load("L3", store)
    assert load("L2", store).train  # made from other files
    source.rename(source.with_name("away"))
    assert load("L3", store).train  # a store may travel


def test_a_relative_source_is_found_again_from_elsewhere(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    prepare(Path(source.name), Path("store"))
    monkeypatch.chdir("/")
    assert load("L3", tmp_path / "store").train
    (source / "raw_data/Material/L3/adding.jsonl").write_text("{}")
    with pytest.raises(DataError, match="out of date"):
        load("L3", tmp_path / "store")


def test_damage_is_refused(store: Path) -> None:
    (file,) = store.glob("rows-*/*adding.parquet")
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    with pytest.raises(DataError, match=r"adding\.parquet is damaged.*prepare sciknoweval"):
        load("L3", store)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"format": 2}', "damaged"),
        ('{"format": 0, "checks": []}', "another version"),
    ],
)
def test_a_broken_or_old_manifest_is_refused(store: Path, source: Path, content: str, word: str) -> None:
    (store / MANIFEST).write_text(content)
    with pytest.raises(DataError, match=f"{word}.*prepare sciknoweval"):
        load("L3", store)
    with pytest.raises(DataError, match=word):
        FAMILY.names(str(store))
    prepare(source, store)
    assert load("L3", store).train


def test_bad_rows_are_refused_or_counted(choice: Any, source: Path, tmp_path: Path) -> None:
    own = source / "raw_data/Physics/L3/own.jsonl"
    own.write_text(
        "\n".join([*map(json.dumps, rows(choice, 3, start=70)), "{broken", json.dumps(choice(answerKey="E"))])
    )
    mixed = source / "mixed.jsonl"
    mixed.write_text("\n".join([*map(json.dumps, rows(choice, 3)), "5"]))
    with pytest.raises(DataError, match=r"own\.jsonl, line 4.*line 5.*--skip-bad-rows"):
        prepare(source, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    assert prepare(source, tmp_path / "store", True)["bad_rows"] == {"key not among labels": 1, "not JSON": 1}
    assert load("L3", tmp_path / "store").notes["bad_rows"] == {"key not among labels": 1, "not JSON": 1}
    assert load("L3/adding", tmp_path / "store").notes["bad_rows"] == {}
    prepare(mixed, tmp_path / "second", True)
    assert load("L3/adding", tmp_path / "second").notes["bad_rows"] == {"not an object": 1}  # of whichever task


def test_a_failed_run_leaves_the_store_as_it_was(source: Path, store: Path) -> None:
    before = load("L2", store)
    (source / "raw_data/Physics/L3/two.jsonl").write_text("{broken")
    with pytest.raises(DataError, match=r"two\.jsonl, line 1"):
        prepare(source, store)
    assert load("L2", store).test == before.test
    assert len(list(store.glob("rows-*"))) == 1


def test_only_a_new_folder_or_a_store_is_written_to(source: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"something else \(thesis\.txt\)"):
        prepare(source, tmp_path / "full")
    with pytest.raises(UsageError, match="something else"):
        prepare(source, tmp_path / "full" / "thesis.txt")
    with pytest.raises(DataError, match="none of the layouts"):
        prepare(tmp_path / "full", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


def test_the_store_of_another_source_is_not_replaced(choice: Any, write: Any, source: Path, store: Path) -> None:
    before = (store / MANIFEST).read_bytes()
    another = write("another/raw_data/Material/L3/adding.jsonl", rows(choice, 30)) / "another"
    with pytest.raises(UsageError, match=f"there is the store of another source, {source}"):
        prepare(another, store)
    assert (store / MANIFEST).read_bytes() == before
    prepare(source / "." / "openrft" / "..", store)  # the same folder by another path


def test_a_variable_that_names_another_source_is_noticed(
    choice: Any, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "another"):
        monkeypatch.setenv(VARIABLE, str(write(f"{name}.jsonl", rows(choice)) / f"{name}.jsonl"))
        if name == "one":
            FAMILY.prepare(None, tmp_path / "store", False, NoProgress())
    with pytest.raises(UsageError, match=rf"another source, \${VARIABLE}"):
        FAMILY.prepare(None, tmp_path / "store", False, NoProgress())


def test_a_store_of_a_store_knows_what_was_left_out(choice: Any, write: Any, tmp_path: Path) -> None:
    broken = write("raw_data/Material/L3/adding.jsonl", [*rows(choice), choice(20, answerKey="E")])
    for source, store in ((broken, tmp_path / "first"), (tmp_path / "first", tmp_path / "second")):
        made = prepare(source, store, skip_bad_rows=True)
        assert made["bad_rows"] == {"key not among labels": 1}
    assert load("L3/adding", tmp_path / "second").notes["bad_rows"] == {"key not among labels": 1}


def test_rows_may_name_anything(choice: Any, write: Any, tmp_path: Path) -> None:
    names = ["../../escape", "a/b\\c", "", "x" * 300, "\u2603"]
    odd = [choice(i, domain="?", details={"task": name, "level": "L9"}) for i, name in enumerate(names * 2)]
    file = write("odd.jsonl", odd) / "odd.jsonl"
    prepare(file, tmp_path / "store")
    assert {path.parent.parent for path in tmp_path.rglob("*.parquet")} == {tmp_path / "store"}
    assert len(list(tmp_path.rglob("*.parquet"))) == 5
    many = write("many.jsonl", [choice(i, details={"task": f"t{i}"}) for i in range(1001)]) / "many.jsonl"
    with pytest.raises(DataError, match="more than 1000 tasks"):
        prepare(many, tmp_path / "other")


def test_a_store_of_one_file_serves_all_of_its_rows_as_the_file_did(choice: Any, write: Any, tmp_path: Path) -> None:
    physics = {"domain": "Physics", "details": {"level": "L1", "task": "deep", "subtask": "deep"}}
    mixed = [*rows(choice), *rows(choice, 8, start=20, **physics), choice(3), choice(4, answerKey="A")]
    bare = [{k: v for k, v in row.items() if k not in ("details", "domain")} for row in mixed[2:4]]
    quiz = write("quiz.jsonl", [*mixed, *bare, 5]) / "quiz.jsonl"
    prepare(quiz, tmp_path / "store", skip_bad_rows=True)
    (info,) = [i for i in FAMILY.names(str(tmp_path / "store")) if i.name == "sciknoweval/file"]
    assert (info.rows, info.absent) == (24, False)
    one, other = (load("file", data, train=9, test=9, skip_bad_rows=True) for data in (quiz, tmp_path / "store"))
    assert [(s, dict(s.meta)) for s in one.test] == [(s, dict(s.meta)) for s in other.test]
    apart = {"source", "revision", "rows_read"}  # the row that is none was left out before
    first, second = ({k: v for k, v in task.notes.items() if k not in apart} for task in (one, other))
    assert first == second


def test_a_store_of_several_files_is_no_file(source: Path, tmp_path: Path) -> None:
    prepare(source, tmp_path / "store")
    with pytest.raises(UsageError, match="a store of several"):
        load("file", tmp_path / "store")


def test_killed_leaves_no_half_store(choice: Any, write: Any, tmp_path: Path) -> None:
    """The real command, killed by the system in the midst of writing; then run again to the end."""
    for number in range(40):
        write(f"raw_data/Material/L3/t{number}.jsonl", rows(choice, 400, start=1000 * number))
    to = tmp_path / "store"
    command = [
        sys.executable,
        "-m",
        "openrft",
        "tasks",
        "prepare",
        "sciknoweval",
        "--from",
        str(tmp_path),
        "--to",
        str(to),
    ]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(to.glob("rows-*/*")) and running.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert list(to.glob("rows-*/*.parquet"))
    assert not (to / MANIFEST).exists()
    with pytest.raises(DataError, match=r"unfinished.*prepare sciknoweval"):
        load("L3", to)
    assert prepare(tmp_path, to)["rows"] == 16_000
    assert len(list(to.glob("rows-*"))) == 1


def test_the_core_finds_what_the_family_offers() -> None:
    assert isinstance(FAMILY, PreparesStore)
    assert isinstance(FAMILY, ProvidesAllRows)


@pytest.mark.parametrize("name", ["sciknoweval/L3", "sciknoweval/openrft/T2", "sciknoweval/L2/telling"])
def test_the_family_conforms(source: Path, tmp_path: Path, name: str) -> None:
    check_family("sciknoweval", name, DataRequest(data=str(source), train=6, test=6), tmp_path / "store")
