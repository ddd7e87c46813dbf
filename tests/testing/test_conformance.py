"""The conformance kit: for each check a plugin that breaks what it is about, and one that breaks nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from openrft.cli import cli
from openrft.errors import UsageError
from openrft.plugins import registry
from openrft.tasks.task import DataRequest
from openrft.testing import use_plugins
from openrft.testing.conformance.kit import ALL_CHECKS, list_checks, run_check, run_checks
from openrft.testing.conformance.other_process import OtherProcess
from openrft.testing.conformance.result import Problem, summarize
from openrft.testing.conformance.subject import Subject
from openrft.testing.conformance.supervise import check_plugins
from openrft.testing.plain import is_same

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests" / "third_party" / "faulty" / "openrft_faulty.py"
CLASSES = {
    "steady": "Steady",
    "unmarked-reward": "Unmarked",
    "unhelped": "Unhelped",
    "not-a-number": "NotANumber",
    "sorted": "Sorted",
    "adding": "Adding",
    "unseeded": "Unseeded",
    "counting": "Counting",
    "writing": "Writing",
    "resorting": "Resorting",
    "averaging": "Averaging",
    "scaling": "Scaling",
    "small": "Small",
    "peeking": "Peeking",
    "grade-peeking": "GradePeeking",
    "pays-length": "PaysLength",
    "hashing": "Hashing",
    "trainer": "Trainer",
    "silent": "Silent",
    "noisy": "Noisy",
    "faulty-tasks": "Tasks",
    "faulty-order": "HashedTasks",
    "faulty-rowless": "RowlessTasks",
    "faulty-policies": "Policies",
    "sleeping": "Sleeping",
    "dying": "Dying",
}
CASES = [  # plugin, check, verdict, what is said, what to do
    ("unmarked-reward", "declaration", "fault", "named like a hook and is not marked", "@openrft.hookimpl"),
    ("unhelped", "options", "fault", "its option limit has no help", "openrft.option(DEFAULT, help="),
    ("heavy", "import", "fault", "importing it imports jax", "inside the hooks that need them"),
    ("not-a-number", "results", "fault", "the score is nan", ""),
    ("sorted", "order", "fault", "its results in reward come in an order of their own", "in the order of the items"),
    ("adding", "order", "warning", "depends on its place or on the other items", "its own item"),
    ("unseeded", "determinism", "fault", "reward gave other results at its second call", "random.Random(seed)"),
    ("counting", "determinism", "fault", "reward gave other results at its second call", "keep nothing between calls"),
    ("writing", "inputs", "fault", "reward changes what it is given (", "Copy before you change"),
    ("resorting", "inputs", "fault", "reward changes what it is given (rollouts)", "Copy before you change"),
    ("averaging", "empty batch", "fault", "without any items: it raised ZeroDivisionError in reward", ""),
    ("scaling", "odd batches", "fault", "for a single question with a single answer: in reward, sample", ""),
    ("small", "huge batch", "fault", "for 1000 answers: it raised MemoryError in reward: too many answers", ""),
    ("peeking", "gold answer", "fault", "it reads the gold answer (Sample.gold)", "must not say needs_gold = False"),
    ("grade-peeking", "gold answer", "fault", "rewards the same answers otherwise", "leave needs_gold out"),
    ("pays-length", "probes", "warning", "a very long answer that ends wrong", "docs/training.md"),
    ("hashing", "process", "fault", "reward gives something else in another process", "not with hash()"),
    ("faulty-order", "process", "fault", "tasks gives something else in another process", "from a set"),
    ("trainer", "training", "fault", "loss is nan; explore: no weight was changed", "Leave out what is unknown"),
    ("silent", "training", "fault", "its train_step returned None", ""),
    ("noisy", "training", "fault", "gave different policies", "Seed every draw"),
    ("faulty-tasks", "tasks", "fault", "it gives a sample twice", ""),
    ("faulty-policies", "weights", "fault", "the weights of faulty-policies/base are not there", "PolicyInfo.install"),
]


def install(folder: Path, classes: dict[str, str], module: str, text: str) -> None:
    """What pip would write for a distribution with these plugins."""
    (folder / f"{module}.py").write_text(text)
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.replace('_', '-')}\nVersion: 1.0\n")
    entries = "\n".join(f"{name} = {module}:{kind}" for name, kind in classes.items())
    (about / "entry_points.txt").write_text(f"[openrft]\n{entries}\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution of the faulty plugins."""
    folder = tmp_path_factory.mktemp("site")
    install(folder, CLASSES, "openrft_faulty", SOURCE.read_text("utf-8"))
    return folder


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """In this test the plugins are installed."""
    monkeypatch.syspath_prepend(str(site))
    registry.list_plugins.cache_clear()
    yield site
    registry.list_plugins.cache_clear()
    sys.modules.pop("openrft_faulty", None)


