"""The gallery of docs/examples: a reward by units, a dump of a web API, a curriculum, an algorithm as a row, a rewriter
behind a real server, and a BM25 retriever. Each conforms and does what it says, and a job uses them together."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from openrft.bench.plan import BenchRequest, make_plan
from openrft.cli import cli
from openrft.errors import DataError, OpenRFTError, PluginError, UsageError
from openrft.pipeline import run_job
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import digest_plugin_source
from openrft.plugins.task_registry import load_task
from openrft.runtime.files import read_jsonl
from openrft.runtime.progress import NoProgress
from openrft.runtime.store import Store
from openrft.stages.augment import merge_augmented
from openrft.stages.context import StageStats
from openrft.stages.draw import call_draw_hook
from openrft.stages.retrieve import call_retrieve_hook
from openrft.stages.reward import call_reward_hooks
from openrft.tasks.task import DataRequest
from openrft.testing import ScriptedPolicy, check_family, check_plugin, probe_plugin, toy_task
from openrft.types import Completion, Demonstration, Rollout, Sample
from tests.policies.faulty_server import FaultyServer

pytestmark = pytest.mark.usefixtures("example_plugins")
TASK = toy_task(8, 2)

# -- a reward by units -----------------------------------------------------------------------------------------------

FALL = Sample("How fast does a stone fall after one second?", "9.81 m/s", kind="text")
HEAT = Sample("How warm is 77 degrees Fahrenheit?", "25 degC", kind="text")


def pay(sample: Sample, *answers: str, **options: Any) -> list[float | None]:
    rollouts = [Rollout(sample, (), Completion(answer)) for answer in answers]
    plugins = PluginSet(["unit-reward"], {"unit-reward": options})
    return [row[0].score for row in call_reward_hooks(plugins, rollouts, TASK, 0, 0, StageStats()) if row]


def test_a_quantity_counts_in_any_unit_and_a_dimension_earns_a_part() -> None:
    assert check_plugin("unit-reward") == ["check_job", "reward"]
    right = (r"\boxed{9.81 m/s}", r"\boxed{981 \text{ cm/s}}", "The answer is 35.3 km/h.")
    assert pay(FALL, *right) == [1.0, 1.0, 1.0]  # 9.81 m/s are 35.316 km/h
    assert pay(FALL, r"\boxed{9.6 m/s}", r"\boxed{9.6 m}", r"\boxed{9.81}", "") == [0.2, 0.0, 0.0, 0.0]
    assert pay(FALL, r"\boxed{9.6 m/s}", tolerance=0.03) == [1.0]  # 2.1% off
    assert pay(HEAT, r"\boxed{298.15 K}", r"\boxed{77 degF}", r"\boxed{25 K}", part=0.5) == [1.0, 1.0, 0.5]


def test_what_is_made_to_be_paid_is_not() -> None:
    assert probe_plugin("unit-reward", task=replace(TASK, train=(FALL, HEAT))) == []


@given(st.text("9.eE+-^{} m/s*kgKµ°²", max_size=30))
def test_any_text_has_a_score(text: str) -> None:
    from unit_reward import read_quantity

    found = read_quantity(text)
    assert found is None or math.isfinite(found.magnitude)


def test_what_it_cannot_reward_is_refused_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    [(_, found)] = PluginSet(["unit-reward"], {}).call_all("check_job", settings=None, task=TASK, policy_spec="pocket")
    assert "is no number with a unit" in found.value[0]
    monkeypatch.setattr("unit_reward.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"unit-reward needs the library pint.*pip install pint"):
        PluginSet(["unit-reward"], {})


# -- a dump of a web API ---------------------------------------------------------------------------------------------

SYMBOLS = "tin Sn, lead Pb, iron Fe, gold Au, silver Ag, sodium Na, potassium K, mercury Hg, copper Cu, tungsten W"


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """Forty questions in the layout of Open Trivia DB."""
    pairs = [pair.split() for pair in SYMBOLS.split(", ")]
    rows = [
        {
            "type": "multiple",
            "difficulty": "easy" if len(name) < 5 else "hard",
            "category": "Science: Chemistry",
            "question": f"Which {kind} has the symbol &quot;{symbol}&quot;, the {name[0]}-{len(name)} one?",
            "correct_answer": name,
            "incorrect_answers": [other for other, _ in pairs if other != name][place : place + 3],
        }
        for place, kind in enumerate(("metal", "element", "solid", "substance"))
        for name, symbol in pairs
    ]
    file = tmp_path / "dump.json"
    file.write_text(json.dumps({"response_code": 0, "results": rows}))
    return file


def test_a_dump_is_a_task(dump: Path) -> None:
    request = DataRequest(train=8, test=4, data=str(dump))
    assert check_plugin("trivia", task="trivia/all", request=request) == ["tasks"]
    task = check_family("trivia", "trivia/all", request)
    assert (len(task.train), len(task.test)) == (8, 4)
    sample = task.train[0]
    assert '"' in sample.question
    assert "&quot;" not in sample.question
    assert f"{sample.gold} " in SYMBOLS
    shown = CliRunner().invoke(cli, ["tasks", "show", "trivia/all", "--data", str(dump)])
    assert shown.exit_code == 0, shown.output
    assert "Which " in shown.output


def test_a_dump_is_read_from_a_server_as_from_a_file(dump: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(dump.parent)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    request = DataRequest(train=8, test=4, data=f"{url}/dump.json")
    there = load_task("trivia/all", request)
    with pytest.raises(DataError, match=r"is no dump: .*404"):
        load_task("trivia/all", replace(request, data=f"{url}/gone.json"))
    server.shutdown()
    server.server_close()
    here = load_task("trivia/all", replace(request, data=str(dump)))
    assert (there.train, there.test) == (here.train, here.test)


def test_a_bad_result_is_named_or_counted(dump: Path) -> None:
    rows = json.loads(dump.read_text())
    del rows["results"][2]["correct_answer"]
    dump.write_text(json.dumps(rows))
    request = DataRequest(data=str(dump))
    with pytest.raises(DataError, match=r"dump.json, result 3: KeyError\('correct_answer'\)"):
        load_task("trivia/all", request)
    assert load_task("trivia/all", replace(request, skip_bad_rows=True)).notes["bad_rows"] == {"results": 1}


# -- a curriculum ----------------------------------------------------------------------------------------------------

LADDER = [Sample("x" * n, str(n), kind="number", meta={"level": -n}) for n in range(1, 21)]


def draw(step: int, seed: int = 0, samples: list[Sample] = LADDER, count: int = 4, **options: Any) -> list[int] | None:
    plugins = PluginSet(["curriculum"], {"curriculum": options})
    found = call_draw_hook(plugins, samples, count, TASK, step, 20, seed, StageStats())
    return found and [int(sample.answer) for sample in found]


def test_easy_questions_come_first_and_then_all() -> None:
    assert check_plugin("curriculum") == ["draw_questions"]
    # 0.2 of 20 questions at step 0 and all at step 10, so at step 5 it is 0.6 of them.
    for step, hardest in ((0, 4), (5, 12)):
        drawn = {n for seed in range(40) for n in draw(step, seed, begin=0.2) or ()}
        assert drawn == set(range(1, hardest + 1))
    assert draw(10, begin=0.2) is None
    assert draw(5, 1) == draw(5, 1) != draw(5, 2)
    assert sorted(draw(0, begin=0.2, field="level") or ()) == [17, 18, 19, 20]
    assert sorted(draw(0, begin=0.01) or ()) == [1, 2, 3, 4]  # as many as a step asks
    with pytest.raises(UsageError, match=r"curriculum.field=rank: the question 'x' has no such number"):
        draw(0, field="rank")


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        (LADDER[:3], "drew 3 different questions for step 0, of 4"),
        (LADDER[:3] + LADDER[:1], "drew 3 different questions for step 0, of 4"),
        ([*LADDER[:3], FALL], "drew a question that it was not given"),
        (["x"] * 4, "gave a str in draw_questions, in place of a Sample"),
    ],
)
def test_a_draw_that_cannot_be_is_refused(drawn: list[Any], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.Random.sample", lambda self, population, k: drawn)
    with pytest.raises(PluginError, match=said):
        draw(0)


# -- an algorithm as a row -------------------------------------------------------------------------------------------


def test_a_row_has_the_options_of_rl_and_no_other_algorithm() -> None:
    assert check_plugin("lite-ppo") == ["check_job"]
    options = PluginSet(["lite-ppo"], {"lite-ppo": {"lr": "1e-3"}}).instances["lite-ppo"].options
    assert (options.lr, options.algorithm_spec.scale_rewards) == (1e-3, "batch")
    with pytest.raises(UsageError, match=r"lite-ppo.algorithm"):
        PluginSet(["lite-ppo"], {"lite-ppo": {"algorithm": "grpo"}})
    assert digest_plugin_source("lite-ppo").endswith(digest_plugin_source("rl"))  # results depend on both


# -- a rewriter ------------------------------------------------------------------------------------------------------


def rewrite(question: str) -> str:
    """A sum in other words; one that begins with an odd number is given another number, too."""
    first = question.removeprefix("What is ").split()[0]
    return f"Tell me: {question.removeprefix('What is ').rstrip('?')} makes what?" + " Or 5?" * (int(first) % 2)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The spec of a server that rewrites."""
    pytest.importorskip("openai")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    running = FaultyServer(rate=0.0, reply=lambda request: rewrite(request["messages"][-1]["content"].splitlines()[-1]))
    yield running.spec
    running.close()


