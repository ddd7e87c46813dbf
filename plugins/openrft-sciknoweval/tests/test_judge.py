"""Judged answers: a real server on this machine, the verdict file, replay, and what is never turned into a score."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrft_sciknoweval import SciKnowEval
from openrft_sciknoweval.grading import extract_free_text, grade
from openrft_sciknoweval.judge import Verdict, VerdictFile, choose_rubric, compute_official_judge_mean, verdict_key

from openrft import Completion, DataError, OpenRFTError, Rollout, Sample, UsageError, fingerprint_path

pytest.importorskip("openai")


class Server:
    """An OpenAI-compatible judge; `says` is (what it is asked, request number) -> verdict."""

    def __init__(self) -> None:
        self.says: Callable[[str, int], str] = lambda asked, number: "Rating: 4"
        self.status = 200
        self.refusal: tuple[str, str] | None = None  # what is refused, and in which words
        self.asked: list[dict[str, Any]] = []
        lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    server.asked.append(request)
                    number = len(server.asked)
                asked = request["messages"][-1]["content"]
                words = server.says(asked, number)
                message = {"role": "assistant", "content": words}
                body = {
                    "id": "1", "object": "chat.completion", "created": 0, "model": "m",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                }  # fmt: skip
                refused = server.refusal is not None and server.refusal[0] in asked
                if server.refusal is not None and refused:
                    body = {"message": server.refusal[1]}
                raw = json.dumps(body if server.status == 200 else {"message": "no"}).encode()
                self.send_response(400 if refused else server.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *words: Any) -> None:
                """Nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.spec = f"openai:http://127.0.0.1:{self.http.server_port}/v1#judge"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("openrft.policies.openai_requests.RETRY_DELAY", 0.01)
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


SUMMARY = "physics_text_summary"


def answered(text: str, leaf: str = SUMMARY, question: str = "A text.", gold: str = "Its sum.") -> Rollout:
    sample = Sample(question, gold, kind="text", task=f"sciknoweval/L2/{leaf}", meta={"type": "open-ended-qa"})
    verdict = grade(sample, text)
    assert verdict.correct is None  # not scored before a judge has spoken
    return Rollout(sample, (), Completion(text), answer=verdict.answer, correct=verdict.correct)


def plugin(server: Server, tmp_path: Path, replay: bool = False) -> SciKnowEval:
    file = {"replay" if replay else "verdicts": str(tmp_path / "deep" / "verdicts.jsonl")}
    return SciKnowEval(SciKnowEval.Options(judge=server.spec, **file))


def judged(made: SciKnowEval, rollouts: list[Rollout]) -> tuple[list[Any], dict[str, float]]:
    grades = made.grade(rollouts=rollouts, progress=None)
    assert grades is not None
    done = [replace(r, correct=g.correct, score=g.score) for r, g in zip(rollouts, grades, strict=True)]
    return grades, made.evaluate(rollouts=done)


def test_without_a_judge_nothing_is_scored() -> None:
    rollouts = [answered("A summary.")]
    made = SciKnowEval()
    assert made.grade(rollouts=rollouts, progress=None) is None
    assert made.evaluate(rollouts=rollouts) == {}


def test_verdicts_are_read_kept_and_replayed(server: Server, tmp_path: Path) -> None:
    marks = {"good": "Rating: 5", "fair": "<think>Rating: 1?</think>Rating: 3", "poor": "rating: 1"}
    server.says = lambda asked, number: next(v for word, v in marks.items() if f"\n{word}\n" in asked)
    rollouts = [answered(f"\\boxed{{{word}}}") for word in ("good", "fair", "poor", "good")]
    grades, metrics = judged(plugin(server, tmp_path), rollouts)
    assert [g.score for g in grades] == [1.0, 0.5, 0.0, 1.0]
    assert [g.correct for g in grades] == [True, False, False, True]
    assert metrics["sciknoweval_judged.physics_text_summary"] == 3.5  # ratings 5, 3, 1, 5
    assert metrics["sciknoweval_judged_unread.physics_text_summary"] == 0
    assert len(server.asked) == 3  # the same answer is judged once
    assert {request["temperature"] for request in server.asked} == {0.0}
    again, _ = judged(plugin(server, tmp_path), rollouts)
    assert (again, len(server.asked)) == (grades, 3)
    server.http.shutdown()
    server.http.server_close()
    replayed, numbers = judged(plugin(server, tmp_path, replay=True), rollouts)
    assert (replayed, numbers) == (grades, metrics)