@pytest.fixture(scope="module")
def other() -> Iterator[OtherProcess]:
    """One process for all tests; it is started with the path of the first."""
    process = OtherProcess()
    yield process
    process.close()


def check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["plugins", "check", *arguments])


@pytest.mark.parametrize(("name", "checked", "verdict", "said", "advice"), CASES)
def test_what_a_plugin_breaks_is_found(name, checked, verdict, said, advice, installed, other, tmp_path, monkeypatch):
    if name == "heavy":  # a stand-in for jax, which need not be here, and which no other test may find
        install(tmp_path, {"heavy": "Steady"}, "openrft_heavy", "import jax\n\n\nfrom openrft_faulty import Steady\n")
        (tmp_path / "jax.py").write_text("")
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.list_plugins.cache_clear()
    with use_plugins({}):
        subject = Subject(name, other_process=other)
        assert checked in list_checks(subject)
        found = run_check(subject, checked)
    assert (found.check, found.verdict) == (checked, verdict)
    assert said in found.finding
    assert advice in found.advice


def test_each_check_has_a_plugin_that_breaks_it():
    assert {case[1] for case in CASES} == set(ALL_CHECKS)


def test_a_sound_plugin_passes(installed, other):
    of_others = {"probes", "training", "tasks", "weights"}
    found = {result.check: result.verdict for result in run_checks(Subject("steady", other_process=other))}
    assert found.pop("probes") == "warning"  # right and wrong answers earn the same
    assert found == dict.fromkeys((name for name in ALL_CHECKS if name not in of_others), "ok")


def test_what_compares_results_is_not_run_without_sound_ones(installed):
    subject = Subject("not-a-number")
    found = run_check(subject, "order")
    assert (found.verdict, found.finding) == ("not run", "its hooks returned nothing sound: see results")


def test_a_class_that_only_this_process_knows_is_not_sought_in_another(installed):
    from openrft_faulty import Steady

    with use_plugins({"mine": Steady}):
        subject = Subject("mine", {"share": 0.1})
        assert [run_check(subject, check).verdict for check in ("import", "results", "process")] == [
            "not run",
            "ok",
            "not run",
        ]


def test_options_reach_the_other_process_as_plain_data(installed, other):
    assert run_check(Subject("steady", {"share": "0.25"}, other_process=other), "process").verdict == "ok"
    odd = run_check(Subject("steady", {"share": 1.0, "x": object()}, other_process=other), "declaration")
    assert odd.verdict == "fault"
    assert "steady has no option 'x'" in odd.finding
    with pytest.raises(UsageError, match=r"steady\.share: 2\.0 is not between 0 and 1"):
        list_checks(Subject("steady", {"share": 2.0}))


def test_the_command_prints_a_line_for_each_check_and_what_to_do(installed):
    done = check("unmarked-reward")
    assert done.exit_code == 1, done.output
    title, fault, advice, sum_ = done.output.splitlines()
    assert title == "plugin 'unmarked-reward' (openrft-faulty 1.0)"
    assert fault.startswith("  fault   declaration  its method reward is named like a hook and is not marked as one")
    assert advice.strip().startswith("-> Write @openrft.hookimpl above reward")
    assert sum_ == "check: 1 fault"


def test_a_crash_ends_its_plugin_and_not_the_command(installed):
    done = check("dying", "faulty-policies", "--json")
    assert done.exit_code == 1, done.output
    dying, other = (row["checks"] for row in json.loads(done.output))
    assert dying[-1] == {
        "check": "results",
        "verdict": "fault",
        "finding": "it ended the process (exit code 3); the checks after it were not made",
        "advice": "Call the hook in a test of your own to see where.",
    }
    assert other[-1] == {
        "check": "process",
        "verdict": "ok",
        "finding": "built from JSON, it gives the same",
        "advice": "",
    }