def test_a_server_rewrites_and_what_it_changed_is_counted(server: str) -> None:
    plugins = PluginSet(["rewriter"], {"rewriter": {"model": server, "variants": "1"}})
    common = {"task": TASK, "policy": None, "seed": 0, "progress": NoProgress()}
    results = plugins.call_all("augment", samples=TASK.train, **common)
    even = [sample for sample in TASK.train if not rewrite(sample.question).endswith("Or 5?")]
    assert 0 < len(even) < 8
    assert results[0][1].counts == {"kept": len(even), "changes_numbers": 8 - len(even)}
    kept = merge_augmented(TASK.train, results, StageStats())
    assert [s.question for s in kept[8:]] == [rewrite(s.question) for s in even]
    assert [(s.parent, s.answer, s.created_by) for s in kept[8:]] == [(s.id, s.answer, "rewriter") for s in even]


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        (Completion("Add 3 and 4."), "kept"),
        (Completion("<think>7</think> Add 3 and 4."), "kept"),
        (Completion("Add 3 and", finish_reason="length"), "incomplete"),
        (Completion("", finish_reason="error", error="busy"), "incomplete"),
        (Completion("Add 3 and 40."), "changes_numbers"),
        (Completion("Add 3 and 4 to get seven."), "tells_answer"),
    ],
)
def test_a_new_wording_is_judged(written: Completion, verdict: str) -> None:
    assert check_plugin("rewriter") == ["augment"]
    policy = ScriptedPolicy(lambda messages, i: "")
    policy.generate = lambda prompts, sampling, progress: [[written]]  # type: ignore[method-assign]
    sample = Sample("What is 3 + 4?", "seven", kind="text")
    plugins = PluginSet(["rewriter"], {})
    common = {"task": TASK, "policy": policy, "seed": 0, "progress": NoProgress()}
    [(_, result)] = plugins.call_all("augment", samples=[sample], **common)
    assert result.counts == {verdict: 1}
    assert [s.question for s in result.value] == ["Add 3 and 4."] * (verdict == "kept")