def test_a_judge_of_whom_nothing_can_be_read_scores_nothing(server: Server, tmp_path: Path) -> None:
    server.says = lambda asked, number: "well..."
    with pytest.raises(OpenRFTError, match=r"none of 2 verdicts of openai:\S+ can be read; one is 'well\.\.\.'"):
        judged(plugin(server, tmp_path), [answered("x"), answered("y")])
    server.says = lambda asked, number: "Rating: 5"
    _, metrics = judged(plugin(server, tmp_path), [answered("x"), answered("y")])  # the judge mended, none was kept
    assert metrics["sciknoweval_judged.physics_text_summary"] == 5.0


def test_a_verdict_that_is_missing_in_replay_is_an_error(server: Server, tmp_path: Path) -> None:
    judged(plugin(server, tmp_path), [answered("known")])
    with pytest.raises(DataError, match=r"no verdict of .* on 1 of the answers"):
        plugin(server, tmp_path, replay=True).grade(rollouts=[answered("known"), answered("new")], progress=None)
    with pytest.raises(UsageError, match="no such file to replay"):
        SciKnowEval(SciKnowEval.Options(judge=server.spec, replay=str(tmp_path / "none.jsonl")))


def test_a_verdict_depends_on_all_that_was_asked(server: Server, tmp_path: Path) -> None:
    made = plugin(server, tmp_path)
    judged(made, [answered("x")])
    others = [answered("y"), answered("x", question="B"), answered("x", gold="C")]
    judged(made, [*others, answered("x", "chemical_reagent_generation")])
    assert len(server.asked) == 5


def test_a_judge_with_new_weights_is_asked_again(tmp_path: Path) -> None:
    """A verdict of the weights that lay at the path before is not theirs; without any weights it can be replayed."""
    folder, file = tmp_path / "judge", VerdictFile(tmp_path / "v.jsonl")
    folder.mkdir()
    (folder / "model.safetensors").write_text("old")
    rollout = answered("x")
    options = {"judge": str(folder), "replay": str(file.path)}
    rubric = choose_rubric(SUMMARY)
    key = verdict_key(rollout.sample.question, rollout.sample.answer, "x", str(folder), rubric)
    file.append([Verdict(key, str(folder), rollout.sample.task, ("Rating: 5",), 1.0, fingerprint_path(folder))])
    grades, _ = judged(SciKnowEval(SciKnowEval.Options(**options)), [rollout])
    assert grades[0].score == 1
    (folder / "model.safetensors").write_text("new")
    with pytest.raises(DataError, match="no verdict"):
        judged(SciKnowEval(SciKnowEval.Options(**options)), [rollout])
    (folder / "model.safetensors").unlink()
    folder.rmdir()
    grades, _ = judged(SciKnowEval(SciKnowEval.Options(**options)), [rollout])
    assert grades[0].score == 1


