"""A job from kept replies alone, of which one is missing: the rest is scored, and it is asked for later."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from openrft.bench.notes import build_notes
from openrft.bench.report import ArmRecord, ArmResult, Report, keep_items_scored_everywhere, record_task
from openrft.bench.single_job import summarise_job
from openrft.bench.summary import summarise
from openrft.config.settings import EvaluateSettings, Settings
from openrft.job import Arm, Job
from openrft.pipeline import run_job
from openrft.runtime.paid.account import Account, AccountSettings, use_account
from openrft.runtime.paid.ledger import FILE
from openrft.runtime.store import Store
from openrft.tasks.task import DataRequest, Task
from tests.policies.faulty_server import FaultyServer

pytest.importorskip("openai")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    made = FaultyServer(rate=0.0)
    yield made
    made.close()


def test_a_missing_reply_is_counted_and_what_came_of_it_is_not_used_again(server: FaultyServer, tmp_path: Path) -> None:
    settings = Settings(evaluate=EvaluateSettings(completions=1, max_tokens=5))
    data = DataRequest(train=4, test=4)
    job = Job(Arm("vanilla", ()), "pocket/L3/molar_mass", 0, server.spec, settings=settings, data=data)

    def run(store: str, replay: bool) -> ArmResult:
        with use_account(Account(AccountSettings(tmp_path, "r", replay=replay))):
            result = run_job(job, Store(tmp_path / store))
        tasks.append(result.task)
        return summarise_job(result)

    tasks: list[Task] = []
    first = run("one", replay=False)
    assert len(first.items) == 4
    assert run("two", replay=True).items == first.items  # all replies are kept
    with closing(sqlite3.connect(tmp_path / FILE)) as kept:
        kept.execute("DELETE FROM replies WHERE key = (SELECT MIN(key) FROM replies)")
        kept.commit()
    replayed = run("three", replay=True)
    assert len(replayed.items) == 3  # the fourth is not scored, and that is not wrong
    assert replayed.items.items() <= first.items.items()
    assert replayed.metrics["evaluate.replies_missing"] == replayed.metrics["evaluate.failed_requests"] == 1
    records, results = keep_items_scored_everywhere([record_task(tasks[0])], [replayed])
    report = Report("r", "now", "", {}, {}, {}, (), tuple(records), (ArmRecord("vanilla", ()),), tuple(results))
    assert any(
        "The replay lacked replies of servers (vanilla 1)" in note and "without --replay" in note
        for note in build_notes(report, summarise(report))
    )
    asked = sum(server.given.values())
    assert run("three", replay=False).items == first.items  # in the same store, asking for the one
    assert sum(server.given.values()) == asked + 1
