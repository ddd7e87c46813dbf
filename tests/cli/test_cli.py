"""The command line as people use it: a third-party plugin in a real bench, broken ones, bad input, Ctrl-C, resume."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

SMALL = [
    "--train", "8", "--test", "12", "--set", "explore.prompts_per_step=4", "--set", "explore.group_size=3",
    "--set", "explore.max_tokens=8", "--set", "evaluate.max_tokens=8",
]  # fmt: skip


def bench(tiny, *more, steps=3):
    return ["bench", "--task", "toy/sums", "--policy", str(tiny), *SMALL, "--set", f"explore.steps={steps}", *more]


def test_a_third_party_plugin_takes_part_in_a_bench(run_openrft, tiny, tmp_path):
    arguments = bench(tiny, "--plugins", "brevity,da", "--set", "da.rewrite=none", "--set", "brevity.limit=3")
    arguments += ["--workers", "1"]
    first = run_openrft(*arguments)
    assert first.returncode == 0, first.stderr
    for word in ("vanilla", "rl+brevity+da", "no model: ", "add-one", "leave-one-out", "unparsed"):
        assert word in first.stdout
    assert "rl was added to every arm but vanilla: brevity, da need it to act." in first.stderr

    (run,) = (tmp_path / "runs").glob("toy-sums-*")
    files = {"plan.json", "report.html", "report.json", "report.md"}
    assert {p.name for p in run.iterdir()} == files | {"rollouts", "metrics", "steps", "fitness"}
    report = json.loads((run / "report.json").read_text())
    assert report["versions"]["openrft-toy"] == "1.2.3"
    assert [r["arm"] for r in report["results"]] == ["vanilla", "rl", "rl+brevity", "rl+da", "rl+brevity+da"]
    assert all(len(r["items"]) == 12 for r in report["results"])
    assert "evaluate.mean_characters" in report["results"][2]["metrics"]
    rollouts = (run / "rollouts" / "rl+brevity--toy-sums--0.jsonl").read_text().splitlines()
    assert len(rollouts) == 12 * 3

    again = run_openrft(*arguments, anew=True)  # with another hash seed
    repeated = json.loads((run / "report.json").read_text())
    assert again.returncode == 0
    assert [r["items"] for r in repeated["results"]] == [r["items"] for r in report["results"]]
    assert all(s["reused"] for r in repeated["results"] for s in r["stages"])

    assert run_openrft("gate", str(run), str(run)).returncode == 0
    shown = run_openrft("report", run.name)
    assert "rl+brevity+da" in shown.stdout


def test_a_plugin_that_raises_fails_its_own_arm_and_nobody_elses(run_openrft, tiny, tmp_path):
    done = run_openrft(
        *bench(tiny, "--plugins", "brevity", "--arm", "bad=raising", "--arm", "short=miscounting", "--workers", "1"),
        *("--arm", "worded=measuring"),
    )
    assert done.returncode == 5
    (file,) = (tmp_path / "runs").glob("*/report.json")
    report = json.loads(file.read_text())
    assert {r["arm"] for r in report["results"]} == {"vanilla", "rl", "rl+brevity"}
    errors = {f["arm"]: f["error"] for f in report["failures"]}
    assert "'raising' (openrft-broken 6.6.6) raised ZeroDivisionError in reward" in errors["bad"]
    assert "'miscounting' (openrft-broken 6.6.6) gave 1 rewards for 32 rollouts" in errors["short"]
    assert "'measuring' (openrft-broken 6.6.6) gave metrics that are no numbers in evaluate" in errors["worded"]
    assert "Traceback" not in done.stderr
    for failure in report["failures"]:
        words = failure["error"].removesuffix(".")
        assert done.stdout.count(words) == 1, "each error is said once"
        assert f"(details: {failure['details']})" in done.stdout
    details = (file.parent / "failures/bad--toy-sums--0.txt").read_text()
    assert all(word in details for word in ("Stage: fitness", "Traceback", "the scale weighs nothing", '"steps": 3'))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["bench", "--plugins", "brevty"], 2, ["unknown plugin: 'brevty'", "Did you mean brevity"]),
        (["bench", "--plugins", "unimportable"], 5, ["'unimportable' (openrft-broken 6.6.6) cannot be imported"]),
        (["bench", "--plugins", "misspelt"], 5, ["no hook 'rewrad' (did you mean reward?)"]),
        (["bench", "--task", "toy/summs"], 2, ["unknown task: 'toy/summs'", "Did you mean toy/sums"]),
        (["bench", "--task", "toi/sums"], 2, ["unknown task family: 'toi'", "Did you mean toy"]),
        (["bench", "--task", "mine.csv"], 2, ["mine.csv is a path", "say --data mine.csv"]),
        (["bench", "--set", "explore.step=3"], 2, ["no option 'step'; did you mean steps"]),
        (["bench", "--set", "explore.aggregation=minn"], 2, ["'minn' is none of mean, min", "did you mean min?"]),
        (["bench", "--preset", "qick"], 2, ["unknown preset: 'qick'", "Did you mean quick"]),
        (["bench", "--policy", "./nowhere"], 2, ["'./nowhere' is neither a folder, nor a hub id"]),
        (["bench", "--seeds", "a,b"], 2, ["--seeds 'a,b': not whole numbers"]),
        (["bench", "--plan", "absent.json"], 2, ["absent.json"]),
        (["bech"], 2, ["unknown command: 'bech'", "Did you mean bench"]),
        (["report", "nothing"], 2, ["nothing"]),
        (["plugins", "show", "briefity"], 2, ["Did you mean brevity"]),
        (["bench", "--config", "absent.toml"], 2, ["absent.toml"]),
    ],
)
def test_bad_input_is_one_line_with_advice(run_openrft, tiny, arguments, code, words):
    if arguments[0] == "bench" and not {"--policy", "--plan"} & {*arguments}:
        arguments = [*arguments, "--policy", str(tiny)]
        arguments += ["--task", "toy/sums"] if "--task" not in arguments else []
        arguments += ["--plugins", "brevity"] if "--plugins" not in arguments else []
    done = run_openrft(*arguments)
    assert done.returncode == code, done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_all_faults_of_the_options_are_reported_at_once(run_openrft, tiny):
    wrong = ["--set", "explor.steps=3", "--set", "explore.alpha=4", "--set", "brevity.unit=byte", "--set", "rl.lr=fast"]
    done = run_openrft(*bench(tiny, "--plugins", "brevity", *wrong))
    assert done.returncode == 2
    alpha, unit, lr = "alpha: '4' is not between 0 and 1", "did you mean bytes?", "'fast' is not a number"
    for words in ("4 faults", "Did you mean explore?", alpha, unit, lr):
        assert words in done.stderr


def test_debug_shows_the_traceback_wherever_it_stands(run_openrft):
    assert "Traceback" in run_openrft("report", "nothing", "--debug").stderr
    assert "Traceback" in run_openrft("--debug", "report", "nothing").stderr


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(tiny, fork_server, third_party, tmp_path):
    """With one worker. `tests/bench/test_executors.py` stops one with two."""
    command = [sys.executable, "-m", "openrft", *bench(tiny, "--plugins", "brevity", "--workers", "1", steps=16)]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=third_party,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a script inherits a Ctrl-C that is ignored; a person's does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("runs/.store/explore/*.resume/[0-9]*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, notices = running.communicate(timeout=60)
    assert running.returncode == 130, notices
    assert "run the same command again to continue" in notices
    assert "Traceback" not in notices
    kept = {p.name for p in tmp_path.glob("runs/.store/explore/*.resume/[0-9]*")}
    assert kept

    done = fork_server.run(command[1:], tmp_path)
    assert done.returncode == 0, done.stderr
    steps = [len(p.read_text().splitlines()) for p in tmp_path.glob("runs/.store/explore/*/metrics.jsonl")]
    assert steps == [16, 16]


def test_a_read_only_or_wrong_output_folder_is_one_line(run_openrft, tiny, tmp_path):
    (tmp_path / "file").write_text("")
    done = run_openrft(*bench(tiny, "--plugins", "brevity", "--out", "file/runs"))
    assert done.returncode == 5
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_train_writes_a_checkpoint_that_loads_and_evaluates(run_openrft, tiny, tmp_path):
    done = run_openrft("train", *bench(tiny, "--plugins", "brevity")[1:], "--out", "trained", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["out"] == "trained"
    assert [row["arm"] for row in found["overall"]["arms"]] == ["vanilla", "trained"]
    assert set(found["flips"]) == {"gained", "lost"}
    assert len((tmp_path / "trained" / "metrics.jsonl").read_text().splitlines()) == 3
    rollouts = tmp_path / found["folder"] / "rollouts" / "trained--toy-sums--0.jsonl"
    assert len(rollouts.read_text().splitlines()) == 12 * 3
    assert "toy/sums: answers cut off in RL at the longest length allowed: trained 100%." in found["notes"]
    from openrft.policies.hf import HFPolicy

    assert not HFPolicy(str(tmp_path / "trained")).has_adapter
    shown = run_openrft("evaluate", *bench(tiny)[1:-2], "--policy", "trained", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["name"].startswith("toy-sums")
    twice = run_openrft("train", *bench(tiny, "--plugins", "brevity")[1:], "--out", "trained")
    assert twice.returncode == 2
    assert "the folder is not empty" in twice.stderr


def test_a_tracker_that_is_not_there_is_one_line(run_openrft, tiny, tmp_path):
    done = run_openrft(*bench(tiny, "--plugins", "brevity", "--track", "tensorbord"))
    assert done.returncode == 2
    assert "unknown tracker: 'tensorbord'. Did you mean tensorboard?" in done.stderr
    assert "started" not in done.stderr


def test_tasks_and_plugins_are_listed(run_openrft):
    tasks = run_openrft("tasks", "list", "toy*", "--json")
    (row,) = json.loads(tasks.stdout)
    assert (row["name"], row["summary"]) == ("toy/sums", "sums of two small numbers")
    assert "left_behind" in tasks.stderr  # the broken plugin is named, and the others are listed all the same
    assert "'familyless' (openrft-broken 6.6.6) provides tasks of the family None" in tasks.stderr
    for asked, fault in (
        ("toys", "unknown task: 'toys'. Did you mean toy/sums?"),
        ("familyless", "of the family None"),
    ):
        assert fault in run_openrft("tasks", "list", asked).stderr.splitlines()[-1]
    assert "[system]" in run_openrft("tasks", "show", "toy/sums").stdout
    rows = {r["name"]: r for r in json.loads(run_openrft("plugins", "list", "--json").stdout)}
    assert (rows["brevity"]["distribution"], rows["brevity"]["version"]) == ("openrft-toy", "1.2.3")
    assert {"unimportable", "plain"} <= set(rows)  # nothing is imported without --check
    shown = run_openrft("plugins", "show", "brevity").stdout
    assert any(line.startswith("  limit  40 ") and "a whole number, at least 1" in line for line in shown.splitlines())


def test_a_plan_can_be_run_again(run_openrft, tiny, tmp_path):
    assert run_openrft(*bench(tiny, "--plugins", "brevity", "--name", "one", "--workers", "1")).returncode == 0
    done = run_openrft("bench", "--plan", "runs/one/plan.json", "--name", "two", "--out", "other", "--workers", "1")
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / p / "report.json").read_text()) for p in ("runs/one", "other/two"))
    assert [r["items"] for r in first["results"]] == [r["items"] for r in second["results"]]
