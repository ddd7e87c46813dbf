"""A dry run tells what a run then does: the same stages under the same keys, and what is stored afterwards."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from click.testing import CliRunner

from openrft.bench.forecast.history import read_history
from openrft.bench.forecast.walk import plan_stages
from openrft.bench.plan import BenchRequest, make_plan
from openrft.cli import cli
from openrft.pipeline import run_job
from openrft.runtime.store import Store

SMALL = {"explore": {"steps": 1, "prompts_per_step": 2, "group_size": 2}, "evaluate": {"completions": 1}}
DATA = {"train": 4, "test": 3}


def plan(**values):
    return make_plan(BenchRequest(plugins=("rl",), data=DATA, values={**SMALL, **values})).jobs()


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """(stages before the run, the store after it)."""
    folder = tmp_path_factory.mktemp("runs")
    store = folder / ".store"
    before = plan_stages(plan(), store)
    assert not store.exists()  # nothing is written
    for job in plan():
        run_job(job, Store(store))
    return before, store


def test_the_run_makes_what_was_planned(ran):
    before, store = ran
    assert [(s.job, s.stage, s.state, s.units) for s in before] == [
        (0, "evaluate", "to do", 3),
        (1, "explore", "to do", 4),
        (1, "evaluate", "to do", 3),
    ]
    assert (store / "evaluate" / before[0].key).exists()
    assert (store / "explore" / before[1].key).exists()
    after = plan_stages(plan(), store)
    assert [s.state for s in after] == ["stored"] * 3
    assert after[2].cost["counts"]["completions"] == 3


def test_stages_are_shared_between_jobs(tmp_path):
    request = BenchRequest(plugins=("sft", "prm"), data=DATA, values=SMALL)
    states = Counter((s.stage, s.state) for s in plan_stages(make_plan(request).jobs(), tmp_path))
    assert states["synthesize", "to do"] == states["imitate", "to do"] == 1
    assert states["synthesize", "shared"] == states["imitate", "shared"] == 1
    assert states["fitness", "to do"] == 2  # before and after imitation the policy is another one
    assert states["explore", "to do"] == 4


def test_history_and_new_settings(ran, monkeypatch):
    _, store = ran
    history = read_history(store)
    assert Counter((past.stage, past.units, past.calls) for past in history) == {
        ("evaluate", 3, 1): 2,
        ("explore", 4, 1): 1,
    }
    assert max(past.load_seconds for past in history) > 0
    more = plan_stages(plan(evaluate={"completions": 2}), store)
    assert [(s.state, s.units) for s in more] == [("to do", 6), ("stored", 4), ("to do", 6)]
    monkeypatch.setattr("openrft.bench.forecast.history.identify_machine", lambda: "another machine")
    assert read_history(store) == []


def test_the_commands(ran):
    _, store = ran
    common = ["--plugins", "rl", "--train", "4", "--test", "3", "--dry-run", "--json"]
    common += [f"--set={owner}.{name}={value}" for owner, of in SMALL.items() for name, value in of.items()]
    out = CliRunner().invoke(cli, ["bench", *common, "--out", str(store.parent), "--seeds", "0,1"])
    assert out.exit_code == 0, out.output
    told = json.loads(out.stdout)
    assert told["completions"] == 10  # of the second seed alone
    assert told["seconds"] > 0
    assert told["tokens"] > 0
    assert told["unknown"] == []
    assert "points would be found" in told["detectable"]
    first, second = told["jobs"][0]["stages"], told["jobs"][2]["stages"]
    assert [s["state"] for s in (*first, *second)] == ["stored", "to do"]
    folder = store.parent / "never"
    args = ["train", *common, "--runs", str(store.parent), "--out", str(folder)]
    out = CliRunner().invoke(cli, args)
    assert out.exit_code == 0, out.output
    assert {s["state"] for job in json.loads(out.stdout)["jobs"] for s in job["stages"]} == {"stored"}
    assert not folder.exists()


def test_a_probe_tells_what_no_run_has_told(tmp_path):
    args = ["bench", "--arms", "none", "--plugins", "", "--train", "2", "--test", "4", "--out", str(tmp_path)]
    out = CliRunner().invoke(cli, [*args, "--set", "evaluate.completions=2", "--probe", "--json"])
    assert out.exit_code == 0, out.output
    told = json.loads(out.stdout)
    (stage,) = told["jobs"][0]["stages"]
    assert stage["from"] == "a probe of ten questions"
    assert stage["tokens"] > 0
    assert told["unknown"] == []
    assert list(tmp_path.glob("*/*")) == []  # its results are not kept