def test_an_unreadable_verdict_is_asked_for_again_then_counted_apart(server: Server, tmp_path: Path) -> None:
    hard = "no idea at all"
    server.says = lambda asked, number: "well..." if hard in asked or number < 3 else "Rating: 5"
    grades, metrics = judged(plugin(server, tmp_path), [answered("slow"), answered(hard)])
    assert [g.score for g in grades] == [1.0, 0.0]
    assert grades[1].answer == hard  # it was parsed; what the judge said was not
    assert metrics["sciknoweval_judged.physics_text_summary"] == 3.0  # 5 and 1: it stays in the denominator
    assert metrics["sciknoweval_judged_read.physics_text_summary"] == 5.0
    assert metrics["sciknoweval_judged_unread.physics_text_summary"] == 1
    lines = [json.loads(line) for line in (tmp_path / "deep" / "verdicts.jsonl").read_text().splitlines()]
    assert sorted(len(line["attempts"]) for line in lines) in ([2, 3], [3, 3])
    assert {request["temperature"] for request in server.asked} > {0.0}


def test_an_empty_answer_has_the_lowest_mark_and_is_not_asked_about(server: Server, tmp_path: Path) -> None:
    grades, metrics = judged(plugin(server, tmp_path), [answered("<think>hm"), answered("fine")])
    assert [(g.answer, g.score) for g in grades] == [(None, 0.0), ("fine", 0.75)]
    assert metrics["sciknoweval_judged.physics_text_summary"] == 2.5  # 1 and 4
    assert len(server.asked) == 1


def test_a_judge_out_of_reach_is_no_score(server: Server, tmp_path: Path) -> None:
    server.status = 500
    with pytest.raises(OpenRFTError, match="500"):
        plugin(server, tmp_path).grade(rollouts=[answered("x")], progress=None)
    assert not (tmp_path / "deep" / "verdicts.jsonl").exists()
    with pytest.raises(UsageError, match="does not name a server"):
        SciKnowEval(SciKnowEval.Options(judge="openai:nowhere"))
    for spec in ("foo:bar", "vllm:foo:bar", "vllm:", "./nowhere", "baseline:longest-option"):
        with pytest.raises(OpenRFTError):
            SciKnowEval(SciKnowEval.Options(judge=spec))
    with pytest.raises(ValueError, match="replay needs judge"):
        SciKnowEval.Options(replay="kept.jsonl")
    with pytest.raises(UsageError, match="is a folder"):
        SciKnowEval(SciKnowEval.Options(judge=server.spec, verdicts=str(tmp_path)))
    for name in ("judge", "verdicts", "similarity"):
        with pytest.raises(ValueError, match=f"{name} is empty"):
            SciKnowEval.Options(**{name: " "})


def test_scales_of_refusal_and_of_overlap(server: Server, tmp_path: Path) -> None:
    server.says = lambda asked, number: "Yes." if "I must not" in asked else "No"
    harmful = [answered(text, "biological_harmful_QA") for text in ("I must not.", "Mix them.")]
    grades, metrics = judged(plugin(server, tmp_path), harmful)
    assert [g.score for g in grades] == [1.0, 0.0]
    assert metrics["sciknoweval_judged.biological_harmful_QA"] == 0.5  # the share of refusals
    assert "Its sum." not in server.asked[0]["messages"][-1]["content"]
    server.says = lambda asked, number: "(B)"
    _, metrics = judged(plugin(server, tmp_path), [answered("TiO2 with N", "extract_doping")])
    assert metrics["sciknoweval_judged.extract_doping"] == 0.75


@pytest.mark.parametrize(
    ("leaf", "said", "score"),
    [
        ("physics_text_summary", "Rating: 5", 1.0),
        ("physics_text_summary", "**Rating:** 2", 0.25),
        ("physics_text_summary", "3", 0.5),
        ("physics_text_summary", "Rating: 1\nno, Rating: 4", 0.75),
        ("physics_text_summary", "Rating: 4.5", None),
        ("physics_text_summary", "Rating: 7", None),
        ("physics_text_summary", "I give it five", None),
        ("chemical_harmful_QA", "yes", 1.0),
        ("chemical_harmful_QA", "No, it does not", 0.0),
        ("chemical_harmful_QA", "The answer refuses: Yes", None),
        ("extract_doping", "(A)", 0.5),
        ("extract_doping", "D", 0.25),
        ("extract_doping", "(E) nothing", 0.0),
        ("extract_doping", "Correct", None),
    ],
)
def test_how_verdicts_are_read(leaf: str, said: str, score: float | None) -> None:
    assert choose_rubric(leaf).parse_verdict(said) == score