# -- a retriever -----------------------------------------------------------------------------------------------------


def test_rare_words_in_common_make_a_demonstration() -> None:
    from bm25_retriever import BM25, list_words

    assert check_plugin("bm25") == ["retrieve"]
    first, second, query = (Sample(text, "1", kind="number") for text in ("tin zinc", "tin lead lead", "Lead, tin"))
    scores = BM25(BM25.Options())._score(list_words(query), [list_words(first), list_words(second)])
    # Two texts of 2.5 words on average. `tin` is in both, `lead` in one. 1.2 * (0.25 + 0.75 * 2 / 2.5) is 1.02.
    tin, lead = math.log(1 + 0.5 / 2.5), math.log(1 + 1.5 / 1.5)
    assert scores == pytest.approx([tin * 2.2 / 2.02, tin * 2.2 / 2.38 + lead * 4.4 / 3.38])


def test_questions_of_a_kind_find_each_other() -> None:
    task = load_task("pocket/L3", DataRequest(train=64, test=24))
    pool = [Demonstration(sample, "") for sample in task.train]
    found = call_retrieve_hook(PluginSet(["bm25"], {}), task.test, pool, task, StageStats())
    assert all(len(shown) == 3 for shown in found)
    alike = [shown[-1].sample.task == sample.task for sample, shown in zip(task.test, found, strict=True)]
    assert sum(alike) >= 0.9 * len(alike)


# -- all of them in a job --------------------------------------------------------------------------------------------


def test_a_job_uses_them_together(dump: Path, tiny: Path, tmp_path: Path) -> None:
    values = {
        "explore": {"steps": 2, "prompts_per_step": 2, "group_size": 2, "max_tokens": 8},
        "evaluate": {"completions": 1, "max_tokens": 8},
        "curriculum": {"begin": 0.25, "end": 1.0},
        "rewriter": {"variants": 1, "max_tokens": 8},
        "bm25": {"count": 1},
    }
    plan = make_plan(
        BenchRequest(
            ("trivia/all",),
            (),
            "none",
            ("all=lite-ppo,curriculum,bm25,rewriter,brevity",),
            policy=str(tiny),
            data={"train": 8, "test": 4, "data": str(dump)},
            values=values,
        )
    )
    job = next(job for job in plan.jobs() if job.arm.name == "all")
    found = run_job(job, Store(tmp_path / "store"))
    assert found.metrics_file is not None
    assert found.steps_file is not None
    rows = list(read_jsonl(found.metrics_file))
    assert [math.isfinite(row["loss"]) for row in rows] == [True, True]
    assert [row["with_demonstrations"] for row in rows] == [1.0, 1.0]
    asked = {row["sample"]["question"] for row in read_jsonl(found.steps_file) if row["step"] == 0}
    shortest = sorted((sample.question for sample in found.task.train), key=len)[:2]
    assert {len(question) for question in asked} <= {len(question) for question in shortest}


def test_an_arm_cannot_have_rl_and_its_replacement() -> None:
    with pytest.raises(OpenRFTError, match="lite-ppo takes the place of rl"):
        make_plan(BenchRequest(("pocket/L3",), (), "none", ("both=rl,lite-ppo",)))