def test_a_check_has_a_time_limit(installed):
    ((name, found),) = check_plugins(["sleeping"], {}, seconds=1)
    assert (name, found.check, found.verdict) == ("sleeping", "declaration", "fault")
    assert found.finding == "it was not finished after 1 s; the checks after it were not made"
    assert found.advice == "Give it longer with --seconds, if it must take more than 1 s."


def test_names_and_options_that_do_not_exist_are_refused(installed):
    done = check("stead")
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).startswith("unknown plugin: 'stead'. Did you mean steady")
    assert "unknown plugin in --set: 'stead'" in str(check("steady", "--set", "stead.share=1").exception)
    assert "steady.share: 'much' is not a number" in str(check("steady", "--set", "steady.share=much").exception)


def test_pytest_makes_each_check_a_test(installed, tmp_path):
    text = "import pytest\n\n\n{}def test_conformance(openrft_check):\n    openrft_check()\n"
    (tmp_path / "test_named.py").write_text(text.format('@pytest.mark.openrft_plugin("unhelped")\n'))
    (tmp_path / "test_unnamed.py").write_text(text.format(""))
    plugins = ["-p", "no:cacheprovider", "-p", "openrft.testing.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-rA", *plugins]
    done = subprocess.run(
        [*command, "--continue-on-collection-errors"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert 'write @pytest.mark.openrft_plugin("NAME") above test_conformance' in done.stdout
    assert "unhelped, options: its option limit has no help. Declare it: limit:" in done.stdout
    assert "ConformanceWarning: unhelped, probes:" in done.stdout
    assert "PASSED test_named.py::test_conformance[empty-batch]" in done.stdout
    assert "1 failed, 11 passed, 1 warning, 1 error" in done.stdout


def test_every_plugin_of_this_repository_is_checked_by_tox():
    tox = (ROOT / "tox.ini").read_text("utf-8").replace("\\\n", " ")
    commands = [line.split() for line in tox.splitlines() if line.strip().startswith("openrft plugins check ")]
    checked = {word for words in commands for word in takewhile(lambda word: not word.startswith("--"), words[3:])}
    projects = [tomllib.loads(file.read_text("utf-8"))["project"] for file in ROOT.glob("plugins/*/pyproject.toml")]
    assert checked == {name for project in projects for name in project["entry-points"].get("openrft", {})}


def test_a_family_without_its_rows_is_not_at_fault(installed, other):
    subject = Subject("faulty-rowless", other_process=other)
    found = [run_check(subject, name) for name in ("tasks", "process")]
    assert [(result.verdict, result.finding) for result in found] == [
        ("not run", "its rows are elsewhere"),
        ("ok", "built from JSON, it gives the same"),
    ]
    assert found[0].advice == "Give --data."
    given = run_check(Subject("faulty-rowless", request=DataRequest(data=str(installed))), "tasks")
    assert given.verdict == "fault"


def test_the_pytest_plugin_imports_nothing_before_it_is_used():
    code = (
        "import sys, openrft.testing.pytest_plugin; print(*sorted(m for m in sys.modules if m.startswith('openrft')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openrft", "openrft.testing", "openrft.testing.pytest_plugin", "openrft.version"]


def test_a_line_has_the_worst_verdict_and_each_problem_once():
    problems = [Problem("a", "Do x.", "warning"), Problem("b", "Do x."), Problem("a", "Do x.", "warning")]
    found = summarize("order", problems, "nothing")
    assert (found.verdict, found.finding, found.advice) == ("fault", "a; b", "Do x.")
    assert summarize("order", [], "nothing").verdict == "ok"


def test_plain_data_is_the_same_up_to_rounding():
    assert is_same({"a": [1.0, "x", None]}, {"a": [1.0 + 1e-7, "x", None]})
    assert not is_same([1.0], [1.1])
    assert not is_same([1.0], [1.0, 1.0])
    assert not is_same({"a": 1}, {"b": 1})
    assert not is_same(1.0, "1.0")
    assert not is_same(float("nan"), float("nan"))