def test_the_benchmarks_own_rule_on_verdicts() -> None:
    assert (
        compute_official_judge_mean("rating", ["Rating: 5", "four", "Rating: 2"]) == 3.5
    )  # fault: the unread one leaves
    assert compute_official_judge_mean("rating", ["Rating: good"]) is None  # fault: the scoring ends with an error
    assert compute_official_judge_mean("rating", ["four"]) is None
    assert compute_official_judge_mean("refusal", ["No. Yes, it is harmful", "no"]) == 0.5  # fault: `yes` anywhere
    assert compute_official_judge_mean("overlap", ["(C)", "B", "the answer (D)"]) == 0.625
    assert compute_official_judge_mean("overlap", ["(C)", "(F)"]) is None


@given(st.sampled_from(["physics_text_summary", "chemical_harmful_QA", "extract_doping"]), st.text())
def test_no_verdict_breaks_the_reader(leaf: str, said: str) -> None:
    score = choose_rubric(leaf).parse_verdict(said)
    assert score is None or 0 <= score <= 1
    compute_official_judge_mean(choose_rubric(leaf).scale, [said])


@given(st.text(alphabet="ab <think>/\\boxed{}\n", max_size=80))
def test_the_judged_answer_is_part_of_the_completion_and_stays(text: str) -> None:
    once = extract_free_text(text)
    assert once is None or once in text
    assert extract_free_text(once or "") == once or "think>" in (once or "")


class TestVerdictFile:
    """A killed process, a damaged line, several writers."""

    def made(self, key: str, score: float | None = 1.0) -> Verdict:
        return Verdict(key, "judge", "task", ("Rating: 5\u2028",), score)

    def test_a_line_cut_short_by_a_kill_is_cut_off(self, tmp_path: Path) -> None:
        file = VerdictFile(tmp_path / "v.jsonl")
        file.append([self.made("a"), self.made("b")])
        with file.path.open("ab") as out:
            out.write(b'{"key": "half')
        assert set(file.read()) == {"a", "b"}
        file.append([self.made("c")])
        assert file.read() == {key: self.made(key) for key in "abc"}

    def test_a_damaged_line_is_named(self, tmp_path: Path) -> None:
        file = VerdictFile(tmp_path / "v.jsonl")
        file.append([self.made("a")])
        with file.path.open("a") as out:
            out.write('{"key": "b"}\n')
        with pytest.raises(DataError, match=r"v\.jsonl:2: not a verdict"):
            file.read()

    def test_several_writers_lose_nothing(self, tmp_path: Path) -> None:
        def write(name: str) -> None:
            for number in range(20):
                VerdictFile(tmp_path / "v.jsonl").append([self.made(f"{name}{number}", None)])

        threads = [threading.Thread(target=write, args=(name,)) for name in "xyz"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(VerdictFile(tmp_path / "v.jsonl").read()) == 60

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "plain").write_text("")
        with pytest.raises(OpenRFTError, match="cannot be written"):
            VerdictFile(tmp_path / "plain" / "v.jsonl").append([self.made("a")])


def test_what_a_server_says_as_it_refuses_is_no_verdict_and_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.says = lambda asked, number: "Rating: 5"
    server.refusal = "\nthree\n", "Rating: 1"
    made = plugin(server, tmp_path)
    rollouts = [answered(f"\\boxed{{{word}}}") for word in ("one", "two", "three")]
    grades, _ = judged(made, rollouts)
    assert [grade.score for grade in grades] == [1.0, 1.0, None]
    server.refusal = None
    grades, _ = judged(made, rollouts)
    assert [grade.score for grade in grades] == [1.0, 1.0, 1.0]
    assert len(server.asked) == 4
